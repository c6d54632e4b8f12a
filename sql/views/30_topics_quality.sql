-- Results of the movements for the province, what was found, and the quality of what units sent.

-- One line a movement and indicator that the period asks for. Values are figures of F03; an indicator that does not add up
-- (a percentage) has none, and says how many units gave it.
CREATE VIEW mart.movement_total AS
WITH asked AS (
    SELECT i.report, i.period, i.row_key, count(*) FILTER (WHERE o.unit_type = ANY(string_to_array(i.asked_of, '|')))::integer AS units
    FROM core.period_indicator i
    JOIN core.known_obligation o ON o.report = i.report AND o.period = i.period AND o.exempt_reason IS NULL
         AND o.lapsed_reason IS NULL AND o.unit_type <> 'bloc'
    JOIN core.known_report_form f ON f.report = o.report AND f.unit_type = o.unit_type AND f.form = 'F03' AND f.status <> 'not_owed'
    GROUP BY i.report, i.period, i.row_key
), given AS (
    SELECT s.report, s.period, s.row_key, s.unit, s.estimated, bool_and(s.counted) AS counted,
           max(s.number) FILTER (WHERE s.measure = 'F03.ke_hoach') AS plan,
           max(s.number) FILTER (WHERE s.measure = 'F03.thuc_hien') AS result,
           max(s.number) FILTER (WHERE s.measure = 'F03.luy_ke') AS cumulative
    FROM mart.figure_source s
    WHERE s.form = 'F03' AND s.measure IN ('F03.ke_hoach', 'F03.thuc_hien', 'F03.luy_ke') AND s.unit_type <> 'bloc' AND s.ordinal IS NOT DISTINCT FROM 0
    GROUP BY s.report, s.period, s.row_key, s.unit, s.estimated
), made AS (
    -- The same sums and pairs as the figures of F03, in one reading instead of four.
    SELECT g.report, g.period, g.row_key, sum(g.plan) FILTER (WHERE g.counted) AS plan,
           sum(g.result) FILTER (WHERE g.counted) AS result, sum(g.cumulative) FILTER (WHERE g.counted) AS cumulative,
           100 * sum(g.result) FILTER (WHERE g.counted AND g.plan IS NOT NULL)
               / nullif(sum(g.plan) FILTER (WHERE g.counted AND g.result IS NOT NULL), 0) AS rate,
           count(*) FILTER (WHERE g.counted AND g.plan IS NOT NULL AND g.result IS NOT NULL)::integer AS rate_units,
           count(g.result)::integer AS units, count(g.result) FILTER (WHERE g.estimated)::integer AS estimated_units
    FROM given g GROUP BY g.report, g.period, g.row_key
)
SELECT i.report, i.period, i.row_key, i.movement, i.movement_name, i.lead_unit, coalesce(l.unit_name, i.lead_unit) AS lead_unit_name,
       l.has_reported AS lead_has_reported, i.indicator, i.indicator_name, i.unit_of_measure, i.aggregation,
       m.plan, m.result, m.cumulative, m.rate, coalesce(m.units, 0) AS units, coalesce(a.units, 0) AS units_asked,
       coalesce(m.rate_units, 0) AS rate_units, coalesce(m.estimated_units, 0) AS estimated_units
FROM core.period_indicator i
LEFT JOIN made m ON m.report = i.report AND m.period = i.period AND m.row_key = i.row_key
LEFT JOIN asked a ON a.report = i.report AND a.period = i.period AND a.row_key = i.row_key
LEFT JOIN LATERAL (
    SELECT o.unit_name, EXISTS (SELECT 1 FROM core.counted s WHERE s.report = o.report AND s.period = o.period AND s.unit = o.unit)
           AS has_reported
    FROM core.known_obligation o WHERE o.report = i.report AND o.period = i.period AND o.unit = i.lead_unit
) l ON true
-- In force within the period, or told all the same.
WHERE i.is_in_force OR m.units > 0;
COMMENT ON VIEW mart.movement_total IS 'Kết quả phong trào thi đua toàn tỉnh theo phong trào, chỉ tiêu; kèm độ phủ và đơn vị chủ trì';
COMMENT ON COLUMN mart.movement_total.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.movement_total.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.movement_total.row_key IS 'Mã dòng: phong trào+chỉ tiêu';
COMMENT ON COLUMN mart.movement_total.movement IS 'Mã phong trào';
COMMENT ON COLUMN mart.movement_total.movement_name IS 'Tên phong trào';
COMMENT ON COLUMN mart.movement_total.lead_unit IS 'Mã đơn vị chủ trì';
COMMENT ON COLUMN mart.movement_total.lead_unit_name IS 'Đơn vị chủ trì';
COMMENT ON COLUMN mart.movement_total.lead_has_reported IS 'Đơn vị chủ trì đã có báo cáo được chấp nhận chưa';
COMMENT ON COLUMN mart.movement_total.indicator IS 'Mã chỉ tiêu';
COMMENT ON COLUMN mart.movement_total.indicator_name IS 'Tên chỉ tiêu';
COMMENT ON COLUMN mart.movement_total.unit_of_measure IS 'Đơn vị tính';
COMMENT ON COLUMN mart.movement_total.aggregation IS 'Cách tổng hợp: sum cộng, last cộng số có đến cuối kỳ, none không tổng hợp';
COMMENT ON COLUMN mart.movement_total.plan IS 'Kế hoạch cả năm';
COMMENT ON COLUMN mart.movement_total.result IS 'Thực hiện trong kỳ';
COMMENT ON COLUMN mart.movement_total.cumulative IS 'Lũy kế từ đầu năm';
COMMENT ON COLUMN mart.movement_total.rate IS 'Tỷ lệ thực hiện so với kế hoạch (%), tính lại từ tổng của các đơn vị ghi đủ hai số';
COMMENT ON COLUMN mart.movement_total.units IS 'Số đơn vị có kết quả';
COMMENT ON COLUMN mart.movement_total.units_asked IS 'Số đơn vị được giao chỉ tiêu';
COMMENT ON COLUMN mart.movement_total.rate_units IS 'Số đơn vị có đủ kế hoạch và thực hiện';
COMMENT ON COLUMN mart.movement_total.estimated_units IS 'Trong số đơn vị có kết quả: số đơn vị ghi là số liệu ước thực hiện';

-- What holds against each unit: the findings of its newest submission, and of the one that counts where that is another.
CREATE VIEW mart.findings AS
WITH newest AS (
    SELECT DISTINCT ON (s.report, s.period, s.unit) s.report, s.period, s.unit, s.id AS submission_id
    FROM core.submission s WHERE s.recorded_at <= core.as_of() AND s.received_at <= core.as_of()
    ORDER BY s.report, s.period, s.unit, s.received_at DESC, s.arrival_id DESC
), shown AS (
    SELECT n.report, n.period, n.unit, n.submission_id FROM newest n
    UNION SELECT a.report, a.period, a.unit, a.submission_id FROM core.counted a
)
SELECT h.report, h.period, h.unit, o.unit_name, o.unit_type, h.submission_id, a.submission_id IS NOT NULL AS is_counted,
       f.code, f.severity, f.form, f.sheet, f.cell, f.message, f.fix, f.reason
FROM shown h
JOIN core.known_obligation o ON o.report = h.report AND o.period = h.period AND o.unit = h.unit
JOIN mart.finding f ON f.submission_id = h.submission_id AND f.report = h.report AND f.period = h.period AND f.unit = h.unit
LEFT JOIN core.counted a ON a.report = h.report AND a.period = h.period AND a.unit = h.unit AND a.submission_id = h.submission_id;
COMMENT ON VIEW mart.findings IS 'Lỗi, cảnh báo của lần nộp mới nhất và lần nộp đang được tính của từng đơn vị';
COMMENT ON COLUMN mart.findings.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.findings.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.findings.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.findings.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.findings.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.findings.submission_id IS 'Số hiệu lần nộp trong hệ thống';
COMMENT ON COLUMN mart.findings.is_counted IS 'Lần nộp này có đang được tính không';
COMMENT ON COLUMN mart.findings.code IS 'Mã lỗi';
COMMENT ON COLUMN mart.findings.severity IS 'Mức: error lỗi, warning cảnh báo, info thông tin';
COMMENT ON COLUMN mart.findings.form IS 'Mã biểu';
COMMENT ON COLUMN mart.findings.sheet IS 'Trang tính';
COMMENT ON COLUMN mart.findings.cell IS 'Ô';
COMMENT ON COLUMN mart.findings.message IS 'Nội dung';
COMMENT ON COLUMN mart.findings.fix IS 'Cách sửa';
COMMENT ON COLUMN mart.findings.reason IS 'Giải trình của đơn vị';

-- How the quality of a unit's report is counted: five components of 0 to 100, each a column of its own, and their weighted mean.
-- The figures below are the standing office's own choice, not law: whoever reads the score reads them beside it.
CREATE VIEW mart.quality_parameter AS
SELECT * FROM (VALUES
    ('completeness', 30, NULL::numeric, 'Đầy đủ: tỷ lệ ô bắt buộc đã điền trong lần nộp đang được tính'),
    ('timeliness', 25, 10, 'Đúng hạn: 100 nếu đúng hạn, trừ 10 điểm mỗi ngày làm việc muộn; chưa nộp, chưa đạt: 0'),
    ('validity', 20, 10, 'Hợp lệ: 100, trừ 10 điểm mỗi lỗi, 2 điểm mỗi cảnh báo của lần nộp mới nhất (không kể cảnh báo qua các kỳ)'),
    ('consistency', 15, 5, 'Nhất quán: 100, trừ 5 điểm mỗi cảnh báo qua các kỳ hoặc giữa các đơn vị'),
    ('corrections', 10, 20, 'Ít phải sửa: 100, trừ 20 điểm mỗi lần nộp thêm')
) p (component, weight, points, meaning);
COMMENT ON VIEW mart.quality_parameter IS 'Cách chấm điểm chất lượng số liệu: trọng số và mức trừ của từng thành phần';
COMMENT ON COLUMN mart.quality_parameter.component IS 'Thành phần';
COMMENT ON COLUMN mart.quality_parameter.weight IS 'Trọng số';
COMMENT ON COLUMN mart.quality_parameter.points IS 'Số điểm bị trừ mỗi lần (cảnh báo của thành phần Hợp lệ: một phần năm)';
COMMENT ON COLUMN mart.quality_parameter.meaning IS 'Ý nghĩa';

-- score = sum(weight * component) / sum(weight). None for a unit that is exempt or still has time; nothing is guessed for it.
CREATE VIEW mart.quality AS
WITH filled AS (
    SELECT a.report, a.period, a.unit, count(*)::integer AS cells_required,
           count(*) FILTER (WHERE o.missing IS NULL OR o.missing = 'not_applicable')::integer AS cells_filled
    FROM core.counted a
    JOIN core.observation o ON o.submission_id = a.submission_id AND CASE WHEN o.generation = a.generation THEN true ELSE false END AND o.ordinal IS NOT DISTINCT FROM 0
    -- Looked up in two small tables, whatever the planner expects of a join: those of forms of rows and columns, and of lists.
    WHERE (o.form, o.form_version, o.column_code, o.row_key) IN (
              SELECT n.form, n.form_version, n.column_code, n.row_code FROM core.known_form_field n WHERE n.required)
       OR (o.form, o.form_version, o.column_code) IN (
              SELECT n.form, n.form_version, n.column_code FROM core.known_form_field n WHERE n.required AND n.row_code = '*')
    GROUP BY a.report, a.period, a.unit
), newest AS (
    SELECT DISTINCT ON (s.report, s.period, s.unit) s.report, s.period, s.unit, s.arrival_id
    FROM core.submission s WHERE s.recorded_at <= core.as_of() AND s.received_at <= core.as_of()
    ORDER BY s.report, s.period, s.unit, s.received_at DESC, s.arrival_id DESC
), tally AS (
    SELECT n.report, n.period, n.unit, count(*) FILTER (WHERE f.severity = 'error')::integer AS errors,
           count(*) FILTER (WHERE f.severity = 'warning' AND f.code NOT LIKE 'H-%')::integer AS warnings,
           count(*) FILTER (WHERE f.severity <> 'info' AND f.code LIKE 'H-%')::integer AS history_warnings
    FROM newest n JOIN core.current_finding f ON f.arrival_id = n.arrival_id
    GROUP BY n.report, n.period, n.unit
), between_units AS (
    SELECT f.report, f.period, f.unit, count(*)::integer AS warnings FROM core.period_finding f
    WHERE f.unit IS NOT NULL AND f.severity <> 'info' AND f.recorded_at <= core.as_of()
          AND (f.retired_at IS NULL OR f.retired_at > core.as_of())
    GROUP BY f.report, f.period, f.unit
), weighed AS (
    SELECT max(weight) FILTER (WHERE component = 'completeness') AS w1, max(weight) FILTER (WHERE component = 'timeliness') AS w2,
           max(weight) FILTER (WHERE component = 'validity') AS w3, max(weight) FILTER (WHERE component = 'consistency') AS w4,
           max(weight) FILTER (WHERE component = 'corrections') AS w5, sum(weight) AS weight,
           max(points) FILTER (WHERE component = 'timeliness') AS p2, max(points) FILTER (WHERE component = 'validity') AS p3,
           max(points) FILTER (WHERE component = 'consistency') AS p4, max(points) FILTER (WHERE component = 'corrections') AS p5
    FROM mart.quality_parameter
), scored AS (
    SELECT b.report, b.period, b.unit, b.unit_name, b.unit_type, b.status, b.days_late, b.attempts,
           coalesce(c.cells_required, 0) AS cells_required, coalesce(c.cells_filled, 0) AS cells_filled,
           coalesce(t.errors, 0) AS errors, coalesce(t.warnings, 0) AS warnings, coalesce(t.history_warnings, 0) AS history_warnings,
           coalesce(p.warnings, 0) AS period_warnings, w.*,
           CASE WHEN b.status IN ('on_time', 'late') THEN round(100.0 * c.cells_filled / nullif(c.cells_required, 0), 1)
                WHEN b.status IN ('missing', 'rejected') THEN 0 END AS completeness,
           CASE b.status WHEN 'on_time' THEN 100 WHEN 'late' THEN greatest(0, 100 - w.p2 * b.days_late)
                         WHEN 'missing' THEN 0 WHEN 'rejected' THEN 0 END AS timeliness,
           CASE WHEN b.status IN ('on_time', 'late', 'rejected')
                THEN greatest(0, 100 - w.p3 * coalesce(t.errors, 0) - w.p3 / 5 * coalesce(t.warnings, 0))
                WHEN b.status = 'missing' THEN 0 END AS validity,
           CASE WHEN b.status IN ('on_time', 'late', 'rejected')
                THEN greatest(0, 100 - w.p4 * (coalesce(t.history_warnings, 0) + coalesce(p.warnings, 0)))
                WHEN b.status = 'missing' THEN 0 END AS consistency,
           CASE WHEN b.status IN ('on_time', 'late', 'rejected') THEN greatest(0, 100 - w.p5 * greatest(0, b.attempts - 1))
                WHEN b.status = 'missing' THEN 0 END AS corrections
    FROM mart.board b
    CROSS JOIN weighed w
    LEFT JOIN filled c ON c.report = b.report AND c.period = b.period AND c.unit = b.unit
    LEFT JOIN tally t ON t.report = b.report AND t.period = b.period AND t.unit = b.unit
    LEFT JOIN between_units p ON p.report = b.report AND p.period = b.period AND p.unit = b.unit
)
SELECT s.report, s.period, s.unit, s.unit_name, s.unit_type, s.status, s.days_late, s.attempts, s.cells_required, s.cells_filled,
       s.errors, s.warnings, s.history_warnings, s.period_warnings, s.completeness, round(s.timeliness, 1) AS timeliness,
       round(s.validity, 1) AS validity, round(s.consistency, 1) AS consistency, round(s.corrections, 1) AS corrections,
       round((s.w1 * s.completeness + s.w2 * s.timeliness + s.w3 * s.validity + s.w4 * s.consistency + s.w5 * s.corrections)
             / s.weight, 1) AS score
FROM scored s;
COMMENT ON VIEW mart.quality IS 'Chất lượng số liệu của từng đơn vị trong kỳ: năm thành phần từ 0 đến 100 và điểm chung; cách chấm ở bảng quality_parameter';
COMMENT ON COLUMN mart.quality.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.quality.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.quality.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.quality.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.quality.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.quality.status IS 'Tình trạng nộp';
COMMENT ON COLUMN mart.quality.days_late IS 'Số ngày làm việc nộp muộn';
COMMENT ON COLUMN mart.quality.attempts IS 'Số lần nộp';
COMMENT ON COLUMN mart.quality.cells_required IS 'Số ô bắt buộc của lần nộp đang được tính';
COMMENT ON COLUMN mart.quality.cells_filled IS 'Trong đó: số ô đã điền';
COMMENT ON COLUMN mart.quality.errors IS 'Số lỗi của lần nộp mới nhất';
COMMENT ON COLUMN mart.quality.warnings IS 'Số cảnh báo của lần nộp mới nhất, không kể cảnh báo qua các kỳ';
COMMENT ON COLUMN mart.quality.history_warnings IS 'Số cảnh báo qua các kỳ của lần nộp mới nhất';
COMMENT ON COLUMN mart.quality.period_warnings IS 'Số điểm cần xem xét của cả kỳ nhắc tới đơn vị';
COMMENT ON COLUMN mart.quality.completeness IS 'Đầy đủ (0-100)';
COMMENT ON COLUMN mart.quality.timeliness IS 'Đúng hạn (0-100)';
COMMENT ON COLUMN mart.quality.validity IS 'Hợp lệ (0-100)';
COMMENT ON COLUMN mart.quality.consistency IS 'Nhất quán (0-100)';
COMMENT ON COLUMN mart.quality.corrections IS 'Ít phải sửa (0-100)';
COMMENT ON COLUMN mart.quality.score IS 'Điểm chung (0-100); trống nếu được miễn hoặc chưa đến hạn';
