//! The moment that a landing reads: its own, or one that several landings share.

use crate::error::ExtractError;
use crate::postgres::connect::Target;
use crate::postgres::refusal;
use assay_postgres::Server;
use tokio_postgres::Client;

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A snapshot that lives as long as this: landings that name its id are of one moment.
///
/// It holds back the server's clean-up of dead rows, so it is dropped as soon as the landings are done.
pub struct Snapshot {
    id: String,
    _client: Client,
}

impl Snapshot {
    pub async fn take(server: &Server) -> Result<Snapshot, ExtractError> {
        let target = Target::new(server, None);
        let client = target.connect().await?;
        begin(&client, &target).await?;
        let row = client.query_one("SELECT pg_export_snapshot()", &[]).await;
        let id = row.and_then(|row| row.try_get(0)).map_err(refusal::query(target.place()))?;
        Ok(Snapshot { id, _client: client })
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Begins the transaction in which everything is read.
pub(crate) async fn begin(client: &Client, target: &Target<'_>) -> Result<(), ExtractError> {
    let begun = match target.snapshot {
        None => client.batch_execute(BEGIN).await,
        Some(id) => client.batch_execute(&format!("{BEGIN}; SET TRANSACTION SNAPSHOT {}", literal(id))).await,
    };
    begun.map_err(refusal::query(target.place()))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
