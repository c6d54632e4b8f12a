-- code: H-CHANGE-50
-- stage: before
-- severity: warning
-- category: history
-- message: {label}: {value}, khác quá 50 % so với {expected} của cùng kỳ năm trước ({source}).
-- fix: Kiểm tra lại con số và đơn vị tính; nếu đúng thì giải trình nguyên nhân tăng, giảm.
-- Relations: candidate, earlier (role base: the same period of last year, of the unit or, where whole units merged into it, of
-- each of its predecessors; none where the two cannot be compared). `units` of it must all have given the figure.
-- Floor: one of the two values is at least 20, so that 1 → 2 is no warning. A figure that was nought is compared too.
-- Only key figures (those a form requires): their parts would say the same once more. Only what adds up: rates follow from
-- their parts, and an indicator that is a percentage has no sum of predecessors.
WITH key_figure AS (
    SELECT form, form_version, row_code, column_code, kind = 'list' AS is_list FROM register.form_field
    WHERE required AND aggregation = 'sum' AND retired_at IS NULL
), indicator AS (
    SELECT DISTINCT ON (c.window_end, m.code, i.code) c.window_end, m.code || '+' || i.code AS row_key, i.aggregation
    FROM (SELECT DISTINCT window_end FROM candidate) c
    CROSS JOIN register.movement m
    JOIN register.indicator i ON i.movement IN ('*', m.code) AND i.retired_at IS NULL
    WHERE m.retired_at IS NULL
    ORDER BY c.window_end, m.code, i.code, i.movement = '*',
             i.valid_from <= c.window_end AND (i.valid_to IS NULL OR i.valid_to >= c.window_end) DESC, i.valid_from DESC
), mine AS MATERIALIZED (
    SELECT c.submission_id, c.window_end, o.form, o.form_version, o.row_key, o.column_code, o.ordinal, o.measure, o.number
    FROM candidate c JOIN core.observation o ON o.submission_id = c.submission_id AND o.generation = c.generation
        AND o.aggregation = 'sum' AND o.number IS NOT NULL AND o.ordinal = 0
), theirs AS MATERIALIZED (
    SELECT e.submission_id, e.source_id, e.units, e.source, b.form, b.form_version, b.row_key, b.column_code, b.measure, b.number
    FROM earlier e JOIN core.observation b ON b.submission_id = e.source_id AND b.generation = e.source_generation
        AND b.aggregation = 'sum' AND b.number IS NOT NULL AND b.ordinal = 0
    WHERE e.role = 'base'
), base AS (
    SELECT b.submission_id, b.form, b.measure, CASE WHEN k.is_list THEN b.row_key ELSE '' END AS dimension,
           sum(b.number) AS number, count(DISTINCT b.source_id) AS units, max(b.units) AS wanted, max(b.source) AS source
    FROM theirs b
    JOIN key_figure k ON k.form = b.form AND k.form_version = b.form_version AND k.column_code = b.column_code
        AND k.row_code IN ('*', b.row_key)
    GROUP BY b.submission_id, b.form, b.measure, 4
)
SELECT o.submission_id, o.form, o.row_key, o.column_code, o.ordinal, o.number AS value, b.number AS expected, b.source
FROM mine o
JOIN key_figure k ON k.form = o.form AND k.form_version = o.form_version AND k.column_code = o.column_code
    AND k.row_code IN ('*', o.row_key)
LEFT JOIN indicator i ON i.window_end = o.window_end AND i.row_key = o.row_key
JOIN base b ON b.submission_id = o.submission_id AND b.form = o.form AND b.measure = o.measure
    AND b.dimension = CASE WHEN k.is_list THEN o.row_key ELSE '' END
WHERE b.units = b.wanted AND coalesce(i.aggregation, 'sum') <> 'none'
  AND abs(o.number - b.number) > 0.5 * abs(b.number) AND greatest(o.number, b.number) >= 20
ORDER BY o.submission_id, o.form, o.row_key, o.column_code;
