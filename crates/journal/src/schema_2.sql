-- What a reprocess and an undo need: turns, the journal around each attempt, definitions, spells.

ALTER TABLE runs ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN work TEXT NOT NULL DEFAULT 'process';
ALTER TABLE runs ADD COLUMN first_date TEXT; -- of the plan's scope; empty for every date
ALTER TABLE runs ADD COLUMN last_date TEXT;
UPDATE runs SET digest = plan ->> '$.digest', first_date = plan ->> '$.scope.dates[0]',
                last_date = plan ->> '$.scope.dates[#-1]';

ALTER TABLE attempts ADD COLUMN turn INTEGER; -- the order of working, whatever the clock said
ALTER TABLE attempts ADD COLUMN pending_before TEXT; -- every mark of its pipeline and environment; empty for attempts
ALTER TABLE attempts ADD COLUMN pending_after TEXT;  -- from before this version
UPDATE attempts SET turn = (
    SELECT count(*) FROM attempts other
    WHERE (other.started_at, other.run, other.number) <= (attempts.started_at, attempts.run, attempts.number));
CREATE INDEX turns ON attempts (turn);

-- Ledger entries as they were before an attempt changed them; an empty entry stands for an unknown file.
CREATE TABLE files_before (
    run     TEXT NOT NULL REFERENCES runs (run),
    attempt INTEGER NOT NULL,
    source  TEXT NOT NULL,
    path    TEXT NOT NULL,
    entry   TEXT,
    PRIMARY KEY (run, attempt, source, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE definitions (
    digest TEXT PRIMARY KEY,
    files  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE spells (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    person      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    reason      TEXT NOT NULL
) STRICT;
