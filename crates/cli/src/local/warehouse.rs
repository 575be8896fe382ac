//! Where an environment's warehouse is: a PostgreSQL URL, or the private cluster of the workspace.

use super::problems;
use assay_contract::{Problem, ProblemKind};
use assay_warehouse::{Cluster, Target, Warehouse};
use std::path::{Path, PathBuf};

/// A place to connect to. A private cluster is started by the first connection and left with [`Place::leave`].
pub struct Place {
    url: Option<String>,
    folder: PathBuf,
    cluster: Option<Cluster>,
}

impl Place {
    /// `state` is the workspace's `.assay` folder; without a URL the private cluster below it is meant.
    pub fn new(state: &Path, url: Option<String>) -> Self {
        Self { url, folder: state.join("warehouse"), cluster: None }
    }

    pub async fn connect(&mut self) -> Result<Warehouse, Problem> {
        let target = match &self.url {
            Some(url) => Target::url(url, std::env::var("PGPASSWORD").ok().as_deref()),
            None => self.private().await,
        };
        let target = target.map_err(|error| problems::warehouse(&error))?;
        Warehouse::connect(&target).await.map_err(|error| problems::warehouse(&error))
    }

    /// The address of the private cluster, which is started for it.
    pub async fn private_url(&mut self) -> Result<String, Problem> {
        self.private().await.map_err(|error| problems::warehouse(&error))?;
        let url = self.cluster.as_ref().map(Cluster::url);
        url.ok_or_else(|| Problem::new(ProblemKind::Failed, "The private cluster has no address."))
    }

    async fn private(&mut self) -> Result<Target, assay_warehouse::WarehouseError> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.target());
        }
        let cluster = Cluster::start(&self.folder).await?;
        let target = cluster.target();
        self.cluster = Some(cluster);
        Ok(target)
    }

    /// Whether data was ever loaded: a look must not make a cluster.
    pub fn exists(&self) -> bool {
        self.url.is_some() || self.folder.exists()
    }

    /// Stops the private cluster unless another program uses it.
    pub async fn leave(&mut self) -> Result<(), Problem> {
        match self.cluster.take() {
            Some(cluster) => cluster.stop().await.map(|_| ()).map_err(|error| problems::warehouse(&error)),
            None => Ok(()),
        }
    }
}
