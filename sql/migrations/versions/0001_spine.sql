-- The spine of the warehouse. PostgreSQL 15 floor, no extension.
-- Every register row carries its validity (valid_from, valid_to) and when we knew it (recorded_at, retired_at): a row is
-- retired and a new one recorded, never changed, so that a board as of a past instant reads only what was known then.

CREATE SCHEMA register;
CREATE SCHEMA landing;
CREATE SCHEMA core;
CREATE SCHEMA ops;
CREATE SCHEMA IF NOT EXISTS mart;

-- ---------------------------------------------------------------------------------------------------- register
CREATE TABLE register.province (
    code text NOT NULL, name text NOT NULL, council text NOT NULL, standing_office text NOT NULL,
    standing_office_unit text NOT NULL, simulated boolean NOT NULL, highest_score integer NOT NULL,
    flag_ranks integer NOT NULL, certificate_ranks integer NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.unit (
    code text NOT NULL, name text NOT NULL, type text NOT NULL, parent text, valid_from date NOT NULL, valid_to date,
    legal_basis text, sort_key text NOT NULL, recorded_at timestamptz NOT NULL, retired_at timestamptz,
    CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX ON register.unit (code, valid_from) WHERE retired_at IS NULL;
CREATE TABLE register.unit_alias (
    unit text NOT NULL, alias text NOT NULL, valid_from date NOT NULL, valid_to date,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.lineage (
    predecessor text NOT NULL, successor text, kind text NOT NULL, valid_from date NOT NULL, share numeric,
    legal_basis text, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.bloc_membership (
    bloc text NOT NULL, unit text NOT NULL, role text NOT NULL, valid_from date NOT NULL, valid_to date,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.movement (
    code text NOT NULL, name text NOT NULL, level text NOT NULL, lead_unit text NOT NULL, kind text NOT NULL,
    valid_from date NOT NULL, valid_to date, legal_basis text, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.movement_alias (
    movement text NOT NULL, alias text NOT NULL, valid_from date NOT NULL, valid_to date,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.indicator (
    movement text NOT NULL, code text NOT NULL, name text NOT NULL, unit_of_measure text NOT NULL,
    aggregation text NOT NULL, cumulative boolean NOT NULL, asked_of text NOT NULL, valid_from date NOT NULL,
    valid_to date, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
-- Coefficients and cells by kind of recipient; a cell is form.row.column.
CREATE TABLE register.award (
    code text NOT NULL, name text NOT NULL, issuers text NOT NULL, kinds text NOT NULL, coefficient_collective numeric,
    coefficient_household numeric, coefficient_individual numeric, cell_collective text, cell_household text,
    cell_individual text, valid_from date NOT NULL, valid_to date, legal_basis text NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.award (code, valid_from) WHERE retired_at IS NULL;
CREATE TABLE register.base_salary (
    amount numeric NOT NULL CHECK (amount > 0), valid_from date NOT NULL, legal_basis text NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.base_salary (valid_from) WHERE retired_at IS NULL;
-- People's data: never in mart, never in a log.
CREATE TABLE register.contact (
    unit text NOT NULL, role text NOT NULL CHECK (role IN ('reporter', 'head', 'standing_council', 'standing_office')),
    name text NOT NULL, email text NOT NULL, valid_from date NOT NULL, valid_to date,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.report (
    code text NOT NULL, name text NOT NULL, clock text NOT NULL, frequency text NOT NULL, legal_basis text NOT NULL,
    valid_from date NOT NULL, valid_to date, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.report_form (
    report text NOT NULL, form text NOT NULL, unit_type text NOT NULL, status text NOT NULL, place integer NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.exemption (
    unit text NOT NULL, report text NOT NULL, period text NOT NULL, reason text NOT NULL, withdrawn boolean NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.calendar_override (
    day date NOT NULL, working boolean NOT NULL, reason text NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
-- Derived from the holiday library and the overrides, so that SQL can count working days.
CREATE TABLE register.workday (
    day date NOT NULL, working boolean NOT NULL, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.workday (day) WHERE retired_at IS NULL;
-- For the board, which counts the days that held at an instant: without it each late unit would read the whole calendar.
CREATE INDEX ON register.workday (day);
CREATE TABLE register.period (
    report text NOT NULL, period text NOT NULL, clock text NOT NULL, label text NOT NULL,
    window_start date NOT NULL, window_end date NOT NULL, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.period (report, period) WHERE retired_at IS NULL;
CREATE TABLE register.obligation (
    unit text NOT NULL, unit_name text NOT NULL, unit_type text NOT NULL, report text NOT NULL, period text NOT NULL,
    due_at timestamptz NOT NULL, exempt_reason text, owed_from date NOT NULL, owed_to date NOT NULL,
    forms text NOT NULL,
    -- What became of a unit that ended: who owes what is unfinished, from which day; why it lapses where nobody does.
    inherited_by text, passed_on date, lapsed_reason text,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.obligation (report, period, unit) WHERE retired_at IS NULL;
-- For the marts, which read the rows that held at an instant: the index above knows only those that hold now.
CREATE INDEX ON register.obligation (report, period, unit);
-- The declared forms as data: what a stored observation means, and the labels the standing office reads.
CREATE TABLE register.form_field (
    form text NOT NULL, form_name text NOT NULL, form_version text NOT NULL, instrument text NOT NULL, kind text NOT NULL,
    row_code text NOT NULL, row_label text NOT NULL, column_code text NOT NULL, column_label text NOT NULL,
    field text, measure text NOT NULL, value_type text NOT NULL, unit_of_measure text NOT NULL, aggregation text NOT NULL,
    rate_of_part text, rate_of_whole text, restricted boolean NOT NULL, place integer NOT NULL,
    required boolean NOT NULL, -- must be filled: the key figures of a form, which the others only part
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.form_field (form, form_version, row_code, column_code) WHERE retired_at IS NULL;

-- ---------------------------------------------------------------------------------------------------- landing
CREATE TABLE landing.blob (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'), size bigint NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE TABLE landing.arrival (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, channel text NOT NULL, locator text NOT NULL,
    part text NOT NULL DEFAULT '', file_name text NOT NULL, sha256 text NOT NULL REFERENCES landing.blob,
    received_at timestamptz NOT NULL, hints text NOT NULL DEFAULT '{}', recorded_at timestamptz NOT NULL
);
CREATE INDEX ON landing.arrival (channel, locator, part, id);
-- What each channel offered and we have: written with its arrivals and refusals in one transaction, before the channel is told.
-- acknowledged_at is written once, after it was told; what is recorded without it is told again, and never fetched again.
CREATE TABLE landing.offer (
    channel text NOT NULL, locator text NOT NULL, version text NOT NULL,
    recorded_at timestamptz NOT NULL, acknowledged_at timestamptz, PRIMARY KEY (channel, locator, version)
);
CREATE INDEX ON landing.offer (channel) WHERE acknowledged_at IS NULL;
-- What was offered and not taken, with a code of etl.channels.refusals; its bytes are not kept.
CREATE TABLE landing.refusal (
    channel text NOT NULL, locator text NOT NULL, version text NOT NULL, part text NOT NULL,
    file_name text NOT NULL, code text NOT NULL, detail text NOT NULL, hints text NOT NULL,
    received_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (channel, locator, version, part),
    FOREIGN KEY (channel, locator, version) REFERENCES landing.offer DEFERRABLE INITIALLY DEFERRED
);

-- ---------------------------------------------------------------------------------------------------- core
CREATE TABLE core.submission (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, arrival_id bigint NOT NULL UNIQUE REFERENCES landing.arrival,
    unit text NOT NULL, report text NOT NULL, period text NOT NULL, received_at timestamptz NOT NULL,
    sha256 text NOT NULL REFERENCES landing.blob, form_versions text NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE INDEX ON core.submission (report, period, unit, received_at);
-- Each examining of an arrival's bytes: the first when it was loaded, later ones when they were read again after a rule or the
-- register changed. Nothing is overwritten: findings, verdicts and (where they changed) observations carry their generation.
CREATE TABLE core.examination (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, generation smallint NOT NULL,
    values_generation smallint NOT NULL, -- the generation whose observations hold; older where the values stayed the same
    examined_by text NOT NULL, reason text NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (arrival_id, generation), CHECK (generation >= 1 AND values_generation BETWEEN 1 AND generation)
);
-- What became of each arrival; an arrival without a row is pending. One that lay in quarantine may become a submission later:
-- the row of the highest generation holds (landing.current_outcome).
CREATE TABLE landing.outcome (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, generation smallint NOT NULL DEFAULT 1,
    outcome text NOT NULL CHECK (outcome IN ('submission', 'quarantined', 'already_received', 'discarded')),
    submission_id bigint REFERENCES core.submission, unit_hint text, report_hint text, period_hint text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (arrival_id, generation), CHECK ((outcome IN ('quarantined', 'discarded')) = (submission_id IS NULL))
);
-- What people settled of files in quarantine: whose one is, or that it is nobody's. `generation` is that of the outcome it led to;
-- the newest attribution of an arrival holds whenever its bytes are read again. A discard deletes nothing.
CREATE TABLE landing.attribution (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, generation smallint NOT NULL,
    unit text NOT NULL, report text NOT NULL, period text NOT NULL, attributed_by text NOT NULL CHECK (attributed_by <> ''),
    reason text NOT NULL CHECK (reason <> ''), recorded_at timestamptz NOT NULL, PRIMARY KEY (arrival_id, generation)
);
CREATE TABLE landing.discard (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, generation smallint NOT NULL,
    discarded_by text NOT NULL CHECK (discarded_by <> ''), reason text NOT NULL CHECK (reason <> ''),
    recorded_at timestamptz NOT NULL, PRIMARY KEY (arrival_id, generation)
);
CREATE VIEW landing.current_outcome AS
SELECT o.* FROM landing.outcome o
WHERE NOT EXISTS (SELECT 1 FROM landing.outcome n WHERE n.arrival_id = o.arrival_id AND n.generation > o.generation);
CREATE TABLE core.verdict (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, submission_id bigint NOT NULL REFERENCES core.submission,
    verdict text NOT NULL CHECK (verdict IN ('accepted', 'accepted_with_warnings', 'rejected')),
    errors integer NOT NULL, warnings integer NOT NULL, infos integer NOT NULL, recorded_at timestamptz NOT NULL,
    generation smallint NOT NULL DEFAULT 1
);
CREATE INDEX ON core.verdict (submission_id);
CREATE TABLE core.decision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, submission_id bigint NOT NULL REFERENCES core.submission,
    -- hold: valid, but its period is published; it counts nowhere until the period is reopened and it is accepted.
    decision text NOT NULL CHECK (decision IN ('accept', 'return', 'hold')), decided_by text NOT NULL, reason text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX ON core.decision (submission_id, id);
CREATE INDEX ON core.decision (submission_id) WHERE decision = 'hold';
CREATE TABLE core.observation (
    submission_id bigint NOT NULL, form text NOT NULL, form_version text NOT NULL, row_key text NOT NULL,
    column_code text NOT NULL, ordinal integer NOT NULL, measure text NOT NULL,
    number numeric, text_value text, date_value date, decimals smallint, raw text,
    missing text CHECK (missing IN ('blank', 'not_applicable', 'not_reported', 'bad', 'absent')),
    sheet text, cell text, aggregation text NOT NULL, restricted boolean NOT NULL,
    -- Of a text that the form declares to identify something: a digest equal for spellings of the same decision or name, so
    -- that marts can count once what two units tell, without comparing letters in SQL.
    compare_key text,
    -- Which reading of the file this is: readers of current values compare it with core.standing_submissions().generation.
    generation smallint NOT NULL DEFAULT 1,
    PRIMARY KEY (submission_id, form, row_key, column_code, ordinal, generation)
);
-- A submission has some five hundred cells. ANALYZE looks at whole pages, sees few submissions in them and takes each for many
-- thousand cells; the plans that follow from it are a hundred times too dear.
ALTER TABLE core.observation ALTER COLUMN submission_id SET (n_distinct = -0.002);
-- A load has the table analysed before it ends. Nothing is looked for by the first of these; of the others a smaller sample tells
-- enough, for what is asked is many times as frequent: together it takes a quarter of the time.
ALTER TABLE core.observation ALTER COLUMN raw SET STATISTICS 0, ALTER COLUMN cell SET STATISTICS 0,
    ALTER COLUMN sheet SET STATISTICS 0, ALTER COLUMN date_value SET STATISTICS 0,
    ALTER COLUMN decimals SET STATISTICS 0, ALTER COLUMN form_version SET STATISTICS 0,
    ALTER COLUMN submission_id SET STATISTICS 50, ALTER COLUMN form SET STATISTICS 50,
    ALTER COLUMN row_key SET STATISTICS 50, ALTER COLUMN column_code SET STATISTICS 50,
    ALTER COLUMN ordinal SET STATISTICS 50, ALTER COLUMN measure SET STATISTICS 50,
    ALTER COLUMN number SET STATISTICS 50, ALTER COLUMN text_value SET STATISTICS 50,
    ALTER COLUMN missing SET STATISTICS 50, ALTER COLUMN aggregation SET STATISTICS 50,
    ALTER COLUMN restricted SET STATISTICS 50, ALTER COLUMN compare_key SET STATISTICS 50,
    ALTER COLUMN generation SET STATISTICS 50;
-- The reference to core.submission, checked once a statement: row by row a load would look up the same few hundred parents
-- a hundred thousand times, which took a third of its time. Submissions are never deleted or renumbered.
CREATE FUNCTION core.require_submissions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE orphan bigint;
BEGIN
    SELECT n.submission_id INTO orphan FROM (SELECT DISTINCT submission_id FROM written) n
    WHERE NOT EXISTS (SELECT 1 FROM core.submission s WHERE s.id = n.submission_id) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = format('observations of submission %s, which does not exist', orphan);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER observation_has_submission AFTER INSERT ON core.observation REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION core.require_submissions();
CREATE TRIGGER observation_keeps_submission AFTER UPDATE ON core.observation REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION core.require_submissions();
CREATE FUNCTION core.refuse_loss() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING MESSAGE = 'submissions are never deleted';
END $$;
CREATE TRIGGER submission_stays BEFORE DELETE OR TRUNCATE ON core.submission
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_loss();
-- No other index: marts come from the accepted submissions and find their observations by the key's first column.
CREATE TABLE core.finding (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, generation smallint NOT NULL DEFAULT 1, ordinal integer NOT NULL,
    code text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('error', 'warning', 'info')), form text, sheet text, cell text,
    row_key text, column_code text, field text, value text, expected text, message text NOT NULL, fix text NOT NULL,
    reason text, -- what the unit says of it, out of an annotated copy that came back
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (arrival_id, generation, ordinal)
);
-- The findings that hold: those of the last examining of their arrival; in a transaction that sets movement_reports.as_of
-- (see mart.accepted), of the last one recorded by then.
CREATE VIEW core.stored_finding AS
SELECT f.* FROM core.finding f
CROSS JOIN (SELECT coalesce(nullif(current_setting('movement_reports.as_of', true), '')::timestamptz, 'infinity') AS at) t
WHERE f.recorded_at <= t.at AND NOT EXISTS (
    SELECT 1 FROM core.examination e
    WHERE e.arrival_id = f.arrival_id AND e.generation > f.generation AND e.recorded_at <= t.at);
-- What a unit said of a finding on its page, after the file was examined: the last row of a place holds, an empty reason takes
-- back. By place and not by number: the same bytes read again have the same cells. It never changes a verdict. `taken_from`: the
-- submission for which it was given, where the next file had the same warning again and it was taken over with its loading.
CREATE TABLE core.finding_reason (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, arrival_id bigint NOT NULL REFERENCES landing.arrival,
    code text NOT NULL, form text, sheet text, cell text, row_key text, column_code text,
    reason text NOT NULL, given_by text NOT NULL CHECK (given_by <> ''), recorded_at timestamptz NOT NULL,
    taken_from bigint REFERENCES core.submission
);
CREATE INDEX ON core.finding_reason (arrival_id);
-- With the reason that the unit gave, on its page or, where it said nothing there, in the workbook.
CREATE VIEW core.current_finding AS
SELECT f.arrival_id, f.generation, f.ordinal, f.code, f.severity, f.form, f.sheet, f.cell, f.row_key, f.column_code, f.field,
       f.value, f.expected, f.message, f.fix, coalesce(nullif(r.reason, ''), f.reason) AS reason, f.recorded_at
FROM core.stored_finding f
LEFT JOIN LATERAL (
    SELECT g.reason FROM core.finding_reason g
    WHERE g.arrival_id = f.arrival_id AND g.code = f.code
      AND (g.form, g.sheet, g.cell, g.row_key, g.column_code) IS NOT DISTINCT FROM
          (f.form, f.sheet, f.cell, f.row_key, f.column_code)
      AND g.recorded_at <= coalesce(nullif(current_setting('movement_reports.as_of', true), '')::timestamptz, 'infinity')
    ORDER BY g.id DESC LIMIT 1
) r ON true;
-- What counts now: what core.standing_submissions says of 'infinity', with what the marts need of each, so that a mart begins
-- with a hundred rows that the planner can count instead of working out which of ten thousand submissions stand. Derived:
-- the triggers below keep it in the transaction of whatever changes it, `init` makes it anew where it differs, and nothing
-- reads it as of an instant (core.counted).
CREATE TABLE core.counted_now (
    report text NOT NULL, period text NOT NULL, unit text NOT NULL, unit_name text NOT NULL, unit_type text NOT NULL,
    received_at timestamptz NOT NULL, submission_id bigint NOT NULL, generation smallint NOT NULL, sha256 text NOT NULL,
    estimated boolean NOT NULL, PRIMARY KEY (report, period, unit)
);
-- One writer at a time: two who each do not see the other's decision would both keep a wrong row. Deleted and written also
-- where nothing changes, so that a transaction with an old snapshot meets the other's row and fails, to be tried again.
CREATE FUNCTION core.count_again(of_reports text[], of_periods text[], of_units text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE part record;
BEGIN
    IF of_units = '{}' THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(7260005);
    FOR part IN
        SELECT t.report, t.period, array_agg(t.unit) AS units FROM unnest(of_reports, of_periods, of_units) t (report, period, unit)
        GROUP BY t.report, t.period
    LOOP
        DELETE FROM core.counted_now c WHERE c.report = part.report AND c.period = part.period AND c.unit = ANY (part.units);
        INSERT INTO core.counted_now
        SELECT a.report, a.period, a.unit, o.unit_name, o.unit_type, a.received_at, a.submission_id, a.generation, s.sha256,
               coalesce((SELECT e.text_value = 'yes' FROM core.observation e
                         WHERE e.submission_id = a.submission_id AND e.form = 'F00' AND e.measure = 'F00.la_uoc_tinh'
                           AND CASE WHEN e.generation = a.generation THEN e.ordinal = 0 END LIMIT 1), false)
        FROM core.standing_submissions('infinity') a
        JOIN core.submission s ON s.id = a.submission_id
        JOIN register.obligation o ON o.report = part.report AND o.period = part.period AND o.unit = a.unit AND o.retired_at IS NULL
        WHERE a.report = part.report AND a.period = part.period AND a.unit = ANY (part.units);
    END LOOP;
END $$;
CREATE FUNCTION core.count_decided() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM core.count_again(array_agg(s.report), array_agg(s.period), array_agg(s.unit))
    FROM (SELECT DISTINCT s.report, s.period, s.unit FROM written w JOIN core.submission s ON s.id = w.submission_id) s
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER decision_counts AFTER INSERT ON core.decision REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_decided();
-- The first reading of a file comes before the decision on it; a later one may change which values hold.
CREATE FUNCTION core.count_examined() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM core.count_again(array_agg(s.report), array_agg(s.period), array_agg(s.unit))
    FROM (SELECT DISTINCT s.report, s.period, s.unit FROM written w JOIN core.submission s ON s.arrival_id = w.arrival_id
          WHERE w.generation > 1) s
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER examination_counts AFTER INSERT ON core.examination REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_examined();
CREATE FUNCTION core.count_owed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM core.count_again(array_agg(s.report), array_agg(s.period), array_agg(s.unit))
    FROM (SELECT DISTINCT s.report, s.period, s.unit FROM written w
          JOIN core.submission s ON s.report = w.report AND s.period = w.period AND s.unit = w.unit) s
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER obligation_counts AFTER INSERT ON register.obligation REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_owed();
CREATE TRIGGER ended_obligation_counts AFTER UPDATE ON register.obligation REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION core.count_owed();
-- Findings of the rules between units: on the period, for the reviewer; never part of a verdict. Each consolidation retires
-- those it does not find any more: what a reviewer saw then can be shown again.
CREATE TABLE core.period_finding (
    report text NOT NULL, period text NOT NULL, code text NOT NULL, severity text NOT NULL, subject text NOT NULL,
    message text NOT NULL, fix text NOT NULL, recorded_at timestamptz NOT NULL,
    -- Where it speaks of one figure of one unit: the cell's codes, what stands there and what was looked for, as texts.
    unit text, form text, row_key text, column_code text, value text, expected text, retired_at timestamptz
);
CREATE UNIQUE INDEX ON core.period_finding (report, period, code, subject, unit, form, row_key, column_code) NULLS NOT DISTINCT
    WHERE retired_at IS NULL;

-- Review of a period: a row an action, the newest version holds; a period without a row is open. `version` is what a reviewer has
-- seen when acting: two who act on the same version cannot both be written. An approval freezes the figures as of `as_of`;
-- from then on nothing of the period is recorded at or before it (core.record_after_freeze).
CREATE TABLE core.period_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, report text NOT NULL, period text NOT NULL,
    version integer NOT NULL CHECK (version >= 1), action text NOT NULL CHECK (action IN ('start', 'approve', 'publish', 'reopen')),
    state text NOT NULL CHECK (state IN ('under_review', 'approved', 'published', 'reopened')),
    decided_by text NOT NULL CHECK (decided_by <> ''), reason text NOT NULL CHECK (reason <> ''),
    as_of timestamptz, -- of an approval: the instant whose figures are approved
    publication_number integer, -- of a publishing: which one of the period, from 1
    recorded_at timestamptz NOT NULL, UNIQUE (report, period, version),
    CHECK ((action = 'approve') = (as_of IS NOT NULL)), CHECK ((action = 'publish') = (publication_number IS NOT NULL))
);
CREATE INDEX ON core.period_event (report, period, as_of) WHERE as_of IS NOT NULL;
-- What an approval froze: every figure of every mart as text of its exact value. Never changed: that it was published, and under
-- which number, or was withdrawn, the events say (core.publication_state). `checksum` is SHA-256 over core.figure_line of each.
CREATE TABLE core.publication (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id bigint NOT NULL UNIQUE REFERENCES core.period_event,
    report text NOT NULL, period text NOT NULL, as_of timestamptz NOT NULL, checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
    figures integer NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE INDEX ON core.publication (report, period);
CREATE TABLE core.published_figure (
    publication_id bigint NOT NULL REFERENCES core.publication, figure text NOT NULL, mart text NOT NULL, row_key text NOT NULL,
    measure text NOT NULL, label text, unit_of_measure text, aggregation text, value text, units integer, estimated_units integer,
    PRIMARY KEY (publication_id, figure)
);
-- An instant that figures were frozen as of is closed: in a simulated province a later file may carry an earlier receipt, on
-- several machines a clock may lag; what comes after a freeze is recorded after it, or the frozen figures could not be had again.
CREATE FUNCTION core.record_after_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE frozen timestamptz;
BEGIN
    IF TG_TABLE_NAME = 'submission' THEN
        SELECT max(e.as_of) INTO frozen FROM core.period_event e
        WHERE e.report = NEW.report AND e.period = NEW.period AND e.as_of IS NOT NULL;
    ELSIF TG_TABLE_NAME IN ('decision', 'verdict') THEN
        SELECT max(e.as_of) INTO frozen FROM core.submission s
        JOIN core.period_event e ON e.report = s.report AND e.period = s.period AND e.as_of IS NOT NULL WHERE s.id = NEW.submission_id;
    ELSE
        SELECT max(e.as_of) INTO frozen FROM core.submission s
        JOIN core.period_event e ON e.report = s.report AND e.period = s.period AND e.as_of IS NOT NULL WHERE s.arrival_id = NEW.arrival_id;
    END IF;
    IF NEW.recorded_at <= frozen THEN
        NEW.recorded_at := frozen + interval '1 microsecond';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER submission_after_freeze BEFORE INSERT ON core.submission FOR EACH ROW EXECUTE FUNCTION core.record_after_freeze();
CREATE TRIGGER examination_after_freeze BEFORE INSERT ON core.examination FOR EACH ROW EXECUTE FUNCTION core.record_after_freeze();
CREATE TRIGGER verdict_after_freeze BEFORE INSERT ON core.verdict FOR EACH ROW EXECUTE FUNCTION core.record_after_freeze();
CREATE TRIGGER decision_after_freeze BEFORE INSERT ON core.decision FOR EACH ROW EXECUTE FUNCTION core.record_after_freeze();
CREATE TRIGGER finding_after_freeze BEFORE INSERT ON core.finding FOR EACH ROW EXECUTE FUNCTION core.record_after_freeze();
CREATE TRIGGER finding_reason_after_freeze BEFORE INSERT ON core.finding_reason
    FOR EACH ROW EXECUTE FUNCTION core.record_after_freeze();
-- The same of the register: what belongs to one period by that period's freezes, all else by any. Working days told of for the first
-- time are of no day of recording (-infinity) and stay so.
CREATE FUNCTION register.record_after_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE frozen timestamptz;
BEGIN
    IF TG_TABLE_NAME IN ('period', 'obligation') THEN
        SELECT max(e.as_of) INTO frozen FROM core.period_event e
        WHERE e.report = NEW.report AND e.period = NEW.period AND e.as_of IS NOT NULL;
    ELSE
        SELECT max(e.as_of) INTO frozen FROM core.period_event e WHERE e.as_of IS NOT NULL;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.recorded_at <= frozen AND NEW.recorded_at > '-infinity' THEN
        NEW.recorded_at := frozen + interval '1 microsecond';
    ELSIF TG_OP = 'UPDATE' AND OLD.retired_at IS NULL AND NEW.retired_at <= frozen THEN
        NEW.retired_at := frozen + interval '1 microsecond';
    END IF;
    RETURN NEW;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'register'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF retired_at ON register.%I FOR EACH ROW '
                       'WHEN (NEW.recorded_at > ''-infinity'' OR NEW.retired_at IS NOT NULL) '
                       'EXECUTE FUNCTION register.record_after_freeze()', name || '_after_freeze', name);
    END LOOP;
END $$;

-- ---------------------------------------------------------------------------------------------------- ops
-- Our own faults, by arrival: the arrival stays pending and is tried again. Never shown to a unit.
CREATE TABLE ops.fault (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, what text NOT NULL, recorded_at timestamptz NOT NULL
);
-- What a channel remembers from one look to the next (validators of pages already taken wholly): it saves work, no more; without
-- a row everything is asked for again and landing.offer tells what is known.
CREATE TABLE ops.channel_note (
    channel text NOT NULL, name text NOT NULL, value text NOT NULL, PRIMARY KEY (channel, name)
);
CREATE TABLE ops.consolidation (
    report text NOT NULL, period text NOT NULL, figures integer NOT NULL, period_findings integer NOT NULL,
    recorded_at timestamptz NOT NULL, PRIMARY KEY (report, period)
);
-- Letters to be sent, one row a mail or message to one recipient; message_id (without its domain) follows from the rows of
-- ops.outbox in it, so that a letter sent twice by a worker killed between sending and commit is the same letter. A claim
-- returns when its lease is over. Leases and delays are of this server's clock: they are about programs, not about periods.
CREATE TABLE ops.letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('reminder', 'list', 'notice', 'digest')),
    recipient text NOT NULL, recipient_name text NOT NULL, -- people's data; webhook:… stands for a chat room
    planned_day date NOT NULL, -- in Viet Nam, for the cap
    state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'claimed', 'sent', 'failed', 'cancelled')),
    claimed_by text, lease_until timestamptz, not_before timestamptz, attempts integer NOT NULL DEFAULT 0,
    last_error text, -- a code of the protocol or the name of an error, nothing a server or a person wrote
    recorded_at timestamptz NOT NULL, sent_at timestamptz
);
CREATE INDEX ON ops.letter (id) WHERE state IN ('planned', 'claimed');
CREATE INDEX ON ops.letter (planned_day, recipient) WHERE kind IN ('reminder', 'list');
-- What the letters say: one row an obligation, rung and recipient. `occasion` tells the answers to several submissions of one
-- obligation apart, and the days of a digest. The state of a row is its letter's unless it was cancelled (ops.delivery).
CREATE TABLE ops.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, letter_id bigint NOT NULL REFERENCES ops.letter,
    unit text NOT NULL, report text NOT NULL, period text NOT NULL, rung text NOT NULL, occasion text NOT NULL DEFAULT '',
    recipient text NOT NULL, people_of text NOT NULL, -- whose contact it is: the unit's, or its heir's
    role text NOT NULL, letter text NOT NULL, due_at timestamptz, valid_until timestamptz NOT NULL,
    decision_id bigint REFERENCES core.decision, cancelled_why text, recorded_at timestamptz NOT NULL,
    arrival_id bigint REFERENCES landing.arrival, -- of an answer about a file that is no submission
    UNIQUE (unit, report, period, rung, occasion, recipient)
);
CREATE INDEX ON ops.outbox (letter_id);
CREATE INDEX ON ops.outbox (report, period);
CREATE INDEX ON ops.outbox (decision_id);
CREATE VIEW ops.delivery AS
SELECT o.unit, o.report, o.period, o.rung, o.occasion, o.recipient, o.people_of, o.role, o.letter, o.due_at, o.valid_until, o.decision_id,
       o.cancelled_why, o.recorded_at, l.id AS letter_id, l.message_id, l.kind, l.attempts, l.last_error, l.sent_at,
       CASE WHEN o.cancelled_why IS NOT NULL THEN 'cancelled' ELSE l.state END AS state
FROM ops.outbox o JOIN ops.letter l ON l.id = o.letter_id;
-- Pauses of the ladder: the newest row of a scope holds, so one is ended by another that ends now. Append-only: who stopped
-- reminders, and why, stays known.
CREATE TABLE ops.mute (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, unit text NOT NULL, report text, period text,
    until timestamptz NOT NULL, muted_by text NOT NULL CHECK (muted_by <> ''), reason text NOT NULL CHECK (reason <> ''),
    recorded_at timestamptz NOT NULL, CHECK (period IS NULL OR report IS NOT NULL)
);
CREATE TABLE ops.acknowledgement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, unit text NOT NULL, report text NOT NULL, period text NOT NULL,
    until timestamptz NOT NULL, acknowledged_by text NOT NULL CHECK (acknowledged_by <> ''),
    reason text NOT NULL CHECK (reason <> ''), recorded_at timestamptz NOT NULL
);
-- Who changed the register, why, and what that changed (JSON); written in the transaction of the change.
CREATE TABLE ops.register_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, changed_by text NOT NULL CHECK (changed_by <> ''),
    reason text NOT NULL CHECK (reason <> ''), summary text NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE FUNCTION ops.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING MESSAGE = format('%s.%s is only added to', TG_TABLE_SCHEMA, TG_TABLE_NAME);
END $$;
CREATE TRIGGER attribution_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON landing.attribution
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER discard_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON landing.discard
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER mute_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.mute
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER acknowledgement_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER register_change_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.register_change
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER period_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON core.period_event
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER finding_reason_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON core.finding_reason
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER publication_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON core.publication
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER published_figure_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON core.published_figure
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
-- Accounts of the standing office's pages (small installations; others log in by OpenID Connect), their sessions by the hash
-- of the cookie, so that who reads this table cannot pose as anybody, and personal links that were revoked.
CREATE TABLE ops.account (
    login text PRIMARY KEY CHECK (login = lower(login) AND login <> ''), name text NOT NULL,
    role text NOT NULL CHECK (role IN ('reader', 'reviewer', 'publisher', 'administrator')),
    password_hash text NOT NULL, disabled_at timestamptz, recorded_at timestamptz NOT NULL, changed_at timestamptz NOT NULL
);
CREATE TABLE ops.session (
    token_hash text PRIMARY KEY, login text NOT NULL, name text NOT NULL,
    role text NOT NULL CHECK (role IN ('reader', 'reviewer', 'publisher', 'administrator')),
    via text NOT NULL CHECK (via IN ('account', 'oidc')),
    begun_at timestamptz NOT NULL, seen_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, ended_at timestamptz
);
CREATE INDEX ON ops.session (login) WHERE ended_at IS NULL;
CREATE TABLE ops.link_revocation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, unit text NOT NULL, report text NOT NULL, period text NOT NULL,
    revoked_by text NOT NULL CHECK (revoked_by <> ''), reason text NOT NULL CHECK (reason <> ''), recorded_at timestamptz NOT NULL
);
CREATE TRIGGER link_revocation_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.link_revocation
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
-- Every write and every log-in through the pages: who did what to what. Never what a form held: it may be people's data.
CREATE TABLE ops.action (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, login text NOT NULL, role text NOT NULL,
    action text NOT NULL, subject text NOT NULL, outcome text NOT NULL
);
CREATE INDEX ON ops.action (at);
CREATE TRIGGER action_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.action
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change();
