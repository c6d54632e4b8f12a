-- code: P-BLOC-PROPOSAL
-- severity: warning
-- category: consistency
-- message: {subject}: {places}.
-- fix: Hỏi lại khối, cụm; đề nghị khen thưởng theo thứ hạng là tham số của tỉnh, Hội đồng quyết định trường hợp đồng hạng.
-- Parameters :report, :period. One row a bloc: its members whose proposal is not what their rank entitles to, or who share a rank that
-- decides on an award. The rules of F11 already refuse a flag for a lower rank; a first who is proposed for nothing is seen here.
SELECT b.bloc_name AS subject, b.bloc AS unit, 'F11' AS form, count(*) AS value,
       string_agg(b.unit_name || ' (hạng ' || b.rank || ': '
                  || CASE WHEN b.proposal_differs
                          THEN 'đề nghị ' || coalesce(p.name, 'để trống') || ', theo thứ hạng là ' || d.name
                          ELSE 'đồng hạng với ' || b.same_rank - 1 || ' đơn vị khác' END || ')', '; ' ORDER BY b.rank, b.unit) AS places
FROM mart.blocs b
LEFT JOIN (VALUES ('co_tinh', 'Cờ thi đua'), ('bk_tinh', 'Bằng khen'), ('khong', 'không khen')) p (code, name) ON p.code = b.proposal
LEFT JOIN (VALUES ('co_tinh', 'Cờ thi đua'), ('bk_tinh', 'Bằng khen'), ('khong', 'không khen')) d (code, name) ON d.code = b.derived
WHERE b.report = :report AND b.period = :period
  AND (b.proposal_differs OR (b.same_rank > 1 AND b.derived <> 'khong'))
GROUP BY b.bloc, b.bloc_name ORDER BY b.bloc;
