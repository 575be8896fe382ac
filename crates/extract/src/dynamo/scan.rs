//! One segment of a scan: answers become pages, and each page is recorded with the place after it.

use crate::column::{Chain, Kind, Rows};
use crate::disk::blocking;
use crate::dynamo::Together;
use crate::dynamo::client::{Ask, Client};
use crate::dynamo::item;
use crate::dynamo::rate::Rate;
use crate::error::ExtractError;
use crate::job::LandJob;
use crate::landing::Landing;
use crate::manifest::Part;
use crate::page::PageFile;
use crate::watch::{Progress, Watch};
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use tokio::sync::Mutex;

/// Items and bytes of values at which a page is written; an answer adds at most a megabyte.
const PAGE_ROWS: usize = 50_000;
const PAGE_BYTES: usize = 8 << 20;

/// What the segments of a scan share.
pub(crate) struct Scan<'a, 'job> {
    pub job: &'job LandJob<'job>,
    pub client: &'a Client,
    pub columns: &'a [(String, Kind)],
    /// Names of the key attributes, for messages.
    pub key: &'a str,
    pub rate: &'a Rate,
    pub landing: &'a Mutex<Landing<'job>>,
    pub segments: u16,
}

impl Scan<'_, '_> {
    /// Reads what is missing of a segment; a fault ends the others as well.
    pub(crate) async fn segment(&self, segment: u16, watch: &Together<'_>) -> Result<(), ExtractError> {
        let read = self.read(segment, watch).await;
        if read.is_err() {
            watch.fail();
        }
        read
    }

    async fn read(&self, segment: u16, watch: &Together<'_>) -> Result<(), ExtractError> {
        let mut part = self.landing.lock().await.manifest.parts[usize::from(segment)].clone();
        if part.done {
            return Ok(());
        }
        let mut after = part.last.as_ref().and_then(item::key_from_json);
        let mut rows = Rows::new(self.columns);
        let mut chain = Chain::after(&part.digest);
        let attributes: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        loop {
            if watch.cancelled() {
                return Err(ExtractError::Cancelled);
            }
            let answer = self.ask(segment, after, &attributes, watch).await?;
            for item in answer.items() {
                self.take(item, &mut rows, &mut chain)?;
            }
            after = answer.last_evaluated_key().filter(|key| !key.is_empty()).cloned();
            part.done = after.is_none();
            if part.done || rows.count >= PAGE_ROWS || rows.bytes >= PAGE_BYTES {
                part.last = after.as_ref().map(item::key_to_json);
                part.rows += rows.count as u64;
                part.edge_rows = part.rows;
                part.digest = chain.digest();
                self.write(segment, &mut part, &mut rows, watch).await?;
            }
            if part.done {
                return Ok(());
            }
        }
    }

    async fn ask(
        &self,
        segment: u16,
        after: Option<HashMap<String, AttributeValue>>,
        attributes: &[String],
        watch: &Together<'_>,
    ) -> Result<ScanOutput, ExtractError> {
        self.rate
            .pass(self.job.outside, watch, async |limit| {
                let ask = Ask { segment: segment.into(), segments: self.segments.into(), after, limit, attributes };
                let answer = self.client.scan(self.job, watch, &ask).await?;
                let read = f64::from(answer.scanned_count());
                // An answer without its cost is taken as one unit for each item, which is more than it is.
                let used = answer.consumed_capacity().and_then(|used| used.capacity_units()).unwrap_or(read);
                Ok((answer, used, read))
            })
            .await
    }

    fn take(
        &self,
        item: &HashMap<String, AttributeValue>,
        rows: &mut Rows,
        chain: &mut Chain,
    ) -> Result<(), ExtractError> {
        for ((name, kind), builder) in self.columns.iter().zip(&mut rows.builders) {
            let bytes = item::append(builder, chain, item.get(name)).map_err(|found| ExtractError::Item {
                table: self.client.table().to_owned(),
                attribute: name.clone(),
                declared: item::declared(*kind),
                found,
                key: self.key.to_owned(),
            })?;
            rows.bytes += bytes;
        }
        chain.end_row(true);
        rows.count += 1;
        Ok(())
    }

    /// Writes the page, if there are rows for one, and records how far the segment is.
    async fn write(
        &self,
        segment: u16,
        part: &mut Part,
        rows: &mut Rows,
        watch: &dyn Watch,
    ) -> Result<(), ExtractError> {
        if rows.count > 0 {
            self.job.check_permit()?;
            let folder = self.landing.lock().await.pages_folder();
            let name = format!("segment-{segment:05}-page-{:05}.parquet", part.pages.len() + 1);
            let schema = rows.schema();
            let batch = rows.take();
            let beside = folder.clone();
            let page = blocking(&beside, move || {
                let fault = |error: arrow::error::ArrowError| ExtractError::Parquet {
                    path: folder.join(&name),
                    source: error.into(),
                };
                let batch = batch.map_err(fault)?;
                let mut file = PageFile::create(&folder, &name, schema)?;
                file.write(&batch)?;
                file.finish()
            });
            part.pages.push(page.await?);
        }
        let mut landing = self.landing.lock().await;
        landing.manifest.parts[usize::from(segment)] = part.clone();
        landing.save().await?;
        let manifest = &landing.manifest;
        watch.progress(Progress { rows: Some(manifest.rows()), bytes: manifest.bytes(), bytes_total: None });
        Ok(())
    }
}
