//! Differences between versions of the lake's tables, and of all tables that a run changed.

use crate::desk::{Desk, Ready};
use crate::exit;
use crate::local::problems;
use assay_console::{Journal, RunFolder};
use assay_contract::{
    CellChange, ColumnChange, DateChange, LeftOut, Problem, ProblemKind, ReasonChange, RunDifference, SchemaChange,
    SumChange, TableDifference, WarehouseDifference,
};
use assay_lake::{Difference, DifferenceAsk, Example, Lake, LakeError, Place, Snapshot};
use assay_pipeline::{Environment, Layer, SilverMode, TableName};
use chrono::NaiveDate;
use polars::prelude::DataType;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Examples of each column in a run's difference.
pub const EXAMPLES: usize = 5;
/// Newest commits of a table among which those of a run are looked for.
const COMMITS: usize = 1000;
const DATES: usize = 4000;
const FILE: &str = "difference.json";

/// A table that has versions: one of the lake's, or the quarantine of a silver table.
pub struct Versioned {
    /// As messages and the answer name it.
    pub name: String,
    pub folder: Place,
    key: Key,
}

enum Key {
    /// By these columns, and by the partition column where that makes a key of one date.
    Columns { columns: Vec<String>, within_date: bool },
    /// Refused records have no key; their reasons are counted.
    Refused,
}

/// Which versions: none before is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    pub before: Option<i64>,
    pub after: i64,
}

/// What of the difference is wanted.
pub struct Wanted<'a> {
    pub dates: Option<&'a [NaiveDate]>,
    pub examples: usize,
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Versioned {
    /// A silver or gold table with the key that its definition gives it.
    pub fn table(ready: &Ready, lake: &Lake, table: &TableName) -> Result<Self, Problem> {
        let key = match table.layer {
            Layer::Silver => {
                let found = ready.definition.contracts.iter().find(|contract| contract.table == table.table);
                found.map(|contract| {
                    let within_date = contract.mode == SilverMode::Replace && !contract.key.is_empty();
                    Key::Columns { columns: contract.key.clone(), within_date }
                })
            }
            Layer::Gold => {
                let found = ready.models.iter().find(|model| model.model.name == table.table);
                found.map(|model| Key::Columns { columns: model.model.grain.clone(), within_date: false })
            }
            Layer::Bronze | Layer::Warehouse => {
                return Err(exit::misuse(
                    format!("{table} has no versions."),
                    "Versions are kept of silver and gold tables; `assay tables` lists them.",
                ));
            }
        };
        let key = key.ok_or_else(|| {
            exit::misuse(format!("The definition has no table {table} any more."), "`assay tables` lists the tables.")
        })?;
        Ok(Self { name: table.to_string(), folder: lake.folder(table), key })
    }

    /// What a silver table's contract refused.
    pub fn quarantine(lake: &Lake, table: &TableName) -> Result<Self, Problem> {
        if table.layer != Layer::Silver {
            let message = format!("{table} has no quarantine.");
            return Err(exit::misuse(message, "Quarantine belongs to silver tables."));
        }
        let name = format!("{}.quarantine.{}", table.pipeline, table.table);
        Ok(Self { name, folder: lake.quarantine(table), key: Key::Refused })
    }

    /// The versions around a run's commits; none when it made none.
    pub fn of_run(&self, desk: &Desk, run: &str) -> Result<Option<Versions>, Problem> {
        let change = desk.runtime.block_on(assay_lake::change_of_run(&self.folder, run, COMMITS));
        let change = change.map_err(|error| problems::lake(&error))?;
        Ok(change.map(|change| Versions { before: change.before, after: change.after }))
    }

    /// A version as a person writes it: a number, `latest`, or `-1` for the one before the latest.
    pub fn version(&self, desk: &Desk, text: &str) -> Result<i64, Problem> {
        let newest = desk.runtime.block_on(assay_lake::open(&self.folder)).map_err(|error| problems::lake(&error))?;
        let newest = newest
            .ok_or_else(|| exit::misuse(format!("{} holds nothing yet.", self.name), "Run the stage that fills it."))?;
        let newest = newest.version();
        let number = text.parse::<i64>();
        match (text, number) {
            ("latest", _) => Ok(newest),
            (text, Ok(back)) if text.starts_with('-') && back < 0 && newest + back >= 0 => Ok(newest + back),
            (text, Ok(version)) if !text.starts_with('-') && version <= newest => Ok(version),
            _ => Err(exit::misuse(
                format!("{} has no version {text}.", self.name),
                format!(
                    "Its newest is {newest}. Write a number, `latest`, `-1` for the one before the latest, or run:RUN."
                ),
            )),
        }
    }

    pub fn difference(&self, desk: &Desk, versions: Versions, wanted: &Wanted<'_>) -> Result<TableDifference, Problem> {
        let open = |version| {
            let opened = desk.runtime.block_on(assay_lake::open_version(&self.folder, version));
            opened.map_err(|error| self.unopened(desk, &error))
        };
        let before = versions.before.map(&open).transpose()?;
        let after = open(versions.after)?;
        if wanted.dates.is_some() && after.partition_column().is_none() {
            let message = format!("{} is not partitioned by date.", self.name);
            return Err(exit::misuse(message, "Compare it whole: leave --date out."));
        }
        let key = self.columns(&after);
        let ask = DifferenceAsk {
            dates: wanted.dates,
            examples: wanted.examples,
            count_by: matches!(self.key, Key::Refused).then_some("reason"),
            cancelled: wanted.cancelled,
            ..DifferenceAsk::by(&key)
        };
        let found = assay_lake::difference(before.as_ref(), &after, &ask).map_err(|error| problems::lake(&error))?;
        Ok(wire(&self.name, key, found))
    }

    fn columns(&self, after: &Snapshot) -> Vec<String> {
        let Key::Columns { columns, within_date } = &self.key else { return Vec::new() };
        let mut key = columns.clone();
        let date = after.partition_column().filter(|column| *within_date && !key.iter().any(|known| known == column));
        key.extend(date.map(str::to_owned));
        key
    }

    /// A version that is gone is told with those that are there.
    fn unopened(&self, desk: &Desk, error: &LakeError) -> Problem {
        let mut problem = problems::lake(error);
        if !matches!(error, LakeError::NoVersion { .. }) {
            return problem;
        }
        if let Ok(known) = desk.runtime.block_on(assay_lake::history(&self.folder, usize::MAX))
            && let (Some(newest), Some(oldest)) = (known.first(), known.last())
        {
            problem.advice = Some(format!("Its log has the versions {} to {}.", oldest.version, newest.version));
        }
        problem
    }
}

/// What a run changed in every silver, gold and quarantine table of its plan, and in the warehouse. Blocking.
///
/// A table that cannot be compared is among those left out, with the reason; a cancel ends it all.
pub fn run_difference(
    desk: &Desk,
    run: &str,
    examples: usize,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<RunDifference, Problem> {
    let journal = desk.journal()?;
    let plan = journal
        .plan(run)?
        .ok_or_else(|| exit::misuse(format!("There is no run {run}."), "`assay runs` lists the runs."))?;
    let ready = desk.ready_for(&plan)?;
    let lake = desk.lake(&plan.environment).placing(ready.definition.places());
    let mut found = RunDifference {
        run: run.to_owned(),
        tables: Vec::new(),
        warehouse: Vec::new(),
        unchanged: Vec::new(),
        left_out: Vec::new(),
    };
    let wanted = Wanted { dates: None, examples, cancelled };
    for step in plan.steps.iter().filter(|step| matches!(step.stage, Layer::Silver | Layer::Gold)) {
        let table = TableName::new(&plan.pipeline, step.stage, &step.table);
        let refused = (step.stage == Layer::Silver).then(|| Versioned::quarantine(&lake, &table));
        for versioned in std::iter::once(Versioned::table(&ready, &lake, &table)).chain(refused) {
            let one = versioned.and_then(|versioned| {
                let versions = versioned.of_run(desk, run)?;
                versions.map(|versions| versioned.difference(desk, versions, &wanted)).transpose()
            });
            match one {
                Ok(Some(difference)) => found.tables.push(difference),
                Ok(None) => found.unchanged.push(table.to_string()),
                Err(problem) if problem.kind == ProblemKind::Cancelled => return Err(problem),
                Err(problem) => found.left_out.push(LeftOut { table: table.to_string(), why: problem.message }),
            }
        }
    }
    found.unchanged.dedup();
    found.warehouse = loads(journal, run)?;
    Ok(found)
}

/// Rows and sums that the run's loads took out and put in, as the steps measured them.
fn loads(journal: &dyn Journal, run: &str) -> Result<Vec<WarehouseDifference>, Problem> {
    let figures = journal.run(run)?.map(|detail| detail.reconciliation).unwrap_or_default();
    let mut tables: Vec<WarehouseDifference> = Vec::new();
    for figure in figures {
        let change = SumChange {
            column: figure.measure,
            before: figure.replaced,
            after: Some(figure.warehouse).filter(|text| text != "null"),
        };
        match tables.last_mut() {
            Some(last) if last.table == figure.table => last.measures.push(change),
            _ => tables.push(WarehouseDifference { table: figure.table, measures: vec![change] }),
        }
    }
    // A load that was already there took nothing out, not even no rows.
    tables.retain(|table| table.measures.first().is_some_and(|rows| rows.before.is_some()));
    Ok(tables)
}

/// Keeps a run's difference in its folder, for this user's eyes: its examples are cells.
pub fn keep(state: &Path, difference: &RunDifference) -> Result<(), Problem> {
    let folder = RunFolder::new(state, &difference.run).path().to_path_buf();
    let (draft, place) = (folder.join(".difference.tmp"), folder.join(FILE));
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(serde_json::to_string(difference)?.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &place)
    };
    write().map_err(|error: std::io::Error| {
        exit::because(
            format!("The difference that the run made could not be kept in {}.", place.display()),
            &error,
            "The run's tables are as it left them; `assay diff run:RUN` computes it again.",
        )
    })
}

/// What [`keep`] kept; none when nothing was.
pub fn kept(state: &Path, run: &str) -> Result<Option<RunDifference>, Problem> {
    let place = RunFolder::new(state, run).path().join(FILE);
    let unread = |error: &dyn std::error::Error| {
        let message = format!("{} cannot be read.", place.display());
        exit::because(message, error, "Remove the file: the difference is then computed again.")
    };
    match std::fs::read(&place) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| unread(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(&error)),
    }
}

/// The environment whose lake is looked at without a run.
pub fn local(desk: &Desk) -> Result<Environment, Problem> {
    desk.environment("local")
}

fn wire(table: &str, key: Vec<String>, found: Difference) -> TableDifference {
    let dates_left_out = found.dates.len().saturating_sub(DATES) as u64;
    let version = |version: i64| u32::try_from(version).unwrap_or(u32::MAX);
    let kind = |kind: &DataType| assay_sql::field_of(kind).map_or_else(|| kind.to_string(), |kind| kind.to_string());
    let cell = |example: Example| CellChange { key: example.key, before: example.before, after: example.after };
    let columns = found.columns.into_iter().filter(|column| column.changed > 0).map(|column| ColumnChange {
        name: column.name,
        changed: column.changed,
        compared: column.compared,
        examples: column.examples.into_iter().map(cell).collect(),
    });
    let schema = found.schema.into_iter().map(|change| SchemaChange {
        column: change.column,
        before: change.before.as_ref().map(kind),
        after: change.after.as_ref().map(kind),
    });
    let sums = found.sums.into_iter().map(|sum| SumChange { column: sum.column, before: sum.before, after: sum.after });
    let dates = found.dates.into_iter().take(DATES).map(|change| DateChange {
        date: date_text(change.date),
        rows_before: change.before,
        rows_after: change.after,
    });
    let reasons = found.counted.into_iter().map(|count| ReasonChange {
        date: date_text(count.date),
        reason: count.value,
        before: count.before,
        after: count.after,
    });
    TableDifference {
        table: table.to_owned(),
        before: found.before.map(version),
        after: version(found.after),
        key,
        rows_before: found.rows_before,
        rows_after: found.rows_after,
        added: found.added,
        removed: found.removed,
        changed: found.changed,
        unchanged: found.unchanged,
        untouched: found.untouched,
        duplicates_before: found.duplicates_before,
        duplicates_after: found.duplicates_after,
        columns: columns.collect(),
        added_examples: found.added_examples,
        removed_examples: found.removed_examples,
        schema: schema.collect(),
        sums: sums.collect(),
        dates: dates.collect(),
        dates_left_out,
        reasons: reasons.collect(),
        reasons_left_out: found.uncounted,
        files_read: found.files_read,
        bytes_read: found.bytes_read,
    }
}

fn date_text(date: Option<NaiveDate>) -> String {
    date.map_or_else(|| "none".to_owned(), |date| date.to_string())
}
