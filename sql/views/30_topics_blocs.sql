-- Blocs (khối, cụm thi đua): how each scored its members, and what the ranks entitle them to by the province's parameters.

-- The province's parameters of a period: those in force when its last report was due, as far as they are known as of the instant
-- read; a change of a later year does not turn over the proposals of this one.
CREATE VIEW mart.bloc_parameter AS
SELECT p.report, p.period, v.highest_score, v.flag_ranks, v.certificate_ranks
FROM core.known_period p
CROSS JOIN LATERAL (
    SELECT greatest(core.register_begins(), least(core.as_of(), coalesce((
        SELECT max(o.due_at) FROM core.known_obligation o WHERE o.report = p.report AND o.period = p.period), core.as_of()))) AS at
) t
CROSS JOIN LATERAL (
    SELECT r.highest_score, r.flag_ranks, r.certificate_ranks FROM register.province r
    WHERE r.recorded_at <= t.at AND (r.retired_at IS NULL OR r.retired_at > t.at) ORDER BY r.recorded_at DESC LIMIT 1
) v;
COMMENT ON VIEW mart.bloc_parameter IS 'Tham số của tỉnh về chấm điểm, đề nghị khen thưởng của khối, cụm, áp dụng cho từng kỳ';
COMMENT ON COLUMN mart.bloc_parameter.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.bloc_parameter.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.bloc_parameter.highest_score IS 'Thang điểm';
COMMENT ON COLUMN mart.bloc_parameter.flag_ranks IS 'Từ hạng 1 đến hạng này được đề nghị Cờ thi đua của UBND tỉnh';
COMMENT ON COLUMN mart.bloc_parameter.certificate_ranks IS 'Các hạng tiếp theo đến hạng này được đề nghị Bằng khen của Chủ tịch UBND tỉnh';

-- Scores and ranks are figures of mart `blocs`, each of the one cell of the bloc's report: row bloc+unit.
CREATE VIEW mart.blocs_source AS
SELECT s.report || ':' || s.period || '/blocs/' || s.unit || '+' || s.row_key || '/' || split_part(s.measure, '.', 2) AS figure,
       s.report, s.period, 'blocs' AS mart, s.unit || '+' || s.row_key AS row_key, split_part(s.measure, '.', 2) AS measure,
       s.unit, s.unit_name, s.unit_type, s.submission_id, s.generation, s.form, s.row_key AS form_row, s.column_code, s.ordinal,
       s.number, s.decimals, s.raw, s.sheet, s.cell, s.received_at, s.sha256, 'term' AS role, s.ordinal = 0 AS counted,
       CASE WHEN s.ordinal > 0 THEN 'Dòng ghi lặp lại trong biểu: chỉ lấy dòng đầu' END AS left_out, s.estimated
FROM mart.figure_source s WHERE s.form = 'F11';
COMMENT ON VIEW mart.blocs_source IS 'Các ô điểm, thứ hạng trong báo cáo của khối, cụm';

CREATE VIEW mart.blocs_figure AS
SELECT s.figure, s.report, s.period, s.mart, s.row_key, s.measure,
       CASE s.measure WHEN 'diem_tu_cham' THEN 'Điểm tự chấm' WHEN 'diem_binh_xet' THEN 'Điểm bình xét' ELSE 'Thứ hạng' END AS label,
       CASE s.measure WHEN 'thu_hang' THEN '' ELSE 'điểm' END AS unit_of_measure, 'sum' AS aggregation, s.number AS value,
       1 AS units, s.estimated::integer AS estimated_units
FROM mart.blocs_source s WHERE s.counted;
COMMENT ON VIEW mart.blocs_figure IS 'Điểm và thứ hạng của từng thành viên khối, cụm';

-- A line a member on the period's last day, and a line whoever the bloc scored besides. `derived` is what the rank entitles to;
-- the bloc's own proposal stands beside it.
CREATE VIEW mart.blocs AS
WITH owing AS (
    SELECT o.report, o.period, o.unit AS bloc, o.unit_name AS bloc_name, p.window_end
    FROM core.known_obligation o
    JOIN core.known_period p ON p.report = o.report AND p.period = o.period
    WHERE o.unit_type = 'bloc'
      AND EXISTS (SELECT 1 FROM core.known_report_form f
                  WHERE f.report = o.report AND f.unit_type = 'bloc' AND f.form = 'F11' AND f.status <> 'not_owed')
), member AS (
    SELECT o.report, o.period, o.bloc, b.unit, b.role FROM owing o
    JOIN core.known_bloc_membership b ON b.bloc = o.bloc AND b.valid_from <= o.window_end
         AND (b.valid_to IS NULL OR b.valid_to >= o.window_end)
), scored AS (
    SELECT a.report, a.period, a.unit AS bloc, o.row_key AS unit, a.received_at,
           max(o.number) FILTER (WHERE o.measure = 'F11.diem_tu_cham') AS own_score,
           max(o.number) FILTER (WHERE o.measure = 'F11.diem_binh_xet') AS score,
           max(o.number) FILTER (WHERE o.measure = 'F11.thu_hang') AS rank,
           max(o.text_value) FILTER (WHERE o.measure = 'F11.de_nghi') AS proposal
    FROM core.counted a
    JOIN core.observation o ON o.submission_id = a.submission_id AND CASE WHEN o.generation = a.generation THEN true ELSE false END AND o.form = 'F11' AND o.ordinal IS NOT DISTINCT FROM 0
    GROUP BY a.report, a.period, a.unit, o.row_key, a.received_at
), named AS (
    -- Not a full join: a filter on the period would not reach its two sides.
    SELECT m.report, m.period, m.bloc, m.unit FROM member m UNION SELECT s.report, s.period, s.bloc, s.unit FROM scored s
), line AS (
    SELECT n.report, n.period, n.bloc, n.unit, m.role, s.own_score, s.score, s.rank, s.proposal,
           m.unit IS NOT NULL AS is_member, s.unit IS NOT NULL AS is_scored
    FROM named n
    LEFT JOIN member m ON m.report = n.report AND m.period = n.period AND m.bloc = n.bloc AND m.unit = n.unit
    LEFT JOIN scored s ON s.report = n.report AND s.period = n.period AND s.bloc = n.bloc AND s.unit = n.unit
), ranked AS (
    SELECT l.*, CASE WHEN l.score IS NOT NULL THEN rank() OVER (PARTITION BY l.report, l.period, l.bloc ORDER BY l.score DESC NULLS LAST)
                END AS rank_by_score,
           CASE WHEN l.rank IS NOT NULL THEN count(*) OVER (PARTITION BY l.report, l.period, l.bloc, l.rank) END AS same_rank,
           CASE WHEN l.rank IS NOT NULL THEN 1 + count(l.rank) OVER (PARTITION BY l.report, l.period, l.bloc ORDER BY l.rank
                RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) END AS rank_due,
           bool_or(l.is_scored) OVER (PARTITION BY l.report, l.period, l.bloc) AS has_reported
    FROM line l
), judged AS (
    SELECT r.*, o.bloc_name, p.flag_ranks, p.certificate_ranks,
           CASE WHEN r.rank IS NULL THEN NULL WHEN r.rank <= p.flag_ranks THEN 'co_tinh'
                WHEN r.rank <= p.certificate_ranks THEN 'bk_tinh' ELSE 'khong' END AS derived
    FROM ranked r
    JOIN owing o ON o.report = r.report AND o.period = r.period AND o.bloc = r.bloc
    LEFT JOIN mart.bloc_parameter p ON p.report = r.report AND p.period = r.period
)
SELECT j.report, j.period, j.bloc, j.bloc_name, j.unit, coalesce(u.name, j.unit) AS unit_name, j.role, j.is_member, j.has_reported,
       j.own_score, j.score, j.score - j.own_score AS score_change, j.rank::integer AS rank, j.rank_due::integer AS rank_due, j.rank_by_score::integer AS rank_by_score,
       j.same_rank::integer AS same_rank, j.proposal, j.derived,
       j.proposal IS DISTINCT FROM j.derived AND j.rank IS NOT NULL AS proposal_differs, j.flag_ranks, j.certificate_ranks,
       concat_ws('; ',
           CASE WHEN NOT j.has_reported THEN 'khối, cụm chưa có báo cáo được chấp nhận' END,
           CASE WHEN j.has_reported AND NOT j.is_scored THEN 'thành viên thiếu trong báo cáo của khối, cụm' END,
           CASE WHEN NOT j.is_member THEN 'không phải thành viên của khối, cụm trong kỳ' END,
           CASE WHEN j.is_scored AND j.score IS NULL THEN 'chưa có điểm bình xét' END,
           CASE WHEN j.is_scored AND j.rank IS NULL THEN 'chưa có thứ hạng' END,
           CASE WHEN j.rank <> j.rank_due THEN 'thứ hạng không nối tiếp (hạng ' || j.rank_due || ' còn trống)' END,
           CASE WHEN j.rank <> j.rank_by_score THEN 'theo điểm bình xét là hạng ' || j.rank_by_score END,
           CASE WHEN j.same_rank > 1 THEN 'đồng hạng ' || j.rank || ' với ' || j.same_rank - 1 || ' đơn vị khác' END,
           CASE WHEN j.rank IS NOT NULL AND j.proposal IS DISTINCT FROM j.derived THEN 'đề nghị của khối, cụm khác với suy từ thứ hạng' END
       ) AS remark
FROM judged j
LEFT JOIN LATERAL (SELECT k.name FROM core.known_unit k WHERE k.code = j.unit ORDER BY k.valid_from DESC LIMIT 1) u ON true;
COMMENT ON VIEW mart.blocs IS 'Bình xét thi đua của khối, cụm: điểm, thứ hạng, đề nghị khen thưởng của từng thành viên và đề nghị suy từ thứ hạng';
COMMENT ON COLUMN mart.blocs.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.blocs.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.blocs.bloc IS 'Mã khối, cụm';
COMMENT ON COLUMN mart.blocs.bloc_name IS 'Tên khối, cụm';
COMMENT ON COLUMN mart.blocs.unit IS 'Mã đơn vị thành viên';
COMMENT ON COLUMN mart.blocs.unit_name IS 'Tên đơn vị thành viên';
COMMENT ON COLUMN mart.blocs.role IS 'Vai trò: leader trưởng, deputy phó, member thành viên';
COMMENT ON COLUMN mart.blocs.is_member IS 'Có là thành viên vào ngày cuối kỳ không';
COMMENT ON COLUMN mart.blocs.has_reported IS 'Khối, cụm đã có báo cáo được chấp nhận chưa';
COMMENT ON COLUMN mart.blocs.own_score IS 'Điểm tự chấm';
COMMENT ON COLUMN mart.blocs.score IS 'Điểm bình xét';
COMMENT ON COLUMN mart.blocs.score_change IS 'Điểm bình xét trừ điểm tự chấm';
COMMENT ON COLUMN mart.blocs.rank IS 'Thứ hạng trong báo cáo';
COMMENT ON COLUMN mart.blocs.rank_due IS 'Thứ hạng nối tiếp các hạng trên (bằng thứ hạng nếu không bỏ hạng)';
COMMENT ON COLUMN mart.blocs.rank_by_score IS 'Thứ hạng tính theo điểm bình xét';
COMMENT ON COLUMN mart.blocs.same_rank IS 'Số đơn vị cùng hạng, kể cả đơn vị này';
COMMENT ON COLUMN mart.blocs.proposal IS 'Đề nghị của khối, cụm: co_tinh Cờ thi đua, bk_tinh Bằng khen, khong không đề nghị';
COMMENT ON COLUMN mart.blocs.derived IS 'Đề nghị suy từ thứ hạng theo tham số của tỉnh';
COMMENT ON COLUMN mart.blocs.proposal_differs IS 'Đề nghị của khối, cụm có khác với suy từ thứ hạng không';
COMMENT ON COLUMN mart.blocs.flag_ranks IS 'Tham số: đến hạng này được đề nghị Cờ thi đua';
COMMENT ON COLUMN mart.blocs.certificate_ranks IS 'Tham số: đến hạng này được đề nghị Bằng khen';
COMMENT ON COLUMN mart.blocs.remark IS 'Điểm cần xem xét';
