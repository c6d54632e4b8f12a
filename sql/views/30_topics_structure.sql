-- Who is rewarded, the fund, what was proposed, exemplars: figures of F07, F10, F08 and F12 for the province and by type of unit.
-- A mart's _source view holds the cells of its figures, its _figure view the figures; see 35_contribution.sql.

-- Structure: row `tinh` or a type of unit. Shares are of sums, and of the units that gave both numbers.
CREATE VIEW mart.structure_source AS
-- Inlined in both places: else it would be made of every period before one is asked for.
WITH given AS NOT MATERIALIZED (
    SELECT s.*, split_part(s.measure, '.', 2) AS name FROM mart.figure_source s
    WHERE s.form = 'F07' AND s.measure IN ('F07.tong_ca_nhan', 'F07.lanh_dao_quan_ly', 'F07.nguoi_lao_dong_truc_tiep', 'F07.nu', 'F07.dan_toc_thieu_so', 'F07.doanh_nghiep')
), halves AS (
    SELECT g.*, r.rate, CASE WHEN g.name = r.part THEN 'part' ELSE 'whole' END AS half
    FROM given g JOIN (VALUES ('ty_le_lanh_dao', 'lanh_dao_quan_ly'), ('ty_le_truc_tiep', 'nguoi_lao_dong_truc_tiep'), ('ty_le_nu', 'nu'), ('ty_le_dan_toc', 'dan_toc_thieu_so')) r (rate, part)
        ON g.name IN (r.part, 'tong_ca_nhan')
), paired AS (
    SELECT h.*, count(*) FILTER (WHERE h.counted) OVER (PARTITION BY h.report, h.period, h.submission_id, h.rate) = 2 AS has_both
    FROM halves h
), told AS (
    SELECT g.figure, g.report, g.period, g.form, g.row_key, g.column_code, g.measure, g.unit, g.unit_name, g.unit_type, g.number, g.decimals, g.raw, g.sheet, g.cell, g.received_at, g.submission_id, g.sha256, g.aggregation, g.counted, g.left_out, g.estimated, g.generation, g.ordinal, g.name,
           g.name AS told, 'term' AS role, g.counted AS is_counted, g.left_out AS why FROM given g
    UNION ALL
    SELECT p.figure, p.report, p.period, p.form, p.row_key, p.column_code, p.measure, p.unit, p.unit_name, p.unit_type, p.number, p.decimals, p.raw, p.sheet, p.cell, p.received_at, p.submission_id, p.sha256, p.aggregation, p.counted, p.left_out, p.estimated, p.generation, p.ordinal, p.name,
           p.rate, p.half, p.counted AND p.has_both,
           CASE WHEN p.counted AND NOT p.has_both THEN 'Đơn vị chỉ ghi một trong hai số (tử số, mẫu số) nên không tính vào tỷ lệ'
                ELSE p.left_out END
    FROM paired p
)
SELECT s.report || ':' || s.period || '/structure/' || c.row_key || '/' || s.told AS figure, s.report, s.period, 'structure' AS mart,
       c.row_key, s.told AS measure, s.unit, s.unit_name, s.unit_type, s.submission_id, s.generation,
       s.form, s.row_key AS form_row, s.column_code, s.ordinal, s.number, s.decimals, s.raw, s.sheet, s.cell, s.received_at, s.sha256,
       s.role, s.is_counted AS counted, s.why AS left_out, s.estimated
FROM told s CROSS JOIN LATERAL (VALUES ('tinh'), (s.unit_type)) c (row_key);
COMMENT ON VIEW mart.structure_source IS 'Các ô làm nên số về cơ cấu đối tượng được khen thưởng, toàn tỉnh và theo loại đơn vị';

CREATE VIEW mart.structure_figure AS
SELECT s.figure, s.report, s.period, s.mart, s.row_key, s.measure, d.label, d.unit_of_measure, d.aggregation,
       CASE d.aggregation WHEN 'rate' THEN 100 * sum(s.number) FILTER (WHERE s.role = 'part')
                                          / nullif(sum(s.number) FILTER (WHERE s.role = 'whole'), 0)
                          ELSE sum(s.number) END AS value,
       count(DISTINCT s.unit)::integer AS units, count(DISTINCT s.unit) FILTER (WHERE s.estimated)::integer AS estimated_units
FROM mart.structure_source s
JOIN (VALUES
    ('tong_ca_nhan', 'Tổng số cá nhân được tặng bằng khen', 'người', 'sum'),
    ('lanh_dao_quan_ly', 'Lãnh đạo, quản lý', 'người', 'sum'),
    ('nguoi_lao_dong_truc_tiep', 'Người lao động trực tiếp', 'người', 'sum'),
    ('nu', 'Nữ', 'người', 'sum'),
    ('dan_toc_thieu_so', 'Người dân tộc thiểu số', 'người', 'sum'),
    ('doanh_nghiep', 'Doanh nghiệp được tặng bằng khen', 'tập thể', 'sum'),
    ('ty_le_lanh_dao', 'Tỷ lệ lãnh đạo, quản lý', '%', 'rate'),
    ('ty_le_truc_tiep', 'Tỷ lệ người lao động trực tiếp', '%', 'rate'),
    ('ty_le_nu', 'Tỷ lệ nữ', '%', 'rate'),
    ('ty_le_dan_toc', 'Tỷ lệ người dân tộc thiểu số', '%', 'rate')
) d (measure, label, unit_of_measure, aggregation) ON d.measure = s.measure
WHERE s.counted
GROUP BY s.figure, s.report, s.period, s.mart, s.row_key, s.measure, d.label, d.unit_of_measure, d.aggregation;
COMMENT ON VIEW mart.structure_figure IS 'Số tổng hợp về cơ cấu đối tượng được khen thưởng';

CREATE VIEW mart.structure AS
SELECT f.report, f.period, f.row_key AS scope,
       max(f.value) FILTER (WHERE f.measure = 'tong_ca_nhan') AS tong_ca_nhan,
       max(f.value) FILTER (WHERE f.measure = 'lanh_dao_quan_ly') AS lanh_dao_quan_ly,
       max(f.value) FILTER (WHERE f.measure = 'nguoi_lao_dong_truc_tiep') AS nguoi_lao_dong_truc_tiep,
       max(f.value) FILTER (WHERE f.measure = 'nu') AS nu,
       max(f.value) FILTER (WHERE f.measure = 'dan_toc_thieu_so') AS dan_toc_thieu_so,
       max(f.value) FILTER (WHERE f.measure = 'doanh_nghiep') AS doanh_nghiep,
       max(f.value) FILTER (WHERE f.measure = 'ty_le_lanh_dao') AS ty_le_lanh_dao,
       max(f.value) FILTER (WHERE f.measure = 'ty_le_truc_tiep') AS ty_le_truc_tiep,
       max(f.value) FILTER (WHERE f.measure = 'ty_le_nu') AS ty_le_nu,
       max(f.value) FILTER (WHERE f.measure = 'ty_le_dan_toc') AS ty_le_dan_toc,
       max(f.units) AS units, max(f.estimated_units) AS estimated_units
FROM mart.structure_figure f GROUP BY f.report, f.period, f.row_key;
COMMENT ON VIEW mart.structure IS 'Cơ cấu đối tượng được tặng bằng khen cấp tỉnh, toàn tỉnh và theo loại đơn vị; tỷ lệ tính lại từ tổng';
COMMENT ON COLUMN mart.structure.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.structure.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.structure.scope IS 'Phạm vi: tinh toàn tỉnh, hoặc loại đơn vị';
COMMENT ON COLUMN mart.structure.tong_ca_nhan IS 'Tổng số cá nhân được tặng bằng khen (người)';
COMMENT ON COLUMN mart.structure.lanh_dao_quan_ly IS 'Lãnh đạo, quản lý (người)';
COMMENT ON COLUMN mart.structure.nguoi_lao_dong_truc_tiep IS 'Người lao động trực tiếp (người)';
COMMENT ON COLUMN mart.structure.nu IS 'Nữ (người)';
COMMENT ON COLUMN mart.structure.dan_toc_thieu_so IS 'Người dân tộc thiểu số (người)';
COMMENT ON COLUMN mart.structure.doanh_nghiep IS 'Doanh nghiệp được tặng bằng khen (tập thể)';
COMMENT ON COLUMN mart.structure.ty_le_lanh_dao IS 'Tỷ lệ lãnh đạo, quản lý (%), tính lại từ tổng';
COMMENT ON COLUMN mart.structure.ty_le_truc_tiep IS 'Tỷ lệ người lao động trực tiếp (%), tính lại từ tổng';
COMMENT ON COLUMN mart.structure.ty_le_nu IS 'Tỷ lệ nữ (%), tính lại từ tổng';
COMMENT ON COLUMN mart.structure.ty_le_dan_toc IS 'Tỷ lệ người dân tộc thiểu số (%), tính lại từ tổng';
COMMENT ON COLUMN mart.structure.units IS 'Số đơn vị có số liệu';
COMMENT ON COLUMN mart.structure.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';

CREATE VIEW mart.structure_unit AS
SELECT s.report, s.period, s.unit, s.unit_name, s.unit_type,
       max(s.number) FILTER (WHERE s.measure = 'F07.tong_ca_nhan') AS tong_ca_nhan,
       max(s.number) FILTER (WHERE s.measure = 'F07.lanh_dao_quan_ly') AS lanh_dao_quan_ly,
       max(s.number) FILTER (WHERE s.measure = 'F07.nguoi_lao_dong_truc_tiep') AS nguoi_lao_dong_truc_tiep,
       max(s.number) FILTER (WHERE s.measure = 'F07.nu') AS nu,
       max(s.number) FILTER (WHERE s.measure = 'F07.dan_toc_thieu_so') AS dan_toc_thieu_so,
       max(s.number) FILTER (WHERE s.measure = 'F07.doanh_nghiep') AS doanh_nghiep,
       100 * max(s.number) FILTER (WHERE s.measure = 'F07.lanh_dao_quan_ly')
           / nullif(max(s.number) FILTER (WHERE s.measure = 'F07.tong_ca_nhan'), 0) AS ty_le_lanh_dao,
       100 * max(s.number) FILTER (WHERE s.measure = 'F07.nguoi_lao_dong_truc_tiep')
           / nullif(max(s.number) FILTER (WHERE s.measure = 'F07.tong_ca_nhan'), 0) AS ty_le_truc_tiep,
       100 * max(s.number) FILTER (WHERE s.measure = 'F07.nu')
           / nullif(max(s.number) FILTER (WHERE s.measure = 'F07.tong_ca_nhan'), 0) AS ty_le_nu,
       100 * max(s.number) FILTER (WHERE s.measure = 'F07.dan_toc_thieu_so')
           / nullif(max(s.number) FILTER (WHERE s.measure = 'F07.tong_ca_nhan'), 0) AS ty_le_dan_toc
FROM mart.figure_source s WHERE s.form = 'F07' AND s.ordinal IS NOT DISTINCT FROM 0
GROUP BY s.report, s.period, s.unit, s.unit_name, s.unit_type;
COMMENT ON VIEW mart.structure_unit IS 'Cơ cấu đối tượng được tặng bằng khen cấp tỉnh, từng đơn vị; tỷ lệ tính lại';
COMMENT ON COLUMN mart.structure_unit.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.structure_unit.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.structure_unit.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.structure_unit.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.structure_unit.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.structure_unit.tong_ca_nhan IS 'Tổng số cá nhân được tặng bằng khen (người)';
COMMENT ON COLUMN mart.structure_unit.lanh_dao_quan_ly IS 'Lãnh đạo, quản lý (người)';
COMMENT ON COLUMN mart.structure_unit.nguoi_lao_dong_truc_tiep IS 'Người lao động trực tiếp (người)';
COMMENT ON COLUMN mart.structure_unit.nu IS 'Nữ (người)';
COMMENT ON COLUMN mart.structure_unit.dan_toc_thieu_so IS 'Người dân tộc thiểu số (người)';
COMMENT ON COLUMN mart.structure_unit.doanh_nghiep IS 'Doanh nghiệp được tặng bằng khen (tập thể)';
COMMENT ON COLUMN mart.structure_unit.ty_le_lanh_dao IS 'Tỷ lệ lãnh đạo, quản lý (%), tính lại';
COMMENT ON COLUMN mart.structure_unit.ty_le_truc_tiep IS 'Tỷ lệ người lao động trực tiếp (%), tính lại';
COMMENT ON COLUMN mart.structure_unit.ty_le_nu IS 'Tỷ lệ nữ (%), tính lại';
COMMENT ON COLUMN mart.structure_unit.ty_le_dan_toc IS 'Tỷ lệ người dân tộc thiểu số (%), tính lại';

-- The fund: row `tinh` or a type of unit. What the equation leaves (opening + income - spending - closing) is a figure too, of the
-- same cells with their signs: nought when the sums agree.
CREATE VIEW mart.fund_source AS
-- Inlined in both places: else it would be made of every period before one is asked for.
WITH given AS NOT MATERIALIZED (
    SELECT s.*, split_part(s.measure, '.', 2) AS name FROM mart.figure_source s WHERE s.form = 'F10'
), told AS (
    SELECT g.*, g.name AS told, g.number AS amount FROM given g
    UNION ALL
    SELECT g.*, 'chenh_lech', g.number * e.sign FROM given g
    JOIN (VALUES ('du_dau_ky', 1), ('tong_thu', 1), ('tong_chi', -1), ('du_cuoi_ky', -1)) e (name, sign) ON e.name = g.name
)
SELECT s.report || ':' || s.period || '/fund/' || c.row_key || '/' || s.told AS figure, s.report, s.period, 'fund' AS mart,
       c.row_key, s.told AS measure, s.unit, s.unit_name, s.unit_type, s.submission_id, s.generation,
       s.form, s.row_key AS form_row, s.column_code, s.ordinal, s.amount AS number, s.decimals, s.raw, s.sheet, s.cell, s.received_at, s.sha256,
       'term' AS role, s.counted, s.left_out, s.estimated
FROM told s CROSS JOIN LATERAL (VALUES ('tinh'), (s.unit_type)) c (row_key);
COMMENT ON VIEW mart.fund_source IS 'Các ô làm nên số về quỹ thi đua, khen thưởng, toàn tỉnh và theo loại đơn vị';

CREATE VIEW mart.fund_figure AS
SELECT s.figure, s.report, s.period, s.mart, s.row_key, s.measure, d.label, d.unit_of_measure, d.aggregation,
       CASE d.aggregation WHEN 'rate' THEN 100 * sum(s.number) FILTER (WHERE s.role = 'part')
                                          / nullif(sum(s.number) FILTER (WHERE s.role = 'whole'), 0)
                          ELSE sum(s.number) END AS value,
       count(DISTINCT s.unit)::integer AS units, count(DISTINCT s.unit) FILTER (WHERE s.estimated)::integer AS estimated_units
FROM mart.fund_source s
JOIN (VALUES
    ('du_dau_ky', 'Số dư đầu kỳ', 'đồng', 'sum'),
    ('thu_ngan_sach', 'Thu từ ngân sách nhà nước', 'đồng', 'sum'),
    ('thu_dong_gop', 'Thu từ đóng góp', 'đồng', 'sum'),
    ('thu_khac', 'Thu khác', 'đồng', 'sum'),
    ('tong_thu', 'Tổng thu trong kỳ', 'đồng', 'sum'),
    ('chi_khen_thuong', 'Chi tiền thưởng', 'đồng', 'sum'),
    ('chi_khac', 'Chi khác', 'đồng', 'sum'),
    ('tong_chi', 'Tổng chi trong kỳ', 'đồng', 'sum'),
    ('du_cuoi_ky', 'Số dư cuối kỳ', 'đồng', 'sum'),
    ('chenh_lech', 'Chênh lệch của phương trình quỹ (đầu kỳ + thu - chi - cuối kỳ)', 'đồng', 'sum')
) d (measure, label, unit_of_measure, aggregation) ON d.measure = s.measure
WHERE s.counted
GROUP BY s.figure, s.report, s.period, s.mart, s.row_key, s.measure, d.label, d.unit_of_measure, d.aggregation;
COMMENT ON VIEW mart.fund_figure IS 'Số tổng hợp về quỹ thi đua, khen thưởng';

CREATE VIEW mart.fund AS
SELECT f.report, f.period, f.row_key AS scope,
       max(f.value) FILTER (WHERE f.measure = 'du_dau_ky') AS du_dau_ky,
       max(f.value) FILTER (WHERE f.measure = 'thu_ngan_sach') AS thu_ngan_sach,
       max(f.value) FILTER (WHERE f.measure = 'thu_dong_gop') AS thu_dong_gop,
       max(f.value) FILTER (WHERE f.measure = 'thu_khac') AS thu_khac,
       max(f.value) FILTER (WHERE f.measure = 'tong_thu') AS tong_thu,
       max(f.value) FILTER (WHERE f.measure = 'chi_khen_thuong') AS chi_khen_thuong,
       max(f.value) FILTER (WHERE f.measure = 'chi_khac') AS chi_khac,
       max(f.value) FILTER (WHERE f.measure = 'tong_chi') AS tong_chi,
       max(f.value) FILTER (WHERE f.measure = 'du_cuoi_ky') AS du_cuoi_ky,
       max(f.value) FILTER (WHERE f.measure = 'chenh_lech') AS chenh_lech,
       max(f.units) AS units, max(f.estimated_units) AS estimated_units
FROM mart.fund_figure f GROUP BY f.report, f.period, f.row_key;
COMMENT ON VIEW mart.fund IS 'Quỹ thi đua, khen thưởng, toàn tỉnh và theo loại đơn vị';
COMMENT ON COLUMN mart.fund.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.fund.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.fund.scope IS 'Phạm vi: tinh toàn tỉnh, hoặc loại đơn vị';
COMMENT ON COLUMN mart.fund.du_dau_ky IS 'Số dư đầu kỳ (đồng)';
COMMENT ON COLUMN mart.fund.thu_ngan_sach IS 'Thu từ ngân sách nhà nước (đồng)';
COMMENT ON COLUMN mart.fund.thu_dong_gop IS 'Thu từ đóng góp (đồng)';
COMMENT ON COLUMN mart.fund.thu_khac IS 'Thu khác (đồng)';
COMMENT ON COLUMN mart.fund.tong_thu IS 'Tổng thu trong kỳ (đồng)';
COMMENT ON COLUMN mart.fund.chi_khen_thuong IS 'Chi tiền thưởng (đồng)';
COMMENT ON COLUMN mart.fund.chi_khac IS 'Chi khác (đồng)';
COMMENT ON COLUMN mart.fund.tong_chi IS 'Tổng chi trong kỳ (đồng)';
COMMENT ON COLUMN mart.fund.du_cuoi_ky IS 'Số dư cuối kỳ (đồng)';
COMMENT ON COLUMN mart.fund.chenh_lech IS 'Chênh lệch: số dư đầu kỳ + tổng thu - tổng chi - số dư cuối kỳ (đồng); bằng 0 là khớp';
COMMENT ON COLUMN mart.fund.units IS 'Số đơn vị có số liệu';
COMMENT ON COLUMN mart.fund.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';

CREATE VIEW mart.fund_unit AS
WITH given AS (
    SELECT s.report, s.period, s.unit, s.unit_name, s.unit_type,
           max(s.number) FILTER (WHERE s.measure = 'F10.du_dau_ky') AS du_dau_ky,
           max(s.number) FILTER (WHERE s.measure = 'F10.thu_ngan_sach') AS thu_ngan_sach,
           max(s.number) FILTER (WHERE s.measure = 'F10.thu_dong_gop') AS thu_dong_gop,
           max(s.number) FILTER (WHERE s.measure = 'F10.thu_khac') AS thu_khac,
           max(s.number) FILTER (WHERE s.measure = 'F10.tong_thu') AS tong_thu,
           max(s.number) FILTER (WHERE s.measure = 'F10.chi_khen_thuong') AS chi_khen_thuong,
           max(s.number) FILTER (WHERE s.measure = 'F10.chi_khac') AS chi_khac,
           max(s.number) FILTER (WHERE s.measure = 'F10.tong_chi') AS tong_chi,
           max(s.number) FILTER (WHERE s.measure = 'F10.du_cuoi_ky') AS du_cuoi_ky
    FROM mart.figure_source s WHERE s.form = 'F10' AND s.ordinal IS NOT DISTINCT FROM 0
    GROUP BY s.report, s.period, s.unit, s.unit_name, s.unit_type
)
SELECT g.*, g.du_dau_ky + g.tong_thu - g.tong_chi - g.du_cuoi_ky AS chenh_lech FROM given g;
COMMENT ON VIEW mart.fund_unit IS 'Quỹ thi đua, khen thưởng của từng đơn vị';
COMMENT ON COLUMN mart.fund_unit.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.fund_unit.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.fund_unit.unit IS 'Mã đơn vị báo cáo';
COMMENT ON COLUMN mart.fund_unit.unit_name IS 'Tên đơn vị báo cáo';
COMMENT ON COLUMN mart.fund_unit.unit_type IS 'Loại đơn vị';
COMMENT ON COLUMN mart.fund_unit.du_dau_ky IS 'Số dư đầu kỳ (đồng)';
COMMENT ON COLUMN mart.fund_unit.thu_ngan_sach IS 'Thu từ ngân sách nhà nước (đồng)';
COMMENT ON COLUMN mart.fund_unit.thu_dong_gop IS 'Thu từ đóng góp (đồng)';
COMMENT ON COLUMN mart.fund_unit.thu_khac IS 'Thu khác (đồng)';
COMMENT ON COLUMN mart.fund_unit.tong_thu IS 'Tổng thu trong kỳ (đồng)';
COMMENT ON COLUMN mart.fund_unit.chi_khen_thuong IS 'Chi tiền thưởng (đồng)';
COMMENT ON COLUMN mart.fund_unit.chi_khac IS 'Chi khác (đồng)';
COMMENT ON COLUMN mart.fund_unit.tong_chi IS 'Tổng chi trong kỳ (đồng)';
COMMENT ON COLUMN mart.fund_unit.du_cuoi_ky IS 'Số dư cuối kỳ (đồng)';
COMMENT ON COLUMN mart.fund_unit.chenh_lech IS 'Chênh lệch: số dư đầu kỳ + tổng thu - tổng chi - số dư cuối kỳ (đồng); bằng 0 là khớp';

-- Proposed and granted. What F08 counts are figures of F08; what still waits for a decision is made of them: left over from before,
-- and proposed, less decided. Households are not in F08.
CREATE VIEW mart.proposed_source AS
SELECT s.report || ':' || s.period || '/proposed/' || s.row_key || '/' || w.measure AS figure, s.report, s.period, 'proposed' AS mart,
       s.row_key, w.measure, s.unit, s.unit_name, s.unit_type, s.submission_id, s.generation,
       s.form, s.row_key AS form_row, s.column_code, s.ordinal, s.number * w.sign AS number, s.decimals, s.raw, s.sheet, s.cell, s.received_at, s.sha256,
       'term' AS role, s.counted, s.left_out, s.estimated
FROM mart.figure_source s
JOIN (VALUES ('1', 'cho_tt', 1), ('3', 'cho_tt', 1), ('5', 'cho_tt', -1), ('2', 'cho_cn', 1), ('4', 'cho_cn', 1), ('6', 'cho_cn', -1)
) w (column_code, measure, sign) ON w.column_code = s.column_code
WHERE s.form = 'F08';
COMMENT ON VIEW mart.proposed_source IS 'Các ô làm nên số hồ sơ đã trình còn chờ quyết định';

CREATE VIEW mart.proposed_figure AS
SELECT s.figure, s.report, s.period, s.mart, s.row_key, s.measure, d.label, d.unit_of_measure, d.aggregation,
       CASE d.aggregation WHEN 'rate' THEN 100 * sum(s.number) FILTER (WHERE s.role = 'part')
                                          / nullif(sum(s.number) FILTER (WHERE s.role = 'whole'), 0)
                          ELSE sum(s.number) END AS value,
       count(DISTINCT s.unit)::integer AS units, count(DISTINCT s.unit) FILTER (WHERE s.estimated)::integer AS estimated_units
FROM mart.proposed_source s
JOIN (VALUES
    ('cho_tt', 'Còn chờ quyết định: tập thể', 'tập thể', 'sum'),
    ('cho_cn', 'Còn chờ quyết định: cá nhân', 'cá nhân', 'sum')
) d (measure, label, unit_of_measure, aggregation) ON d.measure = s.measure
WHERE s.counted
GROUP BY s.figure, s.report, s.period, s.mart, s.row_key, s.measure, d.label, d.unit_of_measure, d.aggregation;
COMMENT ON VIEW mart.proposed_figure IS 'Số hồ sơ khen thưởng đã trình còn chờ quyết định';

CREATE VIEW mart.proposed AS
WITH told AS (
    SELECT f.report, f.period, f.row_key,
           max(f.value) FILTER (WHERE f.column_code = '1') AS ton_tt,
           max(f.value) FILTER (WHERE f.column_code = '2') AS ton_cn,
           max(f.value) FILTER (WHERE f.column_code = '3') AS trinh_tt,
           max(f.value) FILTER (WHERE f.column_code = '4') AS trinh_cn,
           max(f.value) FILTER (WHERE f.column_code = '5') AS quyet_dinh_tt,
           max(f.value) FILTER (WHERE f.column_code = '6') AS quyet_dinh_cn,
           sum(f.value) FILTER (WHERE f.column_code IN ('1', '3')) AS in_tt, sum(f.value) FILTER (WHERE f.column_code IN ('2', '4')) AS in_cn,
           max(f.units) AS units, max(f.estimated_units) AS estimated_units
    FROM mart.form_sum f WHERE f.form = 'F08' GROUP BY f.report, f.period, f.row_key
), labelled AS (
    SELECT DISTINCT ON (row_code) row_code, row_label, place FROM core.known_form_field WHERE form = 'F08'
    ORDER BY row_code, form_version DESC, place
), tied AS (
    -- Where the same awards are counted when they are granted. Badges (row 09) are of every level here: they tie to nothing.
    SELECT f.report, f.period, t.row_key,
           max(f.figure) FILTER (WHERE t.subject = 'tt') AS tt_figure, max(f.value) FILTER (WHERE t.subject = 'tt') AS tt,
           max(f.figure) FILTER (WHERE t.subject = 'cn') AS cn_figure, max(f.value) FILTER (WHERE t.subject = 'cn') AS cn
    FROM mart.form_sum f
    JOIN (VALUES ('01', 'tt', 'F04', '06', '2'), ('01', 'cn', 'F04', '09', '3'), ('02', 'tt', 'F04', '06', '8'),
                 ('02', 'cn', 'F04', '09', '9'), ('03', 'tt', 'F04', '06', '7'), ('04', 'cn', 'F04', '09', '10'),
                 ('05', 'tt', 'F05', '02', '4'), ('06', 'tt', 'F05', '02', '2'), ('06', 'cn', 'F05', '05', '2'),
                 ('07', 'cn', 'F05', '05', '3'), ('08', 'tt', 'F05', '02', '6')
    ) t (row_key, subject, form, form_row, column_code)
        ON t.form = f.form AND t.form_row = f.row_key AND t.column_code = f.column_code
    WHERE f.form IN ('F04', 'F05') AND f.column_code <> '1' AND f.row_key IN ('02', '05', '06', '09')
    GROUP BY f.report, f.period, t.row_key
)
SELECT t.report, t.period, t.row_key, l.row_label AS label, t.ton_tt, t.ton_cn, t.trinh_tt, t.trinh_cn, t.quyet_dinh_tt,
       t.quyet_dinh_cn, CASE WHEN t.in_tt IS NOT NULL OR t.quyet_dinh_tt IS NOT NULL THEN coalesce(t.in_tt, 0) - coalesce(t.quyet_dinh_tt, 0) END AS cho_tt, CASE WHEN t.in_cn IS NOT NULL OR t.quyet_dinh_cn IS NOT NULL THEN coalesce(t.in_cn, 0) - coalesce(t.quyet_dinh_cn, 0) END AS cho_cn, k.tt AS bieu_tt, k.tt_figure AS bieu_tt_figure, k.cn AS bieu_cn,
       k.cn_figure AS bieu_cn_figure, t.quyet_dinh_tt - k.tt AS lech_tt, t.quyet_dinh_cn - k.cn AS lech_cn, t.units,
       t.estimated_units, l.place
FROM told t
LEFT JOIN labelled l ON l.row_code = t.row_key
LEFT JOIN tied k ON k.report = t.report AND k.period = t.period AND k.row_key = t.row_key;
COMMENT ON VIEW mart.proposed IS 'Khen thưởng đã trình, đã có quyết định, còn chờ, theo danh hiệu, hình thức; đối chiếu với biểu F04, F05';
COMMENT ON COLUMN mart.proposed.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.proposed.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.proposed.row_key IS 'Mã dòng của F08';
COMMENT ON COLUMN mart.proposed.label IS 'Danh hiệu, hình thức khen thưởng';
COMMENT ON COLUMN mart.proposed.ton_tt IS 'Tồn từ kỳ trước: tập thể';
COMMENT ON COLUMN mart.proposed.ton_cn IS 'Tồn từ kỳ trước: cá nhân';
COMMENT ON COLUMN mart.proposed.trinh_tt IS 'Đã trình trong kỳ: tập thể';
COMMENT ON COLUMN mart.proposed.trinh_cn IS 'Đã trình trong kỳ: cá nhân';
COMMENT ON COLUMN mart.proposed.quyet_dinh_tt IS 'Đã có quyết định trong kỳ: tập thể';
COMMENT ON COLUMN mart.proposed.quyet_dinh_cn IS 'Đã có quyết định trong kỳ: cá nhân';
COMMENT ON COLUMN mart.proposed.cho_tt IS 'Còn chờ quyết định: tập thể (tồn + trình - quyết định)';
COMMENT ON COLUMN mart.proposed.cho_cn IS 'Còn chờ quyết định: cá nhân (tồn + trình - quyết định)';
COMMENT ON COLUMN mart.proposed.bieu_tt IS 'Tập thể đã được khen theo biểu F04, F05';
COMMENT ON COLUMN mart.proposed.bieu_tt_figure IS 'Mã số liệu của biểu F04, F05: tập thể';
COMMENT ON COLUMN mart.proposed.bieu_cn IS 'Cá nhân đã được khen theo biểu F04, F05';
COMMENT ON COLUMN mart.proposed.bieu_cn_figure IS 'Mã số liệu của biểu F04, F05: cá nhân';
COMMENT ON COLUMN mart.proposed.lech_tt IS 'Chênh lệch quyết định của F08 so với F04, F05: tập thể';
COMMENT ON COLUMN mart.proposed.lech_cn IS 'Chênh lệch quyết định của F08 so với F04, F05: cá nhân';
COMMENT ON COLUMN mart.proposed.units IS 'Số đơn vị có số liệu';
COMMENT ON COLUMN mart.proposed.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.proposed.place IS 'Thứ tự của dòng';

-- Exemplars by field (rows of F12) and stage; every number is a figure of F12.
CREATE VIEW mart.exemplars AS
WITH labelled AS (
    SELECT DISTINCT ON (row_code) row_code, row_label, place FROM core.known_form_field WHERE form = 'F12'
    ORDER BY row_code, form_version DESC, place
)
SELECT f.report, f.period, f.row_key, l.row_label AS label,
       max(f.value) FILTER (WHERE f.column_code = '1') AS phat_hien,
       max(f.value) FILTER (WHERE f.column_code = '2') AS phat_hien_tt,
       max(f.value) FILTER (WHERE f.column_code = '3') AS phat_hien_ho,
       max(f.value) FILTER (WHERE f.column_code = '4') AS phat_hien_cn,
       max(f.value) FILTER (WHERE f.column_code = '5') AS boi_duong,
       max(f.value) FILTER (WHERE f.column_code = '6') AS boi_duong_tt,
       max(f.value) FILTER (WHERE f.column_code = '7') AS boi_duong_ho,
       max(f.value) FILTER (WHERE f.column_code = '8') AS boi_duong_cn,
       max(f.value) FILTER (WHERE f.column_code = '9') AS tong_ket,
       max(f.value) FILTER (WHERE f.column_code = '10') AS tong_ket_tt,
       max(f.value) FILTER (WHERE f.column_code = '11') AS tong_ket_ho,
       max(f.value) FILTER (WHERE f.column_code = '12') AS tong_ket_cn,
       max(f.value) FILTER (WHERE f.column_code = '13') AS nhan_rong,
       max(f.value) FILTER (WHERE f.column_code = '14') AS nhan_rong_tt,
       max(f.value) FILTER (WHERE f.column_code = '15') AS nhan_rong_ho,
       max(f.value) FILTER (WHERE f.column_code = '16') AS nhan_rong_cn,
       max(f.units) AS units, max(f.estimated_units) AS estimated_units, l.place
FROM mart.form_sum f LEFT JOIN labelled l ON l.row_code = f.row_key
WHERE f.form = 'F12' GROUP BY f.report, f.period, f.row_key, l.row_label, l.place;
COMMENT ON VIEW mart.exemplars IS 'Điển hình tiên tiến theo lĩnh vực và giai đoạn: phát hiện, bồi dưỡng, tổng kết, nhân rộng';
COMMENT ON COLUMN mart.exemplars.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.exemplars.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.exemplars.row_key IS 'Mã dòng của F12';
COMMENT ON COLUMN mart.exemplars.label IS 'Lĩnh vực';
COMMENT ON COLUMN mart.exemplars.phat_hien IS 'Phát hiện: tổng số';
COMMENT ON COLUMN mart.exemplars.phat_hien_tt IS 'Phát hiện: tập thể';
COMMENT ON COLUMN mart.exemplars.phat_hien_ho IS 'Phát hiện: hộ gia đình';
COMMENT ON COLUMN mart.exemplars.phat_hien_cn IS 'Phát hiện: cá nhân';
COMMENT ON COLUMN mart.exemplars.boi_duong IS 'Bồi dưỡng: tổng số';
COMMENT ON COLUMN mart.exemplars.boi_duong_tt IS 'Bồi dưỡng: tập thể';
COMMENT ON COLUMN mart.exemplars.boi_duong_ho IS 'Bồi dưỡng: hộ gia đình';
COMMENT ON COLUMN mart.exemplars.boi_duong_cn IS 'Bồi dưỡng: cá nhân';
COMMENT ON COLUMN mart.exemplars.tong_ket IS 'Tổng kết: tổng số';
COMMENT ON COLUMN mart.exemplars.tong_ket_tt IS 'Tổng kết: tập thể';
COMMENT ON COLUMN mart.exemplars.tong_ket_ho IS 'Tổng kết: hộ gia đình';
COMMENT ON COLUMN mart.exemplars.tong_ket_cn IS 'Tổng kết: cá nhân';
COMMENT ON COLUMN mart.exemplars.nhan_rong IS 'Nhân rộng: tổng số';
COMMENT ON COLUMN mart.exemplars.nhan_rong_tt IS 'Nhân rộng: tập thể';
COMMENT ON COLUMN mart.exemplars.nhan_rong_ho IS 'Nhân rộng: hộ gia đình';
COMMENT ON COLUMN mart.exemplars.nhan_rong_cn IS 'Nhân rộng: cá nhân';
COMMENT ON COLUMN mart.exemplars.units IS 'Số đơn vị có số liệu';
COMMENT ON COLUMN mart.exemplars.estimated_units IS 'Trong số đó: số đơn vị ghi là số liệu ước thực hiện';
COMMENT ON COLUMN mart.exemplars.place IS 'Thứ tự của dòng';
