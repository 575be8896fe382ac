//! `assay quality failing`: the rows that made a rule fail, as a run kept them.

use crate::args::quality::{FailingArgs, RowFormat};
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use crate::local::verdicts::failing_folder;
use crate::render::grid::{Side, lines};
use crate::render::out::{self, say};
use crate::render::words::{cell, count, counted};
use assay_console::quality::Verdicts;
use assay_contract::{EvaluationRow, Problem};
use assay_pipeline::TableName;
use assay_pipeline::diagnostic::closest;
use assay_stages::quality::{FailingRows, RowForm};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

pub fn run(desk: &Desk, args: &FailingArgs, json: bool) -> Result<u8, Problem> {
    let table = desk.table(&args.table)?;
    let step = format!("{}.{}", table.layer, table.table);
    let row = judged(desk, args, &table, &step)?;
    let rule = args.rule.as_deref().map(|text| rule(&row, text)).transpose()?;
    let folder = failing_folder(&desk.state(), &row.run, &table.pipeline, &step);
    if row.evaluation.failing > 0 && !folder.exists() {
        return Err(exit::misuse(
            format!("The failing rows of run {} are gone: they outlived what the definition keeps.", row.run),
            "`failing_rows` in pipeline.toml says how long they stay; `assay quality check` counts those of now.",
        ));
    }
    let dates = args.date.map(|date| vec![Some(date)]);
    let found = FailingRows::open(&folder, dates.as_deref(), rule).map_err(|error| problems::stage(&error))?;
    if let Some(column) = &args.by {
        return by(args, column, &row, &found, json);
    }
    match (args.format, &args.output) {
        (RowFormat::Table, None) => page(args, &row, &found, json),
        (RowFormat::Csv, None) => {
            let place = "the standard output";
            let written = found.write(RowForm::Csv, BufWriter::new(out::Bytes), place);
            written.map(|_| exit::DONE).map_err(|error| problems::stage(&error))
        }
        (RowFormat::Parquet, None) => {
            Err(exit::misuse("Parquet is no text for a terminal.", "Name a file: --output rows.parquet"))
        }
        (RowFormat::Table, Some(_)) => {
            Err(exit::misuse("A file has a format of its own.", "Add --format csv or --format parquet."))
        }
        (RowFormat::Csv, Some(path)) => write(&found, RowForm::Csv, path, json),
        (RowFormat::Parquet, Some(path)) => write(&found, RowForm::Parquet, path, json),
    }
}

/// The evaluation whose rows are meant: of the run, or the newest one of the table and date.
fn judged(desk: &Desk, args: &FailingArgs, table: &TableName, step: &str) -> Result<EvaluationRow, Problem> {
    let journal = desk.journal()?;
    let run = match &args.run {
        Some(run) => desk.run(run)?.run.id,
        None => {
            desk.environment(&args.env)?;
            let newest = journal.scores((&table.pipeline, &args.env), step, args.date, 1)?;
            let on = args.date.map(|date| format!(" on {date}")).unwrap_or_default();
            let none = || {
                exit::misuse(
                    format!("No run has judged {table}{on}."),
                    format!("`assay run {}` judges tables that have rules.", table.pipeline),
                )
            };
            newest.into_iter().next().ok_or_else(none)?.run
        }
    };
    let rows = journal.evaluations(&run)?;
    rows.into_iter().find(|row| row.evaluation.table == step).ok_or_else(|| {
        exit::misuse(
            format!("Run {run} did not judge {table}."),
            "`assay quality history TABLE` tells which runs judged a table.",
        )
    })
}

/// A rule by its number or its text.
fn rule(row: &EvaluationRow, text: &str) -> Result<u32, Problem> {
    let known = &row.evaluation.verdicts;
    let same = |rule: &str| rule.split_whitespace().eq(text.split_whitespace());
    let found = match text.parse::<u32>() {
        Ok(number) => known.iter().find(|verdict| verdict.number == number),
        Err(_) => known.iter().find(|verdict| same(&verdict.rule)),
    };
    found.map(|verdict| verdict.number).ok_or_else(|| {
        let rules: Vec<String> = known.iter().map(|verdict| format!("{} {}", verdict.number, verdict.rule)).collect();
        exit::misuse(
            format!("Run {} evaluated no rule `{text}`.", row.run),
            format!("Its rules: {}.", rules.join("; ")),
        )
    })
}

fn page(args: &FailingArgs, row: &EvaluationRow, found: &FailingRows, json: bool) -> Result<u8, Problem> {
    let (header, rows, total) = found.page(args.offset, args.limit).map_err(|error| problems::stage(&error))?;
    if json {
        for row in rows {
            let cells = header.iter().cloned().zip(row.into_iter().map(serde_json::Value::from));
            say!("{}", serde_json::Value::Object(cells.collect()));
        }
        return Ok(exit::DONE);
    }
    let shown = rows.len() as u64;
    let columns: Vec<(&str, Side)> = header.iter().map(|name| (name.as_str(), Side::Left)).collect();
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|value| cell(value.as_deref())).collect()).collect();
    if !rows.is_empty() {
        lines(&columns, &rows).iter().for_each(|line| say!("{line}"));
        say!("");
    }
    let more = if total > args.offset + shown { "; --offset and --output show the others" } else { "" };
    say!("{} of {} of run {}{more}", count(shown), counted(total, "failing row"), row.run);
    Ok(exit::DONE)
}

/// Counts by a column's values.
fn by(args: &FailingArgs, column: &str, row: &EvaluationRow, found: &FailingRows, json: bool) -> Result<u8, Problem> {
    let columns = found.columns().map_err(|error| problems::stage(&error))?;
    if !columns.is_empty() && !columns.iter().any(|known| known == column) {
        let near = closest(column, columns.iter().map(String::as_str));
        let near = near.map(|near| format!("Did you mean {near}? ")).unwrap_or_default();
        return Err(exit::misuse(
            format!("The failing rows have no column {column}."),
            format!("{near}Their columns: {}.", columns.join(", ")),
        ));
    }
    let values = match columns.is_empty() {
        true => Some(Vec::new()),
        false => found.by(column).map_err(|error| problems::stage(&error))?,
    };
    let values = values.ok_or_else(|| {
        exit::misuse(
            format!("{column} has more than a million values among the failing rows."),
            "Choose a column with fewer, or write the rows with --format parquet --output FILE.",
        )
    })?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX).min(values.len());
    if json {
        for (value, rows) in &values[..limit] {
            say!("{}", serde_json::json!({ "value": value, "rows": rows }));
        }
        return Ok(exit::DONE);
    }
    let total: u64 = values.iter().map(|(_, rows)| rows).sum();
    let shown: Vec<Vec<String>> = values[..limit]
        .iter()
        .map(|(value, rows)| vec![cell(value.as_deref()), count(*rows), share(*rows, total)])
        .collect();
    if !shown.is_empty() {
        let header = [(column, Side::Left), ("rows", Side::Right), ("share", Side::Right)];
        lines(&header, &shown).iter().for_each(|line| say!("{line}"));
        say!("");
    }
    let more = if limit < values.len() { "; --limit shows more" } else { "" };
    let (all, rows) = (counted(values.len() as u64, "value"), counted(total, "failing row"));
    say!("{} of {all} in {rows} of run {}{more}", count(limit as u64), row.run);
    Ok(exit::DONE)
}

/// Tenths of a percent, cut off: what is not all never reads as all.
fn share(rows: u64, total: u64) -> String {
    let tenths = u128::from(rows) * 1000 / u128::from(total.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// Written beside its place first, so that a file that is there is whole.
fn write(found: &FailingRows, form: RowForm, path: &Path, json: bool) -> Result<u8, Problem> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| {
        exit::because(format!("{name} cannot be written."), &error, "Choose another place for the file.")
    };
    let half = path.with_file_name(format!(
        ".{}.half",
        path.file_name().map_or_else(|| "rows".into(), |name| name.to_string_lossy())
    ));
    let file = File::create(&half).map_err(failed)?;
    let written = found.write(form, BufWriter::new(&file), &name);
    let rows = match written {
        Ok(rows) => rows,
        Err(error) => {
            // The half file is of no use to anybody; that it stays is no worse than the error.
            let _ = std::fs::remove_file(&half);
            return Err(problems::stage(&error));
        }
    };
    if rows == 0 {
        std::fs::remove_file(&half).map_err(failed)?;
        say!(
            "{}",
            if json {
                serde_json::json!({ "file": null, "rows": 0 }).to_string()
            } else {
                "no failing rows; no file was written".to_owned()
            }
        );
        return Ok(exit::DONE);
    }
    (&file).flush().and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&half, path)).map_err(failed)?;
    if json {
        say!("{}", serde_json::json!({ "file": name, "rows": rows }));
    } else {
        say!("{} written to {name}", counted(rows, "failing row"));
    }
    Ok(exit::DONE)
}
