-- code: H-WINDOW-FALLS
-- stage: before
-- severity: warning
-- category: history
-- message: {label}: {value}, thấp hơn {expected} đã báo cáo ở {source}, dù kỳ này gồm cả kỳ đó.
-- fix: Kiểm tra lại; số của cả kỳ không thể ít hơn số của một phần kỳ. Nếu số đã báo cáo trước đây sai thì giữ số mới và ghi rõ lý do điều chỉnh.
-- Relations: candidate, figure, earlier (role year). Windows that begin with this one and end before it (6T ≤ 9T ≤ N); the highest of
-- them must be reached. What the same period was reported as before is no part of it.
-- Only key figures that add up, and of lists only indicators that are cumulative: line 3 of a numbered list is another line in
-- another report. Staff and balances add up over units but not over time: they may fall.
WITH counted AS (
    -- The movement's own indicator before the common one; in force at the cut-off before others.
    SELECT DISTINCT ON (c.window_end, m.code, i.code) c.window_end, m.code || '+' || i.code AS row_key,
           i.cumulative AND i.aggregation = 'sum' AS adds_up
    FROM (SELECT DISTINCT window_end FROM candidate) c
    CROSS JOIN register.movement m
    JOIN register.indicator i ON i.movement IN ('*', m.code) AND i.retired_at IS NULL
    WHERE m.retired_at IS NULL
    ORDER BY c.window_end, m.code, i.code, i.movement = '*',
             i.valid_from <= c.window_end AND (i.valid_to IS NULL OR i.valid_to >= c.window_end) DESC, i.valid_from DESC
)
SELECT DISTINCT ON (c.submission_id, o.form, o.row_key, o.column_code)
       c.submission_id, o.form, o.row_key, o.column_code, o.ordinal, o.number AS value, b.number AS expected, e.source
FROM candidate c
JOIN earlier e ON e.submission_id = c.submission_id AND e.role = 'year'
    AND e.source_start = c.window_start AND e.source_end < c.window_end
JOIN figure o ON o.submission_id = c.submission_id AND o.is_key AND o.aggregation = 'sum' AND o.ordinal = 0
JOIN figure b ON b.submission_id = e.source_id AND b.measure = o.measure AND b.dimension = o.dimension
    AND b.aggregation = 'sum' AND b.ordinal = 0
LEFT JOIN counted i ON i.window_end = c.window_end AND i.row_key = o.dimension
WHERE o.number < b.number AND (o.dimension = '' OR (o.form = 'F03' AND i.adds_up))
  AND o.form <> 'F09' AND o.measure NOT IN ('F06.tong_lao_dong', 'F10.du_dau_ky', 'F10.du_cuoi_ky')
ORDER BY c.submission_id, o.form, o.row_key, o.column_code, b.number DESC, e.source_end DESC, e.source_id DESC;
