-- A figure over the periods, unit by unit, as it was reported then. The reading on the units of today is made of these rows and
-- of mart.unit_lineage by `series` (docs/restatement.md): whether figures may be compared is told in words, which no view can.

CREATE VIEW mart.series AS
WITH given AS (
    SELECT c.report, c.mart, c.row_key, c.measure, c.period, c.unit, c.unit_name, c.unit_type, c.counted,
           CASE WHEN c.role IN ('part', 'whole') THEN 'rate' ELSE c.role END AS kind, c.role, c.number, c.estimated
    FROM mart.contribution c
), by_unit AS (
    SELECT report, mart, row_key, measure, period, unit, unit_name, unit_type, counted, kind,
           sum(number) FILTER (WHERE kind <> 'rate') AS number,
           sum(number) FILTER (WHERE role = 'part') AS part, sum(number) FILTER (WHERE role = 'whole') AS whole,
           bool_or(estimated) AS estimated
    FROM given
    GROUP BY report, mart, row_key, measure, period, unit, unit_name, unit_type, counted, kind
)
SELECT u.report, u.mart, u.row_key, u.measure, u.period, p.label AS period_label, p.window_start, p.window_end, u.unit, u.unit_name,
       u.unit_type, CASE WHEN u.kind = 'rate' THEN 100 * u.part / nullif(u.whole, 0) ELSE u.number END AS value,
       u.part, u.whole, u.kind, u.counted, u.estimated
FROM by_unit u JOIN core.known_period p ON p.report = u.report AND p.period = u.period;
COMMENT ON VIEW mart.series IS 'Chuỗi số liệu qua các kỳ theo từng đơn vị, theo tên và phạm vi của đơn vị tại kỳ đó (chưa quy đổi theo đơn vị hiện nay)';
COMMENT ON COLUMN mart.series.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.series.mart IS 'Mã bảng: mã biểu, hoặc tên bảng chuyên đề';
COMMENT ON COLUMN mart.series.row_key IS 'Mã dòng của số tổng hợp';
COMMENT ON COLUMN mart.series.measure IS 'Mã chỉ số, giữ nguyên qua các phiên bản biểu';
COMMENT ON COLUMN mart.series.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.series.period_label IS 'Tên kỳ báo cáo';
COMMENT ON COLUMN mart.series.window_start IS 'Ngày đầu của kỳ';
COMMENT ON COLUMN mart.series.window_end IS 'Ngày chốt số liệu của kỳ';
COMMENT ON COLUMN mart.series.unit IS 'Mã đơn vị báo cáo tại kỳ đó';
COMMENT ON COLUMN mart.series.unit_name IS 'Tên đơn vị tại kỳ đó';
COMMENT ON COLUMN mart.series.unit_type IS 'Loại đơn vị tại kỳ đó';
COMMENT ON COLUMN mart.series.value IS 'Giá trị của đơn vị trong kỳ; tỷ lệ tính lại từ tử số và mẫu số';
COMMENT ON COLUMN mart.series.part IS 'Tử số của tỷ lệ';
COMMENT ON COLUMN mart.series.whole IS 'Mẫu số của tỷ lệ';
COMMENT ON COLUMN mart.series.kind IS 'Loại số: term số được cộng, rate tỷ lệ, shown số không cộng được (tỷ lệ, số bình quân do đơn vị ghi)';
COMMENT ON COLUMN mart.series.counted IS 'Có được tính vào số toàn tỉnh không';
COMMENT ON COLUMN mart.series.estimated IS 'Đơn vị ghi là số liệu ước thực hiện';

CREATE VIEW mart.unit_lineage AS
SELECT l.valid_from, l.kind, l.predecessor, before.name AS predecessor_name, before.type AS predecessor_type,
       l.successor, after.name AS successor_name, after.type AS successor_type, l.share, l.legal_basis
FROM core.known_lineage l
LEFT JOIN core.known_unit before ON before.code = l.predecessor AND before.valid_from < l.valid_from
     AND (before.valid_to IS NULL OR before.valid_to >= l.valid_from - 1)
LEFT JOIN core.known_unit after ON after.code = l.successor AND after.valid_from <= l.valid_from
     AND (after.valid_to IS NULL OR after.valid_to >= l.valid_from);
COMMENT ON VIEW mart.unit_lineage IS 'Sáp nhập, chia tách, đổi tên, giải thể của các đơn vị báo cáo';
COMMENT ON COLUMN mart.unit_lineage.valid_from IS 'Ngày có hiệu lực';
COMMENT ON COLUMN mart.unit_lineage.kind IS 'Hình thức: merge hợp nhất thành đơn vị mới, absorb sáp nhập vào đơn vị đang có, rename đổi tên, split chia tách một phần, abolish giải thể';
COMMENT ON COLUMN mart.unit_lineage.predecessor IS 'Mã đơn vị trước đó';
COMMENT ON COLUMN mart.unit_lineage.predecessor_name IS 'Tên đơn vị trước đó';
COMMENT ON COLUMN mart.unit_lineage.predecessor_type IS 'Loại đơn vị trước đó';
COMMENT ON COLUMN mart.unit_lineage.successor IS 'Mã đơn vị kế thừa; trống nếu giải thể không có đơn vị kế thừa';
COMMENT ON COLUMN mart.unit_lineage.successor_name IS 'Tên đơn vị kế thừa';
COMMENT ON COLUMN mart.unit_lineage.successor_type IS 'Loại đơn vị kế thừa';
COMMENT ON COLUMN mart.unit_lineage.share IS 'Phần chuyển sang đơn vị kế thừa (từ 0 đến 1); trống nếu không rõ hoặc chuyển toàn bộ';
COMMENT ON COLUMN mart.unit_lineage.legal_basis IS 'Căn cứ pháp lý';
