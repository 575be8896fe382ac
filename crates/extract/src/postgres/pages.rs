//! Reads a table page after page, each into a file of its own, in bounded memory.

use crate::column::{Chain, Kind, Rows};
use crate::disk::blocking;
use crate::error::ExtractError;
use crate::job::LandJob;
use crate::landing::Landing;
use crate::manifest::Page;
use crate::page::PageFile;
use crate::postgres::catalogue::Table;
use crate::postgres::decode::{self, Raw};
use crate::postgres::query::PageQuery;
use crate::postgres::refusal;
use crate::watch::{Progress, Watch, heed};
use futures::TryStreamExt;
use std::path::Path;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio_postgres::{Client, Row, RowStream};

/// Rows and bytes that are held before they go to the file.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 4 << 20;
/// How long the server may take to hear of a cancel.
const CANCEL: Duration = Duration::from_millis(500);

/// A table that is being read, and what is known of its rows so far.
struct Reading<'a> {
    table: &'a Table,
    rows: Rows,
    chain: Chain,
    last_key: Vec<String>,
    /// Of this landing, pages of earlier attempts included.
    total: u64,
    edge: u64,
}

/// Reads what is missing of the landing's pages.
pub(crate) async fn read(
    job: &LandJob<'_>,
    client: &Client,
    table: &Table,
    page_rows: u32,
    landing: &mut Landing<'_>,
    watch: &dyn Watch,
) -> Result<(), ExtractError> {
    let columns: Vec<(String, Kind)> = table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
    let part = landing.manifest.parts[0].clone();
    let mut after: Option<Vec<String>> = part.last.and_then(|last| serde_json::from_value(last).ok());
    let mut reading = Reading {
        table,
        rows: Rows::new(&columns),
        chain: Chain::after(&part.digest),
        last_key: Vec::new(),
        total: part.rows,
        edge: part.edge_rows,
    };
    loop {
        job.check_permit()?;
        let (since, until) = (landing.manifest.since.as_deref(), landing.manifest.until.as_deref());
        let query = PageQuery::new(table, after.as_deref(), since, until, page_rows);
        let name = format!("page-{:05}.parquet", landing.manifest.parts[0].pages.len() + 1);
        let bytes = landing.manifest.bytes();
        let read = reading.page(client, &query, &landing.pages_folder(), &name, bytes, watch).await;
        if matches!(read, Err(ExtractError::Cancelled)) {
            // The server would otherwise find out only when it sends rows; that this may fail harms nothing.
            let token = client.cancel_token();
            let _ = tokio::time::timeout(CANCEL, token.cancel_query(tokio_postgres::NoTls)).await;
        }
        let Some(page) = read? else { return Ok(()) };
        let is_last = page.rows < u64::from(page_rows);
        let part = &mut landing.manifest.parts[0];
        part.last = Some(reading.last_key.clone().into());
        part.rows = reading.total;
        part.edge_rows = reading.edge;
        part.digest = reading.chain.digest();
        part.pages.push(page);
        landing.save().await?;
        watch.progress(Progress { rows: Some(reading.total), bytes: landing.manifest.bytes(), bytes_total: None });
        if watch.cancelled() {
            return Err(ExtractError::Cancelled);
        }
        if is_last {
            return Ok(());
        }
        after = Some(reading.last_key.clone());
    }
}

impl Reading<'_> {
    /// One page; none, and no file, where no rows are left. `bytes` are those of the pages before.
    async fn page(
        &mut self,
        client: &Client,
        query: &PageQuery,
        folder: &Path,
        name: &str,
        bytes: u64,
        watch: &dyn Watch,
    ) -> Result<Option<Page>, ExtractError> {
        let stream = heed(watch, client.query_raw(&query.sql, query.parameters())).await?;
        let mut stream = pin!(stream.map_err(refusal::query(&self.table.name))?);
        let mut file: Option<PageFile> = None;
        loop {
            let is_more = heed(watch, self.batch(stream.as_mut())).await??;
            if self.rows.count > 0 {
                file = Some(self.write(file, folder, name).await?);
                watch.progress(Progress { rows: Some(self.total), bytes, bytes_total: None });
            }
            if !is_more {
                break;
            }
        }
        match file {
            None => Ok(None),
            Some(file) => blocking(folder, move || file.finish()).await.map(Some),
        }
    }

    /// Takes rows until the batch is full; false when there are no more.
    async fn batch(&mut self, mut stream: Pin<&mut RowStream>) -> Result<bool, ExtractError> {
        while self.rows.count < BATCH_ROWS && self.rows.bytes < BATCH_BYTES {
            match stream.try_next().await.map_err(refusal::query(&self.table.name))? {
                Some(row) => self.row(&row)?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn row(&mut self, row: &Row) -> Result<(), ExtractError> {
        let failed = || refusal::query(&self.table.name);
        for (at, column) in self.table.columns.iter().enumerate() {
            let raw: Option<Raw> = row.try_get(at).map_err(failed())?;
            let raw = raw.map(|raw| raw.0);
            let number = column.as_text && column.sql_type.starts_with("numeric");
            decode::append(&mut self.rows.builders[at], raw, number).map_err(|what| ExtractError::Value {
                table: self.table.name.clone(),
                column: column.name.clone(),
                what,
                row: self.total + 1,
                key: self.table.key_names(),
            })?;
            self.chain.value(raw);
            self.rows.bytes += raw.map_or(1, <[u8]>::len);
        }
        let key_at = self.table.columns.len();
        let edge_at = key_at + self.table.key.len();
        let edge: bool = row.try_get(edge_at).map_err(failed())?;
        let key: Result<Vec<String>, _> = (key_at..edge_at).map(|at| row.try_get(at)).collect();
        self.last_key = key.map_err(failed())?;
        self.chain.end_row(edge);
        self.edge += u64::from(edge);
        self.total += 1;
        self.rows.count += 1;
        Ok(())
    }

    async fn write(&mut self, file: Option<PageFile>, folder: &Path, name: &str) -> Result<PageFile, ExtractError> {
        let schema = self.rows.schema();
        let path = folder.join(name);
        let batch =
            self.rows.take().map_err(|error| ExtractError::Parquet { path: path.clone(), source: error.into() })?;
        let (folder, name) = (folder.to_owned(), name.to_owned());
        blocking(&path, move || {
            let mut file = match file {
                Some(file) => file,
                None => PageFile::create(&folder, &name, schema)?,
            };
            file.write(&batch)?;
            Ok(file)
        })
        .await
    }
}
