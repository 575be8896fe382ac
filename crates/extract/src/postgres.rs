//! Rows of a PostgreSQL table: one read-only snapshot, pages along the key, types as the catalogue says.
//!
//! A watermark can only tell what its column tells: a row that is committed after the snapshot with a stamp below the
//! greatest one of the snapshot is not seen until it changes again.

mod catalogue;
mod connect;
mod decode;
mod pages;
mod query;
mod refusal;
mod snapshot;

pub(crate) use connect::Target;
pub use snapshot::Snapshot;

use crate::error::ExtractError;
use crate::job::{LandJob, Landed, count, counted};
use crate::landing::{Begun, Landing, landed};
use crate::manifest::Manifest;
use crate::state::State;
use crate::watch::{Watch, heed};
use assay_pipeline::TableFeed;
use catalogue::Table;
use xxhash_rust::xxh3::xxh3_128;

/// Lands the table's rows, or those at or above the watermark of the last complete landing.
pub(crate) async fn land(
    job: &LandJob<'_>,
    state: &State,
    feed: &TableFeed,
    target: &Target<'_>,
    watch: &dyn Watch,
) -> Result<Landed, ExtractError> {
    let client = heed(watch, target.connect()).await??;
    let read = async {
        snapshot::begin(&client, target).await?;
        Table::look_up(&client, feed).await
    };
    let table = heed(watch, read).await??;
    let shape = format!("{:032x}", xxh3_128(format!("{} {table:?}", target.place()).as_bytes()));
    let mut landing = match Landing::begin(job, state, shape, 1).await? {
        Begun::Landing(landing) => *landing,
        Begun::Done(manifest) => return Ok(landed(&manifest, "this run had landed the table before".to_owned())),
    };
    let greatest = heed(watch, table.greatest(&client)).await??;
    start(&mut landing, job.refresh, greatest, watch);
    pages::read(job, &client, &table, feed.page_rows.max(1), &mut landing, watch).await?;
    end(landing).await
}

/// What of the record a new snapshot changes.
fn start(landing: &mut Landing<'_>, refresh: bool, greatest: Option<String>, watch: &dyn Watch) {
    let since = landing.before.as_ref().and_then(|before| before.until.clone()).filter(|_| !refresh);
    let manifest = &mut landing.manifest;
    if landing.resumed {
        // The watermark stays that of the first snapshot: a row that changed since, and whose page is done, is above it.
        watch.say(&format!(
            "goes on after {}, {}; the pages to come are of a new snapshot",
            counted(manifest.pages().count() as u64, "page"),
            counted(manifest.rows(), "row"),
        ));
    } else {
        manifest.since = since;
        manifest.until = greatest;
    }
    manifest.snapshots += 1;
}

async fn end(mut landing: Landing<'_>) -> Result<Landed, ExtractError> {
    landing.manifest.parts.iter_mut().for_each(|part| part.done = true);
    let changed_since = landing.manifest.since.is_some();
    if landing.manifest.rows() == 0 {
        let note = if changed_since { "nothing new" } else { "the table holds no rows" };
        return landing.discard(note.to_owned()).await;
    }
    if landing.before.as_ref().is_some_and(|before| landing.manifest.repeats(before)) {
        return landing.discard("nothing new".to_owned()).await;
    }
    let note = note(&landing.manifest, landing.before.as_ref().filter(|_| changed_since));
    landing.publish(note).await
}

fn note(manifest: &Manifest, before: Option<&Manifest>) -> String {
    let pages = counted(manifest.pages().count() as u64, "page");
    let mut note = format!("{} in {pages}", counted(manifest.rows(), "row"));
    if let Some(before) = before {
        note.push_str(&format!(", changed since the landing of {}", before.extracted_at));
    }
    if manifest.snapshots > 1 {
        note.push_str(&format!(", of {} snapshots because it was interrupted", count(manifest.snapshots.into())));
    }
    note
}
