//! The lake's tables, as plans and undos look at them.

use super::problems;
use super::warehouse::Place;
use crate::desk::Desk;
use assay_console::ports::{Loaded, LoadedAsk, PartitionNow, Refused, RefusedGroup, TableCommit, TableNow, Tables};
use assay_contract::{Problem, ProblemKind};
use assay_lake::{Lake, LakeError, Summary};
use assay_pipeline::{Environment, Layer, Pipeline, TableName};
use std::collections::BTreeMap;
use std::time::Duration;

/// A look at the warehouse keeps nobody longer from a plan; the start of a private cluster included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where what tables hold is kept, below the workspace's state: no copies of a remote lake have this name.
const SUMMARIES: &str = "cache/.tables";

pub struct LocalTables<'a> {
    pub desk: &'a Desk,
}

impl LocalTables<'_> {
    /// What the newest version of each table holds; none for a table that does not exist.
    pub fn summaries(&self, folders: &[assay_lake::Place]) -> Result<Vec<Option<Summary>>, Problem> {
        let keep = &self.desk.state().join(SUMMARIES);
        let looked = folders.iter().map(|folder| assay_lake::summary(folder, keep));
        let looked = self.desk.runtime.block_on(futures::future::try_join_all(looked));
        looked.map_err(|error| problems::lake(&error))
    }

    fn folders(
        &self,
        pipeline: &str,
        environment: &Environment,
        tables: &[String],
    ) -> Vec<(String, assay_lake::Place)> {
        let lake = self.desk.lake(environment);
        tables.iter().filter_map(|id| Some((id.clone(), folder(&lake, pipeline, id)?))).collect()
    }
}

impl Tables for LocalTables<'_> {
    fn versions(
        &self,
        pipeline: &str,
        environment: &Environment,
        tables: &[String],
    ) -> Result<BTreeMap<String, i64>, Problem> {
        let newest = self.folders(pipeline, environment, tables).into_iter().map(|(id, folder)| async move {
            let version = assay_lake::newest_version(&folder).await?;
            Ok::<_, LakeError>(version.map(|version| (id, version)))
        });
        let newest = self.desk.runtime.block_on(futures::future::try_join_all(newest));
        Ok(newest.map_err(|error| problems::lake(&error))?.into_iter().flatten().collect())
    }

    fn contents(
        &self,
        pipeline: &str,
        environment: &Environment,
        tables: &[String],
    ) -> Result<BTreeMap<String, TableNow>, Problem> {
        let (ids, folders): (Vec<_>, Vec<_>) = self.folders(pipeline, environment, tables).into_iter().unzip();
        let found = ids.into_iter().zip(self.summaries(&folders)?);
        Ok(found.filter_map(|(id, summary)| Some((id, now(summary?)))).collect())
    }

    fn commits(
        &self,
        pipeline: &str,
        environment: &Environment,
        table: &str,
        after: Option<i64>,
    ) -> Result<Vec<TableCommit>, Problem> {
        let Some(folder) = folder(&self.desk.lake(environment), pipeline, table) else { return Ok(Vec::new()) };
        let read = |limit| self.desk.runtime.block_on(assay_lake::history(&folder, limit));
        let limit = match after {
            None => usize::MAX,
            Some(after) => {
                let newest = read(1).map_err(|error| problems::lake(&error))?;
                let more = newest.first().map_or(0, |commit| commit.version - after);
                usize::try_from(more).unwrap_or(0)
            }
        };
        let commits = read(limit).map_err(|error| problems::lake(&error))?;
        let oldest_first = commits.into_iter().rev();
        Ok(oldest_first.map(|commit| TableCommit { version: commit.version, run: commit.run }).collect())
    }

    fn loaded(
        &self,
        pipeline: &Pipeline,
        environment: &Environment,
        asks: &[LoadedAsk<'_>],
    ) -> Result<Vec<Loaded>, Problem> {
        let schema = pipeline.warehouse.as_ref().map_or("public", |warehouse| warehouse.schema.as_str());
        let look = async {
            let mut own = self.desk.warehouse.lock().await;
            let mut other = Place::new(&self.desk.state(), environment.warehouse_url.clone());
            let is_own = own.is_at(environment.warehouse_url.as_deref());
            let place = if is_own { &mut *own } else { &mut other };
            if !place.exists() {
                return Ok(asks.iter().map(|_| Loaded { rows: 0, dated: 0, counted: true }).collect());
            }
            let mut warehouse = place.connect().await?;
            let mut found = Vec::with_capacity(asks.len());
            for ask in asks {
                let rows = warehouse.loaded(schema, ask.table, ask.dates).await;
                let rows = rows.map_err(|error| problems::warehouse(&error))?;
                found.push(Loaded { rows: rows.rows, dated: rows.dated, counted: rows.counted });
            }
            if !is_own {
                other.leave().await?;
            }
            Ok(found)
        };
        let told = self.desk.runtime.block_on(async { tokio::time::timeout(PATIENCE, look).await });
        told.unwrap_or_else(|_| {
            let text = format!("the warehouse did not answer within {} seconds", PATIENCE.as_secs());
            Err(Problem::new(ProblemKind::Failed, text))
        })
    }

    fn refused(&self, pipeline: &str, environment: &Environment, table: &str) -> Result<Option<Refused>, Problem> {
        let lake = self.desk.lake(environment);
        let name = TableName::new(pipeline, Layer::Silver, table);
        let found = self.desk.runtime.block_on(assay_stages::refused_groups(&lake, &name));
        let group = |group: assay_stages::RefusedGroup| RefusedGroup {
            date: group.date,
            reason: group.reason,
            path: group.path,
            records: group.records,
        };
        let found = found.map_err(|error| problems::stage(&error))?;
        Ok(found.map(|(version, groups)| Refused { version, groups: groups.into_iter().map(group).collect() }))
    }
}

/// Of `silver.sales`, `quarantine.sales` or `gold.daily`.
fn folder(lake: &Lake, pipeline: &str, id: &str) -> Option<assay_lake::Place> {
    let (layer, table) = id.split_once('.')?;
    Some(match layer {
        "quarantine" => lake.quarantine(&TableName::new(pipeline, Layer::Silver, table)),
        layer => lake.folder(&TableName::new(pipeline, Layer::parse(layer)?, table)),
    })
}

fn now(summary: Summary) -> TableNow {
    let part = |part: assay_lake::PartitionInfo| PartitionNow {
        date: part.date,
        rows: part.rows,
        bytes: part.bytes,
        files: part.files,
    };
    TableNow { version: summary.version, partitions: summary.partitions.into_iter().map(part).collect() }
}
