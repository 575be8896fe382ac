//! Differences in words and tables for a terminal.

use super::grid::{Side, lines};
use super::words::{self, count, counted, size};
use assay_contract::{CellChange, RunDifference, SumChange, TableDifference};

/// Dates that are printed; a longer list says so.
const DATES: usize = 40;
/// Changed figures of the quarantine that are printed.
const REASONS: usize = 40;

/// Everything that a run changed.
pub fn run(found: &RunDifference, examples: usize) -> Vec<String> {
    let mut out = vec![format!("What run {} changed", found.run)];
    for one in &found.tables {
        out.push(String::new());
        out.extend(table(one, examples));
    }
    for load in &found.warehouse {
        out.push(String::new());
        out.push(format!("warehouse.{}, the dates that were loaded", load.table));
        out.extend(sums("measure", &load.measures));
    }
    if found.tables.is_empty() && found.warehouse.is_empty() {
        out.push("  nothing".to_owned());
    }
    if !found.unchanged.is_empty() {
        out.push(String::new());
        out.push(format!("Not changed: {}", found.unchanged.join(", ")));
    }
    for left in &found.left_out {
        out.push(format!("Not compared: {}, because {}", left.table, left.why));
    }
    out
}

/// A line for each table, and where to see more.
pub fn brief(found: &RunDifference) -> Vec<String> {
    let changed: Vec<_> = found.tables.iter().filter(|table| !table.is_empty()).collect();
    let more = format!("assay diff run:{} shows rows, columns and sums.", found.run);
    let mut out = match changed.as_slice() {
        [] => vec!["What differs from before: nothing in the lake.".to_owned()],
        _ => vec!["What differs from before:".to_owned()],
    };
    let header = [
        ("table", Side::Left),
        ("added", Side::Right),
        ("removed", Side::Right),
        ("changed", Side::Right),
        ("rows before", Side::Right),
        ("after", Side::Right),
    ];
    let row = |table: &&TableDifference| {
        let name = table.table.split_once('.').map_or(table.table.as_str(), |(_, name)| name).to_owned();
        let figures = [table.added, table.removed, table.changed, table.rows_before, table.rows_after];
        std::iter::once(name).chain(figures.map(count)).collect()
    };
    let rows: Vec<Vec<String>> = changed.iter().map(row).collect();
    out.extend(indented(&header, &rows));
    out.extend(found.left_out.iter().map(|left| format!("  {} was not compared: {}", left.table, left.why)));
    out.push(more);
    out
}

/// One table, at most so many examples of each kind.
pub fn table(found: &TableDifference, examples: usize) -> Vec<String> {
    let mut out = vec![match found.before {
        Some(before) => format!("{}, version {before} to {}", found.table, found.after),
        None => format!("{}, made with version {}", found.table, found.after),
    }];
    out.push(format!("  rows {} -> {}: {}", count(found.rows_before), count(found.rows_after), rows(found)));
    let key = if found.key.is_empty() { "whole rows".to_owned() } else { found.key.join(", ") };
    out.push(format!("  compared by {key}; {} read, {}", counted(found.files_read, "file"), size(found.bytes_read)));
    if found.duplicates_before + found.duplicates_after > 0 {
        let (before, after) = (count(found.duplicates_before), count(found.duplicates_after));
        out.push(format!("  rows beyond the first of their key: {before} -> {after}"));
    }
    for change in &found.schema {
        let kind = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "none".into());
        out.push(format!("  column {}: {} -> {}", change.column, kind(&change.before), kind(&change.after)));
    }
    out.extend(columns(found, examples));
    let keys = [("added", &found.added_examples), ("removed", &found.removed_examples)];
    for (word, keys) in keys {
        out.extend(keys.iter().take(examples).map(|key| format!("  {word}: {}", cells(key))));
    }
    out.extend(sums("sum", &found.sums));
    out.extend(dates(found));
    out.extend(reasons(found));
    out
}

fn rows(found: &TableDifference) -> String {
    let parts = [
        (found.added, "added"),
        (found.removed, "removed"),
        (found.changed, "changed"),
        (found.unchanged, "unchanged"),
        (found.untouched, "in files that stayed"),
    ];
    let parts = parts.iter().filter(|(rows, _)| *rows > 0);
    let told: Vec<String> = parts.map(|(rows, word)| format!("{} {word}", count(*rows))).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn columns(found: &TableDifference, examples: usize) -> Vec<String> {
    let mut out = Vec::new();
    for column in &found.columns {
        out.push(format!("  {}: {} of {} changed", column.name, count(column.changed), count(column.compared)));
        out.extend(column.examples.iter().take(examples).map(example));
    }
    out
}

fn example(cell: &CellChange) -> String {
    format!(
        "    {}: {} -> {}",
        cells(&cell.key),
        words::cell(cell.before.as_deref()),
        words::cell(cell.after.as_deref())
    )
}

fn cells(values: &[Option<String>]) -> String {
    values.iter().map(|value| words::cell(value.as_deref())).collect::<Vec<_>>().join(", ")
}

fn sums(word: &str, sums: &[SumChange]) -> Vec<String> {
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".into());
    let rows: Vec<Vec<String>> = sums
        .iter()
        .filter(|sum| sum.before != sum.after)
        .map(|sum| vec![sum.column.clone(), cell(&sum.before), cell(&sum.after)])
        .collect();
    indented(&[(word, Side::Left), ("before", Side::Right), ("after", Side::Right)], &rows)
}

fn dates(found: &TableDifference) -> Vec<String> {
    let rows: Vec<Vec<String>> = found
        .dates
        .iter()
        .take(DATES)
        .map(|date| vec![date.date.clone(), count(date.rows_before), count(date.rows_after)])
        .collect();
    let mut out = indented(&[("date", Side::Left), ("rows before", Side::Right), ("after", Side::Right)], &rows);
    let more = found.dates.len().saturating_sub(DATES) as u64 + found.dates_left_out;
    if more > 0 {
        out.push(format!("  and {} (--json has them)", counted(more, "more date")));
    }
    out
}

fn reasons(found: &TableDifference) -> Vec<String> {
    let changed: Vec<_> = found.reasons.iter().filter(|reason| reason.before != reason.after).collect();
    let rows: Vec<Vec<String>> = changed
        .iter()
        .take(REASONS)
        .map(|reason| vec![reason.date.clone(), reason.reason.clone(), count(reason.before), count(reason.after)])
        .collect();
    let header = [("date", Side::Left), ("reason", Side::Left), ("before", Side::Right), ("after", Side::Right)];
    let mut out = indented(&header, &rows);
    let more = changed.len().saturating_sub(REASONS) as u64;
    if more > 0 {
        out.push(format!("  and {} (--json has them)", counted(more, "more figure")));
    }
    if found.reasons_left_out > 0 {
        out.push(format!("  {} of further reasons were not counted", counted(found.reasons_left_out, "record")));
    }
    out
}

fn indented(header: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    lines(header, rows).into_iter().map(|line| format!("  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_contract::{ColumnChange, DateChange, LeftOut, ReasonChange, SchemaChange, WarehouseDifference};

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn sample() -> TableDifference {
        TableDifference {
            table: "shop.silver.sales".into(),
            before: Some(3),
            after: 4,
            key: vec!["date".into(), "id".into()],
            rows_before: 3000,
            rows_after: 3001,
            added: 2,
            removed: 1,
            changed: 1,
            unchanged: 98,
            untouched: 2900,
            duplicates_before: 0,
            duplicates_after: 1,
            columns: vec![ColumnChange {
                name: "amount".into(),
                changed: 1,
                compared: 99,
                examples: vec![CellChange {
                    key: vec![text("2026-11-05"), text("T\x1b1")],
                    before: text("10.00"),
                    after: None,
                }],
            }],
            added_examples: vec![vec![text("2026-11-05"), text("T9")]],
            removed_examples: vec![],
            schema: vec![SchemaChange { column: "note".into(), before: None, after: text("string") }],
            sums: vec![
                SumChange { column: "amount".into(), before: text("110.00"), after: text("90.50") },
                SumChange { column: "units".into(), before: text("7"), after: text("7") },
            ],
            dates: vec![DateChange { date: "2026-11-05".into(), rows_before: 100, rows_after: 101 }],
            dates_left_out: 0,
            reasons: vec![ReasonChange { date: "none".into(), reason: "malformed".into(), before: 1, after: 0 }],
            reasons_left_out: 0,
            files_read: 2,
            bytes_read: 41_250,
        }
    }

    #[test]
    fn a_table_is_told_from_the_whole_to_the_parts() {
        insta::assert_snapshot!(table(&sample(), 5).join("\n"), @r"
        shop.silver.sales, version 3 to 4
          rows 3,000 -> 3,001: 2 added, 1 removed, 1 changed, 98 unchanged, 2,900 in files that stayed
          compared by date, id; 2 files read, 41.2 kB
          rows beyond the first of their key: 0 -> 1
          column note: none -> string
          amount: 1 of 99 changed
            2026-11-05, T 1: 10.00 -> null
          added: 2026-11-05, T9
          sum     before  after
          amount  110.00  90.50
          date        rows before  after
          2026-11-05          100    101
          date  reason     before  after
          none  malformed       1      0
        ");
    }

    #[test]
    fn after_a_run_each_table_that_differs_has_a_line() {
        let same = TableDifference { added: 0, removed: 0, changed: 0, schema: Vec::new(), ..sample() };
        let left_out = vec![LeftOut { table: "shop.gold.old".into(), why: "its log is gone".into() }];
        let mut found = RunDifference {
            run: "01J".into(),
            tables: vec![sample(), same],
            warehouse: Vec::new(),
            unchanged: Vec::new(),
            left_out,
        };
        insta::assert_snapshot!(brief(&found).join("\n"), @r"
        What differs from before:
          table         added  removed  changed  rows before  after
          silver.sales      2        1        1        3,000  3,001
          shop.gold.old was not compared: its log is gone
        assay diff run:01J shows rows, columns and sums.
        ");
        found.tables.remove(0);
        assert_eq!(brief(&found)[0], "What differs from before: nothing in the lake.");
    }

    #[test]
    fn a_run_tells_what_it_left_alone_too() {
        let measures = vec![SumChange { column: "rows".into(), before: text("3"), after: text("4") }];
        let found = RunDifference {
            run: "01J".into(),
            tables: vec![],
            warehouse: vec![WarehouseDifference { table: "daily".into(), measures }],
            unchanged: vec!["shop.gold.daily".into()],
            left_out: vec![LeftOut { table: "shop.gold.old".into(), why: "its log is gone".into() }],
        };
        insta::assert_snapshot!(run(&found, 5).join("\n"), @r"
        What run 01J changed

        warehouse.daily, the dates that were loaded
          measure  before  after
          rows          3      4

        Not changed: shop.gold.daily
        Not compared: shop.gold.old, because its log is gone
        ");
    }
}
