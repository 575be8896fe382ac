//! What `assay doctor` sees of the lakes: whether their storage can be used, and files that no version of a table names.

use super::{Finding, fine, note, wrong};
use crate::desk::{Desk, tables_of};
use crate::local::problems;
use crate::render::words;
use assay_console::journal::{Action, Journal};
use assay_console::permits::{self, PermitAsk};
use assay_console::run::turn;
use assay_contract::Problem;
use assay_lake::{Lake, LakeError, Place, Probed, Swept, left_behind, probe, sweep};
use assay_pipeline::{Environment, Layer, Pipeline, TableName};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// A program whose files are older than its permit can last is dead.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A look at the files of a lake.
const PATIENCE: Duration = Duration::from_secs(60);

/// One or two findings for each lake.
pub(super) fn look(desk: &Desk) -> Vec<Finding> {
    let mut found = Vec::new();
    for environment in &desk.workspace.environments {
        let lake = desk.lake(environment);
        let now = match storage(desk, environment, &lake) {
            Some((finding, now)) => {
                found.push(finding);
                now
            }
            None => Some(Utc::now()),
        };
        // What cannot be asked has been told; a look would only wait.
        found.extend(now.map(|now| leftovers(desk, environment, &lake, now)));
    }
    found
}

/// Of a lake in a bucket; with the storage's clock, by which its files are old or not.
fn storage(desk: &Desk, environment: &Environment, lake: &Lake) -> Option<(Finding, Option<DateTime<Utc>>)> {
    let bucket = environment.bucket.as_ref()?;
    let place = format!("{} (environment {})", lake.root(), environment.name);
    let region = match &bucket.endpoint {
        Some(endpoint) => format!("the endpoint {endpoint} and the region {}", bucket.region),
        None => format!("the region {}", bucket.region),
    };
    let settings = format!(
        "Check the bucket's name, {region} in assay.toml, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the network."
    );
    Some(match desk.runtime.block_on(probe(lake.root())) {
        Ok(Probed::Fine(now)) => (fine(format!("{place} can be read and written")), Some(now)),
        Ok(Probed::ReadOnly(what)) => (
            wrong(
                format!("{place} can be listed and not written: the storage {what}"),
                "Give these keys the right to put and to delete objects there; looking at tables works without.".into(),
            ),
            Some(Utc::now()),
        ),
        Ok(Probed::Overwrites) => (
            wrong(
                format!("{place} overwrites objects that it was told to create: of two runs at once one would be lost"),
                "Use a storage that knows conditional writes (`If-None-Match`), in a newer version perhaps.".into(),
            ),
            Some(Utc::now()),
        ),
        Ok(Probed::Refused(what)) => (wrong(format!("{place} cannot be used: the storage {what}"), settings), None),
        Err(error) => (wrong(error.to_string(), settings), None),
    })
}

fn leftovers(desk: &Desk, environment: &Environment, lake: &Lake, now: DateTime<Utc>) -> Finding {
    let name = &environment.name;
    let look = async {
        let mut swept = Swept::default();
        for place in pipelines(desk).iter().flat_map(|pipeline| places(lake, pipeline)) {
            swept += left_behind(&place, DAY, now).await?;
        }
        Ok::<_, LakeError>(swept)
    };
    let looked = desk.runtime.block_on(async { tokio::time::timeout(PATIENCE, look).await });
    match looked {
        Ok(Ok(Swept { files: 0, .. })) => fine(format!("no leftovers in the lake of {name}")),
        Ok(Ok(swept)) => note(
            format!("the lake of {name} holds {}, older than a day, that no version of a table names", told(swept)),
            format!("`assay doctor --clear --env {name}` removes them."),
        ),
        Ok(Err(error)) => wrong(error.to_string(), "Look at the table with `assay tables`.".into()),
        Err(_) => note(
            format!("the lake of {name} was not searched for leftovers within {} seconds", PATIENCE.as_secs()),
            "Try again when it is less busy.".into(),
        ),
    }
}

/// Removes leftovers of every pipeline that nobody works on, as the environment's guard allows.
pub(super) fn clear(
    desk: &Desk,
    environment: &Environment,
    confirmed: Option<&str>,
    reason: &str,
) -> Result<Vec<Finding>, Problem> {
    let (journal, by, asked) = (desk.journal()?, desk.person(), Utc::now());
    let ask = PermitAsk { environment, confirmed, reason, by: &by };
    permits::grant(&ask, "doctor", journal, asked)?;
    let lake = desk.lake(environment);
    let (seen, now) = storage(desk, environment, &lake).unzip();
    let Some(now) = now.unwrap_or(Some(asked)) else { return Ok(seen.into_iter().collect()) };
    let mut found: Vec<Finding> = seen.into_iter().collect();
    for pipeline in pipelines(desk) {
        let Some(_turn) = turn::take(&environment.lake, &pipeline.name)? else {
            found.push(note(
                format!("a run works on {}: its leftovers stay", pipeline.name),
                "Try again when it has ended.".into(),
            ));
            continue;
        };
        let mut swept = Swept::default();
        for place in places(&lake, &pipeline) {
            swept += desk.runtime.block_on(sweep(&place, DAY, now)).map_err(|error| problems::lake(&error))?;
        }
        found.push(fine(match swept.files {
            0 => format!("{}: nothing to remove", pipeline.name),
            _ => format!("{}: removed {}", pipeline.name, told(swept)),
        }));
        if swept.files > 0 {
            journal.append_action(&Action {
                at: asked,
                by: by.clone(),
                what: "clear".into(),
                pipeline: pipeline.name.clone(),
                environment: environment.name.clone(),
                run: None,
                reason: reason.to_owned(),
                before: BTreeMap::from([("leftovers".to_owned(), told(swept))]),
                after: BTreeMap::new(),
            })?;
        }
    }
    Ok(found)
}

/// Those that read; what is wrong with the others is told elsewhere.
fn pipelines(desk: &Desk) -> Vec<Pipeline> {
    desk.workspace.pipelines().into_iter().filter_map(|(_, found)| found.ok()).collect()
}

/// Folders of the tables of a pipeline, of their quarantines and of the models' contributions.
fn places(lake: &Lake, pipeline: &Pipeline) -> Vec<Place> {
    let of_lake = |table: &TableName| matches!(table.layer, Layer::Silver | Layer::Gold);
    let tables: Vec<TableName> = tables_of(pipeline).into_iter().filter(of_lake).collect();
    let contributions = lake.pipeline_folder(&pipeline.name).join("contributions");
    let beside = tables.iter().map(|table| match table.layer {
        Layer::Silver => lake.quarantine(table),
        _ => contributions.join(&table.table),
    });
    tables.iter().map(|table| lake.folder(table)).chain(beside).collect()
}

fn told(swept: Swept) -> String {
    format!("{} ({})", words::counted(swept.files, "file"), words::size(swept.bytes))
}
