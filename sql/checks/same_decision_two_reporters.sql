-- code: P-SAME-DECISION
-- severity: warning
-- category: duplicate
-- message: {subject}: {value} dòng khen thưởng giống nhau (cùng hình thức, đối tượng, người được khen) ở báo cáo của cả hai đơn vị: {places}.
-- fix: Xác định đơn vị nào được ghi; đơn vị kia bỏ các dòng này ở F14 và ở các biểu F04, F05, F06, nếu không sẽ cộng hai lần.
-- Parameters :report, :period. One row a pair of units: how many lines, and the first three decisions. Recipients are restricted: they are compared, never shown.
WITH line AS (
    SELECT a.unit, a.unit_name, o.row_key, o.ordinal,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.so_quyet_dinh') AS decision,
           max(o.date_value) FILTER (WHERE o.measure = 'F14.ngay_ky') AS signed,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.hinh_thuc') AS award,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.doi_tuong') AS kind,
           max(o.compare_key) FILTER (WHERE o.measure = 'F14.so_quyet_dinh') AS decision_key,
           max(o.compare_key) FILTER (WHERE o.measure = 'F14.ten_don_vi') AS recipient_key
    FROM mart.accepted a
    JOIN core.observation o ON o.submission_id = a.submission_id AND o.generation = a.generation AND o.form = 'F14'
    WHERE a.report = :report AND a.period = :period
    GROUP BY a.unit, a.unit_name, o.row_key, o.ordinal
), keyed AS (
    -- The digests made at load, as mart.award_line counts by them: spellings are one, "theo danh sách" is like no other.
    SELECT l.* FROM line l WHERE l.decision_key IS NOT NULL AND l.recipient_key IS NOT NULL AND l.signed IS NOT NULL
), twice AS (
    SELECT max(decision) AS decision, decision_key, signed, array_agg(DISTINCT unit ORDER BY unit) AS units
    FROM keyed GROUP BY decision_key, signed, award, kind, recipient_key
    HAVING count(DISTINCT unit) > 1
), shared AS (
    -- What three units tell is shared by three pairs.
    SELECT a.unit AS unit, b.unit AS other, t.decision_key, t.signed, max(t.decision) AS decision, count(*) AS lines
    FROM twice t
    CROSS JOIN LATERAL unnest(t.units) a (unit)
    JOIN LATERAL unnest(t.units) b (unit) ON a.unit < b.unit
    GROUP BY a.unit, b.unit, t.decision_key, t.signed
), numbered AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.unit, s.other ORDER BY s.signed, s.decision, s.decision_key) AS place FROM shared s
), name AS (
    SELECT unit, max(unit_name) AS unit_name FROM line GROUP BY unit
)
SELECT max(a.unit_name) || ', ' || max(b.unit_name) AS subject, 'F14' AS form, sum(n.lines)::bigint AS value,
       string_agg('Quyết định số ' || n.decision || coalesce(' ngày ' || to_char(n.signed, 'DD/MM/YYYY'), '')
                  || ' (' || n.lines || ' dòng)', '; ' ORDER BY n.place) FILTER (WHERE n.place <= 3)
       || CASE WHEN count(*) > 3 THEN '; và ' || count(*) - 3 || ' quyết định khác' ELSE '' END AS places
FROM numbered n
JOIN name a ON a.unit = n.unit
JOIN name b ON b.unit = n.other
GROUP BY n.unit, n.other
ORDER BY n.unit, n.other;
