-- Every consolidated figure of every mart, and every cell behind it. A mart takes part by two views with the columns written
-- below: mart.<mart>_source (cells with their role) and mart.<mart>_figure (figures); they are put together here by their
-- columns, so that a new mart changes nothing in this file. A figure is what its counted cells make: a sum of `term`, or 100
-- times the sum of `part` by that of `whole`.

-- Figures of the forms themselves: `mart` is the form's code.
CREATE VIEW mart.form_source AS
WITH declared AS (
    SELECT DISTINCT ON (form, measure) form, row_code, measure, rate_of_part, rate_of_whole
    FROM core.known_form_field WHERE aggregation = 'rate'
    ORDER BY form, measure, form_version DESC
), halves AS (
    SELECT s.*, d.measure AS rate, coalesce(nullif(d.row_code, '*'), s.row_key) AS rate_row,
           CASE WHEN s.measure = d.rate_of_part THEN 'part' ELSE 'whole' END AS half
    FROM mart.figure_source s
    JOIN declared d ON d.form = s.form AND s.measure IN (d.rate_of_part, d.rate_of_whole)
), paired AS (
    SELECT h.*, count(*) FILTER (WHERE h.counted) OVER (
               PARTITION BY h.report, h.period, h.form, h.rate_row, h.rate, h.submission_id) = 2 AS has_both
    FROM halves h
)
SELECT s.figure, s.report, s.period, s.form AS mart, s.row_key, s.measure, s.unit, s.unit_name, s.unit_type, s.submission_id,
       s.generation, s.form, s.row_key AS form_row, s.column_code, s.ordinal, s.number, s.decimals, s.raw, s.sheet, s.cell,
       s.received_at, s.sha256, CASE WHEN s.aggregation IN ('sum', 'last') THEN 'term' ELSE 'shown' END AS role,
       s.counted, s.left_out, s.estimated
FROM mart.figure_source s
UNION ALL
SELECT p.report || ':' || p.period || '/' || p.form || '/' || p.rate_row || '/' || p.rate, p.report, p.period, p.form,
       p.rate_row, p.rate, p.unit, p.unit_name, p.unit_type, p.submission_id, p.generation, p.form, p.row_key, p.column_code,
       p.ordinal, p.number, p.decimals, p.raw, p.sheet, p.cell, p.received_at, p.sha256, p.half, p.counted AND p.has_both,
       CASE WHEN p.counted AND NOT p.has_both THEN 'Đơn vị chỉ ghi một trong hai số (tử số, mẫu số) nên không tính vào tỷ lệ'
            ELSE p.left_out END, p.estimated
FROM paired p;
COMMENT ON VIEW mart.form_source IS 'Các ô làm nên số tổng hợp của từng biểu, kể cả ô không được cộng và lý do';

CREATE VIEW mart.form_figure AS
WITH labelled AS (
    SELECT DISTINCT ON (form, measure, column_code, row_code) form, measure, column_code, row_code, row_label, column_label,
           unit_of_measure, kind
    FROM core.known_form_field ORDER BY form, measure, column_code, row_code, form_version DESC
)
SELECT f.figure, f.report, f.period, f.form AS mart, f.row_key, f.measure,
       concat_ws(' – ', coalesce(i.movement_name || ': ' || i.indicator_name, nullif(l.row_label, ''),
                                 CASE WHEN l.row_code = '*' THEN f.row_key END),
                 CASE WHEN l.kind <> 'fields' THEN l.column_label END) AS label,
       CASE WHEN f.aggregation = 'rate' THEN '%' ELSE coalesce(i.unit_of_measure, l.unit_of_measure, '') END AS unit_of_measure,
       CASE WHEN f.aggregation = 'sum' THEN coalesce(i.aggregation, 'sum') ELSE f.aggregation END AS aggregation,
       f.value, f.units, f.estimated_units
FROM mart.figure f
LEFT JOIN labelled l ON l.form = f.form AND l.measure = f.measure AND l.column_code = f.column_code
     AND l.row_code IN ('*', f.row_key)
LEFT JOIN core.period_indicator i ON i.report = f.report AND i.period = f.period AND i.row_key = f.row_key AND l.row_code = '*';
COMMENT ON VIEW mart.form_figure IS 'Số tổng hợp của từng biểu, có nhãn và đơn vị tính';

DO $$
DECLARE
    cells CONSTANT text[] := ARRAY['figure', 'report', 'period', 'mart', 'row_key', 'measure', 'unit', 'unit_name', 'unit_type',
        'submission_id', 'generation', 'form', 'form_row', 'column_code', 'ordinal', 'number', 'decimals', 'raw', 'sheet', 'cell',
        'received_at', 'sha256', 'role', 'counted', 'left_out', 'estimated'];
    figures CONSTANT text[] := ARRAY['figure', 'report', 'period', 'mart', 'row_key', 'measure', 'label', 'unit_of_measure',
        'aggregation', 'value', 'units', 'estimated_units'];
    branches text;
BEGIN
    SELECT string_agg(format('SELECT %s FROM mart.%I', array_to_string(cells, ', '), v.viewname), ' UNION ALL ' ORDER BY v.viewname)
    INTO branches FROM pg_views v
    WHERE v.schemaname = 'mart' AND v.viewname LIKE '%\_source' AND cells <@ ARRAY(
        SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = format('mart.%I', v.viewname)::regclass);
    EXECUTE 'CREATE VIEW mart.contribution AS ' || branches;
    SELECT string_agg(format('SELECT %s FROM mart.%I', array_to_string(figures, ', '), v.viewname), ' UNION ALL ' ORDER BY v.viewname)
    INTO branches FROM pg_views v
    WHERE v.schemaname = 'mart' AND v.viewname LIKE '%\_figure' AND figures <@ ARRAY(
        SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = format('mart.%I', v.viewname)::regclass);
    EXECUTE 'CREATE VIEW mart.consolidated AS ' || branches;
END $$;
COMMENT ON VIEW mart.contribution IS 'Mọi ô làm nên mọi số tổng hợp, kể cả ô không được cộng và lý do';
COMMENT ON VIEW mart.consolidated IS 'Mọi số tổng hợp toàn tỉnh của mọi bảng';

-- What the columns of the two contracts mean, wherever they stand; a branch may say more in its own words.
DO $$
DECLARE
    said CONSTANT jsonb := '{"figure": "Mã số liệu tổng hợp (báo cáo:kỳ/bảng/dòng/chỉ số)", "report": "Mã báo cáo",
        "period": "Mã kỳ báo cáo", "mart": "Mã bảng: mã biểu, hoặc tên bảng chuyên đề", "row_key": "Mã dòng của số tổng hợp",
        "measure": "Mã chỉ số, giữ nguyên qua các phiên bản biểu", "unit": "Mã đơn vị báo cáo", "unit_name": "Tên đơn vị báo cáo",
        "unit_type": "Loại đơn vị", "submission_id": "Số hiệu lần nộp trong hệ thống", "generation": "Lần đọc tệp đang được tính",
        "form": "Mã biểu của ô", "form_row": "Mã dòng của ô trong biểu", "column_code": "Mã cột của ô trong biểu",
        "ordinal": "Thứ tự của dòng trong số các dòng ghi cùng mã (từ 0)", "number": "Giá trị đã đọc",
        "decimals": "Số chữ số thập phân đơn vị đã ghi", "raw": "Nguyên văn trong ô", "sheet": "Trang tính", "cell": "Ô",
        "received_at": "Thời điểm hệ thống nhận được", "sha256": "Dấu băm SHA-256 của tệp gốc",
        "role": "Vai trò của ô: term số được cộng, part tử số, whole mẫu số, shown chỉ để đối chiếu",
        "counted": "Có được tính vào số tổng hợp không", "left_out": "Vì sao không được tính; trống nếu được tính",
        "estimated": "Đơn vị ghi là số liệu ước thực hiện", "label": "Tên số liệu", "unit_of_measure": "Đơn vị tính",
        "aggregation": "Cách tổng hợp: sum cộng các đơn vị, last cộng số có đến cuối kỳ, rate tính lại từ tổng",
        "value": "Giá trị tổng hợp", "units": "Số đơn vị có số liệu này",
        "estimated_units": "Trong số đó: số đơn vị ghi là số liệu ước thực hiện"}';
    one record;
BEGIN
    FOR one IN
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'v' AND said ? a.attname
          AND (c.relname IN ('contribution', 'consolidated') OR c.relname LIKE '%\_source' OR c.relname LIKE '%\_figure')
          AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN mart.%I.%I IS %L', one.relname, one.attname, said ->> one.attname);
    END LOOP;
END $$;
