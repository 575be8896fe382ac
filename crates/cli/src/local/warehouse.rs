//! Where an environment's warehouse is: a PostgreSQL URL, or the private cluster of the workspace.

use super::problems;
use assay_contract::Problem;
use assay_postgres::{Ambient, Server};
use assay_warehouse::{Cluster, Warehouse};
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
        let server = match &self.url {
            Some(url) => Server::url(url, &ambient()).map_err(|error| problems::warehouse(&error.into()))?,
            None => self.private().await?,
        };
        Warehouse::connect(&server).await.map_err(|error| problems::warehouse(&error))
    }

    /// The private cluster, which is started for it.
    pub async fn private(&mut self) -> Result<Server, Problem> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.server());
        }
        let cluster = Cluster::start(&self.folder).await.map_err(|error| problems::warehouse(&error))?;
        let server = cluster.server();
        self.cluster = Some(cluster);
        Ok(server)
    }

    /// Whether it is the place of an environment with this URL, or with none.
    pub fn is_at(&self, url: Option<&str>) -> bool {
        self.url.as_deref() == url
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

/// What this process's environment says of any PostgreSQL server.
pub fn ambient() -> Ambient {
    Ambient::of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
