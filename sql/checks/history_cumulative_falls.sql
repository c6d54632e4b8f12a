-- code: H-CUMULATIVE-FALLS
-- stage: before
-- severity: warning
-- category: history
-- message: {label}: số lũy kế {value} thấp hơn {expected} đã báo cáo ở {source}.
-- fix: Kiểm tra lại; lũy kế từ đầu năm không thể giảm. Nếu số đã báo cáo trước đây sai thì giữ số mới và ghi rõ lý do điều chỉnh.
-- Relations: candidate (submissions being judged), earlier (accepted ones they are compared with), figure (the numbers of both),
-- see etl/warehouse/history_rules.py. Role year: the same year on the same clock, windows that end no later (6T ≤ 9T ≤ N), and
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
)
SELECT DISTINCT ON (c.submission_id, o.row_key)
       c.submission_id, o.form, o.row_key, o.column_code, o.ordinal, o.number AS value, b.number AS expected, e.source
FROM candidate c
JOIN figure o ON o.submission_id = c.submission_id AND o.measure = 'F03.luy_ke' AND o.ordinal = 0
JOIN counted i ON i.window_end = c.window_end AND i.row_key = o.row_key AND i.cumulative
JOIN earlier e ON e.submission_id = c.submission_id AND e.role = 'year'
JOIN figure b ON b.submission_id = e.source_id AND b.measure = o.measure AND b.dimension = o.dimension AND b.ordinal = 0
WHERE o.number < b.number
ORDER BY c.submission_id, o.row_key, b.number DESC, e.source_end DESC, e.source_id DESC;
