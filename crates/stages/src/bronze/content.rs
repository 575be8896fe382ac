//! Opens a file: what its name and first bytes say, and its content without compression.

use crate::bronze::discover::modified_ns;
use crate::error::StageError;
use crate::silver::PlannedFile;
use crate::watch::Watch;
use assay_lake::Place;
use assay_pipeline::{Encoding, Format, Source};
use flate2::read::MultiGzDecoder;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;
use xxhash_rust::xxh3::Xxh3;

/// How a file is compressed, told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Plain,
    Gzip,
    Zstd,
}

/// The content of a file, readable at any place by several threads.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) path: String,
    origin: Origin,
    file: Held,
    /// Bytes of the content, after decompression.
    pub(crate) len: u64,
    /// Where the content begins: behind a byte-order mark.
    pub(crate) start: u64,
    pub(crate) encoding: Encoding,
    pub(crate) format: Format,
    pub(crate) compression: Compression,
    /// Of the file as it lies there, when that is not what is read here.
    pub(crate) tag: Option<u128>,
    size: u64,
    modified_ns: i64,
}

/// Where the file lies.
#[derive(Debug, Clone)]
enum Origin {
    /// With its inode.
    Disk(PathBuf, u64),
    Object(Place),
}

/// How the content's file is held. A source can have more files than a process may have open.
#[derive(Debug, Clone)]
enum Held {
    Open(Arc<File>),
    /// Opened anew when it is read.
    InPlace,
    /// Decompressed or fetched; the file goes with the last who holds its path.
    Decompressed(Arc<TempPath>),
}

impl Content {
    /// Opens a planned file, and decompresses it into a file below `scratch` when it is compressed;
    /// with `unlinked` the file has no name and is gone with the process.
    pub(crate) fn open(
        source: &Source,
        pipeline_folder: &Place,
        planned: &PlannedFile,
        scratch: &Path,
        unlinked: bool,
        watch: &dyn Watch,
    ) -> Result<Self, StageError> {
        let path = planned.path.clone();
        let format = format(source, &path)?;
        let object = pipeline_folder.join(&path);
        let Found { origin, file, copy, size, modified_ns } = match object.is_remote() {
            true => fetched(object, planned, scratch, watch)?,
            false => on_disk(object.folder(), planned)?,
        };
        let compression = compression(&file).map_err(|error| StageError::io(&path, "read the file", error))?;
        let (file, len, tag) = match (compression, copy) {
            (Compression::Plain, Some(copy)) if !unlinked => (Held::Decompressed(Arc::new(copy)), size, None),
            (Compression::Plain, _) => (Held::Open(Arc::new(file)), size, None),
            (Compression::Gzip | Compression::Zstd, _) => {
                let (file, len, tag) = decompress(file, &path, compression, scratch, unlinked, watch)?;
                (file, len, Some(tag))
            }
        };
        let encoding = source.encoding;
        let mut content =
            Self { path, origin, file, len, start: 0, encoding, format, compression, tag, size, modified_ns };
        content.read_mark()?;
        Ok(content)
    }

    /// The same content with its file open, to be read.
    pub(crate) fn opened(&self) -> Result<Self, StageError> {
        let open = |place: &Path| File::open(place).map_err(|error| StageError::io(&self.path, "open the file", error));
        let file = match &self.file {
            Held::Open(_) => return Ok(self.clone()),
            Held::InPlace => match &self.origin {
                Origin::Disk(place, inode) => {
                    let file = open(place)?;
                    let meta = file.metadata();
                    let meta = meta.map_err(|error| StageError::io(&self.path, "look at the file", error))?;
                    self.check_same(&meta, *inode)?;
                    file
                }
                Origin::Object(_) => return Err(StageError::Changed { path: self.path.clone() }),
            },
            Held::Decompressed(place) => open(place)?,
        };
        Ok(Self { file: Held::Open(Arc::new(file)), ..self.clone() })
    }

    /// The same content without an open file, as far as it can be opened again.
    pub(crate) fn released(self) -> Self {
        match (self.compression, &self.origin) {
            (Compression::Plain, Origin::Disk(..)) => Self { file: Held::InPlace, ..self },
            _ => self,
        }
    }

    /// Fills `into` from `at`; gives fewer bytes than asked only at the end.
    pub(crate) fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, StageError> {
        let count = match &self.file {
            Held::Open(file) => read_at(file, at, into),
            Held::InPlace | Held::Decompressed(_) => return self.opened()?.read_at(at, into),
        };
        count.map_err(|error| StageError::io(&self.path, "read the file", error))
    }

    /// Fills `into` from `at`, or fails because the file has become shorter.
    pub(crate) fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<(), StageError> {
        match self.read_at(at, into)? {
            count if count == into.len() => Ok(()),
            _ => Err(StageError::Changed { path: self.path.clone() }),
        }
    }

    /// Fails when the file is not the one that was opened any more, or has been written to.
    pub(crate) fn check_unchanged(&self) -> Result<(), StageError> {
        match &self.origin {
            Origin::Disk(place, inode) => {
                let meta = std::fs::metadata(place);
                self.check_same(&meta.map_err(|error| StageError::io(&self.path, "look at the file", error))?, *inode)
            }
            Origin::Object(object) => match object.stat()? {
                Some(stat) if (stat.size, stat.modified_ns) == (self.size, self.modified_ns) => Ok(()),
                Some(_) => Err(StageError::Changed { path: self.path.clone() }),
                None => Err(StageError::Vanished { path: self.path.clone() }),
            },
        }
    }

    fn check_same(&self, meta: &Metadata, inode: u64) -> Result<(), StageError> {
        let same = meta.ino() == inode && meta.len() == self.size;
        if same && modified_ns(meta, &self.path)? == self.modified_ns {
            return Ok(());
        }
        Err(StageError::Changed { path: self.path.clone() })
    }

    fn read_mark(&mut self) -> Result<(), StageError> {
        if self.format == Format::Parquet {
            return Ok(());
        }
        let mut first = [0; 3];
        let count = self.read_at(0, &mut first)?;
        let found = match &first[..count] {
            [0xFF, 0xFE, ..] => "UTF-16 (little endian)",
            [0xFE, 0xFF, ..] => "UTF-16 (big endian)",
            [0xEF, 0xBB, 0xBF] => {
                self.start = 3;
                self.encoding = Encoding::Utf8;
                return Ok(());
            }
            _ => return Ok(()),
        };
        Err(StageError::Encoding { path: self.path.clone(), found })
    }
}

/// A file as it lies there.
struct Found {
    origin: Origin,
    file: File,
    /// The path of `file` where that is a copy.
    copy: Option<TempPath>,
    size: u64,
    modified_ns: i64,
}

/// Fails when the file is another one than was planned.
fn as_planned(planned: &PlannedFile, size: u64, modified_ns: i64) -> Result<(), StageError> {
    match (size, modified_ns) == (planned.size, planned.modified_ns) {
        true => Ok(()),
        false => Err(StageError::Changed { path: planned.path.clone() }),
    }
}

fn on_disk(place: &Path, planned: &PlannedFile) -> Result<Found, StageError> {
    let path = &planned.path;
    let look = |error| StageError::io(path, "look at the file", error);
    // A named pipe would keep whoever opens it.
    if !std::fs::metadata(place).map_err(look)?.is_file() {
        return Err(StageError::NotAFile { path: path.clone() });
    }
    let file = File::open(place).map_err(|error| StageError::io(path, "open the file", error))?;
    let meta = file.metadata().map_err(look)?;
    let (size, modified_ns) = (meta.len(), modified_ns(&meta, path)?);
    as_planned(planned, size, modified_ns)?;
    Ok(Found { origin: Origin::Disk(place.to_path_buf(), meta.ino()), file, copy: None, size, modified_ns })
}

/// A file in a bucket, copied into `scratch` once: it is read more than once, and another one of its name must
/// not come in between.
fn fetched(object: Place, planned: &PlannedFile, scratch: &Path, watch: &dyn Watch) -> Result<Found, StageError> {
    let path = &planned.path;
    let stat = object.stat()?.ok_or_else(|| StageError::Vanished { path: path.clone() })?;
    as_planned(planned, stat.size, stat.modified_ns)?;
    let held = tempfile::NamedTempFile::new_in(scratch).map_err(|error| scratch_error(scratch, error))?;
    if watch.cancelled() {
        return Err(StageError::Cancelled);
    }
    object.fetch_to(held.path(), &stat)?.ok_or_else(|| StageError::Changed { path: path.clone() })?;
    // The copy has taken the place of the file that was made first.
    let copy = held.into_temp_path();
    let file = File::open(&copy).map_err(|error| scratch_error(scratch, error))?;
    let (size, modified_ns) = (stat.size, stat.modified_ns);
    Ok(Found { origin: Origin::Object(object), file, copy: Some(copy), size, modified_ns })
}

/// The format that a file's name tells, below the endings of compression.
pub(crate) fn format(source: &Source, path: &str) -> Result<Format, StageError> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let name = [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let told = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("json" | "jsonl" | "ndjson") => Some(Format::Json),
        Some("csv") => Some(Format::Csv),
        Some("parquet") => Some(Format::Parquet),
        _ => None,
    };
    told.filter(|format| source.formats.contains(format)).ok_or_else(|| StageError::UnknownFormat {
        path: path.to_owned(),
        formats: source.formats.iter().map(|format| word(*format)).collect::<Vec<_>>().join(", "),
    })
}

fn word(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Csv => "csv",
        Format::Parquet => "parquet",
    }
}

fn compression(file: &File) -> io::Result<Compression> {
    let mut first = [0; 4];
    let count = read_at(file, 0, &mut first)?;
    Ok(match &first[..count] {
        [0x1F, 0x8B, ..] => Compression::Gzip,
        [0x28, 0xB5, 0x2F, 0xFD] => Compression::Zstd,
        _ => Compression::Plain,
    })
}

fn read_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(&mut into[done..], at + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Hashes what passes through it.
struct Tagged<R> {
    inner: R,
    hash: Box<Xxh3>,
}

impl<R: Read> Read for Tagged<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.hash.update(&into[..count]);
        Ok(count)
    }
}

fn scratch_error(scratch: &Path, source: io::Error) -> StageError {
    StageError::Io { path: scratch.display().to_string(), doing: "write into the folder", source }
}

fn decompress(
    file: File,
    path: &str,
    compression: Compression,
    scratch: &Path,
    unlinked: bool,
    watch: &dyn Watch,
) -> Result<(Held, u64, u128), StageError> {
    let kind = if compression == Compression::Gzip { "gzip" } else { "zstd" };
    let broken = |source| StageError::Compressed { path: path.to_owned(), kind, source };
    let mut input = BufReader::with_capacity(256 << 10, Tagged { inner: file, hash: Box::new(Xxh3::new()) });
    let scratch_error = |error| scratch_error(scratch, error);
    let (mut output, place) = match unlinked {
        true => (tempfile::tempfile_in(scratch).map_err(scratch_error)?, None),
        false => {
            let (output, place) = tempfile::NamedTempFile::new_in(scratch).map_err(scratch_error)?.into_parts();
            (output, Some(place))
        }
    };
    let mut decoder: Box<dyn Read + '_> = match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(&mut input)),
        _ => Box::new(zstd::stream::read::Decoder::with_buffer(&mut input).map_err(broken)?),
    };
    let mut buffer = vec![0; 1 << 20];
    let mut len = 0u64;
    loop {
        if watch.cancelled() {
            return Err(StageError::Cancelled);
        }
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                output.write_all(&buffer[..count]).map_err(scratch_error)?;
                len += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(error)),
        }
    }
    drop(decoder);
    // The tag covers every byte of the file, also those that the decoder did not ask for.
    io::copy(&mut input, &mut io::sink()).map_err(|error| StageError::io(path, "read the file", error))?;
    let held = match place {
        Some(place) => Held::Decompressed(Arc::new(place)),
        None => Held::Open(Arc::new(output)),
    };
    Ok((held, len, input.get_ref().hash.digest128()))
}
