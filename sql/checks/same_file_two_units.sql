-- code: P-SAME-FILE
-- severity: warning
-- category: duplicate
-- message: Các đơn vị {subject} gửi cùng một tệp (giống nhau từng byte).
-- fix: Hỏi lại các đơn vị này; một trong số đó có thể đã gửi nhầm tệp của đơn vị khác.
-- Parameters :report, :period. One row per set of units; column subject names them.
SELECT string_agg(a.unit_name, ', ' ORDER BY a.unit) AS subject
FROM mart.accepted a JOIN core.submission s ON s.id = a.submission_id
WHERE a.report = :report AND a.period = :period
GROUP BY s.sha256 HAVING count(DISTINCT a.unit) > 1;
