-- code: H-CHANGE-50
-- stage: before
-- severity: warning
-- category: history
-- message: {label}: {value}, khác quá 50 % so với {expected} của cùng kỳ năm trước ({source}).
-- fix: Kiểm tra lại con số và đơn vị tính; nếu đúng thì giải trình nguyên nhân tăng, giảm.
-- Relations: candidate, figure, earlier (role base: the same period of last year, of the unit or, where whole units merged into it, of
-- each of its predecessors; none where the two cannot be compared). `units` of it must all have given the figure.
-- Floor: one of the two values is at least 20, so that 1 → 2 is no warning. A figure that was nought is compared too.
-- Only key figures (those a form requires): their parts would say the same once more. Only what adds up: rates follow from
-- their parts, and an indicator that is a percentage has no sum of predecessors.
WITH indicator AS (
    SELECT DISTINCT ON (c.window_end, m.code, i.code) c.window_end, m.code || '+' || i.code AS row_key, i.aggregation
    FROM (SELECT DISTINCT window_end FROM candidate) c
    CROSS JOIN register.movement m
    JOIN register.indicator i ON i.movement IN ('*', m.code) AND i.retired_at IS NULL
    WHERE m.retired_at IS NULL
    ORDER BY c.window_end, m.code, i.code, i.movement = '*',
             i.valid_from <= c.window_end AND (i.valid_to IS NULL OR i.valid_to >= c.window_end) DESC, i.valid_from DESC
)
SELECT c.submission_id, o.form, o.row_key, o.column_code, o.ordinal, o.number AS value, sum(b.number) AS expected,
       max(e.source) AS source
FROM candidate c
JOIN figure o ON o.submission_id = c.submission_id AND o.is_key AND o.aggregation = 'sum' AND o.number IS NOT NULL AND o.ordinal = 0
JOIN earlier e ON e.submission_id = c.submission_id AND e.role = 'base'
JOIN figure b ON b.submission_id = e.source_id AND b.measure = o.measure AND b.dimension = o.dimension
    AND b.aggregation = 'sum' AND b.number IS NOT NULL AND b.ordinal = 0
LEFT JOIN indicator i ON i.window_end = c.window_end AND i.row_key = o.row_key
WHERE coalesce(i.aggregation, 'sum') <> 'none'
GROUP BY c.submission_id, o.form, o.row_key, o.column_code, o.ordinal, o.number
HAVING count(DISTINCT e.source_id) = max(e.units)
   AND abs(o.number - sum(b.number)) > 0.5 * abs(sum(b.number)) AND greatest(o.number, sum(b.number)) >= 20
ORDER BY c.submission_id, o.form, o.row_key, o.column_code;
