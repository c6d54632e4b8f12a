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
    standing_office_unit text NOT NULL, simulated boolean NOT NULL,
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
CREATE TABLE register.report (
    code text NOT NULL, name text NOT NULL, clock text NOT NULL, frequency text NOT NULL, legal_basis text NOT NULL,
    valid_from date NOT NULL, valid_to date, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.report_form (
    report text NOT NULL, form text NOT NULL, unit_type text NOT NULL, status text NOT NULL, place integer NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.exemption (
    unit text NOT NULL, report text NOT NULL, period text NOT NULL, reason text NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE TABLE register.calendar_override (
    day date NOT NULL, working boolean NOT NULL, reason text NOT NULL,
    recorded_at timestamptz NOT NULL, retired_at timestamptz
);
-- Derived from the holiday library and the overrides, so that SQL can count working days.
CREATE TABLE register.workday (day date PRIMARY KEY, working boolean NOT NULL);
CREATE TABLE register.period (
    report text NOT NULL, period text NOT NULL, clock text NOT NULL, label text NOT NULL,
    window_start date NOT NULL, window_end date NOT NULL, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.period (report, period) WHERE retired_at IS NULL;
CREATE TABLE register.obligation (
    unit text NOT NULL, unit_name text NOT NULL, unit_type text NOT NULL, report text NOT NULL, period text NOT NULL,
    due_at timestamptz NOT NULL, exempt_reason text, owed_from date NOT NULL, owed_to date NOT NULL,
    forms text NOT NULL, recorded_at timestamptz NOT NULL, retired_at timestamptz
);
CREATE UNIQUE INDEX ON register.obligation (report, period, unit) WHERE retired_at IS NULL;
-- The declared forms as data: what a stored observation means, and the labels the standing office reads.
CREATE TABLE register.form_field (
    form text NOT NULL, form_name text NOT NULL, form_version text NOT NULL, instrument text NOT NULL, kind text NOT NULL,
    row_code text NOT NULL, row_label text NOT NULL, column_code text NOT NULL, column_label text NOT NULL,
    field text, measure text NOT NULL, value_type text NOT NULL, unit_of_measure text NOT NULL, aggregation text NOT NULL,
    rate_of_part text, rate_of_whole text, restricted boolean NOT NULL, place integer NOT NULL,
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

-- ---------------------------------------------------------------------------------------------------- core
CREATE TABLE core.submission (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, arrival_id bigint NOT NULL UNIQUE REFERENCES landing.arrival,
    unit text NOT NULL, report text NOT NULL, period text NOT NULL, received_at timestamptz NOT NULL,
    sha256 text NOT NULL REFERENCES landing.blob, form_versions text NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE INDEX ON core.submission (report, period, unit, received_at);
-- What became of each arrival; an arrival without a row is pending.
CREATE TABLE landing.outcome (
    arrival_id bigint PRIMARY KEY REFERENCES landing.arrival,
    outcome text NOT NULL CHECK (outcome IN ('submission', 'quarantined', 'already_received')),
    submission_id bigint REFERENCES core.submission, unit_hint text, report_hint text, period_hint text,
    recorded_at timestamptz NOT NULL,
    CHECK ((outcome = 'quarantined') = (submission_id IS NULL))
);
CREATE TABLE core.verdict (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, submission_id bigint NOT NULL REFERENCES core.submission,
    verdict text NOT NULL CHECK (verdict IN ('accepted', 'accepted_with_warnings', 'rejected')),
    errors integer NOT NULL, warnings integer NOT NULL, infos integer NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE INDEX ON core.verdict (submission_id);
CREATE TABLE core.decision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, submission_id bigint NOT NULL REFERENCES core.submission,
    decision text NOT NULL CHECK (decision IN ('accept', 'return')), decided_by text NOT NULL, reason text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX ON core.decision (submission_id, id);
CREATE TABLE core.observation (
    submission_id bigint NOT NULL, form text NOT NULL, form_version text NOT NULL, row_key text NOT NULL,
    column_code text NOT NULL, ordinal integer NOT NULL, measure text NOT NULL,
    number numeric, text_value text, date_value date, decimals smallint, raw text,
    missing text CHECK (missing IN ('blank', 'not_applicable', 'not_reported', 'bad', 'absent')),
    sheet text, cell text, aggregation text NOT NULL, restricted boolean NOT NULL,
    PRIMARY KEY (submission_id, form, row_key, column_code, ordinal)
);
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
    arrival_id bigint NOT NULL REFERENCES landing.arrival, ordinal integer NOT NULL, code text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('error', 'warning', 'info')), form text, sheet text, cell text,
    row_key text, column_code text, field text, value text, expected text, message text NOT NULL, fix text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (arrival_id, ordinal)
);
-- Findings of the rules between units: on the period, for the reviewer; never part of a verdict. Replaced at each consolidation.
CREATE TABLE core.period_finding (
    report text NOT NULL, period text NOT NULL, code text NOT NULL, severity text NOT NULL, subject text NOT NULL,
    message text NOT NULL, fix text NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (report, period, code, subject)
);

-- ---------------------------------------------------------------------------------------------------- ops
-- Our own faults, by arrival: the arrival stays pending and is tried again. Never shown to a unit.
CREATE TABLE ops.fault (
    arrival_id bigint NOT NULL REFERENCES landing.arrival, what text NOT NULL, recorded_at timestamptz NOT NULL
);
CREATE TABLE ops.consolidation (
    report text NOT NULL, period text NOT NULL, figures integer NOT NULL, period_findings integer NOT NULL,
    recorded_at timestamptz NOT NULL, PRIMARY KEY (report, period)
);
