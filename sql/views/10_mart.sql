-- What the standing office reads. Plain views over the current accepted observations; restricted values never enter.
-- What counts is what counts now. A transaction that sets movement_reports.as_of (an instant) reads every mart as it was then:
-- submissions, readings, findings and the register's rows, so that what was printed can be printed again. No view calls a
-- function that reads core: the planner could not look into it, and would read all periods for one.

CREATE VIEW mart.accepted AS
SELECT report, period, unit, unit_name, unit_type, received_at, submission_id, generation, estimated FROM core.counted;
COMMENT ON VIEW mart.accepted IS 'Lần nộp đang được tính của mỗi đơn vị, mỗi kỳ báo cáo';
COMMENT ON COLUMN mart.accepted.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.accepted.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.accepted.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.accepted.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.accepted.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.accepted.received_at IS 'Thời điểm hệ thống nhận được';
COMMENT ON COLUMN mart.accepted.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.accepted.generation IS 'Lần đọc tệp đang được tính (tăng khi tệp được đọc lại và số liệu đọc được thay đổi)';
COMMENT ON COLUMN mart.accepted.estimated IS 'Đơn vị ghi là số liệu ước thực hiện';

CREATE VIEW mart.board AS
-- p's, not b's: a filter on them reaches the periods, or each would be worked out.
SELECT p.report, p.period, b.unit, b.unit_name, b.unit_type, b.status, b.due_at, b.accepted_at, b.days_late, b.attempts,
       b.exempt_reason, b.inherited_by, b.held
FROM core.known_period p CROSS JOIN LATERAL core.board(p.report, p.period, coalesce(nullif(core.as_of(), 'infinity'), now())) b;
COMMENT ON VIEW mart.board IS 'Bảng theo dõi nộp báo cáo đến thời điểm hiện tại (hoặc thời điểm được chọn)';
COMMENT ON COLUMN mart.board.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.board.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.board.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.board.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.board.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.board.status IS 'Tình trạng: on_time đúng hạn, late muộn, missing chưa nộp, rejected chưa đạt, pending chưa đến hạn, exempt được miễn';
COMMENT ON COLUMN mart.board.due_at IS 'Hạn nộp';
COMMENT ON COLUMN mart.board.accepted_at IS 'Thời điểm nhận lần nộp đầu tiên được chấp nhận';
COMMENT ON COLUMN mart.board.days_late IS 'Số ngày làm việc nộp muộn';
COMMENT ON COLUMN mart.board.attempts IS 'Số lần nộp';
COMMENT ON COLUMN mart.board.exempt_reason IS 'Lý do được miễn';
COMMENT ON COLUMN mart.board.held IS 'Số lần nộp hợp lệ đang chờ mở lại kỳ đã công bố (chưa tính vào số lần nộp)';
COMMENT ON COLUMN mart.board.inherited_by IS 'Mã đơn vị kế thừa phải nộp phần còn thiếu, khi đơn vị đã kết thúc hoạt động';

CREATE VIEW mart.coverage_by_type AS
SELECT o.report, o.period, f.form, o.unit_type,
       count(*) FILTER (WHERE o.exempt_reason IS NULL AND (o.lapsed_reason IS NULL OR a.unit IS NOT NULL))::integer AS units_expected,
       count(*) FILTER (WHERE o.exempt_reason IS NULL AND given.has_form)::integer AS units_accepted,
       count(*) FILTER (WHERE o.exempt_reason IS NOT NULL AND given.has_form)::integer AS units_beyond,
       count(*) FILTER (WHERE a.estimated AND given.has_form)::integer AS units_estimated
FROM core.known_obligation o
JOIN core.known_report_form f ON f.report = o.report AND f.unit_type = o.unit_type AND f.status <> 'not_owed'
LEFT JOIN mart.accepted a ON a.report = o.report AND a.period = o.period AND a.unit = o.unit
CROSS JOIN LATERAL (
    -- The generation, sixth column of the key, in a CASE: the server would skip through the form's cells by it, and the first
    -- one nearly always answers.
    SELECT EXISTS (SELECT 1 FROM core.observation v WHERE v.submission_id = a.submission_id AND v.form = f.form
                   AND CASE WHEN v.generation = a.generation THEN true ELSE false END) AS has_form
) given
GROUP BY o.report, o.period, f.form, o.unit_type;
COMMENT ON VIEW mart.coverage_by_type IS 'Độ phủ số liệu theo biểu và loại đơn vị, ví dụ 52 trên 56 xã';
COMMENT ON COLUMN mart.coverage_by_type.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.coverage_by_type.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.coverage_by_type.form IS 'Mã biểu';
COMMENT ON COLUMN mart.coverage_by_type.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.coverage_by_type.units_expected IS 'Số đơn vị phải báo cáo (không kể được miễn)';
COMMENT ON COLUMN mart.coverage_by_type.units_accepted IS 'Trong số đơn vị phải báo cáo: số đơn vị có biểu này trong lần nộp được chấp nhận';
COMMENT ON COLUMN mart.coverage_by_type.units_beyond IS 'Số đơn vị được miễn nhưng vẫn gửi, số liệu được chấp nhận và có trong số tổng hợp';
COMMENT ON COLUMN mart.coverage_by_type.units_estimated IS 'Trong số đơn vị có biểu này: số đơn vị ghi là số liệu ước thực hiện';

CREATE VIEW mart.coverage AS
SELECT report, period, form, sum(units_expected)::integer AS units_expected, sum(units_accepted)::integer AS units_accepted,
       sum(units_beyond)::integer AS units_beyond, sum(units_estimated)::integer AS units_estimated
FROM mart.coverage_by_type GROUP BY report, period, form;
COMMENT ON VIEW mart.coverage IS 'Độ phủ số liệu: số đơn vị đã có số liệu được chấp nhận trên số đơn vị phải báo cáo, theo biểu';
COMMENT ON COLUMN mart.coverage.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.coverage.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.coverage.form IS 'Mã biểu';
COMMENT ON COLUMN mart.coverage.units_expected IS 'Số đơn vị phải báo cáo (không kể được miễn)';
COMMENT ON COLUMN mart.coverage.units_accepted IS 'Trong số đơn vị phải báo cáo: số đơn vị có biểu này trong lần nộp được chấp nhận';
COMMENT ON COLUMN mart.coverage.units_beyond IS 'Số đơn vị được miễn nhưng vẫn gửi, số liệu được chấp nhận và có trong số tổng hợp';
COMMENT ON COLUMN mart.coverage.units_estimated IS 'Trong số đơn vị có biểu này: số đơn vị ghi là số liệu ước thực hiện';

-- A row that names an indicator adds up as the register says of the indicator: percents of units are never summed,
-- whatever the column allows.
CREATE VIEW mart.figure_source AS
WITH source AS (
    SELECT a.report, a.period, o.form, o.form_version, o.row_key, o.column_code, o.measure, a.unit, a.unit_name, a.unit_type,
           o.number, o.decimals, o.raw, o.sheet, o.cell, a.received_at, a.submission_id, a.generation, a.sha256, o.ordinal, a.estimated,
           CASE WHEN o.aggregation = 'sum' THEN coalesce(i.aggregation, 'sum') ELSE o.aggregation END AS aggregation,
           -- In words whose frequency the planner knows: with the CASE above it would expect one row in two hundred. Not
           -- `ordinal = 0`: the server would reckon with the key's fifth column, and take a look at one submission for dear.
           a.unit_type <> 'bloc' AND o.ordinal IS NOT DISTINCT FROM 0 AND o.aggregation IN ('sum', 'last') AND i.row_key IS NULL AS counted
    FROM core.counted a
    -- The generation is compared in a CASE because, of a column out of two halves (core.counted), the planner knows nothing and
    -- would expect one cell in two hundred to be of it; nearly all are.
    JOIN core.observation o ON o.submission_id = a.submission_id AND CASE WHEN o.generation = a.generation THEN true ELSE false END
    -- Only the indicators that do not add up: of the others the column decides.
    LEFT JOIN core.period_indicator i ON i.report = a.report AND i.period = a.period AND i.row_key = o.row_key
          AND i.aggregation NOT IN ('sum', 'last') AND o.aggregation = 'sum'
    WHERE o.number IS NOT NULL AND NOT o.restricted
)
SELECT report || ':' || period || '/' || form || '/' || row_key || '/' || measure AS figure,
       report, period, form, row_key, column_code, measure, unit, unit_name, unit_type, number, decimals, raw, sheet, cell,
       received_at, submission_id, sha256, aggregation, counted,
       CASE WHEN counted THEN NULL
            WHEN unit_type = 'bloc' THEN 'Số của khối, cụm thi đua: không cộng vì các đơn vị thành viên đã báo cáo'
            WHEN ordinal > 0 THEN 'Dòng ghi lặp lại trong biểu: chỉ lấy dòng đầu'
            WHEN aggregation = 'rate' THEN 'Tỷ lệ do đơn vị ghi: không cộng, tỷ lệ toàn tỉnh tính lại từ tổng'
            ELSE 'Chỉ tiêu không cộng được giữa các đơn vị (tỷ lệ, số bình quân, xếp hạng)' END AS left_out,
       estimated, generation, ordinal, form_version
FROM source;
COMMENT ON VIEW mart.figure_source IS 'Nguồn của từng số liệu tổng hợp: ô nào, trang tính nào, của đơn vị nào';
COMMENT ON COLUMN mart.figure_source.figure IS 'Mã số liệu tổng hợp (báo cáo:kỳ/biểu/dòng/chỉ số)';
COMMENT ON COLUMN mart.figure_source.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.figure_source.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.figure_source.form IS 'Mã biểu';
COMMENT ON COLUMN mart.figure_source.row_key IS 'Mã dòng (biểu danh sách: mã phong trào+mã chỉ tiêu)';
COMMENT ON COLUMN mart.figure_source.column_code IS 'Mã cột';
COMMENT ON COLUMN mart.figure_source.measure IS 'Mã chỉ số, giữ nguyên qua các phiên bản biểu';
COMMENT ON COLUMN mart.figure_source.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.figure_source.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.figure_source.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.figure_source.number IS 'Giá trị đã đọc';
COMMENT ON COLUMN mart.figure_source.decimals IS 'Số chữ số thập phân đơn vị đã ghi';
COMMENT ON COLUMN mart.figure_source.raw IS 'Nguyên văn trong ô';
COMMENT ON COLUMN mart.figure_source.sheet IS 'Trang tính';
COMMENT ON COLUMN mart.figure_source.cell IS 'Ô';
COMMENT ON COLUMN mart.figure_source.received_at IS 'Thời điểm hệ thống nhận được';
COMMENT ON COLUMN mart.figure_source.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.figure_source.sha256 IS 'Dấu băm SHA-256 của tệp gốc';
COMMENT ON COLUMN mart.figure_source.aggregation IS 'Cách tổng hợp: sum cộng, rate tính lại từ tổng, last lấy kỳ cuối, none không tổng hợp; dòng có chỉ tiêu thì theo chỉ tiêu';
COMMENT ON COLUMN mart.figure_source.counted IS 'Có được cộng vào số toàn tỉnh không; không cộng số của khối, cụm (thành viên đã báo cáo) và chỉ tiêu không cộng được (tỷ lệ, số bình quân)';
COMMENT ON COLUMN mart.figure_source.left_out IS 'Vì sao không được cộng; trống nếu được cộng';
COMMENT ON COLUMN mart.figure_source.estimated IS 'Đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.figure_source.generation IS 'Lần đọc tệp đang được tính';
COMMENT ON COLUMN mart.figure_source.form_version IS 'Phiên bản mẫu biểu mà đơn vị đã dùng';
COMMENT ON COLUMN mart.figure_source.ordinal IS 'Thứ tự của dòng trong số các dòng ghi cùng mã (từ 0)';

-- Submissions of an obligation that do not count, and why; the board tells which obligations are not met.
CREATE VIEW mart.not_counted AS
SELECT s.report, s.period, s.unit, coalesce(o.unit_name, s.unit) AS unit_name, s.id AS submission_id, s.received_at, CASE
        WHEN o.unit IS NULL THEN 'Đơn vị không thuộc diện phải báo cáo kỳ này'
        WHEN d.decision IS NULL THEN 'Chưa có quyết định'
        WHEN d.decision = 'hold' THEN 'Kỳ báo cáo đã công bố: chờ mở lại kỳ'
        WHEN d.decision = 'return' AND d.decided_by = 'system' THEN 'Không đạt quy tắc kiểm tra'
        WHEN d.decision = 'return' THEN 'Người duyệt trả lại'
        WHEN c.submission_id IS NOT NULL THEN 'Đã được thay bằng lần nộp đang được tính'
        ELSE 'Lần nộp sau đã được chấp nhận rồi bị trả lại: đơn vị phải nộp lại'
    END AS why
FROM core.submission s
LEFT JOIN core.counted c ON c.report = s.report AND c.period = s.period AND c.unit = s.unit
LEFT JOIN core.known_obligation o ON o.report = s.report AND o.period = s.period AND o.unit = s.unit
LEFT JOIN LATERAL (
    SELECT x.decision, x.decided_by FROM core.decision x WHERE x.submission_id = s.id AND x.recorded_at <= core.as_of()
    ORDER BY x.id DESC LIMIT 1
) d ON true
WHERE s.recorded_at <= core.as_of() AND s.received_at <= core.as_of() AND s.id IS DISTINCT FROM c.submission_id;
COMMENT ON VIEW mart.not_counted IS 'Các lần nộp không được tính và lý do';
COMMENT ON COLUMN mart.not_counted.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.not_counted.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.not_counted.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.not_counted.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.not_counted.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.not_counted.received_at IS 'Thời điểm hệ thống nhận được';
COMMENT ON COLUMN mart.not_counted.why IS 'Vì sao không được tính';

-- What a consolidated rate is made from: the units that gave both part and whole (on the same row of a list), so that the
-- part is never of units that the whole leaves out.
CREATE VIEW mart.rate_source AS
WITH declared AS (
    SELECT DISTINCT ON (form, measure) form, row_code, column_code, measure, rate_of_part, rate_of_whole
    FROM core.known_form_field WHERE aggregation = 'rate'
    ORDER BY form, measure, form_version DESC
), paired AS (
    SELECT s.report, s.period, s.form, coalesce(nullif(d.row_code, '*'), s.row_key) AS row_key, d.column_code, d.measure,
           s.unit, s.unit_name, s.estimated,
           max(s.number) FILTER (WHERE s.measure = d.rate_of_part) AS part,
           max(s.number) FILTER (WHERE s.measure = d.rate_of_whole) AS whole
    FROM mart.figure_source s
    JOIN declared d ON d.form = s.form AND s.measure IN (d.rate_of_part, d.rate_of_whole)
    WHERE s.counted
    GROUP BY s.report, s.period, s.form, coalesce(nullif(d.row_code, '*'), s.row_key), d.column_code, d.measure, s.unit, s.unit_name, s.estimated
)
SELECT report || ':' || period || '/' || form || '/' || row_key || '/' || measure AS figure,
       report, period, form, row_key, column_code, measure, unit, unit_name, part, whole, estimated
FROM paired WHERE part IS NOT NULL AND whole IS NOT NULL;
COMMENT ON VIEW mart.rate_source IS 'Nguồn của từng tỷ lệ tổng hợp: tử số và mẫu số của các đơn vị ghi đủ cả hai';
COMMENT ON COLUMN mart.rate_source.figure IS 'Mã số liệu tổng hợp (báo cáo:kỳ/biểu/dòng/chỉ số)';
COMMENT ON COLUMN mart.rate_source.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.rate_source.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.rate_source.form IS 'Mã biểu';
COMMENT ON COLUMN mart.rate_source.row_key IS 'Mã dòng (biểu danh sách: mã phong trào+mã chỉ tiêu)';
COMMENT ON COLUMN mart.rate_source.column_code IS 'Mã cột';
COMMENT ON COLUMN mart.rate_source.measure IS 'Mã chỉ số, giữ nguyên qua các phiên bản biểu';
COMMENT ON COLUMN mart.rate_source.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.rate_source.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.rate_source.part IS 'Tử số';
COMMENT ON COLUMN mart.rate_source.whole IS 'Mẫu số';
COMMENT ON COLUMN mart.rate_source.estimated IS 'Đơn vị ghi là số liệu ước thực hiện';

-- Sums over units, by form, row and column; rates are made anew from the sums of their part and whole, never averaged.
CREATE VIEW mart.figure AS
WITH made AS (
    SELECT report, period, form, row_key, column_code, measure, sum(number) AS value, count(*)::integer AS units,
           count(*) FILTER (WHERE estimated)::integer AS estimated_units, min(aggregation) AS aggregation
    FROM mart.figure_source WHERE counted
    GROUP BY report, period, form, row_key, column_code, measure
    UNION ALL
    SELECT report, period, form, row_key, column_code, measure, 100 * sum(part) / nullif(sum(whole), 0), count(*)::integer,
           count(*) FILTER (WHERE estimated)::integer, 'rate'
    FROM mart.rate_source
    GROUP BY report, period, form, row_key, column_code, measure
)
SELECT report || ':' || period || '/' || form || '/' || row_key || '/' || measure AS figure,
       report, period, form, row_key, column_code, measure, value, units, estimated_units, aggregation
FROM made;
COMMENT ON VIEW mart.figure IS 'Số liệu tổng hợp toàn tỉnh theo biểu, dòng, cột; tỷ lệ tính lại từ tổng, không lấy trung bình';
COMMENT ON COLUMN mart.figure.figure IS 'Mã số liệu tổng hợp (báo cáo:kỳ/biểu/dòng/chỉ số)';
COMMENT ON COLUMN mart.figure.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.figure.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.figure.form IS 'Mã biểu';
COMMENT ON COLUMN mart.figure.row_key IS 'Mã dòng (biểu danh sách: mã phong trào+mã chỉ tiêu)';
COMMENT ON COLUMN mart.figure.column_code IS 'Mã cột';
COMMENT ON COLUMN mart.figure.measure IS 'Mã chỉ số, giữ nguyên qua các phiên bản biểu';
COMMENT ON COLUMN mart.figure.value IS 'Giá trị tổng hợp';
COMMENT ON COLUMN mart.figure.units IS 'Số đơn vị có số liệu này (tỷ lệ: ghi đủ cả tử số và mẫu số)';
COMMENT ON COLUMN mart.figure.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.figure.aggregation IS 'Cách tổng hợp: sum cộng các đơn vị, last cộng số có đến cuối kỳ, rate tính lại từ tổng';

CREATE VIEW mart.movement_result AS
SELECT s.report, s.period, i.movement, i.movement_name, i.indicator, i.indicator_name,
       i.unit_of_measure, s.unit, s.unit_name, s.unit_type,
       max(s.number) FILTER (WHERE s.measure = 'F03.ke_hoach') AS plan,
       max(s.number) FILTER (WHERE s.measure = 'F03.thuc_hien') AS result,
       max(s.number) FILTER (WHERE s.measure = 'F03.luy_ke') AS cumulative,
       100 * max(s.number) FILTER (WHERE s.measure = 'F03.thuc_hien')
           / nullif(max(s.number) FILTER (WHERE s.measure = 'F03.ke_hoach'), 0) AS rate
FROM mart.figure_source s
JOIN core.period_indicator i ON i.report = s.report AND i.period = s.period AND i.row_key = s.row_key
WHERE s.form = 'F03'
GROUP BY s.report, s.period, i.movement, i.movement_name, i.indicator, i.indicator_name, i.unit_of_measure, s.unit, s.unit_name,
         s.unit_type;
COMMENT ON VIEW mart.movement_result IS 'Kết quả phong trào thi đua theo phong trào, chỉ tiêu, đơn vị';
COMMENT ON COLUMN mart.movement_result.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.movement_result.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.movement_result.movement IS 'Mã phong trào';
COMMENT ON COLUMN mart.movement_result.movement_name IS 'Tên phong trào';
COMMENT ON COLUMN mart.movement_result.indicator IS 'Mã chỉ tiêu';
COMMENT ON COLUMN mart.movement_result.indicator_name IS 'Tên chỉ tiêu';
COMMENT ON COLUMN mart.movement_result.unit_of_measure IS 'Đơn vị tính';
COMMENT ON COLUMN mart.movement_result.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.movement_result.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.movement_result.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.movement_result.plan IS 'Kế hoạch cả năm';
COMMENT ON COLUMN mart.movement_result.result IS 'Thực hiện trong kỳ';
COMMENT ON COLUMN mart.movement_result.cumulative IS 'Lũy kế từ đầu năm';
COMMENT ON COLUMN mart.movement_result.rate IS 'Tỷ lệ thực hiện so với kế hoạch (%), tính lại';

CREATE VIEW mart.finding AS
SELECT s.report, s.period, s.unit, s.id AS submission_id, f.code, f.severity, f.form, f.sheet, f.cell, f.message, f.fix, f.reason
FROM core.current_finding f JOIN core.submission s ON s.arrival_id = f.arrival_id
WHERE NOT EXISTS (
    SELECT 1 FROM register.form_field d
    -- Whatever instant is read: what is restricted today is not shown of the past either.
    WHERE d.retired_at IS NULL AND d.restricted AND d.form = f.form AND d.field = f.field
);
COMMENT ON VIEW mart.finding IS 'Lỗi và cảnh báo của từng lần nộp (không gồm ô chứa thông tin hạn chế)';
COMMENT ON COLUMN mart.finding.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.finding.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.finding.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.finding.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.finding.code IS 'Mã lỗi';
COMMENT ON COLUMN mart.finding.severity IS 'Mức: error lỗi, warning cảnh báo, info thông tin';
COMMENT ON COLUMN mart.finding.form IS 'Mã biểu';
COMMENT ON COLUMN mart.finding.sheet IS 'Trang tính';
COMMENT ON COLUMN mart.finding.cell IS 'Ô';
COMMENT ON COLUMN mart.finding.message IS 'Nội dung';
COMMENT ON COLUMN mart.finding.fix IS 'Cách sửa';
COMMENT ON COLUMN mart.finding.reason IS 'Giải trình của đơn vị, ghi trên trang nộp báo cáo hoặc trong tệp góp ý gửi lại';

CREATE VIEW mart.period_finding AS
SELECT report, period, code, severity, subject, unit, form, row_key, column_code, value, expected, message, fix
FROM core.period_finding WHERE recorded_at <= core.as_of() AND (retired_at IS NULL OR retired_at > core.as_of());
COMMENT ON VIEW mart.period_finding IS 'Điểm cần xem xét của cả kỳ, từ đối chiếu giữa các đơn vị';
COMMENT ON COLUMN mart.period_finding.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.period_finding.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.period_finding.code IS 'Mã lỗi';
COMMENT ON COLUMN mart.period_finding.severity IS 'Mức: error lỗi, warning cảnh báo, info thông tin';
COMMENT ON COLUMN mart.period_finding.subject IS 'Đối tượng (đơn vị, phong trào)';
COMMENT ON COLUMN mart.period_finding.unit IS 'Mã đơn vị được nhắc tới (trống nếu không phải một đơn vị)';
COMMENT ON COLUMN mart.period_finding.form IS 'Mã biểu của số liệu được nhắc tới';
COMMENT ON COLUMN mart.period_finding.row_key IS 'Mã dòng của số liệu được nhắc tới';
COMMENT ON COLUMN mart.period_finding.column_code IS 'Mã cột của số liệu được nhắc tới';
COMMENT ON COLUMN mart.period_finding.value IS 'Giá trị đang ghi';
COMMENT ON COLUMN mart.period_finding.expected IS 'Giá trị để đối chiếu';
COMMENT ON COLUMN mart.period_finding.message IS 'Nội dung';
COMMENT ON COLUMN mart.period_finding.fix IS 'Việc cần làm';
