//! Items of a DynamoDB table: a parallel scan whose segments each go on where they stopped.
//!
//! Reads are eventually consistent, as scans are unless they cost twice as much. Needs the rights
//! `dynamodb:DescribeTable` and `dynamodb:Scan`.

mod client;
mod item;
mod rate;
mod scan;

use crate::column::Kind;
use crate::error::ExtractError;
use crate::job::{LandJob, Landed, counted};
use crate::landing::{Begun, Landing, landed};
use crate::state::State;
use crate::watch::{Progress, Watch};
use assay_pipeline::{ColumnType, ScanFeed};
use client::Client;
use futures::{StreamExt, stream};
use rate::Rate;
use scan::Scan;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;
use xxhash_rust::xxh3::xxh3_128;

/// Segments that are scanned at the same time; each holds at most one answer and one page.
const AT_ONCE: usize = 16;

/// Lands the table's items.
pub(crate) async fn land(
    job: &LandJob<'_>,
    state: &State,
    feed: &ScanFeed,
    endpoint: Option<&str>,
    region: &str,
    watch: &dyn Watch,
) -> Result<Landed, ExtractError> {
    let columns = columns(job, feed)?;
    let client = Client::new(job, &feed.table, endpoint, region)?;
    let key = client.key(job, watch).await?;
    let shape = format!("{region} {endpoint:?} {} {columns:?} {}", feed.table, feed.segments);
    let shape = format!("{:032x}", xxh3_128(shape.as_bytes()));
    let segments = feed.segments.max(1);
    let mut landing = match Landing::begin(job, state, shape, segments.into()).await? {
        Begun::Landing(landing) => *landing,
        Begun::Done(manifest) => return Ok(landed(&manifest, "this run had landed the table before".to_owned())),
    };
    if landing.resumed {
        let done = landing.manifest.parts.iter().filter(|part| part.done).count();
        let rows = counted(landing.manifest.rows(), "item");
        watch.say(&format!("goes on after {rows}; {done} of {segments} segments are done"));
    }
    landing.manifest.snapshots += 1;
    let together = Together { watch, failed: AtomicBool::new(false) };
    let landing = Mutex::new(landing);
    let rate = Rate::new(feed.read_units);
    let scan = Scan { job, client: &client, columns: &columns, key: &key, rate: &rate, landing: &landing, segments };
    let scans = stream::iter(0..segments).map(|segment| scan.segment(segment, &together)).buffer_unordered(AT_ONCE);
    // All are waited for: a page that is being written is never left to itself.
    let ended: Vec<Result<(), ExtractError>> = scans.collect().await;
    first_fault(ended)?;
    end(landing.into_inner()).await
}

async fn end(landing: Landing<'_>) -> Result<Landed, ExtractError> {
    let manifest = &landing.manifest;
    if manifest.rows() == 0 {
        return landing.discard("the table holds no items".to_owned()).await;
    }
    if landing.before.as_ref().is_some_and(|before| manifest.repeats(before)) {
        return landing.discard("nothing new".to_owned()).await;
    }
    let segments = counted(manifest.parts.len() as u64, "segment");
    let pages = counted(manifest.pages().count() as u64, "page");
    let mut note = format!("{} in {pages} of {segments}", counted(manifest.rows(), "item"));
    if manifest.snapshots > 1 {
        note.push_str(&format!(", read in {} goes because it was interrupted", manifest.snapshots));
    }
    landing.publish(note).await
}

/// The fault that stopped the others, not the stop.
fn first_fault(ended: Vec<Result<(), ExtractError>>) -> Result<(), ExtractError> {
    let faults = ended.into_iter().filter_map(Result::err);
    let (stops, faults): (Vec<_>, Vec<_>) = faults.partition(|fault| matches!(fault, ExtractError::Cancelled));
    faults.into_iter().chain(stops).next().map_or(Ok(()), Err)
}

fn columns(job: &LandJob<'_>, feed: &ScanFeed) -> Result<Vec<(String, Kind)>, ExtractError> {
    let column = |(name, declared): &(String, ColumnType)| match declared {
        ColumnType::String { .. } => Ok((name.clone(), Kind::Text)),
        ColumnType::Int32 => Ok((name.clone(), Kind::Int32)),
        ColumnType::Int64 => Ok((name.clone(), Kind::Int64)),
        ColumnType::Decimal { precision, scale } => {
            Ok((name.clone(), Kind::Decimal { precision: *precision, scale: *scale }))
        }
        ColumnType::Double => Ok((name.clone(), Kind::Double)),
        ColumnType::Boolean => Ok((name.clone(), Kind::Boolean)),
        ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant => Err(ExtractError::definition(
            job,
            format!("DynamoDB has no dates or times: declare {name} as string, and its type in the contract"),
        )),
    };
    feed.columns.iter().map(column).collect()
}

/// One watch for all segments: a fault in one of them ends the others.
struct Together<'a> {
    watch: &'a dyn Watch,
    failed: AtomicBool,
}

impl Together<'_> {
    fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }
}

impl Watch for Together<'_> {
    fn cancelled(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.watch.cancelled()
    }
    fn progress(&self, progress: Progress) {
        self.watch.progress(progress);
    }
    fn say(&self, text: &str) {
        self.watch.say(text);
    }
}
