//! Pages of silver and gold tables, of the quarantine and of raw records.

use super::{Bytes, Question};
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use assay_contract::{Problem, ProblemKind};
use assay_lake::{PageRequest, Place, Snapshot};
use assay_pipeline::{Mistake, TableName};
use assay_sql::{Field, SqlError, field_of};
use chrono::NaiveDate;
use polars::prelude::{DataType, Expr, col, lit};

pub fn table(desk: &Desk, table: &TableName, question: &Question) -> Result<Bytes, Problem> {
    let lake = desk.lake(&desk.environment("local")?);
    let folder = lake.folder(table);
    let snapshot = open(desk, &folder, question.version)?.ok_or_else(|| empty(table))?;
    let filter = question.condition.as_deref().map(|text| condition(text, &snapshot)).transpose()?;
    read(desk, &folder, question, filter)
}

/// Refused records, of all dates and reasons unless one is given. A table that refused nothing has none.
pub fn quarantine(
    desk: &Desk,
    table: &TableName,
    date: Option<NaiveDate>,
    reason: Option<&str>,
    offset: u64,
    limit: u32,
) -> Result<Bytes, Problem> {
    let lake = desk.lake(&desk.environment("local")?);
    let folder = lake.quarantine(table);
    if open(desk, &folder, None)?.is_none() {
        return Err(exit::misuse(
            format!("{table} has no quarantine: no record was refused, or the table was never filled."),
            "Quarantine belongs to silver tables; `assay tables` lists them.",
        ));
    }
    let by_date = date.map(|date| col("date").eq(lit(date).cast(DataType::Date)));
    let by_reason = reason.map(|reason| col("reason").eq(lit(reason.to_owned())));
    let filter = match (by_date, by_reason) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (a, b) => a.or(b),
    };
    let question = Question { offset, limit, ..Question::default() };
    read(desk, &folder, &question, filter)
}

/// Raw records of a source, in the order of files and lines.
pub fn records(desk: &Desk, table: &TableName, question: &Question) -> Result<Bytes, Problem> {
    if question.condition.is_some() || question.version.is_some() {
        return Err(exit::misuse(
            "Bronze holds files as they came: it has no versions and takes no condition.",
            "Look at the silver table, or leave --where and --version out.",
        ));
    }
    let ready = desk.pipeline(&table.pipeline)?;
    let source = ready.definition.sources.iter().find(|source| source.name == table.table);
    let source = source.ok_or_else(|| empty(table))?;
    let lake = desk.lake(&desk.environment("local")?);
    let folder = lake.pipeline_folder(&table.pipeline);
    crate::local::records::page(source, &folder, &desk.state().join("scratch"), question)
}

fn open(desk: &Desk, folder: &Place, version: Option<i64>) -> Result<Option<Snapshot>, Problem> {
    let opened = match version {
        None => desk.runtime.block_on(assay_lake::open(folder)),
        Some(version) => desk.runtime.block_on(assay_lake::open_version(folder, version)).map(Some),
    };
    opened.map_err(|error| problems::lake(&error))
}

fn read(desk: &Desk, folder: &Place, question: &Question, filter: Option<Expr>) -> Result<Bytes, Problem> {
    let request = PageRequest {
        version: question.version,
        offset: question.offset,
        limit: question.limit,
        columns: question.columns.clone(),
        filter,
    };
    let page = desk.runtime.block_on(assay_lake::page(folder, request)).map_err(|error| problems::lake(&error))?;
    Ok(Bytes { ipc: page.ipc, total: page.total, version: page.version })
}

fn condition(text: &str, snapshot: &Snapshot) -> Result<Expr, Problem> {
    let fields: Vec<Field> = snapshot
        .fields()
        .iter()
        .filter_map(|field| {
            Some(Field { name: field.name.clone(), kind: field_of(&field.kind)?, nullable: field.nullable })
        })
        .collect();
    assay_sql::condition(text, &fields).map_err(|errors| sql_mistakes("The condition cannot be used.", text, &errors))
}

/// Every mistake with a caret below its place.
pub fn sql_mistakes(message: &str, text: &str, errors: &[SqlError]) -> Problem {
    let causes = errors.iter().map(|error| {
        let mistake = Mistake::at_line("", text, error.line, error.column, error.width, "", None).to_string();
        // Its first line would name a file.
        let place: String = mistake.lines().skip(1).map(|line| format!("\n  {line}")).collect();
        let help = error.suggestion.as_ref().map_or(String::new(), |help| format!("\n  {help}"));
        format!("{}{place}{help}", error.message)
    });
    Problem { kind: ProblemKind::Misuse, message: message.to_owned(), causes: causes.collect(), advice: None }
}

fn empty(table: &TableName) -> Problem {
    exit::misuse(
        format!("{table} holds nothing yet."),
        format!("Run the stage that fills it: assay run {} --stage {}", table.pipeline, table.layer),
    )
}
