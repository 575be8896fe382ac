-- Times are microseconds since 1970 in UTC. Documents (plan, outcome, problem, entry, action) are JSON.

CREATE TABLE runs (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of asking, whatever the clock said
    run         TEXT NOT NULL UNIQUE,
    request_id  TEXT UNIQUE,
    pipeline    TEXT NOT NULL,
    environment TEXT NOT NULL,
    status      TEXT NOT NULL,
    attempt     INTEGER NOT NULL DEFAULT 0,
    stages      TEXT NOT NULL,
    dates       TEXT NOT NULL,
    steps       INTEGER NOT NULL,
    plan        TEXT NOT NULL,
    queued_at   INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    note        TEXT
) STRICT;
CREATE INDEX runs_of_pipeline ON runs (pipeline, environment, seq);
CREATE INDEX runs_of_status ON runs (status, seq);

CREATE TABLE attempts (
    run        TEXT NOT NULL REFERENCES runs (run),
    number     INTEGER NOT NULL,
    status     TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    note       TEXT,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    run        TEXT NOT NULL REFERENCES runs (run),
    attempt    INTEGER NOT NULL,
    step       TEXT NOT NULL,
    status     TEXT NOT NULL,
    done       INTEGER NOT NULL DEFAULT 0, -- needs no further attempt
    started_at INTEGER,
    ended_at   INTEGER,
    outcome    TEXT,
    problem    TEXT,
    note       TEXT,
    PRIMARY KEY (run, attempt, step)
) STRICT;

-- The run and attempt that touched a table last.
CREATE TABLE touched (
    pipeline    TEXT NOT NULL,
    environment TEXT NOT NULL,
    step        TEXT NOT NULL,
    run         TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    PRIMARY KEY (pipeline, environment, step)
) STRICT, WITHOUT ROWID;

-- The ledger: source files as they were last read, and the dates that they contributed to.
CREATE TABLE files (
    pipeline    TEXT NOT NULL,
    environment TEXT NOT NULL,
    source      TEXT NOT NULL,
    path        TEXT NOT NULL,
    entry       TEXT NOT NULL,
    PRIMARY KEY (pipeline, environment, source, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE file_dates (
    pipeline    TEXT NOT NULL,
    environment TEXT NOT NULL,
    date        TEXT NOT NULL,
    source      TEXT NOT NULL,
    path        TEXT NOT NULL,
    PRIMARY KEY (pipeline, environment, date, source, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX dates_of_file ON file_dates (pipeline, environment, source, path);

-- Steps that have not followed their inputs yet; an empty date stands for the whole table.
CREATE TABLE pending (
    pipeline    TEXT NOT NULL,
    environment TEXT NOT NULL,
    step        TEXT NOT NULL,
    date        TEXT NOT NULL,
    PRIMARY KEY (pipeline, environment, step, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE actions (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL
) STRICT;
