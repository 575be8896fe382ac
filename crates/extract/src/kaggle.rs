//! One file of a Kaggle data set: downloaded, unpacked with bounds, and put into the source's folder unchanged.

mod api;
mod archive;
mod credentials;
mod download;
mod keep;
mod patience;

use crate::disk::{self, blocking, stoppable};
use crate::error::ExtractError;
use crate::job::{LandJob, Landed, LandedFile, count};
use crate::place;
use crate::state::State;
use crate::watch::{Watch, heed};
use api::Api;
use download::{Download, Fetched};
pub use keep::{KaggleAccount, forget_kaggle};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use xxhash_rust::xxh3::Xxh3;

/// Base URL of Kaggle's API.
pub const KAGGLE: &str = "https://www.kaggle.com";

const RECORD: &str = "landed.json";

/// What was landed, kept beside the lake's own folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    dataset: String,
    file: String,
    /// The server's name of the version that was downloaded.
    etag: Option<String>,
    /// Hexadecimal.
    xxh3_128: String,
    bytes: u64,
    /// RFC 3339.
    landed_at: String,
    run: String,
}

/// Downloads the file when the folder holds no source file, or when the job asks for it.
pub(crate) async fn land(
    job: &LandJob<'_>,
    state: &State,
    dataset: &str,
    file: &str,
    base: &str,
    watch: &dyn Watch,
) -> Result<Landed, ExtractError> {
    let Some(below) = place::plain(&job.source.path) else {
        return Err(ExtractError::definition(job, "its path must name one folder, without `*`"));
    };
    if !is_file_name(file) {
        return Err(ExtractError::definition(job, "the name of the data set's file cannot be the name of a file here"));
    }
    let folder = job.folder.join(below);
    let (looked_at, kept) = (folder.clone(), state.folder.clone());
    let (is_filled, record) = blocking(&folder, move || Ok((is_filled(&looked_at)?, read_record(&kept)))).await?;
    if is_filled && !job.refresh {
        let note = "the folder already holds a source file; nothing was downloaded".to_owned();
        return Ok(Landed { files: Vec::new(), note });
    }
    let target = folder.join(file);
    let credentials = heed(watch, credentials::find(job.outside)).await??;
    let api = Api::new(dataset, file, base, credentials)?;
    // The file that was landed is only worth a comparison while it is what was landed.
    let known = record.filter(|record| (&*record.dataset, &*record.file) == (dataset, file));
    let known = match known {
        Some(record) if digest(&target, watch).await?.is_some_and(|(digest, _)| digest == record.xxh3_128) => {
            Some(record)
        }
        _ => None,
    };
    let download = Download { job, api: &api, state: &state.folder, dataset, file };
    let fetched = download.fetch(known.as_ref().and_then(|record| record.etag.as_deref()), watch).await?;
    let Fetched::File { path, etag } = fetched else {
        return Ok(Landed { files: Vec::new(), note: format!("{dataset} has not changed; nothing was downloaded") });
    };
    let (limits, wanted, set, scratch) = (job.limits, file.to_owned(), dataset.to_owned(), state.folder.clone());
    let arrived = path.clone();
    let unpacking = move |stop: &_| archive::unpack(&arrived, &wanted, &set, &scratch, &limits, stop);
    let unpacked = stoppable(&path, watch, unpacking).await?;
    put_in_place(
        job,
        state,
        &target,
        below,
        unpacked,
        Record {
            dataset: dataset.to_owned(),
            file: file.to_owned(),
            etag,
            xxh3_128: String::new(),
            bytes: 0,
            landed_at: job.outside.now().to_rfc3339(),
            run: job.run.to_owned(),
        },
        watch,
    )
    .await
}

/// The file takes its name in one step; unchanged content leaves the file alone.
async fn put_in_place(
    job: &LandJob<'_>,
    state: &State,
    target: &Path,
    below: &str,
    unpacked: PathBuf,
    mut record: Record,
    watch: &dyn Watch,
) -> Result<Landed, ExtractError> {
    let missing = || ExtractError::disk(&unpacked, "find")(io::ErrorKind::NotFound.into());
    let (new, bytes) = digest(&unpacked, watch).await?.ok_or_else(missing)?;
    let is_same = digest(target, watch).await?.is_some_and(|(old, _)| old == new);
    (record.xxh3_128, record.bytes) = (new, bytes);
    let path = format!("{below}/{}", record.file);
    let note = if is_same {
        format!("{path} holds the same {} bytes already", count(bytes))
    } else {
        format!("{} bytes of {} landed as {path}", count(bytes), record.dataset)
    };
    job.check_permit()?;
    let (target, kept) = (target.to_owned(), state.folder.clone());
    blocking(&state.folder, move || {
        if is_same {
            disk::remove(&unpacked)?;
        } else {
            if let Some(folder) = target.parent() {
                disk::make_folder(folder)?;
            }
            disk::rename(&unpacked, &target)?;
        }
        write_record(&kept, &record)?;
        download::forget(&kept)
    })
    .await?;
    let files = if is_same { Vec::new() } else { vec![LandedFile { path, rows: None, bytes }] };
    Ok(Landed { files, note })
}

/// A name that the bronze reader takes and that stays in its folder.
fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(['.', '_'])
        && !name.ends_with(".tmp")
        && !name.ends_with(".part")
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control)
}

/// Whether a file lies in the folder that the bronze reader would take.
fn is_filled(folder: &Path) -> Result<bool, ExtractError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(ExtractError::disk(folder, "list")(error)),
    };
    for entry in entries {
        let entry = entry.map_err(ExtractError::disk(folder, "list"))?;
        if entry.path().is_file() && is_file_name(&entry.file_name().to_string_lossy()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Content tag and size of a file; none where there is no such file.
async fn digest(path: &Path, watch: &dyn Watch) -> Result<Option<(String, u64)>, ExtractError> {
    let file = path.to_owned();
    stoppable(path, watch, move |stop| read_through(&file, stop)).await
}

fn read_through(path: &Path, stop: &AtomicBool) -> Result<Option<(String, u64)>, ExtractError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ExtractError::disk(path, "open")(error)),
    };
    let mut hash = Xxh3::new();
    let mut bytes = 0;
    let mut block = vec![0; 1 << 20];
    loop {
        disk::go_on(stop)?;
        let read = file.read(&mut block).map_err(ExtractError::disk(path, "read"))?;
        if read == 0 {
            return Ok(Some((format!("{:032x}", hash.digest128()), bytes)));
        }
        hash.update(&block[..read]);
        bytes += read as u64;
    }
}

/// A damaged record is as none: the file is downloaded again, and compared by its content.
fn read_record(state: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(state.join(RECORD)).ok()?).ok()
}

fn write_record(state: &Path, record: &Record) -> Result<(), ExtractError> {
    let path = state.join(RECORD);
    let text = serde_json::to_vec_pretty(record);
    disk::write_whole(&path, &text.map_err(|source| ExtractError::Manifest { path: path.clone(), source })?)
}
