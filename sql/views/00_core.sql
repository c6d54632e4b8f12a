-- What counts, as functions of an instant. The marts are views over these at core.as_of(); the board as of T asks them with T.

-- CASCADE: only views of core made by the files after this one stand on these, and they are made anew too.
DROP VIEW IF EXISTS core.counted, core.standing, core.period_indicator CASCADE;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT viewname FROM pg_views WHERE schemaname = 'core' AND viewname LIKE 'known\_%' LOOP
        EXECUTE format('DROP VIEW IF EXISTS core.%I CASCADE', name);
    END LOOP;
END $$;
DROP FUNCTION IF EXISTS core.board(text, text, timestamptz);
DROP FUNCTION IF EXISTS core.accepted_submissions(timestamptz);
DROP FUNCTION IF EXISTS core.standing_submissions(timestamptz);

-- The instant that the marts are read as of: what the transaction set in movement_reports.as_of (open_snapshot), or none: all
-- that is known. In one expression, so that the planner writes it into the query and knows its value.
CREATE OR REPLACE FUNCTION core.as_of() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('movement_reports.as_of', true), '')::timestamptz, 'infinity'::timestamptz)
$$;

-- When the register was known first. A mart of an instant before it reads the register as it was loaded then: without
-- names and declarations nothing could be read at all.
CREATE OR REPLACE FUNCTION core.register_begins() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(min(p.recorded_at), '-infinity'::timestamptz) FROM register.province p
$$;

-- The instant that register rows are read as of: core.as_of(), but never before the register's first loading.
CREATE OR REPLACE FUNCTION core.register_as_of() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT greatest(core.as_of(), core.register_begins())
$$;

-- core.known_<table>: the rows of each table of the register that hold as of core.register_as_of(), for the marts. Written as two
-- comparisons, since one with a value that the planner does not know would make it expect a third of the rows. Contacts are
-- left out: a reviewer may read core, and people's addresses are not his.
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'register'::regnamespace AND c.relkind = 'r'
                AND c.relname <> 'contact' LOOP
        EXECUTE format(
            'CREATE VIEW core.%I AS SELECT t.* FROM register.%I t '
            'WHERE (t.recorded_at <= core.as_of() OR t.recorded_at <= (SELECT core.register_begins())) '
            'AND (t.retired_at IS NULL OR t.retired_at > core.as_of())', 'known_' || name, name);
    END LOOP;
END $$;

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

-- The same as of core.as_of(), as a view: whoever reads a mart over it needs no right on core, and yet the planner looks into it
-- and reads one period only. Made of the text above, so there is one rule; the instant must be called as_of there, and every
-- function it calls must be one that anybody may run.
DO $$
BEGIN
    EXECUTE 'CREATE VIEW core.standing (submission_id, unit, report, period, received_at, generation) AS '
        || (SELECT regexp_replace(p.prosrc, '\mas_of\M', 'core.as_of()', 'g') FROM pg_proc p
            WHERE p.oid = 'core.standing_submissions(timestamptz)'::regprocedure);
END $$;

-- What counts as of core.as_of(), with what the marts need of it: stored for now, worked out for an instant. Only one half is
-- read; which, is known before either is begun.
CREATE VIEW core.counted AS
SELECT c.report, c.period, c.unit, c.unit_name, c.unit_type, c.received_at, c.submission_id, c.generation, c.sha256, c.estimated
FROM core.counted_now c WHERE core.as_of() = 'infinity'
UNION ALL
SELECT a.report, a.period, a.unit, o.unit_name, o.unit_type, a.received_at, a.submission_id, a.generation, s.sha256,
       coalesce((SELECT e.text_value = 'yes' FROM core.observation e
                 WHERE e.submission_id = a.submission_id AND e.form = 'F00' AND e.measure = 'F00.la_uoc_tinh'
                   AND CASE WHEN e.generation = a.generation THEN e.ordinal = 0 END LIMIT 1), false)
FROM core.standing a
JOIN core.submission s ON s.id = a.submission_id
JOIN core.known_obligation o ON o.report = a.report AND o.period = a.period AND o.unit = a.unit
WHERE core.as_of() < 'infinity';

-- The indicators that a period's lists ask for, each once: the movement's own before the common one; in force at the cut-off
-- before others. row_key is how a list names the row.
CREATE VIEW core.period_indicator AS
SELECT DISTINCT ON (p.report, p.period, m.code, i.code)
       p.report, p.period, m.code || '+' || i.code AS row_key, m.code AS movement, m.name AS movement_name,
       i.code AS indicator, i.name AS indicator_name, i.unit_of_measure, i.aggregation, i.asked_of, m.lead_unit,
       m.valid_from <= p.window_end AND (m.valid_to IS NULL OR m.valid_to >= p.window_start)
           AND i.valid_from <= p.window_end AND (i.valid_to IS NULL OR i.valid_to >= p.window_start) AS is_in_force
FROM core.known_period p
CROSS JOIN core.known_movement m
JOIN core.known_indicator i ON i.movement IN ('*', m.code)
ORDER BY p.report, p.period, m.code, i.code, i.movement = '*',
         i.valid_from <= p.window_end AND (i.valid_to IS NULL OR i.valid_to >= p.window_end) DESC, i.valid_from DESC,
         m.valid_from <= p.window_end AND (m.valid_to IS NULL OR m.valid_to >= p.window_end) DESC, m.valid_from DESC;

-- The state of every obligation of a report and period as of T (design §4). The receipt of the first submission ever
-- accepted decides timeliness, also when it was returned and another was accepted since.
CREATE FUNCTION core.board(of_report text, of_period text, as_of timestamptz)
RETURNS TABLE (
    report text, period text, unit text, unit_name text, unit_type text, status text, due_at timestamptz,
    accepted_at timestamptz, days_late integer, attempts integer, exempt_reason text, inherited_by text, held integer
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
    ), waiting AS (
        -- Valid, but the period was published: neither counted nor held against the unit until it is reopened.
        SELECT d.submission_id FROM core.decision d JOIN sent ON sent.id = d.submission_id
        WHERE d.decision = 'hold' AND d.recorded_at <= as_of AND NOT EXISTS (
            SELECT 1 FROM core.decision n WHERE n.submission_id = d.submission_id AND n.id > d.id AND n.recorded_at <= as_of)
    ), per_unit AS (
        SELECT sent.unit, count(*) FILTER (WHERE w.submission_id IS NULL)::integer AS attempts,
               count(w.submission_id)::integer AS held, bool_or(c.submission_id IS NOT NULL) AS is_accepted,
               min(sent.received_at) FILTER (WHERE e.submission_id IS NOT NULL) AS first_accepted_at
        FROM sent LEFT JOIN ever_accepted e ON e.submission_id = sent.id
        LEFT JOIN standing c ON c.submission_id = sent.id
        LEFT JOIN waiting w ON w.submission_id = sent.id
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
        coalesce(o.exempt_reason, CASE WHEN NOT coalesce(p.is_accepted, false) THEN o.lapsed_reason END), o.inherited_by,
        coalesce(p.held, 0)
    FROM owed o LEFT JOIN per_unit p ON p.unit = o.unit
$$;

-- What is stored of what counts, brought after the rule above where a new version of it says otherwise.
SELECT core.count_again(array_agg(x.report), array_agg(x.period), array_agg(x.unit))
FROM (
    WITH ruled AS (
        SELECT a.report, a.period, a.unit, o.unit_name, o.unit_type, a.received_at, a.submission_id, a.generation
        FROM core.standing_submissions('infinity') a
        JOIN register.obligation o ON o.report = a.report AND o.period = a.period AND o.unit = a.unit AND o.retired_at IS NULL
    ), stored AS (
        SELECT report, period, unit, unit_name, unit_type, received_at, submission_id, generation FROM core.counted_now
    )
    SELECT DISTINCT d.report, d.period, d.unit
    FROM ((TABLE ruled EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE ruled)) d
) x
HAVING count(*) > 0;
