-- code: H-SAME-AS-LAST
-- stage: before
-- severity: warning
-- category: history
-- message: Mọi số liệu của biểu {form} giống hệt kỳ trước ({source}): cả {value} số khác 0 đều không đổi.
-- fix: Kiểm tra có gửi nhầm số liệu của kỳ trước không; nếu số liệu đúng là không thay đổi thì giải trình.
-- Relations: candidate, figure, earlier (role last: the period before of the same report). Figures are what adds up over units
-- (sums, rates, last values); three of them or more must not be nought, so that a form with one count may stay as it was.
WITH told AS (
    SELECT f.submission_id, f.form,
           md5(string_agg(f.measure || '@' || f.dimension || '@' || f.ordinal || '=' || trim_scale(f.number), ';'
                          ORDER BY f.measure, f.dimension, f.ordinal)) AS figures,
           count(*) FILTER (WHERE f.number <> 0) AS filled,
           bool_or(f.is_bad) AS unsure -- a cell that could not be read may hold anything
    FROM figure f
    WHERE f.submission_id IN (SELECT e.submission_id FROM earlier e WHERE e.role = 'last'
                              UNION SELECT e.source_id FROM earlier e WHERE e.role = 'last')
    GROUP BY f.submission_id, f.form
)
SELECT n.submission_id, n.form, NULL AS row_key, NULL AS column_code, NULL::integer AS ordinal, n.filled AS value,
       NULL::numeric AS expected, e.source
FROM earlier e
JOIN told n ON n.submission_id = e.submission_id
JOIN told t ON t.submission_id = e.source_id AND t.form = n.form AND t.figures = n.figures
WHERE e.role = 'last' AND n.filled >= 3 AND NOT n.unsure AND NOT t.unsure
ORDER BY n.submission_id, n.form;
