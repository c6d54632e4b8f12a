-- Review and publication of periods: what state a period is in, what was published, and who did what. Views over append-only
-- tables; nothing here decides.

DROP VIEW IF EXISTS ops.audit_trail;
DROP VIEW IF EXISTS core.publication_state;
DROP VIEW IF EXISTS core.period_state;

-- The newest event of each period that has one, as of core.as_of(); a period without a row is open.
CREATE VIEW core.period_state AS
SELECT DISTINCT ON (e.report, e.period) e.report, e.period, e.state, e.version, e.action, e.decided_by, e.reason,
       e.recorded_at, e.publication_number, e.id AS event_id
FROM core.period_event e WHERE e.recorded_at <= core.as_of()
ORDER BY e.report, e.period, e.version DESC;

-- What became of each freeze: the event after its approval says whether it was published or withdrawn.
CREATE VIEW core.publication_state AS
SELECT p.id AS publication_id, p.report, p.period, n.publication_number AS number,
       CASE WHEN n.id IS NULL THEN 'approved' WHEN n.action <> 'publish' THEN 'withdrawn'
            WHEN EXISTS (SELECT 1 FROM core.period_event l WHERE l.report = p.report AND l.period = p.period
                         AND l.publication_number > n.publication_number) THEN 'superseded'
            ELSE 'published' END AS state,
       p.as_of, p.checksum, p.figures, a.decided_by AS approved_by, a.reason AS approved_why,
       CASE WHEN n.action = 'publish' THEN n.decided_by END AS published_by,
       CASE WHEN n.action = 'publish' THEN n.reason END AS published_why,
       CASE WHEN n.action = 'publish' THEN n.recorded_at END AS published_at
FROM core.publication p
JOIN core.period_event a ON a.id = p.event_id
LEFT JOIN core.period_event n ON n.report = a.report AND n.period = a.period AND n.version = a.version + 1;

-- One line of what a checksum is made of; text of a value without zeros that say nothing.
CREATE OR REPLACE FUNCTION core.exact_text(value numeric) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT trim_scale(value)::text
$$;
CREATE OR REPLACE FUNCTION core.figure_line(figure text, value text, units integer, estimated_units integer)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT figure || E'\t' || coalesce(value, '') || E'\t' || coalesce(units::text, '') || E'\t' || coalesce(estimated_units::text, '')
$$;

CREATE VIEW mart.period_state AS
SELECT p.report, p.period, coalesce(s.state, 'open') AS state, coalesce(s.version, 0) AS version, s.recorded_at AS since,
       (SELECT max(e.publication_number) FROM core.period_event e
        WHERE e.report = p.report AND e.period = p.period AND e.recorded_at <= core.as_of()) AS publication_number
FROM register.period p LEFT JOIN core.period_state s ON s.report = p.report AND s.period = p.period
WHERE p.retired_at IS NULL;
COMMENT ON VIEW mart.period_state IS 'Trạng thái duyệt của từng kỳ báo cáo';
COMMENT ON COLUMN mart.period_state.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.period_state.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.period_state.state IS 'Trạng thái: open đang nhận, under_review đang duyệt, approved đã duyệt, published đã công bố, reopened mở lại';
COMMENT ON COLUMN mart.period_state.version IS 'Số thứ tự lần chuyển trạng thái gần nhất (0 khi chưa chuyển lần nào)';
COMMENT ON COLUMN mart.period_state.since IS 'Thời điểm chuyển sang trạng thái này';
COMMENT ON COLUMN mart.period_state.publication_number IS 'Lần công bố gần nhất';

CREATE VIEW mart.publication AS
SELECT s.report, s.period, s.number, s.state, s.as_of, s.published_at, s.figures, s.checksum
FROM core.publication_state s WHERE s.number IS NOT NULL;
COMMENT ON VIEW mart.publication IS 'Các lần công bố số liệu của từng kỳ báo cáo; lần sau không xóa lần trước';
COMMENT ON COLUMN mart.publication.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.publication.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.publication.number IS 'Lần công bố, bắt đầu từ 1';
COMMENT ON COLUMN mart.publication.state IS 'Trạng thái: published đang có hiệu lực, superseded đã được thay bằng lần công bố sau';
COMMENT ON COLUMN mart.publication.as_of IS 'Thời điểm chốt số liệu (khi duyệt)';
COMMENT ON COLUMN mart.publication.published_at IS 'Thời điểm công bố';
COMMENT ON COLUMN mart.publication.figures IS 'Số lượng số liệu đã chốt';
COMMENT ON COLUMN mart.publication.checksum IS 'Mã kiểm tra SHA-256 của toàn bộ số liệu đã chốt';

CREATE VIEW mart.published_figure AS
SELECT s.report, s.period, s.number, f.figure, f.mart, f.row_key, f.measure, f.label, f.unit_of_measure, f.aggregation,
       f.value::numeric AS value, f.units, f.estimated_units
FROM core.publication_state s JOIN core.published_figure f USING (publication_id) WHERE s.number IS NOT NULL;
COMMENT ON VIEW mart.published_figure IS 'Số liệu đã công bố, giữ nguyên như khi duyệt';
COMMENT ON COLUMN mart.published_figure.report IS 'Mã báo cáo';
COMMENT ON COLUMN mart.published_figure.period IS 'Mã kỳ báo cáo';
COMMENT ON COLUMN mart.published_figure.number IS 'Lần công bố';
COMMENT ON COLUMN mart.published_figure.figure IS 'Mã số liệu tổng hợp';
COMMENT ON COLUMN mart.published_figure.mart IS 'Mã biểu hoặc bảng tổng hợp';
COMMENT ON COLUMN mart.published_figure.row_key IS 'Mã dòng';
COMMENT ON COLUMN mart.published_figure.measure IS 'Mã chỉ số';
COMMENT ON COLUMN mart.published_figure.label IS 'Tên số liệu khi duyệt';
COMMENT ON COLUMN mart.published_figure.unit_of_measure IS 'Đơn vị tính';
COMMENT ON COLUMN mart.published_figure.aggregation IS 'Cách tổng hợp';
COMMENT ON COLUMN mart.published_figure.value IS 'Giá trị đã công bố';
COMMENT ON COLUMN mart.published_figure.units IS 'Số đơn vị có số liệu này';
COMMENT ON COLUMN mart.published_figure.estimated_units IS 'Trong đó số đơn vị dùng số ước tính';

-- Who did what, of a period where it is of one. `reason` is what the person wrote; `subject` (whom or what it was done to, where it
-- is no unit, period or submission) and `outcome` are codes and numbers of ours, `detail` both for a reader of lists. `key` makes
-- a line's place among all lines of its instant sure: pages are turned by (at, key).
CREATE VIEW ops.audit_trail AS
SELECT d.at, d.who, d.kind, d.action, d.report, d.period, d.unit, d.submission_id,
       nullif(concat_ws(', ', d.subject, d.outcome), '') AS detail, d.reason, d.subject, d.outcome,
       d.kind || ':' || d.key COLLATE "C" AS key
FROM (
SELECT e.recorded_at AS at, e.decided_by AS who, 'period' AS kind, e.action, e.report, e.period, NULL::text AS unit,
       NULL::bigint AS submission_id, NULL::text AS subject,
       e.state || coalesce(' #' || e.publication_number, '') AS outcome, e.reason, lpad(e.id::text, 19, '0') AS key
FROM core.period_event e
UNION ALL
SELECT p.recorded_at, a.decided_by, 'publication', 'freeze', p.report, p.period, NULL, NULL, NULL,
       p.figures || ' figures, sha256 ' || p.checksum, a.reason, lpad(p.id::text, 19, '0')
FROM core.publication p JOIN core.period_event a ON a.id = p.event_id
UNION ALL
SELECT d.recorded_at, d.decided_by, 'decision', d.decision, s.report, s.period, s.unit, s.id, NULL, NULL, d.reason,
       lpad(d.id::text, 19, '0')
FROM core.decision d JOIN core.submission s ON s.id = d.submission_id WHERE d.decided_by <> 'system'
UNION ALL
-- A file read again at a person's word: a revalidation, or one that was taken out of quarantine.
SELECT x.recorded_at, x.examined_by, 'examination', 'reread', s.report, s.period, s.unit, s.id,
       NULL, 'generation ' || x.generation, x.reason,
       concat_ws(' ', lpad(x.arrival_id::text, 19, '0'), lpad(x.generation::text, 5, '0'), lpad(s.id::text, 19, '0'))
FROM core.examination x LEFT JOIN core.submission s ON s.arrival_id = x.arrival_id WHERE x.examined_by <> 'system'
UNION ALL
-- A file of nobody's that a person gave to an obligation, or put away.
SELECT t.recorded_at, t.attributed_by, 'quarantine', 'attribute', t.report, t.period, t.unit, s.id, 'arrival ' || t.arrival_id,
       NULL, t.reason,
       concat_ws(' ', lpad(t.arrival_id::text, 19, '0'), lpad(t.generation::text, 5, '0'), lpad(s.id::text, 19, '0'))
FROM landing.attribution t LEFT JOIN core.submission s ON s.arrival_id = t.arrival_id
UNION ALL
SELECT d.recorded_at, d.discarded_by, 'quarantine', 'discard', NULL, NULL, NULL, NULL, 'arrival ' || d.arrival_id, NULL, d.reason,
       concat_ws(' ', lpad(d.arrival_id::text, 19, '0'), lpad(d.generation::text, 5, '0'), '-')
FROM landing.discard d
UNION ALL
SELECT r.recorded_at, r.revoked_by, 'link', 'revoke', r.report, r.period, r.unit, NULL, NULL, NULL, r.reason, lpad(r.id::text, 19, '0')
FROM ops.link_revocation r
UNION ALL
SELECT m.recorded_at, m.muted_by, 'mute', 'mute', m.report, m.period, m.unit, NULL, NULL,
       'until ' || to_char(m.until AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD HH24:MI'), m.reason, 'm' || lpad(m.id::text, 19, '0')
FROM ops.mute m WHERE m.until > m.recorded_at
UNION ALL
-- One that ends when it is recorded lifts the one before.
SELECT m.recorded_at, m.muted_by, 'mute', 'lift', m.report, m.period, m.unit, NULL, NULL, NULL, m.reason, 'm' || lpad(m.id::text, 19, '0')
FROM ops.mute m WHERE m.until <= m.recorded_at
UNION ALL
SELECT a.recorded_at, a.acknowledged_by, 'mute', 'acknowledge', a.report, a.period, a.unit, NULL, NULL,
       'until ' || to_char(a.until AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD HH24:MI'), a.reason, 'a' || lpad(a.id::text, 19, '0')
FROM ops.acknowledgement a
UNION ALL
-- The register says that a unit is excused, and since when; who changed the register is in its own row.
SELECT x.recorded_at, NULL, 'exemption', CASE WHEN x.withdrawn THEN 'withdraw' ELSE 'exempt' END, x.report, x.period, x.unit,
       NULL, NULL, NULL, x.reason, concat_ws(' ', x.unit, x.report, x.period, extract(epoch FROM x.retired_at))
FROM register.exemption x
UNION ALL
SELECT c.recorded_at, c.changed_by, 'register', 'apply', NULL, NULL, NULL, NULL, NULL, NULL, c.reason, lpad(c.id::text, 19, '0')
FROM ops.register_change c
UNION ALL
-- What was done through the pages and stands in no table of its own: log-ins, accounts, reminders. Revoked links stand above,
-- with their reason. A subject `report:period/unit` names its obligation, with `/number` one of its submissions.
SELECT a.at, a.login, 'page', a.action, m.found[1], m.found[2], m.found[3], m.found[4]::bigint,
       CASE WHEN m.found IS NULL THEN nullif(a.subject, '') END, nullif(nullif(a.outcome, 'done'), ''), NULL,
       lpad(a.id::text, 19, '0')
FROM ops.action a
CROSS JOIN LATERAL (SELECT regexp_match(a.subject, '^([^:/]+):([^:/]+)/([^:/]+)(?:/([0-9]{1,18}))?$') AS found) m
WHERE a.action <> 'link.revoke'
) d;
