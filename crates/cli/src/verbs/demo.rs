//! `assay demo`: writes generated source data of a pipeline into the local lake and the private cluster.

use crate::args::DemoArgs;
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use crate::render::out::say;
use crate::render::{progress::Bar, words};
use assay_contract::Problem;
use assay_demo::{Landed, Landing, Operations, Scale, Written, generators, systems};
use assay_lake::Place;
use assay_pipeline::{Connection, Environment, Feed, Pipeline};
use assay_warehouse::Cluster;
use chrono::{Days, Utc};
use polars::prelude::{Column, DataFrame, ParquetWriter};
use std::path::Path;

const UNFINISHED: &str = "The demo data is not complete.";
const AGAIN: &str = "Free the disk or correct the folder, then run it again: the files are replaced.";

pub fn run(desk: &Desk, args: &DemoArgs, json: bool) -> Result<u8, Problem> {
    let pipeline = desk.pipeline(&args.pipeline)?.definition;
    let environment = desk.environment("local")?;
    let lake = desk.lake(&environment).pipeline_folder(&pipeline.name);
    let draft = if lake.is_remote() { Some(draft(desk)?) } else { None };
    let folder = draft.as_ref().map_or(lake.folder(), |draft| draft.path()).to_path_buf();
    let first = args.first.unwrap_or_else(|| Utc::now().date_naive() - Days::new(u64::from(args.dates)));
    let scale = Scale {
        seed: args.seed,
        first_date: first,
        dates: args.dates,
        records_per_date: args.records,
        lines: args.lines,
    };
    let files = generators().iter().find(|(name, _)| *name == pipeline.name);
    let rows = systems().iter().find(|(name, _)| *name == pipeline.name);
    let bar = Bar::new("writing source data", u64::from(args.dates) * args.records, json);
    let written = match (files, rows) {
        (Some((_, generate)), _) => generate(&scale, &folder, &mut |records| bar.at(records)).map_err(unfinished),
        (None, Some((_, systems))) => {
            check_private(&pipeline, &environment)?;
            let operations = systems(&scale).map_err(unfinished)?;
            fill(desk, &operations).and_then(|()| land(&operations, &folder))
        }
        (None, None) => Err(unknown(&pipeline.name)),
    };
    bar.end();
    let written = written?;
    if draft.is_some() {
        send(&folder, &lake)?;
    }
    say_written(&pipeline.name, &scale, &lake, written, json);
    Ok(exit::DONE)
}

fn say_written(pipeline: &str, scale: &Scale, folder: &Place, written: Written, json: bool) {
    if json {
        let first = scale.first_date.to_string();
        say!(
            "{}",
            serde_json::json!({ "folder": folder.to_string(), "files": written.files, "records": written.records, "bytes": written.bytes, "first": first, "dates": scale.dates })
        );
    } else {
        say!(
            "Wrote {}, {} in {}, below {}.",
            words::counted(written.files, "file"),
            words::counted(written.records, "record"),
            words::size(written.bytes),
            folder
        );
        say!("Next: assay run {pipeline}");
    }
}

/// A folder for data that is then sent to a bucket.
fn draft(desk: &Desk) -> Result<tempfile::TempDir, Problem> {
    let scratch = desk.state().join("scratch");
    let made = std::fs::create_dir_all(&scratch).and_then(|()| tempfile::tempdir_in(&scratch));
    made.map_err(unfinished)
}

fn send(folder: &Path, lake: &Place) -> Result<(), Problem> {
    let mut files = Vec::new();
    collect(folder, "", &mut files).map_err(unfinished)?;
    lake.send_all(folder, files.iter().map(String::as_str)).map_err(|error| problems::lake(&error))
}

fn collect(folder: &Path, below: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &format!("{path}/"), files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// Generated rows go to the private cluster and never to a database that somebody owns.
fn check_private(pipeline: &Pipeline, environment: &Environment) -> Result<(), Problem> {
    let feeds = pipeline.sources.iter().filter_map(|source| source.feed.as_ref());
    let named = feeds.filter_map(|feed| match feed {
        Feed::Postgres(feed) => environment.connections.get(&feed.connection).map(|found| (&feed.connection, found)),
        _ => None,
    });
    match named.into_iter().find(|(_, connection)| matches!(connection, Connection::Postgres { .. })) {
        None => Ok(()),
        Some((name, _)) => Err(exit::misuse(
            format!(
                "The connection {name} of {} is a database of its own; no demo data was written.",
                environment.name
            ),
            "Demo data goes to the private cluster: take the connection out of assay.toml.".to_owned(),
        )),
    }
}

/// Brings the tables of the private cluster to the rows of the last date.
fn fill(desk: &Desk, operations: &Operations) -> Result<(), Problem> {
    let filled = desk.runtime.block_on(async {
        let cluster = Cluster::start(&desk.state().join("warehouse")).await?;
        let filled = cluster.seed(operations.statements()).await;
        cluster.stop().await.and(filled)
    });
    filled.map_err(|error| problems::warehouse(&error))
}

/// Writes what another program would have landed.
fn land(operations: &Operations, folder: &Path) -> Result<Written, Problem> {
    let mut written = Written { records: operations.records(), ..Written::default() };
    for landing in operations.landings() {
        let place = folder.join(&landing.path);
        written.bytes += parquet(&landing, &place).map_err(unfinished)?;
        written.files += 1;
    }
    Ok(written)
}

/// The file appears under its name when it is complete.
fn parquet(landing: &Landing, place: &Path) -> Result<u64, polars::error::PolarsError> {
    let columns = landing.columns().into_iter().map(|(name, values)| match values {
        Landed::Text(values) => Column::new(name.into(), values),
        Landed::Whole(values) => Column::new(name.into(), values),
    });
    let mut frame = DataFrame::new(landing.events.len(), columns.collect())?;
    let part = place.with_extension("part");
    std::fs::create_dir_all(place.parent().unwrap_or(place))?;
    let bytes = ParquetWriter::new(std::fs::File::create(&part)?).finish(&mut frame)?;
    std::fs::rename(&part, place)?;
    Ok(bytes)
}

fn unfinished(error: impl std::error::Error) -> Problem {
    exit::because(UNFINISHED, &error, AGAIN)
}

fn unknown(pipeline: &str) -> Problem {
    let mut names: Vec<_> = generators().iter().map(|(name, _)| *name).collect();
    names.extend(systems().iter().map(|(name, _)| *name));
    names.sort_unstable();
    exit::misuse(format!("There is no demo data for {pipeline}."), format!("There is some for: {}.", names.join(", ")))
}
