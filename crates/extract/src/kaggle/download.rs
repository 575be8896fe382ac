//! Downloads a file into the scratch folder; what has arrived is kept and gone on with, here and in a later run.

use crate::disk::{self, blocking};
use crate::error::ExtractError;
use crate::job::{LandJob, count};
use crate::kaggle::api::{Api, Ask, Silence, version};
use crate::kaggle::patience;
use crate::watch::{Progress, Watch, heed};
use reqwest::header::{CONTENT_ENCODING, CONTENT_RANGE, RETRY_AFTER, TRANSFER_ENCODING};
use reqwest::{Response, Version};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const PART: &str = "download.part";
const RECORD: &str = "download.json";
/// Bytes after which a connection that is cut counts as the first failure again.
const SOME: u64 = 1 << 20;

pub(crate) struct Download<'a> {
    pub job: &'a LandJob<'a>,
    pub api: &'a Api,
    pub state: &'a Path,
    pub dataset: &'a str,
    pub file: &'a str,
}

pub(crate) enum Fetched {
    /// The whole answer, and its version where the server tells one.
    File { path: PathBuf, etag: Option<String> },
    /// It is still the version that was known.
    Unchanged,
}

/// Whose bytes the part holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    dataset: String,
    file: String,
    etag: Option<String>,
    /// Bytes of the whole, where the server told them.
    total: Option<u64>,
}

/// What became of one request.
enum Turn {
    Whole,
    Unchanged,
    /// Broke off; some bytes may have arrived.
    Cut(Option<reqwest::Error>),
    Wait(Duration),
    /// What was asked for does not fit the server's content any more.
    Again,
}

/// Removes what is left of a download that is done.
pub(crate) fn forget(state: &Path) -> Result<(), ExtractError> {
    disk::remove(&state.join(RECORD))?;
    disk::remove(&state.join(PART))
}

impl Download<'_> {
    /// `known` is the version that need not come again.
    pub(crate) async fn fetch(&self, known: Option<&str>, watch: &dyn Watch) -> Result<Fetched, ExtractError> {
        let mut failures = 0;
        loop {
            if watch.cancelled() {
                return Err(ExtractError::Cancelled);
            }
            self.job.check_permit()?;
            let (part, before) = self.arrived().await?;
            let etag = part.as_ref().and_then(|part| part.etag.clone());
            // Everything had arrived, and the run ended before it was landed.
            let is_whole = part.as_ref().is_some_and(|part| before > 0 && part.total == Some(before));
            let ask = match (etag, known) {
                (Some(etag), _) if is_whole => Ask::Unless(etag),
                (Some(etag), _) if before > 0 => Ask::From(before, etag),
                (_, Some(known)) => Ask::Unless(known.to_owned()),
                _ => Ask::Whole,
            };
            let turn = match heed(watch, self.api.get(&ask)).await? {
                Ok(response) => self.answer(response, part, before, watch).await?,
                Err(Silence::Cut(error)) => Turn::Cut(Some(error)),
                Err(Silence::Refused(error)) => return Err(error),
            };
            failures += 1;
            let pause = match turn {
                Turn::Whole => return self.whole().await,
                Turn::Unchanged if is_whole => return self.whole().await,
                Turn::Unchanged => return Ok(Fetched::Unchanged),
                Turn::Cut(error) => {
                    let now = self.arrived().await?.1;
                    if now >= before + SOME {
                        failures = 1;
                    }
                    if failures >= self.job.limits.tries.max(1) {
                        let reason = format!("the connection broke off {failures} times");
                        return Err(self.failed(reason, error));
                    }
                    let pause = patience::own(failures);
                    let arrived = count(now);
                    watch.say(&format!("the connection broke off at byte {arrived}; goes on in {} s", pause.as_secs()));
                    pause
                }
                Turn::Wait(pause) if failures < self.job.limits.tries => {
                    watch.say(&format!("Kaggle asks for patience; waits {} s", pause.as_secs()));
                    pause
                }
                Turn::Wait(_) => return Err(self.failed(format!("Kaggle turned {failures} requests away"), None)),
                Turn::Again if failures < self.job.limits.tries => {
                    watch.say("the data set changed meanwhile; starts from the beginning");
                    let state = self.state.to_owned();
                    blocking(self.state, move || forget(&state)).await?;
                    continue;
                }
                Turn::Again => return Err(self.failed("it changes again and again".to_owned(), None)),
            };
            heed(watch, self.job.outside.wait(pause)).await?;
        }
    }

    /// The part of this file that an earlier request left, and its size.
    async fn arrived(&self) -> Result<(Option<Part>, u64), ExtractError> {
        let state = self.state.to_owned();
        let (dataset, file) = (self.dataset.to_owned(), self.file.to_owned());
        blocking(self.state, move || {
            let record: Option<Part> =
                fs::read(state.join(RECORD)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let record = record.filter(|part| part.dataset == dataset && part.file == file);
            let size = fs::metadata(state.join(PART)).map_or(0, |meta| meta.len());
            Ok(if record.is_some() { (record, size) } else { (None, 0) })
        })
        .await
    }

    async fn whole(&self) -> Result<Fetched, ExtractError> {
        let etag = self.arrived().await?.0.and_then(|part| part.etag);
        Ok(Fetched::File { path: self.state.join(PART), etag })
    }

    async fn answer(
        &self,
        response: Response,
        part: Option<Part>,
        before: u64,
        watch: &dyn Watch,
    ) -> Result<Turn, ExtractError> {
        let status = response.status().as_u16();
        match status {
            200 => {
                let total = response.content_length();
                let etag = version(response.headers());
                let part = Part { dataset: self.dataset.to_owned(), file: self.file.to_owned(), etag, total };
                self.bound(total)?;
                self.begin(&part).await?;
                self.take(response, 0, total, watch).await
            }
            206 => {
                let told = version(response.headers());
                let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
                let total = range.and_then(|range| total_of(range, before));
                let part = part.filter(|part| told.is_none() || told == part.etag);
                match (part, total) {
                    (Some(part), Some(total)) if part.total.is_none_or(|known| known == total) => {
                        self.bound(Some(total))?;
                        self.take(response, before, Some(total), watch).await
                    }
                    _ => Ok(Turn::Again),
                }
            }
            304 => Ok(Turn::Unchanged),
            416 => Ok(Turn::Again),
            429 | 503 => {
                let header = response.headers().get(RETRY_AFTER).and_then(|header| header.to_str().ok());
                let asked = header.and_then(|header| patience::asked(header, self.job.outside.now()));
                let wait = asked.unwrap_or(patience::own(4));
                if wait > self.job.limits.wait {
                    let reason = format!("Kaggle asks to wait {} s, which is too long", count(wait.as_secs()));
                    return Err(self.failed(reason, None));
                }
                Ok(Turn::Wait(wait))
            }
            500..=599 => Ok(Turn::Cut(None)),
            _ => Err(self.refused(status)),
        }
    }

    /// An empty part; its record comes after it, so that it never speaks of other bytes.
    async fn begin(&self, part: &Part) -> Result<(), ExtractError> {
        let (state, part) = (self.state.to_owned(), part.clone());
        blocking(self.state, move || {
            forget(&state)?;
            let path = state.join(PART);
            fs::File::create(&path).map_err(ExtractError::disk(&path, "make"))?;
            let path = state.join(RECORD);
            let text = serde_json::to_vec(&part);
            disk::write_whole(&path, &text.map_err(|source| ExtractError::Manifest { path: path.clone(), source })?)
        })
        .await
    }

    /// Appends the answer's bytes to the part.
    async fn take(
        &self,
        mut response: Response,
        before: u64,
        total: Option<u64>,
        watch: &dyn Watch,
    ) -> Result<Turn, ExtractError> {
        let headers = response.headers();
        if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(self.failed("the server changed its content on the way (Content-Encoding)".to_owned(), None));
        }
        let ends_by_closing = response.version() < Version::HTTP_2 && !headers.contains_key(TRANSFER_ENCODING);
        if total.is_none() && ends_by_closing {
            return Err(self.failed("the server does not tell how long the file is".to_owned(), None));
        }
        let path = self.state.join(PART);
        let file = tokio::fs::OpenOptions::new().append(true).open(&path).await;
        let mut file = file.map_err(ExtractError::disk(&path, "open"))?;
        let mut arrived = before;
        let cut = loop {
            let bytes = match heed(watch, response.chunk()).await {
                Ok(Ok(Some(bytes))) => bytes,
                Ok(Ok(None)) => break None,
                Ok(Err(error)) => break Some(error.without_url()),
                Err(cancelled) => {
                    file.sync_all().await.map_err(ExtractError::disk(&path, "write"))?;
                    return Err(cancelled);
                }
            };
            arrived += bytes.len() as u64;
            self.bound(Some(arrived))?;
            file.write_all(&bytes).await.map_err(ExtractError::disk(&path, "write"))?;
            watch.progress(Progress { rows: None, bytes: arrived, bytes_total: total });
        };
        file.flush().await.map_err(ExtractError::disk(&path, "write"))?;
        file.sync_all().await.map_err(ExtractError::disk(&path, "write"))?;
        match cut {
            Some(error) => Ok(Turn::Cut(Some(error))),
            None if total.is_some_and(|total| arrived < total) => Ok(Turn::Cut(None)),
            None if total.is_some_and(|total| arrived > total) => Ok(Turn::Again),
            None => Ok(Turn::Whole),
        }
    }

    fn bound(&self, bytes: Option<u64>) -> Result<(), ExtractError> {
        let limit = self.job.limits.download;
        if bytes.is_some_and(|bytes| bytes > limit) {
            let reason = format!("it is larger than {} bytes, which is the bound of a download", count(limit));
            return Err(ExtractError::Refused { dataset: self.dataset.to_owned(), reason });
        }
        Ok(())
    }

    fn refused(&self, status: u16) -> ExtractError {
        let file = self.file;
        let reason = match status {
            401 => {
                "Kaggle does not accept the name and key (status 401). Make a new key on your account's settings page"
                    .to_owned()
            }
            403 => "this account may not download it (status 403). Open the data set's page with the account, accept \
                    its rules, and run again"
                .to_owned(),
            404 => format!("there is no such data set, or no file {file} in it (status 404). Correct the definition"),
            status => format!("Kaggle answered with status {status}, which Assay does not know"),
        };
        ExtractError::Refused { dataset: self.dataset.to_owned(), reason }
    }

    fn failed(&self, reason: String, error: Option<reqwest::Error>) -> ExtractError {
        ExtractError::Download {
            dataset: self.dataset.to_owned(),
            reason,
            source: error.map(|error| Box::new(error) as Box<dyn std::error::Error + Send + Sync>),
        }
    }
}

/// Size of the whole that a `Content-Range` tells, when it begins where it was to begin.
fn total_of(range: &str, begin: u64) -> Option<u64> {
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last, total) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    (first == begin && last.checked_add(1) == Some(total)).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_only_when_it_goes_on_to_the_end() {
        let cases = [
            ("bytes 10-19/20", Some(20)),
            ("bytes 9-19/20", None),
            ("bytes 10-18/20", None),
            ("bytes 10-19/*", None),
            ("10-19/20", None),
            ("bytes 10-18446744073709551615/1", None),
        ];
        for (range, expected) in cases {
            assert_eq!(total_of(range, 10), expected, "{range}");
        }
    }
}
