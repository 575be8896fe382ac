//! A plan as `--plan` prints it.

use super::grid::{Side, lines};
use super::words::{count, counted, duration, size};
use assay_contract::{DefinitionNote, Estimate, PlanDetail, PlanFile, PlanLoad, PlanStep, PlanTable};
use std::collections::BTreeMap;

/// Files, dates and lines of a difference that are printed; longer lists say so.
const LISTED: usize = 20;

/// Lines: what, which dates, files, what is replaced, definition, estimate.
pub fn of(plan: &PlanDetail) -> Vec<String> {
    let what = match plan.work.as_str() {
        "undo" => "Undo in",
        "replay" => "Replay of refused records in",
        _ => "Run of",
    };
    let mut out = vec![format!("{what} {}, environment {}, runner {}", plan.pipeline, plan.environment, plan.runner)];
    if let Some(word) = plan.scope {
        out.push(format!("  {word}: {}", word.sentence()));
    }
    let inclusive = if plan.dates.contains(" to ") { ", inclusive" } else { "" };
    out.push(format!("  dates: {}{inclusive}", plan.dates));
    if !plan.widened.is_empty() {
        let named = named(&plan.widened);
        out.push(format!("  of these not asked for, but changed files contributed to them before: {named}"));
    }
    out.push(format!("  stages: {}", plan.stages.join(", ")));
    if plan.confirm || plan.needs_reason {
        let asks = [(plan.confirm, "its name with --confirm"), (plan.needs_reason, "a --reason")];
        let asks: Vec<&str> = asks.into_iter().filter(|(asked, _)| *asked).map(|(_, what)| what).collect();
        out.push(format!("  the environment asks for {}", asks.join(" and ")));
    }
    out.push(String::new());
    out.extend(refused(plan));
    out.extend(files(plan));
    out.extend(steps(&plan.steps));
    out.extend(definition(&plan.definition));
    out.push(estimate(&plan.estimate));
    out
}

fn refused(plan: &PlanDetail) -> Vec<String> {
    if plan.refused.is_empty() {
        return Vec::new();
    }
    let total = plan.refused.iter().map(|reason| reason.records).sum();
    let mut out = vec![format!("{} put through again", counted(total, "refused record"))];
    out.extend(plan.refused.iter().map(|reason| format!("  {:>9}  {}", count(reason.records), reason.reason)));
    out.push(String::new());
    out
}

fn files(plan: &PlanDetail) -> Vec<String> {
    let mut out = vec![format!("{}, {}", counted(u64::from(plan.files_total), "file"), size(plan.bytes))];
    let row = |file: &PlanFile| format!("  {}  {}", file.path, size(file.bytes));
    out.extend(plan.files.iter().take(LISTED).map(row));
    out.extend(more(plan.files_total as usize, "files"));
    out.extend(plan.vanished.iter().take(LISTED).map(|path| format!("  {path}  gone: what it contributed is removed")));
    out.extend(more(plan.vanished_total as usize, "files that are gone"));
    out.push(String::new());
    out
}

fn more(total: usize, what: &str) -> Option<String> {
    (total > LISTED).then(|| format!("  and {} more {what}", count((total - LISTED) as u64)))
}

fn named(all: &[String]) -> String {
    let more =
        if all.len() > LISTED { format!(" and {} more", count((all.len() - LISTED) as u64)) } else { String::new() };
    format!("{}{more}", all.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", "))
}

fn steps(steps: &[PlanStep]) -> Vec<String> {
    let header = [
        ("step", Side::Left),
        ("dates", Side::Left),
        ("version", Side::Right),
        ("partitions", Side::Right),
        ("rows replaced", Side::Right),
        ("rows kept", Side::Right),
    ];
    let mut rows = Vec::new();
    for step in steps {
        let row = |id: &str, table| of_table(id, &step.dates, table);
        rows.push(match &step.loaded {
            Some(loaded) => of_load(step, loaded),
            None => row(&step.id, step.table.as_ref()),
        });
        if let Some(refused) = &step.quarantine {
            rows.push(row(&step.id.replacen("silver.", "quarantine.", 1), Some(refused)));
        }
    }
    let mut out = lines(&header, &rows);
    out.extend(undated(steps));
    out.extend(sources(steps));
    let fed: Vec<String> = steps.iter().filter(|step| step.feeds).map(|step| step.id.clone()).collect();
    if !fed.is_empty() {
        out.push(format!("  {}: what is new is fetched first and goes along, whatever its dates", named(&fed)));
    }
    out.push(String::new());
    out
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".into(), count)
}

fn of_table(id: &str, dates: &str, table: Option<&PlanTable>) -> Vec<String> {
    let version = match table {
        None => "-".into(),
        Some(PlanTable { version, back_to: Some(back), .. }) => format!("{version} -> {back}"),
        Some(table) => table.version.to_string(),
    };
    let by_date = table.filter(|table| !table.whole);
    vec![
        id.to_owned(),
        dates.to_owned(),
        version,
        number(by_date.map(|table| u64::from(table.partitions_total))),
        number(table.map(|table| table.rows_replaced)),
        number(table.map(|table| table.rows_kept)),
    ]
}

fn of_load(step: &PlanStep, load: &PlanLoad) -> Vec<String> {
    let (replaced, kept) = (number(load.rows_replaced), number(load.rows_kept));
    vec![step.id.clone(), step.dates.clone(), "-".into(), "-".into(), replaced, kept]
}

/// Refused records without a date belong to no partition that could be counted.
fn undated(steps: &[PlanStep]) -> Vec<String> {
    let some = steps.iter().filter_map(|step| Some((step, step.quarantine.as_ref()?.rows_undated)));
    let line = |(step, records): (&PlanStep, u64)| {
        let records = counted(records, "refused record");
        format!("  {}: {records} without a date; those of the files that are read are replaced", step.id)
    };
    some.filter(|(_, records)| *records > 0).map(line).collect()
}

/// Where the rows of the warehouse are known from, each source with its tables.
fn sources(steps: &[PlanStep]) -> Vec<String> {
    let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (step, load) in steps.iter().filter_map(|step| Some((step, step.loaded.as_ref()?))) {
        by_source.entry(&load.source).or_default().push(step.id.clone());
    }
    by_source.into_iter().map(|(source, steps)| format!("  {}: rows {source}", named(&steps))).collect()
}

fn definition(note: &DefinitionNote) -> Vec<String> {
    let original = note.original_run.as_deref().zip(note.original.as_deref());
    let mut out = vec![match (original, note.same) {
        (Some((run, _)), Some(true)) => format!("Definition {}: the same as in run {run}", note.digest),
        (Some((run, digest)), _) => format!("Definition {}: changed since run {run}, which had {digest}", note.digest),
        (None, _) => format!("Definition {}: no run did these dates to their end before", note.digest),
    }];
    if note.same == Some(false) && !note.original_kept {
        out.push("  the files of that definition were not kept, so there is no difference to show".into());
    }
    out.extend(note.diff.iter().map(|line| format!("  {line}")));
    out
}

fn estimate(estimate: &Estimate) -> String {
    let Some(milliseconds) = estimate.milliseconds else {
        return "Estimate: unknown, no past run tells".into();
    };
    let took = duration(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    let left_out = match estimate.unknown.as_slice() {
        [] => String::new(),
        unknown => format!("; without {}, of which no past run tells", named(unknown)),
    };
    format!("Estimate: {took}, from {}{left_out}", counted(u64::from(estimate.runs), "past run"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_contract::{Partition, ScopeWord};

    #[test]
    fn a_plan_in_words() {
        let of = |back_to| PlanTable {
            version: 7,
            back_to,
            whole: false,
            rows_replaced: 3000,
            rows_kept: 39_000,
            rows_undated: 0,
            partitions: vec![Partition { date: "2026-11-05".into(), rows: 3000, bytes: 90_000, files: 1 }],
            partitions_total: 1,
        };
        let step = |id: &str, table| PlanStep {
            id: id.into(),
            after: Vec::new(),
            dates: "2026-11-05".into(),
            feeds: id.starts_with("bronze"),
            follows: false,
            table,
            quarantine: id.starts_with("silver").then(|| PlanTable { rows_replaced: 7, rows_undated: 2, ..of(None) }),
            loaded: id.starts_with("warehouse").then(|| PlanLoad {
                rows_replaced: (id != "warehouse.down").then_some(40),
                rows_kept: (id != "warehouse.down").then_some(1_200),
                source: if id == "warehouse.down" { "not known: it is down" } else { "as last loaded" }.into(),
            }),
        };
        let plan = PlanDetail {
            run: "R".into(),
            pipeline: "sales_lakehouse".into(),
            environment: "prod".into(),
            runner: "local".into(),
            work: "process".into(),
            scope: Some(ScopeWord::All),
            dates: "2026-11-05".into(),
            widened: vec!["2026-11-06".into()],
            stages: vec!["silver".into(), "gold".into()],
            steps: vec![
                step("bronze.sales", None),
                step("silver.sales", Some(of(None))),
                step("warehouse.daily", None),
                step("warehouse.down", None),
            ],
            files: vec![PlanFile { source: "sales".into(), path: "a.csv".into(), bytes: 1200 }],
            files_total: 1,
            bytes: 1200,
            vanished: Vec::new(),
            vanished_total: 0,
            refused: Vec::new(),
            definition: DefinitionNote {
                digest: "aaa".into(),
                original_run: Some("OLD".into()),
                original: Some("bbb".into()),
                same: Some(false),
                diff: vec!["-a".into(), "+b".into()],
                original_kept: true,
            },
            estimate: Estimate { milliseconds: Some(4200), runs: 3, unknown: vec!["warehouse.daily".into()] },
            confirm: true,
            needs_reason: true,
        };
        insta::assert_snapshot!(super::of(&plan).join("\n"), @r"
        Run of sales_lakehouse, environment prod, runner local
          all: Every date, whatever was done before.
          dates: 2026-11-05
          of these not asked for, but changed files contributed to them before: 2026-11-06
          stages: silver, gold
          the environment asks for its name with --confirm and a --reason

        1 file, 1.2 kB
          a.csv  1.2 kB

        step              dates       version  partitions  rows replaced  rows kept
        bronze.sales      2026-11-05        -           -              -          -
        silver.sales      2026-11-05        7           1          3,000     39,000
        quarantine.sales  2026-11-05        7           1              7     39,000
        warehouse.daily   2026-11-05        -           -             40      1,200
        warehouse.down    2026-11-05        -           -              -          -
          silver.sales: 2 refused records without a date; those of the files that are read are replaced
          warehouse.daily: rows as last loaded
          warehouse.down: rows not known: it is down
          bronze.sales: what is new is fetched first and goes along, whatever its dates

        Definition aaa: changed since run OLD, which had bbb
          -a
          +b
        Estimate: 4.2s, from 3 past runs; without warehouse.daily, of which no past run tells
        ");
        assert_eq!(steps(&[step("gold.x", Some(of(Some(5))))])[1].split_whitespace().nth(2), Some("7"));
    }
}
