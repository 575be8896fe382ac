//! Fills bronze from what is not files: Kaggle data sets, PostgreSQL tables, DynamoDB tables.
//!
//! [`land`] is called before the source's folder is read. What it writes appears in one step, whole; what an
//! interrupted landing left is kept below `.landed/<source>/` of the pipeline's lake folder and goes on from there.

mod column;
mod disk;
mod dynamo;
mod error;
mod exact;
mod job;
mod kaggle;
mod landing;
mod manifest;
mod outside;
mod page;
mod place;
mod postgres;
mod state;
mod watch;

pub use error::ExtractError;
pub use job::{LandJob, Landed, LandedFile, Limits, Origin};
pub use kaggle::{KAGGLE, KaggleAccount, forget_kaggle};
pub use outside::{Machine, Outside};
pub use postgres::Snapshot;
pub use watch::{Progress, Quiet, Watch};

use assay_pipeline::Feed;

/// Fills the source's folder and gives the files that appeared in it.
///
/// Needs a live permit at the start and before each write. A cancel is over within a second and leaves the folder as
/// it was; the same run goes on after the last page, another run starts over.
pub async fn land(job: &LandJob<'_>, watch: &dyn Watch) -> Result<Landed, ExtractError> {
    job.check_permit()?;
    let state = state::State::open(job).await?;
    match (job.feed, &job.origin) {
        (Feed::Kaggle { dataset, file }, Origin::Kaggle { base }) => {
            kaggle::land(job, &state, dataset, file, base, watch).await
        }
        (Feed::Postgres(feed), Origin::Postgres { server, snapshot }) => {
            let target = postgres::Target::new(server, *snapshot);
            postgres::land(job, &state, feed, &target, watch).await
        }
        (Feed::DynamoDb(feed), Origin::DynamoDb { endpoint, region }) => {
            dynamo::land(job, &state, feed, *endpoint, region, watch).await
        }
        _ => Err(ExtractError::definition(job, "its feed and its connection are of different kinds")),
    }
}
