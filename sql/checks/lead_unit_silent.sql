-- code: P-LEAD-SILENT
-- severity: warning
-- category: coverage
-- message: Cơ quan chủ trì phong trào chưa có báo cáo được chấp nhận trong kỳ: {subject}.
-- fix: Đôn đốc cơ quan chủ trì; kết quả chung của phong trào còn thiếu phần của cơ quan này.
-- Parameters :report, :period.
SELECT DISTINCT m.name || ' (' || o.unit_name || ')' AS subject
FROM register.period p
JOIN register.movement m ON m.valid_from <= p.window_end AND (m.valid_to IS NULL OR m.valid_to >= p.window_start)
    AND m.retired_at IS NULL
JOIN register.obligation o ON o.report = p.report AND o.period = p.period AND o.unit = m.lead_unit
    AND o.retired_at IS NULL AND o.exempt_reason IS NULL AND o.lapsed_reason IS NULL
WHERE p.report = :report AND p.period = :period AND p.retired_at IS NULL
  AND EXISTS (SELECT 1 FROM register.report_form f WHERE f.report = p.report AND f.form = 'F03'
              AND f.unit_type = o.unit_type AND f.status <> 'not_owed' AND f.retired_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM mart.accepted a WHERE a.report = p.report AND a.period = p.period AND a.unit = o.unit);
