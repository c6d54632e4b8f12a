-- Awards: the lines of F14 with what they say, which of them are counted, and where the statutory tables count them.

-- What adds up, without the rates: the same sums as mart.figure for tables that have none, at half the reading.
CREATE VIEW mart.form_sum AS
SELECT s.figure, s.report, s.period, s.form, s.row_key, s.column_code, s.measure, sum(s.number) AS value,
       count(*)::integer AS units, count(*) FILTER (WHERE s.estimated)::integer AS estimated_units
FROM mart.figure_source s WHERE s.counted
GROUP BY s.figure, s.report, s.period, s.form, s.row_key, s.column_code, s.measure;
COMMENT ON VIEW mart.form_sum IS 'Số cộng toàn tỉnh theo biểu, dòng, cột (không gồm tỷ lệ)';
COMMENT ON COLUMN mart.form_sum.figure IS 'Mã số liệu tổng hợp (báo cáo:kỳ/biểu/dòng/chỉ số)';
COMMENT ON COLUMN mart.form_sum.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.form_sum.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.form_sum.form IS 'Mã biểu';
COMMENT ON COLUMN mart.form_sum.row_key IS 'Mã dòng';
COMMENT ON COLUMN mart.form_sum.column_code IS 'Mã cột';
COMMENT ON COLUMN mart.form_sum.measure IS 'Mã chỉ số, giữ nguyên qua các phiên bản biểu';
COMMENT ON COLUMN mart.form_sum.value IS 'Giá trị tổng hợp';
COMMENT ON COLUMN mart.form_sum.units IS 'Số đơn vị có số liệu này';
COMMENT ON COLUMN mart.form_sum.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';

-- The words of F14's choices, for whoever reads the marts without the forms; a test holds them against the declaration.
CREATE VIEW mart.award_word AS
SELECT * FROM (VALUES
    ('issuer', 'chu_tich_nuoc', 'Chủ tịch nước', 1, 'state'),
    ('issuer', 'chinh_phu', 'Chính phủ, Thủ tướng Chính phủ', 2, 'state'),
    ('issuer', 'bo_nganh', 'Bộ, ban, ngành, đoàn thể Trung ương', 3, 'province'),
    ('issuer', 'ubnd_tinh', 'UBND tỉnh, Chủ tịch UBND tỉnh', 4, 'province'),
    ('issuer', 'so_nganh', 'Thủ trưởng sở, ban, ngành và tương đương', 5, 'base'),
    ('issuer', 'ubnd_xa', 'Chủ tịch UBND xã, phường, đặc khu', 6, 'base'),
    ('issuer', 'doanh_nghiep', 'Giám đốc doanh nghiệp, hợp tác xã', 7, 'base'),
    ('issuer', 'co_quan_dang', 'Tỉnh ủy, cơ quan của Đảng', 8, 'party'),
    ('subject', 'tap_the', 'Tập thể', 1, NULL),
    ('subject', 'ho_gia_dinh', 'Hộ gia đình', 2, NULL),
    ('subject', 'ca_nhan', 'Cá nhân', 3, NULL),
    ('method', 'thuong_xuyen', 'Thường xuyên', 1, NULL),
    ('method', 'chuyen_de', 'Chuyên đề', 2, NULL),
    ('method', 'dot_xuat', 'Đột xuất', 3, NULL),
    ('method', 'doi_ngoai', 'Đối ngoại', 4, NULL),
    ('method', 'cong_hien', 'Cống hiến', 5, NULL),
    ('method', 'nien_han', 'Niên hạn', 6, NULL),
    ('method', 'khang_chien', 'Kháng chiến', 7, NULL),
    ('level', 'state', 'Cấp Nhà nước', 1, NULL),
    ('level', 'province', 'Cấp bộ, cấp tỉnh', 2, NULL),
    ('level', 'base', 'Cấp cơ sở', 3, NULL),
    ('level', 'party', 'Khen thưởng của Đảng (không tính vào biểu 0602, 0603)', 4, NULL)
) w (kind, code, name, place, level);
COMMENT ON VIEW mart.award_word IS 'Tên gọi của các mã dùng trong danh sách quyết định khen thưởng (F14)';
COMMENT ON COLUMN mart.award_word.kind IS 'Loại mã: issuer cấp quyết định, subject đối tượng, method phương thức, level cấp khen thưởng';
COMMENT ON COLUMN mart.award_word.code IS 'Mã';
COMMENT ON COLUMN mart.award_word.name IS 'Tên gọi';
COMMENT ON COLUMN mart.award_word.place IS 'Thứ tự';
COMMENT ON COLUMN mart.award_word.level IS 'Cấp khen thưởng của cấp quyết định';

-- One line a line of F14 that counts. A decision (number, day, award, kind of recipient, recipient) that several lines tell is
-- counted once: with a unit rather than a bloc, then with whoever was received first. Numbers and recipients are compared by
-- the digests made at load; a line without one of them (no number, or "theo danh sách") is like no other. The recipient itself
-- never leaves core.
CREATE VIEW mart.award_line AS
WITH line AS (
    SELECT a.report, a.period, a.unit, a.unit_name, a.unit_type, a.received_at, a.submission_id, a.generation,
           o.row_key, o.ordinal, a.estimated, a.sha256,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.so_quyet_dinh') AS decision,
           max(o.compare_key) FILTER (WHERE o.measure = 'F14.so_quyet_dinh') AS decision_key,
           max(o.date_value) FILTER (WHERE o.measure = 'F14.ngay_ky') AS signed_on,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.cap_quyet_dinh') AS issuer,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.hinh_thuc') AS award,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.phuong_thuc') AS method,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.doi_tuong') AS subject,
           max(o.compare_key) FILTER (WHERE o.measure = 'F14.ten_don_vi') AS recipient_key,
           max(o.column_code) FILTER (WHERE o.measure = 'F14.so_luong') AS column_code,
           max(o.number) FILTER (WHERE o.measure = 'F14.so_luong') AS number,
           max(o.decimals) FILTER (WHERE o.measure = 'F14.so_luong') AS decimals,
           max(o.raw) FILTER (WHERE o.measure = 'F14.so_luong') AS raw,
           max(o.sheet) FILTER (WHERE o.measure = 'F14.so_luong') AS sheet,
           max(o.cell) FILTER (WHERE o.measure = 'F14.so_luong') AS cell
    FROM core.counted a
    JOIN core.observation o ON o.submission_id = a.submission_id AND CASE WHEN o.generation = a.generation THEN true ELSE false END AND o.form = 'F14'
    GROUP BY a.report, a.period, a.unit, a.unit_name, a.unit_type, a.received_at, a.submission_id, a.generation,
             o.row_key, o.ordinal, a.estimated, a.sha256
), told AS (
    SELECT l.*, l.decision_key IS NOT NULL AND l.recipient_key IS NOT NULL AND l.signed_on IS NOT NULL
                AND l.award IS NOT NULL AND l.subject IS NOT NULL AS is_known,
           row_number() OVER same AS place,
           first_value(l.unit) OVER same AS first_unit,
           first_value(l.unit_name) OVER same AS first_unit_name,
           first_value(l.unit_type) OVER same AS first_unit_type,
           first_value(l.row_key) OVER same AS first_row,
           first_value(l.ordinal) OVER same AS first_ordinal
    FROM line l
    WHERE l.number IS NOT NULL
    WINDOW same AS (PARTITION BY l.report, l.period, l.decision_key, l.signed_on, l.award, l.subject, l.recipient_key
                    ORDER BY l.unit_type = 'bloc', l.received_at, l.submission_id, l.row_key, l.ordinal)
)
SELECT t.report, t.period, t.unit, t.unit_name, t.unit_type, t.received_at, t.submission_id, t.generation,
       t.row_key, t.ordinal, t.decision, t.signed_on, t.issuer, i.level, t.award, t.method, t.subject,
       t.number, t.decimals, t.raw, t.sheet, t.cell, t.column_code, t.estimated, t.sha256,
       t.unit_type <> 'bloc' AND (NOT t.is_known OR t.place = 1) AS counted,
       t.is_known AND t.place > 1 AS is_duplicate,
       CASE WHEN t.is_known AND t.place > 1 THEN t.first_unit END AS counted_at,
       CASE WHEN t.is_known AND t.place > 1 THEN t.first_row END AS counted_row,
       CASE WHEN t.is_known AND t.place > 1 THEN t.first_ordinal END AS counted_ordinal,
       -- Units come before blocs: where a bloc tells it first, no unit does, and it is counted nowhere.
       CASE WHEN t.is_known AND t.place > 1 AND t.first_unit_type <> 'bloc' THEN 'trùng quyết định đã tính ở ' || t.first_unit_name
            WHEN t.unit_type = 'bloc' THEN 'quyết định chỉ có trong báo cáo của khối, cụm: chờ đơn vị thành viên báo cáo'
       END AS left_out
FROM told t
LEFT JOIN mart.award_word i ON i.kind = 'issuer' AND i.code = t.issuer;
COMMENT ON VIEW mart.award_line IS 'Từng dòng quyết định khen thưởng (F14) đang được tính; quyết định nhiều nơi cùng báo cáo chỉ tính một lần';
COMMENT ON COLUMN mart.award_line.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.award_line.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.award_line.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.award_line.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.award_line.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.award_line.received_at IS 'Thời điểm hệ thống nhận được';
COMMENT ON COLUMN mart.award_line.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.award_line.generation IS 'Lần đọc tệp đang được tính';
COMMENT ON COLUMN mart.award_line.row_key IS 'Dòng trong danh sách của đơn vị';
COMMENT ON COLUMN mart.award_line.ordinal IS 'Lần lặp lại của dòng trong tệp';
COMMENT ON COLUMN mart.award_line.decision IS 'Số quyết định, như đơn vị ghi';
COMMENT ON COLUMN mart.award_line.signed_on IS 'Ngày ký';
COMMENT ON COLUMN mart.award_line.issuer IS 'Cấp quyết định (mã)';
COMMENT ON COLUMN mart.award_line.level IS 'Cấp khen thưởng: state Nhà nước, province cấp bộ, cấp tỉnh, base cơ sở, party của Đảng';
COMMENT ON COLUMN mart.award_line.award IS 'Danh hiệu, hình thức khen thưởng (mã)';
COMMENT ON COLUMN mart.award_line.method IS 'Phương thức khen thưởng (mã)';
COMMENT ON COLUMN mart.award_line.subject IS 'Đối tượng: tập thể, hộ gia đình, cá nhân (mã)';
COMMENT ON COLUMN mart.award_line.number IS 'Số lượng';
COMMENT ON COLUMN mart.award_line.decimals IS 'Số chữ số thập phân đơn vị đã ghi';
COMMENT ON COLUMN mart.award_line.raw IS 'Nguyên văn trong ô số lượng';
COMMENT ON COLUMN mart.award_line.sheet IS 'Trang tính';
COMMENT ON COLUMN mart.award_line.cell IS 'Ô số lượng';
COMMENT ON COLUMN mart.award_line.column_code IS 'Mã cột số lượng';
COMMENT ON COLUMN mart.award_line.estimated IS 'Đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.award_line.sha256 IS 'Dấu băm SHA-256 của tệp gốc';
COMMENT ON COLUMN mart.award_line.counted IS 'Có được tính vào số toàn tỉnh không';
COMMENT ON COLUMN mart.award_line.is_duplicate IS 'Có trùng với một dòng đã được xét trước không';
COMMENT ON COLUMN mart.award_line.counted_at IS 'Nếu trùng: mã đơn vị có dòng được xét trước';
COMMENT ON COLUMN mart.award_line.counted_row IS 'Nếu trùng: dòng được xét trước trong danh sách của đơn vị đó';
COMMENT ON COLUMN mart.award_line.counted_ordinal IS 'Nếu trùng: lần lặp lại của dòng được xét trước';
COMMENT ON COLUMN mart.award_line.left_out IS 'Lý do không tính';

-- Where a line is counted in F04 to F06: the cell of its award and recipient, the row of its method, the level's total. The award
-- is the register's that was in force when the decision was signed. Column 6 of F05 is the province's own, outside the sums.
CREATE VIEW mart.award_check_cell AS
SELECT l.*, c.form AS check_form, c.row_code AS check_row, c.column_code AS check_column
FROM mart.award_line l
JOIN LATERAL (
    SELECT string_to_array(CASE l.subject WHEN 'tap_the' THEN k.cell_collective WHEN 'ho_gia_dinh' THEN k.cell_household
                                          ELSE k.cell_individual END, '.') AS place
    FROM core.known_award k WHERE k.code = l.award
    ORDER BY k.valid_from <= l.signed_on AND (k.valid_to IS NULL OR k.valid_to >= l.signed_on) DESC, k.valid_from DESC LIMIT 1
) a ON a.place IS NOT NULL
LEFT JOIN mart.award_word m ON m.kind = 'method' AND m.code = l.method
CROSS JOIN LATERAL (
    SELECT a.place[1], a.place[2], a.place[3]
    UNION ALL
    SELECT a.place[1], to_char(m.place + CASE a.place[1] WHEN 'F04' THEN 14 ELSE 10 END, 'FM00'), '1'
    WHERE m.place IS NOT NULL AND (a.place[1] = 'F04' OR (a.place[1] = 'F05' AND a.place[3] <> '6'))
    UNION ALL
    SELECT a.place[1], '01', '1' WHERE a.place[1] = 'F04' OR (a.place[1] = 'F05' AND a.place[3] <> '6')
) c (form, row_code, column_code)
-- What is told of Party awards is never held against the State's tables, whatever the line says of its award.
WHERE l.level IS DISTINCT FROM 'party';
COMMENT ON VIEW mart.award_check_cell IS 'Mỗi dòng quyết định phải có mặt ở những ô nào của các biểu F04, F05, F06 (không gồm khen thưởng của Đảng)';
COMMENT ON COLUMN mart.award_check_cell.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.award_check_cell.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.award_check_cell.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.award_check_cell.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.award_check_cell.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.award_check_cell.received_at IS 'Thời điểm hệ thống nhận được';
COMMENT ON COLUMN mart.award_check_cell.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.award_check_cell.generation IS 'Lần đọc tệp đang được tính';
COMMENT ON COLUMN mart.award_check_cell.row_key IS 'Dòng trong danh sách của đơn vị';
COMMENT ON COLUMN mart.award_check_cell.ordinal IS 'Lần lặp lại của dòng trong tệp';
COMMENT ON COLUMN mart.award_check_cell.decision IS 'Số quyết định, như đơn vị ghi';
COMMENT ON COLUMN mart.award_check_cell.signed_on IS 'Ngày ký';
COMMENT ON COLUMN mart.award_check_cell.issuer IS 'Cấp quyết định (mã)';
COMMENT ON COLUMN mart.award_check_cell.level IS 'Cấp khen thưởng: state Nhà nước, province cấp bộ, cấp tỉnh, base cơ sở, party của Đảng';
COMMENT ON COLUMN mart.award_check_cell.award IS 'Danh hiệu, hình thức khen thưởng (mã)';
COMMENT ON COLUMN mart.award_check_cell.method IS 'Phương thức khen thưởng (mã)';
COMMENT ON COLUMN mart.award_check_cell.subject IS 'Đối tượng: tập thể, hộ gia đình, cá nhân (mã)';
COMMENT ON COLUMN mart.award_check_cell.number IS 'Số lượng';
COMMENT ON COLUMN mart.award_check_cell.decimals IS 'Số chữ số thập phân đơn vị đã ghi';
COMMENT ON COLUMN mart.award_check_cell.raw IS 'Nguyên văn trong ô số lượng';
COMMENT ON COLUMN mart.award_check_cell.sheet IS 'Trang tính';
COMMENT ON COLUMN mart.award_check_cell.cell IS 'Ô số lượng';
COMMENT ON COLUMN mart.award_check_cell.column_code IS 'Mã cột số lượng';
COMMENT ON COLUMN mart.award_check_cell.estimated IS 'Đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.award_check_cell.sha256 IS 'Dấu băm SHA-256 của tệp gốc';
COMMENT ON COLUMN mart.award_check_cell.counted IS 'Có được tính vào số toàn tỉnh không';
COMMENT ON COLUMN mart.award_check_cell.is_duplicate IS 'Có trùng với một dòng đã được xét trước không';
COMMENT ON COLUMN mart.award_check_cell.counted_at IS 'Nếu trùng: mã đơn vị có dòng được xét trước';
COMMENT ON COLUMN mart.award_check_cell.counted_row IS 'Nếu trùng: dòng được xét trước trong danh sách của đơn vị đó';
COMMENT ON COLUMN mart.award_check_cell.counted_ordinal IS 'Nếu trùng: lần lặp lại của dòng được xét trước';
COMMENT ON COLUMN mart.award_check_cell.left_out IS 'Lý do không tính';
COMMENT ON COLUMN mart.award_check_cell.check_form IS 'Mã biểu để đối chiếu';
COMMENT ON COLUMN mart.award_check_cell.check_row IS 'Mã dòng để đối chiếu';
COMMENT ON COLUMN mart.award_check_cell.check_column IS 'Mã cột để đối chiếu';

-- Figures of mart `awards`: who granted what to whom, how. Row: issuer+award+subject+method.
CREATE VIEW mart.awards_source AS
SELECT l.report || ':' || l.period || '/awards/' || k.row_key || '/so_luong' AS figure, l.report, l.period, 'awards' AS mart,
       k.row_key, 'so_luong' AS measure, l.unit, l.unit_name, l.unit_type, l.submission_id, l.generation, 'F14' AS form,
       l.row_key AS form_row, l.column_code, l.ordinal, l.number, l.decimals, l.raw, l.sheet, l.cell, l.received_at, l.sha256,
       'term' AS role, l.counted, l.left_out, l.estimated, l.issuer, l.award, l.subject, l.method, l.level, l.is_duplicate
FROM mart.award_line l
CROSS JOIN LATERAL (
    SELECT concat_ws('+', coalesce(l.issuer, '-'), coalesce(l.award, '-'), coalesce(l.subject, '-'), coalesce(l.method, '-'))
) k (row_key);
COMMENT ON VIEW mart.awards_source IS 'Các dòng quyết định làm nên số khen thưởng theo cấp quyết định, hình thức, đối tượng, phương thức';
COMMENT ON COLUMN mart.awards_source.issuer IS 'Cấp quyết định (mã)';
COMMENT ON COLUMN mart.awards_source.award IS 'Danh hiệu, hình thức khen thưởng (mã)';
COMMENT ON COLUMN mart.awards_source.subject IS 'Đối tượng (mã)';
COMMENT ON COLUMN mart.awards_source.method IS 'Phương thức khen thưởng (mã)';
COMMENT ON COLUMN mart.awards_source.level IS 'Cấp khen thưởng (mã)';
COMMENT ON COLUMN mart.awards_source.is_duplicate IS 'Có trùng với một dòng đã được xét trước không';

CREATE VIEW mart.awards AS
WITH named AS (SELECT DISTINCT ON (code) code, name FROM core.known_award ORDER BY code, valid_from DESC)
SELECT s.figure, s.report, s.period, s.row_key, s.level, lv.name AS level_name, s.issuer, i.name AS issuer_name,
       s.award, coalesce(n.name, s.award) AS award_name, s.subject, j.name AS subject_name, s.method, m.name AS method_name,
       sum(s.number) FILTER (WHERE s.counted) AS value,
       count(*) FILTER (WHERE s.counted)::integer AS lines,
       count(DISTINCT s.unit) FILTER (WHERE s.counted)::integer AS units,
       count(DISTINCT s.unit) FILTER (WHERE s.counted AND s.estimated)::integer AS estimated_units,
       coalesce(sum(s.number) FILTER (WHERE s.is_duplicate), 0) AS duplicates,
       coalesce(sum(s.number) FILTER (WHERE NOT s.counted AND NOT s.is_duplicate), 0) AS bloc_only,
       concat_ws('.', coalesce(lv.place, 9), coalesce(i.place, 9)) AS place
FROM mart.awards_source s
LEFT JOIN named n ON n.code = s.award
LEFT JOIN mart.award_word i ON i.kind = 'issuer' AND i.code = s.issuer
LEFT JOIN mart.award_word lv ON lv.kind = 'level' AND lv.code = s.level
LEFT JOIN mart.award_word j ON j.kind = 'subject' AND j.code = s.subject
LEFT JOIN mart.award_word m ON m.kind = 'method' AND m.code = s.method
GROUP BY s.figure, s.report, s.period, s.row_key, s.level, lv.name, lv.place, s.issuer, i.name, i.place, s.award, n.name, s.subject,
         j.name, s.method, m.name;
COMMENT ON VIEW mart.awards IS 'Khen thưởng theo cấp, cấp quyết định, hình thức, đối tượng, phương thức, từ danh sách quyết định (F14); khen thưởng của Đảng để riêng';
COMMENT ON COLUMN mart.awards.row_key IS 'Mã dòng: cấp quyết định+hình thức+đối tượng+phương thức';
COMMENT ON COLUMN mart.awards.level IS 'Cấp khen thưởng (mã)';
COMMENT ON COLUMN mart.awards.level_name IS 'Cấp khen thưởng';
COMMENT ON COLUMN mart.awards.issuer IS 'Cấp quyết định (mã)';
COMMENT ON COLUMN mart.awards.issuer_name IS 'Cấp quyết định';
COMMENT ON COLUMN mart.awards.award IS 'Danh hiệu, hình thức khen thưởng (mã)';
COMMENT ON COLUMN mart.awards.award_name IS 'Danh hiệu, hình thức khen thưởng';
COMMENT ON COLUMN mart.awards.subject IS 'Đối tượng (mã)';
COMMENT ON COLUMN mart.awards.subject_name IS 'Đối tượng';
COMMENT ON COLUMN mart.awards.method IS 'Phương thức khen thưởng (mã)';
COMMENT ON COLUMN mart.awards.method_name IS 'Phương thức khen thưởng';
COMMENT ON COLUMN mart.awards.value IS 'Số lượng được tính; mỗi quyết định một lần';
COMMENT ON COLUMN mart.awards.lines IS 'Số dòng quyết định được tính';
COMMENT ON COLUMN mart.awards.units IS 'Số đơn vị có dòng được tính';
COMMENT ON COLUMN mart.awards.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.awards.duplicates IS 'Số lượng không tính vì trùng quyết định đã tính ở đơn vị khác';
COMMENT ON COLUMN mart.awards.bloc_only IS 'Số lượng không tính vì chỉ khối, cụm báo cáo, chưa thấy đơn vị thành viên báo cáo';
COMMENT ON COLUMN mart.awards.place IS 'Thứ tự theo cấp khen thưởng và cấp quyết định';

CREATE VIEW mart.awards_figure AS
SELECT a.figure, a.report, a.period, 'awards' AS mart, a.row_key, 'so_luong' AS measure,
       concat_ws(' – ', a.award_name, a.subject_name, a.issuer_name, a.method_name) AS label, lower(a.subject_name) AS unit_of_measure,
       'sum' AS aggregation, a.value, a.units, a.estimated_units
FROM mart.awards a WHERE a.value IS NOT NULL;
COMMENT ON VIEW mart.awards_figure IS 'Số khen thưởng theo cấp quyết định, hình thức, đối tượng, phương thức';

-- Figures of mart `award_check`: what the lists of decisions make of the cells of F04 to F06. Row: form.row.column.
CREATE VIEW mart.award_check_source AS
SELECT l.report || ':' || l.period || '/award_check/' || k.row_key || '/theo_quyet_dinh' AS figure, l.report, l.period,
       'award_check' AS mart, k.row_key, 'theo_quyet_dinh' AS measure, l.unit, l.unit_name, l.unit_type, l.submission_id,
       l.generation, 'F14' AS form, l.row_key AS form_row, l.column_code, l.ordinal, l.number, l.decimals, l.raw, l.sheet, l.cell,
       l.received_at, l.sha256, 'term' AS role, l.counted, l.left_out, l.estimated, l.is_duplicate
FROM mart.award_check_cell l
CROSS JOIN LATERAL (SELECT l.check_form || '.' || l.check_row || '.' || l.check_column) k (row_key);
COMMENT ON VIEW mart.award_check_source IS 'Các dòng quyết định ứng với từng ô của các biểu F04, F05, F06';
COMMENT ON COLUMN mart.award_check_source.is_duplicate IS 'Có trùng với một dòng đã được xét trước không';

CREATE VIEW mart.award_check AS
WITH decided AS (
    SELECT s.report, s.period, s.row_key, max(s.figure) AS figure, sum(s.number) FILTER (WHERE s.counted) AS value,
           count(DISTINCT s.unit) FILTER (WHERE s.counted)::integer AS units,
           count(DISTINCT s.unit) FILTER (WHERE s.counted AND s.estimated)::integer AS estimated_units,
           coalesce(sum(s.number) FILTER (WHERE s.is_duplicate), 0) AS duplicates,
           coalesce(sum(s.number) FILTER (WHERE NOT s.counted AND NOT s.is_duplicate), 0) AS bloc_only
    FROM mart.award_check_source s GROUP BY s.report, s.period, s.row_key
), place AS (
    -- Every cell that an award is counted in, the rows of methods and the totals: also where no decision was told.
    SELECT DISTINCT c.cell FROM core.known_award k
    CROSS JOIN LATERAL (VALUES (k.cell_collective), (k.cell_household), (k.cell_individual)) c (cell) WHERE c.cell IS NOT NULL
    UNION SELECT 'F04.' || to_char(n, 'FM00') || '.1' FROM generate_series(15, 21) n
    UNION SELECT 'F05.' || to_char(n, 'FM00') || '.1' FROM generate_series(11, 17) n
    UNION VALUES ('F04.01.1'), ('F05.01.1')
), told AS (
    SELECT f.report, f.period, f.form || '.' || f.row_key || '.' || f.column_code AS row_key, f.figure, f.value, f.units
    FROM mart.form_sum f WHERE f.form IN ('F04', 'F05', 'F06')
), labelled AS (
    SELECT DISTINCT ON (form, row_code, column_code) form || '.' || row_code || '.' || column_code AS row_key, form_name, row_label,
           CASE WHEN kind = 'fields' THEN NULL ELSE column_label END AS column_label, unit_of_measure, place
    FROM core.known_form_field WHERE form IN ('F04', 'F05', 'F06') ORDER BY form, row_code, column_code, form_version DESC
), joined AS (
    -- Every period with every cell, then what there is: over a full join a filter on the period would not reach the lines.
    SELECT p.report, p.period, c.cell AS row_key, d.figure, d.value AS decided, t.figure AS told_figure, t.value AS told,
           coalesce(d.duplicates, 0) AS duplicates, coalesce(d.bloc_only, 0) AS bloc_only, coalesce(d.units, 0) AS units,
           coalesce(d.estimated_units, 0) AS estimated_units, coalesce(t.units, 0) AS told_units
    FROM core.known_period p
    CROSS JOIN place c
    LEFT JOIN decided d ON d.report = p.report AND d.period = p.period AND d.row_key = c.cell
    LEFT JOIN told t ON t.report = p.report AND t.period = p.period AND t.row_key = c.cell
    WHERE d.row_key IS NOT NULL OR t.row_key IS NOT NULL
)
SELECT CASE WHEN j.decided IS NOT NULL THEN j.figure END AS figure, j.report, j.period, j.row_key,
       split_part(j.row_key, '.', 1) AS form, split_part(j.row_key, '.', 2) AS form_row, split_part(j.row_key, '.', 3) AS column_code,
       concat_ws(' – ', l.row_label, l.column_label) AS label, l.unit_of_measure, j.decided, j.told, j.told_figure,
       coalesce(j.told, 0) - coalesce(j.decided, 0) AS difference, j.duplicates, j.bloc_only, j.units, j.estimated_units,
       j.told_units, coalesce(l.place, 0) AS place
FROM joined j LEFT JOIN labelled l ON l.row_key = j.row_key;
COMMENT ON VIEW mart.award_check IS 'Đối chiếu số khen thưởng ở biểu F04, F05, F06 với danh sách quyết định (F14)';
COMMENT ON COLUMN mart.award_check.figure IS 'Mã số liệu cộng từ danh sách quyết định';
COMMENT ON COLUMN mart.award_check.row_key IS 'Ô đối chiếu: biểu.dòng.cột';
COMMENT ON COLUMN mart.award_check.form IS 'Mã biểu';
COMMENT ON COLUMN mart.award_check.form_row IS 'Mã dòng';
COMMENT ON COLUMN mart.award_check.column_code IS 'Mã cột';
COMMENT ON COLUMN mart.award_check.label IS 'Nội dung của ô';
COMMENT ON COLUMN mart.award_check.unit_of_measure IS 'Đơn vị tính';
COMMENT ON COLUMN mart.award_check.decided IS 'Cộng từ danh sách quyết định, mỗi quyết định một lần';
COMMENT ON COLUMN mart.award_check.told IS 'Số tổng hợp của biểu';
COMMENT ON COLUMN mart.award_check.told_figure IS 'Mã số liệu tổng hợp của biểu';
COMMENT ON COLUMN mart.award_check.difference IS 'Chênh lệch: số của biểu trừ số cộng từ quyết định';
COMMENT ON COLUMN mart.award_check.duplicates IS 'Số lượng không tính vì trùng quyết định đã tính ở đơn vị khác';
COMMENT ON COLUMN mart.award_check.bloc_only IS 'Số lượng không tính vì chỉ khối, cụm báo cáo';
COMMENT ON COLUMN mart.award_check.units IS 'Số đơn vị có dòng quyết định được tính';
COMMENT ON COLUMN mart.award_check.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.award_check.told_units IS 'Số đơn vị có số liệu ở biểu';
COMMENT ON COLUMN mart.award_check.place IS 'Thứ tự của ô trong biểu';

CREATE VIEW mart.award_check_figure AS
SELECT a.figure, a.report, a.period, 'award_check' AS mart, a.row_key, 'theo_quyet_dinh' AS measure, a.label, a.unit_of_measure,
       'sum' AS aggregation, a.decided AS value, a.units, a.estimated_units
FROM mart.award_check a WHERE a.figure IS NOT NULL;
COMMENT ON VIEW mart.award_check_figure IS 'Số cộng từ danh sách quyết định cho từng ô của các biểu F04, F05, F06';

DO $$
DECLARE
    said CONSTANT jsonb := '{"figure": "Mã số liệu tổng hợp (báo cáo:kỳ/bảng/dòng/chỉ số)", "report": "Mã báo cáo",
        "period": "Mã kỳ báo cáo"}';
    one record;
BEGIN
    FOR one IN SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE c.relnamespace = 'mart'::regnamespace AND c.relname IN ('awards', 'award_check') AND said ? a.attname
                 AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN mart.%I.%I IS %L', one.relname, one.attname, said ->> one.attname);
    END LOOP;
END $$;
