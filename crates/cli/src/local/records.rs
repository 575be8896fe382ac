//! Raw records of a source as a page: file, line, byte, length, text.

use super::problems;
use crate::exit;
use crate::pages::{Bytes, Question};
use assay_contract::Problem;
use assay_lake::Place;
use assay_pipeline::Source;
use assay_stages::{Discovered, FoundFile, Limits, PlannedFile, Quiet, RawRecord, Surveyed};
use polars::prelude::{Column, DataFrame};
use std::path::Path;

/// Every file is surveyed, so the total is exact and costs one read of the source.
pub fn page(source: &Source, folder: &Place, scratch: &Path, question: &Question) -> Result<Bytes, Problem> {
    std::fs::create_dir_all(scratch).map_err(|error| {
        exit::because(
            format!("{} cannot be made.", scratch.display()),
            &error,
            "Give this user the right to write there.",
        )
    })?;
    let found: Discovered = assay_stages::discover(source, folder).map_err(|error| problems::stage(&error))?;
    let wanted = question.limit as usize;
    let mut skip = question.offset;
    let mut total = 0;
    let mut rows: Vec<(String, RawRecord)> = Vec::new();
    for file in &found.files {
        let surveyed = survey(source, folder, scratch, file)?;
        let records = surveyed.records - surveyed.blank;
        total += records;
        if skip >= records {
            skip -= records;
            continue;
        }
        if rows.len() < wanted {
            let page = assay_stages::records(&surveyed, skip, wanted - rows.len());
            rows.extend(page.map_err(|error| problems::stage(&error))?.into_iter().map(|row| (file.path.clone(), row)));
            skip = 0;
        }
    }
    encode(folder, &rows, question.offset, total)
}

fn survey(source: &Source, folder: &Place, scratch: &Path, file: &FoundFile) -> Result<Surveyed, Problem> {
    let planned = PlannedFile {
        path: file.path.clone(),
        size: file.size,
        modified_ns: file.modified_ns,
        known_dates: Vec::new(),
        folder_date: file.folder_date,
    };
    let surveyed = assay_stages::survey(source, folder, &[planned], scratch, 1, &Limits::default(), &Quiet);
    let mut surveyed = surveyed.map_err(|error| problems::stage(&error))?;
    surveyed
        .pop()
        .ok_or_else(|| exit::misuse(format!("{} is gone.", file.path), "Look again: the folder changed meanwhile."))
}

fn encode(folder: &Place, rows: &[(String, RawRecord)], offset: u64, total: u64) -> Result<Bytes, Problem> {
    let broken = |error: polars::error::PolarsError| problems::engine("The page could not be made.", &error);
    let columns = vec![
        Column::new("_source_file".into(), rows.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>()),
        Column::new("_source_line".into(), rows.iter().map(|(_, row)| row.line as i64).collect::<Vec<_>>()),
        Column::new("_byte_offset".into(), rows.iter().map(|(_, row)| row.offset as i64).collect::<Vec<_>>()),
        Column::new("raw_bytes".into(), rows.iter().map(|(_, row)| row.length as i64).collect::<Vec<_>>()),
        Column::new("raw".into(), rows.iter().map(|(_, row)| row.text.as_str()).collect::<Vec<_>>()),
    ];
    let frame = DataFrame::new(rows.len(), columns).map_err(broken)?;
    let page = assay_lake::frame_page(folder, frame, offset, total).map_err(|error| problems::lake(&error))?;
    Ok(Bytes { ipc: page.ipc, total, version: None })
}
