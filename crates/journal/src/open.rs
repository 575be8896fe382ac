//! Opening the journal's file: versions, waiting for others, and folders that cannot be written.

use crate::error::JournalError;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every version's changes, oldest first; a journal's `user_version` counts those that it has.
const VERSIONS: [&str; 4] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];
/// `assy`, so that another program's database is not taken for a journal.
const APPLICATION: i64 = 0x6173_7379;
/// Writes are short; a longer wait means that something hangs.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) read_only: bool,
}

/// Opens the journal, making it when there is none. In a folder that cannot be written it opens for reading.
pub(crate) fn open(path: &Path) -> Result<Opened, JournalError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| JournalError::Folder { path: folder.to_owned(), source })?;
    }
    match open_writable(path) {
        Ok(connection) => Ok(Opened { connection, read_only: false }),
        Err(error) if is_denied(&error) && path.exists() => open_read_only(path),
        Err(error) if is_denied(&error) => Err(JournalError::ReadOnly { path: path.to_owned() }),
        Err(error) => Err(error),
    }
}

/// Opens an existing journal without changing anything.
pub(crate) fn open_read_only(path: &Path) -> Result<Opened, JournalError> {
    let uri = |more: &str| {
        let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        PathBuf::from(format!("file:{text}?mode=ro{more}"))
    };
    let open = |uri: PathBuf| -> Result<Connection, JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags).map_err(|error| JournalError::of(path, error))?;
        connection.busy_timeout(PATIENCE).map_err(|error| JournalError::of(path, error))?;
        match version_now(&connection, path)? {
            known if known == VERSIONS.len() as i64 => Ok(connection),
            _ => Err(JournalError::Older { path: path.to_owned() }),
        }
    };
    // Without the right to make the shared-memory file only an unchanging journal can be read.
    let connection =
        open(uri("")).or_else(|error| if is_denied(&error) { open(uri("&immutable=1")) } else { Err(error) })?;
    Ok(Opened { connection, read_only: true })
}

fn open_writable(path: &Path) -> Result<Connection, JournalError> {
    let failed = |error| JournalError::of(path, error);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    // Known before anything is written: a newer or foreign file stays as it is.
    version_now(&connection, path)?;
    write_ahead(&connection, path)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// Two programs that make the journal at once meet here, where the busy timeout does not always hold.
fn write_ahead(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let mut tries = 0;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries < 100 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(JournalError::of(path, error)),
        }
    }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let current = VERSIONS.len() as i64;
    if version_now(connection, path)? == current {
        // A read-only file system shows only when something is written.
        let probe = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        return probe.and_then(|probe| probe.rollback()).map_err(|error| JournalError::of(path, error));
    }
    let failed = |error| JournalError::of(path, error);
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = usize::try_from(version(&change, path)?).unwrap_or(0);
    for statements in VERSIONS.iter().skip(found) {
        change.execute_batch(statements).map_err(failed)?;
    }
    change.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    change.pragma_update(None, "user_version", current).map_err(failed)?;
    change.commit().map_err(failed)
}

/// The version, read in a transaction: between two reads another program may make the journal.
fn version_now(connection: &Connection, path: &Path) -> Result<i64, JournalError> {
    let moment = connection.unchecked_transaction().map_err(|error| JournalError::of(path, error))?;
    version(&moment, path)
}

/// 0 for a new file. All is to be read in one transaction.
fn version(connection: &Connection, path: &Path) -> Result<i64, JournalError> {
    let failed = |error| JournalError::of(path, error);
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(failed);
    let (found, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(JournalError::Foreign { path: path.to_owned() });
    }
    let known = VERSIONS.len() as i64;
    if found > known { Err(JournalError::Newer { path: path.to_owned(), found, known }) } else { Ok(found) }
}

fn is_denied(error: &JournalError) -> bool {
    match error {
        JournalError::ReadOnly { .. } => true,
        JournalError::Database { source, .. } => source.sqlite_error_code() == Some(ErrorCode::CannotOpen),
        _ => false,
    }
}
