//! `assay demo`: writes generated source files of a pipeline into the local lake.

use crate::args::DemoArgs;
use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use crate::render::{progress::Bar, words};
use assay_contract::Problem;
use assay_demo::{Generator, Scale, generators};
use chrono::{Days, Utc};

pub fn run(desk: &Desk, args: &DemoArgs, json: bool) -> Result<u8, Problem> {
    let pipeline = desk.pipeline(&args.pipeline)?;
    let generate = generator(&pipeline.definition.name)?;
    let environment = desk.environment("local")?;
    let folder = desk.lake(&environment).pipeline_folder(&pipeline.definition.name);
    let first = args.first.unwrap_or_else(|| Utc::now().date_naive() - Days::new(u64::from(args.dates)));
    let scale = Scale {
        seed: args.seed,
        first_date: first,
        dates: args.dates,
        records_per_date: args.records,
        lines: args.lines,
    };
    let bar = Bar::new("writing source files", u64::from(args.dates) * args.records, json);
    let written = generate(&scale, &folder, &mut |records| bar.at(records));
    bar.end();
    let written = written.map_err(|error| {
        exit::because(
            "The demo data is not complete.",
            &error,
            "Free the disk or correct the folder, then run it again: the files are replaced.",
        )
    })?;
    if json {
        let first = first.to_string();
        say!(
            "{}",
            serde_json::json!({ "folder": folder, "files": written.files, "records": written.records, "bytes": written.bytes, "first": first, "dates": args.dates })
        );
    } else {
        say!(
            "Wrote {}, {} in {}, below {}.",
            words::counted(written.files, "file"),
            words::counted(written.records, "record"),
            words::size(written.bytes),
            folder.display()
        );
        say!("Next: assay run {}", pipeline.definition.name);
    }
    Ok(exit::DONE)
}

fn generator(pipeline: &str) -> Result<Generator, Problem> {
    let known = generators();
    known.iter().find(|(name, _)| *name == pipeline).map(|(_, generate)| *generate).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        exit::misuse(
            format!("There is no demo data for {pipeline}."),
            format!("There is some for: {}.", names.join(", ")),
        )
    })
}
