-- code: H-SAME-AS-LAST
-- stage: before
-- severity: warning
-- category: history
-- message: Mọi số liệu của biểu {form} giống hệt kỳ trước ({source}): cả {value} số khác 0 đều không đổi.
-- fix: Kiểm tra có gửi nhầm số liệu của kỳ trước không; nếu số liệu đúng là không thay đổi thì giải trình.
-- Relations: candidate, earlier (role last: the period before of the same report). Figures are what adds up over units (sums,
-- rates, last values); of three figures or more, so that a form with one count may stay as it was.
WITH lists AS (
    SELECT DISTINCT form, form_version FROM register.form_field WHERE kind = 'list' AND retired_at IS NULL
), printed AS (
    SELECT p.submission_id, p.side, o.form, p.source,
           md5(string_agg(o.measure || CASE WHEN l.form IS NULL THEN '' ELSE '@' || o.row_key || '@' || o.ordinal END
                          || '=' || trim_scale(o.number), ';' ORDER BY o.measure, o.row_key, o.ordinal)) AS figures,
           count(*) FILTER (WHERE o.number <> 0) AS filled,
           -- A cell that could not be read may hold anything.
           coalesce(bool_or(o.missing = 'bad'), false) AS unsure
    FROM (
        SELECT DISTINCT c.submission_id, 'now' AS side, c.submission_id AS of, c.generation, NULL AS source
        FROM candidate c JOIN earlier e ON e.submission_id = c.submission_id AND e.role = 'last'
        UNION ALL
        SELECT e.submission_id, 'then', e.source_id, e.source_generation, e.source FROM earlier e WHERE e.role = 'last'
    ) p
    JOIN core.observation o ON o.submission_id = p.of AND o.generation = p.generation
        AND o.aggregation <> 'none' AND (o.number IS NOT NULL OR o.missing = 'bad')
    LEFT JOIN lists l ON l.form = o.form AND l.form_version = o.form_version
    GROUP BY p.submission_id, p.side, o.form, p.source
)
SELECT n.submission_id, n.form, NULL AS row_key, NULL AS column_code, NULL::integer AS ordinal, n.filled AS value,
       NULL::numeric AS expected, t.source
FROM printed n JOIN printed t ON t.submission_id = n.submission_id AND t.form = n.form AND t.side = 'then'
WHERE n.side = 'now' AND n.figures = t.figures AND n.filled >= 3 AND NOT n.unsure AND NOT t.unsure
ORDER BY n.submission_id, n.form;
