-- Plans lie apart from their runs: who lists runs, or writes how one ended, walks through no plan.

CREATE TABLE plans (
    run  TEXT PRIMARY KEY REFERENCES runs (run),
    plan TEXT NOT NULL
) STRICT;
INSERT INTO plans (run, plan) SELECT run, plan FROM runs;
ALTER TABLE runs DROP COLUMN plan;
