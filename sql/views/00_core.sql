-- What counts, as functions of an instant. The marts are views over these at "now"; the board as of T asks them with T.

DROP FUNCTION IF EXISTS core.board(text, text, timestamptz);
DROP FUNCTION IF EXISTS core.accepted_submissions(timestamptz);
DROP FUNCTION IF EXISTS core.standing_submissions(timestamptz);

-- The submission that counts as of T, one per obligation: the last received whose acceptance stands. An acceptance stands
-- until its submission is returned, or until a newer submission that had been accepted is returned, by a person or by the rules
-- of a later examining: an older file must not come back to life, the unit owes a corrected one. A newer file that never was
-- accepted displaces nothing. "Later" is the order in which decisions were written. `generation` is the reading of its file
-- that holds as of T. Without SECURITY DEFINER and SET, so that the planner can look into it and read one period only;
-- whoever has no right on core cannot call it.
CREATE FUNCTION core.standing_submissions(as_of timestamptz)
RETURNS TABLE (
    submission_id bigint, unit text, report text, period text, received_at timestamptz, generation smallint
)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (s.report, s.period, s.unit) s.id, s.unit, s.report, s.period, s.received_at,
           coalesce((SELECT e.values_generation FROM core.examination e
                     WHERE e.arrival_id = s.arrival_id AND e.recorded_at <= as_of
                     ORDER BY e.generation DESC LIMIT 1), 1::smallint)
    FROM core.submission s
    JOIN core.decision d ON d.submission_id = s.id AND d.decision = 'accept' AND d.recorded_at <= as_of
    WHERE s.recorded_at <= as_of AND s.received_at <= as_of
      AND NOT EXISTS (
        SELECT 1 FROM core.submission n
        JOIN core.decision r ON r.submission_id = n.id AND r.decision = 'return' AND r.recorded_at <= as_of
        WHERE n.report = s.report AND n.period = s.period AND n.unit = s.unit
          AND n.recorded_at <= as_of AND n.received_at <= as_of AND r.id > d.id
          AND (n.id = s.id OR (
            (n.received_at, n.arrival_id) > (s.received_at, s.arrival_id)
            AND EXISTS (SELECT 1 FROM core.decision e
                        WHERE e.submission_id = n.id AND e.decision = 'accept' AND e.id < r.id AND e.recorded_at <= as_of))))
    ORDER BY s.report, s.period, s.unit, s.received_at DESC, s.arrival_id DESC
$$;

-- The same for readers of mart, who have no right on core.
CREATE FUNCTION core.accepted_submissions(as_of timestamptz)
RETURNS TABLE (
    submission_id bigint, unit text, report text, period text, received_at timestamptz, generation smallint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.submission_id, a.unit, a.report, a.period, a.received_at, a.generation FROM core.standing_submissions(as_of) a
$$;

-- The state of every obligation of a report and period as of T (design §4). The receipt of the first submission ever
-- accepted decides timeliness, also when it was returned and another was accepted since.
CREATE FUNCTION core.board(of_report text, of_period text, as_of timestamptz)
RETURNS TABLE (
    report text, period text, unit text, unit_name text, unit_type text, status text, due_at timestamptz,
    accepted_at timestamptz, days_late integer, attempts integer, exempt_reason text, inherited_by text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH sent AS (
        SELECT s.id, s.unit, s.received_at FROM core.submission s
        WHERE s.report = of_report AND s.period = of_period AND s.recorded_at <= as_of AND s.received_at <= as_of
    ), ever_accepted AS (
        SELECT DISTINCT d.submission_id FROM core.decision d JOIN sent ON sent.id = d.submission_id
        WHERE d.decision = 'accept' AND d.recorded_at <= as_of
    ), standing AS MATERIALIZED (
        -- Once for the period: before the first ANALYZE the planner takes it for one row and would work it out anew for each unit.
        SELECT c.submission_id FROM core.standing_submissions(as_of) c WHERE c.report = of_report AND c.period = of_period
    ), per_unit AS (
        SELECT sent.unit, count(*)::integer AS attempts, bool_or(c.submission_id IS NOT NULL) AS is_accepted,
               min(sent.received_at) FILTER (WHERE e.submission_id IS NOT NULL) AS first_accepted_at
        FROM sent LEFT JOIN ever_accepted e ON e.submission_id = sent.id
        LEFT JOIN standing c ON c.submission_id = sent.id
        GROUP BY sent.unit
    ), owed AS (
        -- A unit that ended is followed from the day after; with nobody to follow, what it had not met lapses.
        SELECT o.report, o.period, o.unit, o.unit_name, o.unit_type, o.due_at, o.exempt_reason,
               CASE WHEN t.has_passed THEN o.inherited_by END AS inherited_by,
               CASE WHEN t.has_passed THEN o.lapsed_reason END AS lapsed_reason
        FROM register.obligation o CROSS JOIN LATERAL (
            SELECT o.passed_on <= (as_of AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS has_passed) t
        WHERE o.report = of_report AND o.period = of_period AND o.recorded_at <= as_of
          AND (o.retired_at IS NULL OR o.retired_at > as_of)
    )
    SELECT o.report, o.period, o.unit, o.unit_name, o.unit_type,
        CASE
            WHEN o.exempt_reason IS NOT NULL THEN 'exempt'
            WHEN o.lapsed_reason IS NOT NULL AND NOT coalesce(p.is_accepted, false) THEN 'exempt'
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
                WHERE w.working AND w.recorded_at <= as_of AND (w.retired_at IS NULL OR w.retired_at > as_of)
                  AND w.day > (o.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                  AND w.day <= (p.first_accepted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date))::integer
        END,
        coalesce(p.attempts, 0),
        coalesce(o.exempt_reason, CASE WHEN NOT coalesce(p.is_accepted, false) THEN o.lapsed_reason END), o.inherited_by
    FROM owed o LEFT JOIN per_unit p ON p.unit = o.unit
$$;
