-- code: H-CUMULATIVE-FALLS
-- stage: before
-- severity: warning
-- category: history
-- message: Số lũy kế {value} thấp hơn {expected} đã báo cáo ở {source}.
-- fix: Kiểm tra lại; lũy kế từ đầu năm không thể giảm. Nếu số đã báo cáo trước đây sai thì giữ số mới và ghi rõ lý do điều chỉnh.
-- Relations: candidate (submissions being judged), earlier (accepted submissions they are compared with), see
-- etl/warehouse/history_rules.py. Role year: the same year on the same clock, windows that end no later (6T ≤ 9T ≤ N), and
-- what the same period was reported as before. The highest of them is the one that must be reached.
WITH counted AS (
    -- The movement's own indicator before the common one; in force at the cut-off before others.
    SELECT DISTINCT ON (c.window_end, m.code, i.code) c.window_end, m.code || '+' || i.code AS row_key, i.cumulative
    FROM (SELECT DISTINCT window_end FROM candidate) c
    CROSS JOIN register.movement m
    JOIN register.indicator i ON i.movement IN ('*', m.code) AND i.retired_at IS NULL
    WHERE m.retired_at IS NULL
    ORDER BY c.window_end, m.code, i.code, i.movement = '*',
             i.valid_from <= c.window_end AND (i.valid_to IS NULL OR i.valid_to >= c.window_end) DESC, i.valid_from DESC
), mine AS MATERIALIZED (
    SELECT c.submission_id, c.window_end, o.form, o.row_key, o.column_code, o.ordinal, o.measure, o.number
    FROM candidate c
    JOIN core.observation o ON o.submission_id = c.submission_id AND o.generation = c.generation
        AND o.form = 'F03' AND o.measure = 'F03.luy_ke' AND o.ordinal = 0 AND o.number IS NOT NULL
), theirs AS MATERIALIZED (
    SELECT e.submission_id, e.source, e.source_end, e.source_id, b.row_key, b.number
    FROM earlier e
    JOIN core.observation b ON b.submission_id = e.source_id AND b.generation = e.source_generation
        AND b.form = 'F03' AND b.measure = 'F03.luy_ke' AND b.ordinal = 0 AND b.number IS NOT NULL
    WHERE e.role = 'year'
)
SELECT DISTINCT ON (m.submission_id, m.row_key)
       m.submission_id, m.form, m.row_key, m.column_code, m.ordinal, m.number AS value, t.number AS expected, t.source
FROM mine m
JOIN counted i ON i.window_end = m.window_end AND i.row_key = m.row_key AND i.cumulative
JOIN theirs t ON t.submission_id = m.submission_id AND t.row_key = m.row_key
WHERE m.number < t.number
ORDER BY m.submission_id, m.row_key, t.number DESC, t.source_end DESC, t.source_id DESC;
