//! The part of a bronze step before the files are read: a feed fills the source's folder.

use super::LocalRunner;
use super::here::Here;
use super::problems;
use super::warehouse::ambient;
use crate::exit;
use assay_console::permits::PermitTime;
use assay_console::ports::{Level, StepContext, StepProgress, StepWatch};
use assay_console::{PlannedFile, PlannedStep, RunPlan};
use assay_contract::{Counts, Problem};
use assay_extract::{KAGGLE, LandJob, Limits, Machine, Origin, Outside, Progress, Snapshot, Watch};
use assay_pipeline::{Connection, Feed, Source};
use assay_postgres::Server;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Where the data sets' API is instead of at its own address; the vendor's programs know the same variable.
const KAGGLE_ADDRESS: &str = "KAGGLE_API_ENDPOINT";
const MACHINE: Machine = Machine { clock: Utc::now };

/// Snapshots of source databases by connection: the tables of one run are of one moment.
pub type Snapshots = BTreeMap<String, Snapshot>;

impl LocalRunner<'_> {
    /// Lets the source's feed bring what is new, and gives the files that came.
    pub(super) fn land(
        &self,
        plan: &RunPlan,
        step: &PlannedStep,
        context: &StepContext<'_>,
    ) -> Result<Vec<PlannedFile>, Problem> {
        let source = self.source(&step.table).map_err(|error| problems::stage(&error))?;
        let Some(feed) = source.feed.as_ref().filter(|_| step.feeds) else { return Ok(Vec::new()) };
        let feed = with_settings(feed, plan);
        let watch = LandingWatch { step: context.watch };
        let folder = self.lake.pipeline_folder(&plan.pipeline);
        if let Some(connection) = unnamed(&feed, plan)
            && !assay_stages::discover(source, &folder).map_err(|error| problems::stage(&error))?.files.is_empty()
        {
            let name = &plan.environment.name;
            let text = format!(
                "{name} has no connection {connection}: nothing new is read from it, the files that are there serve"
            );
            context.watch.log(Level::Warn, &text);
            return Ok(Vec::new());
        }
        let here = Here::of(&folder, source, &self.state.join("landings"))?;
        here.begin()?;
        let landed = self.runtime.block_on(async {
            let place = self.place_of(plan, &feed).await?;
            let snapshots = self.snapshots.lock().await;
            let job = LandJob {
                folder: here.folder(),
                source,
                feed: &feed,
                origin: place.origin(&snapshots),
                permit: &plan.permit,
                environment: &plan.environment.name,
                run: &plan.run,
                started_at: plan.queued_at,
                refresh: plan.settings.refresh,
                outside: &PermitMachine { time: &self.time },
                limits: Limits::default(),
            };
            assay_extract::land(&job, &watch).await.map_err(|error| problems::extract(&error))
        })?;
        here.end()?;
        context.watch.log(Level::Info, &landed.note);
        let paths: BTreeSet<String> = landed.files.into_iter().map(|file| file.path).collect();
        self.as_planned(source, &folder, &paths)
    }

    /// Lets go of the source databases; the next landing takes new snapshots.
    pub(super) fn leave_sources(&self) {
        self.runtime.block_on(async { self.snapshots.lock().await.clear() });
    }

    fn as_planned(
        &self,
        source: &Source,
        folder: &assay_lake::Place,
        paths: &BTreeSet<String>,
    ) -> Result<Vec<PlannedFile>, Problem> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let found = assay_stages::discover(source, folder).map_err(|error| problems::stage(&error))?;
        let landed = found.files.into_iter().filter(|file| paths.contains(&file.path));
        Ok(landed
            .map(|file| PlannedFile {
                source: source.name.clone(),
                path: file.path,
                size: file.size,
                modified_ns: file.modified_ns,
                folder_date: file.folder_date,
                known_dates: Vec::new(),
            })
            .collect())
    }

    async fn place_of(&self, plan: &RunPlan, feed: &Feed) -> Result<FeedPlace, Problem> {
        let connection = |name: &str| plan.environment.connections.get(name).cloned();
        match feed {
            Feed::Kaggle { .. } => {
                Ok(FeedPlace::Kaggle { base: MACHINE.variable(KAGGLE_ADDRESS).unwrap_or_else(|| KAGGLE.to_owned()) })
            }
            Feed::Postgres(feed) => {
                let server = match connection(&feed.connection) {
                    Some(Connection::Postgres { url }) => {
                        Server::url(&url, &ambient()).map_err(|error| problems::extract(&error.into()))?
                    }
                    Some(Connection::DynamoDb { .. }) => return Err(other_kind(plan, &feed.connection, "PostgreSQL")),
                    None => self.place.lock().await.private().await?,
                };
                let mut snapshots = self.snapshots.lock().await;
                if !snapshots.contains_key(&feed.connection) {
                    let taken = Snapshot::take(&server).await;
                    let taken = taken.map_err(|error| problems::extract(&error))?;
                    snapshots.insert(feed.connection.clone(), taken);
                }
                Ok(FeedPlace::Postgres { server: Box::new(server), connection: feed.connection.clone() })
            }
            Feed::DynamoDb(feed) => match connection(&feed.connection) {
                Some(Connection::DynamoDb { endpoint, region }) => Ok(FeedPlace::DynamoDb { endpoint, region }),
                Some(Connection::Postgres { .. }) => Err(other_kind(plan, &feed.connection, "DynamoDB")),
                None => Err(exit::misuse(
                    format!("The environment {} has no connection {}.", plan.environment.name, feed.connection),
                    format!(
                        "Add [environments.{}.connections.{}] with `dynamodb = {{ region = \"…\" }}` to assay.toml.",
                        plan.environment.name, feed.connection
                    ),
                )),
            },
        }
    }
}

/// Where a feed takes its data from.
enum FeedPlace {
    Kaggle { base: String },
    Postgres { server: Box<Server>, connection: String },
    DynamoDb { endpoint: Option<String>, region: String },
}

impl FeedPlace {
    fn origin<'a>(&'a self, snapshots: &'a Snapshots) -> Origin<'a> {
        match self {
            Self::Kaggle { base } => Origin::Kaggle { base },
            Self::Postgres { server, connection } => {
                Origin::Postgres { server, snapshot: snapshots.get(connection).map(Snapshot::id) }
            }
            Self::DynamoDb { endpoint, region } => Origin::DynamoDb { endpoint: endpoint.as_deref(), region },
        }
    }
}

/// The connection of a feed that the environment does not name and that nothing stands in for.
fn unnamed<'f>(feed: &'f Feed, plan: &RunPlan) -> Option<&'f str> {
    match feed {
        Feed::DynamoDb(scan) if !plan.environment.connections.contains_key(&scan.connection) => Some(&scan.connection),
        _ => None,
    }
}

fn with_settings(feed: &Feed, plan: &RunPlan) -> Feed {
    let mut feed = feed.clone();
    if let (Feed::Postgres(feed), Some(rows)) = (&mut feed, plan.settings.page_rows) {
        feed.page_rows = rows;
    }
    feed
}

fn other_kind(plan: &RunPlan, connection: &str, wanted: &str) -> Problem {
    exit::misuse(
        format!("The connection {connection} of {} is no {wanted} connection.", plan.environment.name),
        "Correct it in assay.toml, or name another one in the source's feed.",
    )
}

/// The machine, with the time against which the run's permit is held.
struct PermitMachine<'a> {
    time: &'a PermitTime<'a>,
}

impl Outside for PermitMachine<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.time.now()
    }

    fn variable(&self, name: &str) -> Option<String> {
        MACHINE.variable(name)
    }

    fn keyring(&self, service: &str, user: &str) -> BoxFuture<'_, Option<String>> {
        MACHINE.keyring(service, user)
    }

    fn wait(&self, time: Duration) -> BoxFuture<'_, ()> {
        MACHINE.wait(time)
    }
}

/// A step's watch, as a landing sees it.
struct LandingWatch<'a> {
    step: &'a dyn StepWatch,
}

impl Watch for LandingWatch<'_> {
    fn cancelled(&self) -> bool {
        self.step.cancelled()
    }

    fn progress(&self, progress: Progress) {
        let counts = Counts { read: progress.rows.unwrap_or(0), ..Counts::default() };
        self.step.progress(StepProgress { done: progress.bytes, total: progress.bytes_total.unwrap_or(0), counts });
    }

    fn say(&self, text: &str) {
        self.step.log(Level::Info, text);
    }
}
