-- code: P-SAME-DECISION
-- severity: warning
-- category: duplicate
-- message: {subject}: {value} dòng khen thưởng giống nhau (cùng hình thức, đối tượng, người được khen) ở báo cáo của các đơn vị này.
-- fix: Xác định đơn vị nào được ghi; đơn vị kia bỏ dòng này ở F14 và ở các biểu F04, F05, F06, nếu không sẽ cộng hai lần.
-- Parameters :report, :period. Recipients are restricted: they are compared, never shown.
WITH line AS (
    SELECT a.unit, a.unit_name, o.row_key, o.ordinal,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.so_quyet_dinh') AS decision,
           max(o.date_value) FILTER (WHERE o.measure = 'F14.ngay_ky') AS signed,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.hinh_thuc') AS award,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.doi_tuong') AS kind,
           max(o.text_value) FILTER (WHERE o.measure = 'F14.ten_don_vi') AS recipient
    FROM mart.accepted a
    JOIN core.observation o ON o.submission_id = a.submission_id AND o.generation = a.generation AND o.form = 'F14'
    WHERE a.report = :report AND a.period = :period
    GROUP BY a.unit, a.unit_name, o.row_key, o.ordinal
), keyed AS (
    -- Blanks and capitals in a number or a name are a matter of typing. lower() may know only the letters a to z.
    SELECT l.*, lower(translate(regexp_replace(l.decision, '\s', '', 'g'), a.capital, a.small)) AS decision_key,
           lower(translate(regexp_replace(l.recipient, '\s+', ' ', 'g'), a.capital, a.small)) AS recipient_key
    FROM line l
    CROSS JOIN (SELECT 'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ' AS capital,
                       'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ' AS small) a
    WHERE l.decision IS NOT NULL AND l.recipient IS NOT NULL
), twice AS (
    SELECT max(decision) AS decision, decision_key, signed, array_agg(DISTINCT unit ORDER BY unit) AS units
    FROM keyed GROUP BY decision_key, signed, award, kind, recipient_key
    HAVING count(DISTINCT unit) > 1
)
SELECT 'Quyết định số ' || max(t.decision) || coalesce(' ngày ' || to_char(t.signed, 'DD/MM/YYYY'), '') || ' – '
       || (SELECT string_agg(DISTINCT l.unit_name, ', ') FROM line l WHERE l.unit = ANY (t.units)) AS subject,
       'F14' AS form, count(*) AS value
FROM twice t
GROUP BY t.decision_key, t.signed, t.units
ORDER BY t.signed, t.decision_key, t.units;
