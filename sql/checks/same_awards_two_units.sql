-- code: P-SAME-FIGURES
-- severity: warning
-- category: duplicate
-- message: Các đơn vị {subject} báo cáo biểu F05 giống hệt nhau ở mọi ô (và khác không).
-- fix: Hỏi lại các đơn vị này; số liệu có thể bị chép từ đơn vị khác nên cộng hai lần.
-- Parameters :report, :period.
WITH printed AS (
    SELECT s.unit, s.unit_name, string_agg(s.row_key || '.' || s.column_code || '=' || s.number, ';'
           ORDER BY s.row_key, s.column_code) AS figures, sum(s.number) AS total, count(*) FILTER (WHERE s.number <> 0) AS filled
    FROM mart.figure_source s WHERE s.report = :report AND s.period = :period AND s.form = 'F05'
    GROUP BY s.unit, s.unit_name
)
SELECT string_agg(unit_name, ', ' ORDER BY unit) AS subject FROM printed
WHERE filled >= 10 GROUP BY figures HAVING count(*) > 1;
