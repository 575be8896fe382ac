//! `assay quality suggest`: rules proposed from what a table holds.

use super::Looked;
use crate::desk::{Desk, Ready};
use crate::exit;
use crate::local::problems;
use crate::render::out::say;
use crate::render::words;
use assay_contract::Problem;
use assay_pipeline::{Layer, TableName};
use assay_stages::quality::{Judging, masked, suggest};
use chrono::Utc;

pub fn run(desk: &Desk, table: &str, environment: &str, json: bool) -> Result<u8, Problem> {
    let table = desk.table(table)?;
    if !matches!(table.layer, Layer::Silver | Layer::Gold) {
        return Err(exit::misuse(
            format!("{table} is not a table of the lake with rules."),
            "Rules judge silver and gold tables.",
        ));
    }
    let lake = desk.lake(&desk.environment(environment)?);
    let opened = desk.runtime.block_on(assay_lake::open(&lake.folder(&table)));
    let Some(snapshot) = opened.map_err(|error| problems::lake(&error))? else {
        return Err(exit::misuse(
            format!("{table} does not exist yet."),
            format!("`assay run {}` makes it.", table.pipeline),
        ));
    };
    let step = format!("{}.{}", table.layer, table.table);
    let past = Looked { desk, pipeline: &table.pipeline, environment, table: &step };
    let judging = Judging {
        lake: &lake,
        pipeline: &table.pipeline,
        now: Utc::now(),
        cancelled: &|| false,
        runtime: desk.runtime.handle(),
        past: &past,
        failing: None,
    };
    let rows = snapshot.scan(None).map_err(|error| problems::lake(&error))?;
    let ready = desk.pipeline(&table.pipeline)?;
    let masked = masked(&ready.definition, &ready.models, table.layer, &table.table);
    let found = suggest(rows, &key(&ready, &table), &masked, &judging).map_err(|error| problems::stage(&error))?;
    if json {
        for rule in &found.rules {
            say!("{}", serde_json::json!({ "rule": rule.rule, "evidence": rule.evidence }));
        }
        return Ok(exit::DONE);
    }
    if found.rules.is_empty() {
        say!("# {table} has no rows, so nothing can be proposed.");
        return Ok(exit::DONE);
    }
    let (version, rows) = (snapshot.version(), words::counted(found.rows, "row"));
    let about =
        format!("Proposed from version {version} of {table}, {rows}. Each rule passes on them; keep what is meant.");
    for line in found.text(&about).lines() {
        say!("{line}");
    }
    Ok(exit::DONE)
}

fn key(ready: &Ready, table: &TableName) -> Vec<String> {
    let contract = ready.definition.contracts.iter().filter(|_| table.layer == Layer::Silver);
    let contract = contract.filter(|contract| contract.table == table.table).map(|contract| contract.key.clone());
    let model = ready.definition.models.iter().filter(|_| table.layer == Layer::Gold);
    let model = model.filter(|model| model.name == table.table).map(|model| model.grain.clone());
    contract.chain(model).next().unwrap_or_default()
}
