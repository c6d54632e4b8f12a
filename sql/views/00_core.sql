-- What counts, as functions of an instant. The marts are views over these at "now"; the board as of T asks them with T.

DROP FUNCTION IF EXISTS core.board(text, text, timestamptz);
DROP FUNCTION IF EXISTS core.accepted_submissions(timestamptz);

-- The submissions whose latest decision by T is to accept, one per obligation: the last received.
CREATE FUNCTION core.accepted_submissions(as_of timestamptz)
RETURNS TABLE (submission_id bigint, unit text, report text, period text, received_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH latest AS (
        SELECT DISTINCT ON (d.submission_id) d.submission_id, d.decision
        FROM core.decision d WHERE d.recorded_at <= as_of ORDER BY d.submission_id, d.id DESC
    )
    SELECT DISTINCT ON (s.report, s.period, s.unit) s.id, s.unit, s.report, s.period, s.received_at
    FROM core.submission s JOIN latest l ON l.submission_id = s.id AND l.decision = 'accept'
    WHERE s.recorded_at <= as_of AND s.received_at <= as_of
    ORDER BY s.report, s.period, s.unit, s.received_at DESC, s.arrival_id DESC
$$;

-- The state of every obligation of a report and period as of T (design §4). The receipt of the first submission ever
-- accepted decides timeliness, also when it was returned and another was accepted since.
CREATE FUNCTION core.board(of_report text, of_period text, as_of timestamptz)
RETURNS TABLE (
    report text, period text, unit text, unit_name text, unit_type text, status text, due_at timestamptz,
    accepted_at timestamptz, days_late integer, attempts integer, exempt_reason text, last_received_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH sent AS (
        SELECT s.id, s.unit, s.received_at FROM core.submission s
        WHERE s.report = of_report AND s.period = of_period AND s.recorded_at <= as_of AND s.received_at <= as_of
    ), decided AS (
        SELECT DISTINCT ON (d.submission_id) d.submission_id, d.decision,
               bool_or(d.decision = 'accept') OVER (PARTITION BY d.submission_id) AS ever_accepted
        FROM core.decision d JOIN sent ON sent.id = d.submission_id
        WHERE d.recorded_at <= as_of ORDER BY d.submission_id, d.id DESC
    ), per_unit AS (
        SELECT sent.unit, count(*)::integer AS attempts, max(sent.received_at) AS last_received_at,
               bool_or(decided.decision = 'accept') AS is_accepted,
               min(sent.received_at) FILTER (WHERE decided.ever_accepted) AS first_accepted_at
        FROM sent LEFT JOIN decided ON decided.submission_id = sent.id GROUP BY sent.unit
    ), owed AS (
        SELECT o.* FROM register.obligation o
        WHERE o.report = of_report AND o.period = of_period AND o.recorded_at <= as_of
          AND (o.retired_at IS NULL OR o.retired_at > as_of)
    )
    SELECT o.report, o.period, o.unit, o.unit_name, o.unit_type,
        CASE
            WHEN o.exempt_reason IS NOT NULL THEN 'exempt'
            WHEN p.is_accepted AND date_trunc('second', p.first_accepted_at) <= o.due_at THEN 'on_time'
            WHEN p.is_accepted THEN 'late'
            WHEN p.attempts > 0 THEN 'rejected'
            WHEN date_trunc('second', as_of) > o.due_at THEN 'missing'
            ELSE 'pending'
        END,
        o.due_at,
        CASE WHEN p.is_accepted THEN p.first_accepted_at END,
        CASE
            WHEN NOT coalesce(p.is_accepted, false) THEN NULL
            WHEN date_trunc('second', p.first_accepted_at) <= o.due_at THEN 0
            ELSE greatest(1, (
                SELECT count(*) FROM register.workday w
                WHERE w.working AND w.day > (o.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                  AND w.day <= (p.first_accepted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date))::integer
        END,
        coalesce(p.attempts, 0), o.exempt_reason, p.last_received_at
    FROM owed o LEFT JOIN per_unit p ON p.unit = o.unit
$$;
