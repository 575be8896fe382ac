//! Fills the private cluster with generated source tables, for demonstrations.

use crate::cluster::Cluster;
use crate::connection::Warehouse;
use crate::error::WarehouseError;

impl Cluster {
    /// Executes the statements in one transaction, in order. Only a private cluster takes them: it is state of the
    /// workspace, so no permit is asked for.
    pub async fn seed(&self, statements: impl Iterator<Item = String>) -> Result<(), WarehouseError> {
        let refused = |error| WarehouseError::of("filling the source tables", &[], error);
        let mut session = Warehouse::connect(&self.server()).await?;
        let transaction = session.write().await.map_err(refused)?;
        for statement in statements {
            transaction.batch_execute(&statement).await.map_err(refused)?;
        }
        transaction.commit().await.map_err(refused)
    }
}
