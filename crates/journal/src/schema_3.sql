-- What rules said: evaluations with their scores by date, failing rows by rule and date, statistics.

CREATE TABLE evaluations (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of judging, whatever the clock said
    run         TEXT NOT NULL REFERENCES runs (run),
    attempt     INTEGER NOT NULL,
    step        TEXT NOT NULL,
    pipeline    TEXT NOT NULL,
    environment TEXT NOT NULL,
    at          INTEGER NOT NULL,
    published   INTEGER NOT NULL DEFAULT 0,
    dates       INTEGER, -- how many; all three are empty for a whole table
    first_date  TEXT,
    last_date   TEXT,
    evaluation  TEXT NOT NULL,
    UNIQUE (run, attempt, step)
) STRICT;
CREATE INDEX evaluations_of_table ON evaluations (pipeline, environment, step, seq);

-- An empty date stands for the whole table, and for rows without a date.
CREATE TABLE scores (
    evaluation INTEGER NOT NULL REFERENCES evaluations (seq) ON DELETE CASCADE,
    date       TEXT NOT NULL,
    rows       INTEGER NOT NULL,
    failing    INTEGER NOT NULL,
    passed     INTEGER NOT NULL, -- rules
    failed     INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    PRIMARY KEY (evaluation, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE failing_rows (
    evaluation INTEGER NOT NULL REFERENCES evaluations (seq) ON DELETE CASCADE,
    rule       INTEGER NOT NULL, -- from 1, in the order of the ruleset
    date       TEXT NOT NULL,
    rows       INTEGER NOT NULL,
    PRIMARY KEY (evaluation, rule, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE statistics (
    evaluation INTEGER NOT NULL REFERENCES evaluations (seq) ON DELETE CASCADE,
    metric     TEXT NOT NULL,
    filter     TEXT NOT NULL, -- empty without one
    value      REAL NOT NULL,
    PRIMARY KEY (evaluation, metric, filter)
) STRICT, WITHOUT ROWID;
