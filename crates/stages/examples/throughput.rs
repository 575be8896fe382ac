//! Times the bronze and silver steps on generated JSON lines: `throughput FOLDER [RECORDS_PER_DATE]`.

#![allow(clippy::print_stdout)]
use assay_demo::{Dirt, Sales};
use assay_lake::Lake;
use assay_pipeline::{Permit, Pipeline};
use assay_stages::{IngestJob, Limits, PlannedFile, Quiet, Scope, discover, ingest, survey};
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("throughput FOLDER [RECORDS_PER_DATE]")?);
    let records_per_date = arguments.next().map_or(Ok(400_000), |text| text.parse())?;
    let definition = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/sales_lakehouse");
    let pipeline = Pipeline::read(&definition)?;
    let lake = Lake::new(folder.join("lake").into(), "local");
    let bronze = lake.pipeline_folder(&pipeline.name);
    if !bronze.folder().exists() {
        let first_date = "2024-01-01".parse()?;
        let sales = Sales { seed: 1, first_date, dates: 3, records_per_date, dirt: Dirt::default() };
        let path = |date| bronze.folder().join(format!("bronze/sales/date={date}/sales.json"));
        println!("{:?}", sales.write_lines(&path, &mut |_| {})?);
    }
    let scratch = folder.join("scratch");
    std::fs::create_dir_all(&scratch)?;
    let threads = std::thread::available_parallelism()?.get();
    let source = &pipeline.sources[0];
    let files: Vec<PlannedFile> = discover(source, &bronze)?
        .files
        .into_iter()
        .map(|file| PlannedFile {
            path: file.path,
            size: file.size,
            modified_ns: file.modified_ns,
            known_dates: Vec::new(),
            folder_date: file.folder_date,
        })
        .collect();
    let limits = Limits::default();
    let begun = Instant::now();
    let surveyed = survey(source, &bronze, &files, &scratch, threads, &limits, &Quiet)?;
    println!("bronze {:?}", begun.elapsed());
    let now: DateTime<Utc> = Utc::now();
    let permit = Permit::issue("local", "run", now + TimeDelta::hours(1));
    let job = IngestJob {
        pipeline: &pipeline,
        contract: &pipeline.contracts[0],
        source,
        lake: &lake,
        files,
        surveyed,
        more: &|_| Ok(Vec::new()),
        known: &|_| None,
        scope: Scope::All,
        run: "run",
        processed_at: now,
        permit: &permit,
        threads,
        scratch: &scratch,
        limits,
        now: &Utc::now,
        rules: None,
    };
    let step = Instant::now();
    let done = ingest(&job, &Quiet)?;
    println!("silver {:?}, both {:?}", step.elapsed(), begun.elapsed());
    println!("{:?} {:?}", done.counts, done.reasons);
    let status = std::fs::read_to_string("/proc/self/status")?;
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    Ok(())
}
