-- code: P-BLOC-MEMBERS
-- severity: warning
-- category: coverage
-- message: Báo cáo bình xét của {subject} chưa đúng thành viên hoặc thứ hạng: {places}.
-- fix: Đề nghị khối, cụm gửi lại biểu F11 đủ thành viên, thứ hạng liên tục từ 1; nếu thành viên đã thay đổi thì cập nhật danh sách khối, cụm.
-- Parameters :report, :period. One row a bloc whose report counts: members on the period's last day that it leaves out, units that are no
-- members, ranks that leave a gap. The rules on a file say so too; this also sees what a later change of the register, or a reviewer's
-- acceptance, made of a report that counts.
SELECT b.bloc_name AS subject, b.bloc AS unit, 'F11' AS form, count(*) AS value,
       string_agg(b.unit_name || ' (' || CASE WHEN NOT b.is_member THEN 'không phải thành viên'
                                              WHEN b.rank IS NULL THEN 'thiếu, hoặc chưa có thứ hạng'
                                              ELSE 'hạng ' || b.rank || ' không nối tiếp' END || ')', '; ' ORDER BY b.rank, b.unit) AS places
FROM mart.blocs b
WHERE b.report = :report AND b.period = :period AND b.has_reported
  AND (NOT b.is_member OR b.rank IS NULL OR b.rank <> b.rank_due)
GROUP BY b.bloc, b.bloc_name ORDER BY b.bloc;
