-- code: P-BLOC-SUM
-- severity: warning
-- category: consistency
-- message: {subject} báo cáo {value}, cộng báo cáo của các thành viên được {expected} ({label}).
-- fix: Đối chiếu báo cáo của khối, cụm với báo cáo của các thành viên; số toàn tỉnh lấy theo các thành viên.
-- Parameters :report, :period. Key figures (those a form requires) only; and only where every member that owes the form and is
-- not exempt has given the figure: else the difference is a report that is missing, which the board says already.
WITH member AS (
    SELECT b.bloc, b.unit, f.form
    FROM register.period p
    JOIN register.bloc_membership b ON b.retired_at IS NULL AND b.valid_from <= p.window_end
        AND (b.valid_to IS NULL OR b.valid_to >= p.window_end)
    JOIN register.obligation o ON o.report = p.report AND o.period = p.period AND o.unit = b.unit
        AND o.retired_at IS NULL AND o.exempt_reason IS NULL
    JOIN register.report_form f ON f.report = p.report AND f.unit_type = o.unit_type AND f.status <> 'not_owed' AND f.retired_at IS NULL
    WHERE p.report = :report AND p.period = :period AND p.retired_at IS NULL
), owing AS (
    SELECT bloc, form, count(*) AS members FROM member GROUP BY bloc, form
), key_figure AS (
    SELECT DISTINCT form, measure FROM register.form_field WHERE required AND retired_at IS NULL
), source AS MATERIALIZED (
    -- Once, by itself: the planner knows nothing of how many rows the view has and would walk through it a member at a time.
    SELECT s.unit, s.unit_name, s.unit_type, s.form, s.row_key, s.column_code, s.measure, s.number, s.counted, s.aggregation
    FROM mart.figure_source s WHERE s.report = :report AND s.period = :period
), given AS (
    SELECT m.bloc, s.form, s.row_key, s.column_code, s.measure, sum(s.number) AS number, count(*) AS members
    FROM source s JOIN key_figure k ON k.form = s.form AND k.measure = s.measure
    JOIN member m ON m.unit = s.unit AND m.form = s.form
    WHERE s.counted
    GROUP BY m.bloc, s.form, s.row_key, s.column_code, s.measure
), told AS (
    SELECT s.unit, s.unit_name, s.form, s.row_key, s.column_code, s.measure, min(s.number) AS number
    FROM source s JOIN key_figure k ON k.form = s.form AND k.measure = s.measure
    WHERE s.unit_type = 'bloc' AND s.aggregation IN ('sum', 'last')
    GROUP BY s.unit, s.unit_name, s.form, s.row_key, s.column_code, s.measure HAVING count(*) = 1
)
SELECT t.unit_name AS subject, t.unit, t.form, t.row_key, t.column_code, t.number AS value, g.number AS expected
FROM told t
JOIN given g ON g.bloc = t.unit AND g.form = t.form AND g.row_key = t.row_key AND g.column_code = t.column_code AND g.measure = t.measure
JOIN owing o ON o.bloc = t.unit AND o.form = t.form AND o.members = g.members
WHERE t.number <> g.number
ORDER BY t.unit, t.form, t.row_key, t.column_code;
