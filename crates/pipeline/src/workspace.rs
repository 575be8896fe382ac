//! Reads a workspace: `assay.toml`, and the pipelines below `pipelines/`.

use crate::definition::Pipeline;
use crate::diagnostic::{Mistake, Mistakes};
use crate::environment::{Bucket, Connection, Environment, Guard, Workspace};
use crate::read;
use crate::read::file::read_text;
use crate::read::page::Page;
use crate::read::section::{self, Section, Text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

/// The file that makes a folder a workspace.
pub const WORKSPACE_FILE: &str = "assay.toml";

/// The environment that every workspace has.
pub const LOCAL: &str = "local";

const PIPELINES: &str = "pipelines";
const LOCAL_LAKE: &str = ".assay/lake";
const CACHE: &str = ".assay/cache";
const CACHE_LIMIT: u64 = 20 << 30;
const SMALLEST_CACHE_LIMIT: i64 = 64 << 20;
/// What storages that have no regions of their own accept.
const REGION: &str = "us-east-1";
const LOG_LIMIT: u64 = 64 << 20;
const SMALLEST_LOG_LIMIT: i64 = 64 << 10;

pub(crate) const WORKSPACE_KEYS: &[&str] = &["log_limit", "cache_limit", "schedules_in_window", "environments"];
pub(crate) const ENVIRONMENT_KEYS: &[&str] = &["guard", "lake", "s3", "warehouse", "connections", "needs_reason"];
pub(crate) const S3_KEYS: &[&str] = &["endpoint", "region"];
pub(crate) const CONNECTION_KEYS: &[&str] = &["postgres", "dynamodb"];
pub(crate) const DYNAMODB_KEYS: &[&str] = &["region", "endpoint"];

impl Workspace {
    /// Reads `assay.toml` below `root`. An empty file is a workspace with the environment `local` alone.
    pub fn read(root: &Path) -> Result<Workspace, Mistakes> {
        let path = root.join(WORKSPACE_FILE);
        // Where that cannot be told, reading the file says why.
        if !path.try_exists().unwrap_or(true) {
            let message = "the file does not exist, so this folder is no workspace; `assay init` makes one";
            return Err(Mistake::in_file(path, message).into());
        }
        let text = read_text(&path)?;
        let document = section::parse(&path, &text)?;
        let mut page = Page::new(&path, &text);
        let table = Section::root(&document);
        table.only(&mut page, WORKSPACE_KEYS);
        let log_limit = read_limit(&mut page, &table, "log_limit", "a log", SMALLEST_LOG_LIMIT).unwrap_or(LOG_LIMIT);
        let cache_limit =
            read_limit(&mut page, &table, "cache_limit", "the copies of remote lakes", SMALLEST_CACHE_LIMIT);
        let cache_limit = cache_limit.unwrap_or(CACHE_LIMIT);
        let schedules_in_window = table.flag(&mut page, "schedules_in_window").unwrap_or(true);
        let mut environments = Vec::new();
        for (name, section) in table.sections(&mut page, "environments") {
            environments.push(read_environment(&mut page, root, &name, &section));
        }
        page.into_mistakes().none_or()?;
        if !environments.iter().any(|environment| environment.name == LOCAL) {
            environments.insert(0, local(root));
        }
        Ok(Workspace { root: root.to_owned(), environments, log_limit, cache_limit, schedules_in_window })
    }

    /// The nearest folder from `start` upwards that holds an `assay.toml`.
    pub fn find(start: &Path) -> Option<PathBuf> {
        start.ancestors().find(|folder| folder.join(WORKSPACE_FILE).is_file()).map(Path::to_owned)
    }

    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// Every folder below `pipelines/`, by name. A folder that cannot be listed is one entry named `pipelines`.
    pub fn pipelines(&self) -> Vec<(String, Result<Pipeline, Mistakes>)> {
        let folder = self.root.join(PIPELINES);
        match pipeline_names(&folder) {
            Ok(names) => names.into_iter().map(|name| (name.clone(), self.pipeline(&name))).collect(),
            Err(mistake) => vec![(PIPELINES.to_owned(), Err(mistake.into()))],
        }
    }

    /// Reads the pipeline of one name, which is the name of its folder.
    pub fn pipeline(&self, name: &str) -> Result<Pipeline, Mistakes> {
        let folder = self.root.join(PIPELINES);
        if !crate::names::is_name(name) {
            let message = format!("`{}` is no name of a pipeline", name);
            return Err(Mistake::in_file(folder, message).into());
        }
        read::read(&folder.join(name), Some(name))
    }
}

fn pipeline_names(folder: &Path) -> Result<Vec<String>, Mistake> {
    let unreadable = |error: std::io::Error| Mistake::in_file(folder, format!("the folder cannot be read: {error}"));
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_limit(page: &mut Page<'_>, table: &Section<'_>, key: &str, of: &str, least: i64) -> Option<u64> {
    let (limit, place) = table.whole_number(page, key)?;
    if limit < least {
        page.mistake(place, format!("the limit of {of} is in bytes, at least {least}"));
    }
    u64::try_from(limit).ok()
}

fn local(root: &Path) -> Environment {
    Environment::new(LOCAL, Guard::Open, root.join(LOCAL_LAKE))
}

fn read_environment(page: &mut Page<'_>, root: &Path, name: &Text<'_>, section: &Section<'_>) -> Environment {
    section.only(page, ENVIRONMENT_KEYS);
    let is_local = name.value == LOCAL;
    let guard = section.word(page, "guard").unwrap_or(if is_local { Guard::Open } else { Guard::Confirm });
    if !is_local {
        section.require(page, "lake");
    }
    let (lake, bucket) = match section.text(page, "lake") {
        Some(lake) => read_lake(page, root, section, &lake),
        None => (root.join(LOCAL_LAKE), None),
    };
    if section.has("s3") && bucket.is_none() {
        page.mistake(section.place_of("s3"), "only a lake in a bucket has `s3`: lake = \"s3://bucket/prefix\"");
    }
    let warehouse = section.text(page, "warehouse");
    if let Some(url) = &warehouse
        && let Err(reason) = check_url(url.value)
    {
        page.mistake(url.place.clone(), reason);
    }
    Environment {
        warehouse_url: warehouse.map(|url| url.value.to_owned()),
        connections: read_connections(page, section),
        needs_reason: section.flag(page, "needs_reason").unwrap_or(guard != Guard::Open),
        bucket,
        ..Environment::new(name.value, guard, lake)
    }
}

fn read_connections(page: &mut Page<'_>, section: &Section<'_>) -> BTreeMap<String, Connection> {
    let mut read = BTreeMap::new();
    for (name, connection) in section.sections(page, "connections") {
        connection.only(page, CONNECTION_KEYS);
        let found = match (connection.has("postgres"), connection.has("dynamodb")) {
            (true, false) => read_postgres(page, &connection),
            (false, true) => read_dynamodb(page, &connection),
            _ => {
                page.mistake(connection.place.clone(), "a connection names one of postgres, dynamodb");
                None
            }
        };
        read.extend(found.map(|found| (name.value.to_owned(), found)));
    }
    read
}

fn read_postgres(page: &mut Page<'_>, section: &Section<'_>) -> Option<Connection> {
    let url = section.text(page, "postgres")?;
    if let Err(reason) = check_url(url.value) {
        page.mistake(url.place.clone(), reason);
    }
    Some(Connection::Postgres { url: url.value.to_owned() })
}

fn read_dynamodb(page: &mut Page<'_>, section: &Section<'_>) -> Option<Connection> {
    let section = section.section(page, "dynamodb")?;
    section.only(page, DYNAMODB_KEYS);
    let region = section.needed(page, "region");
    if let Some(region) = &region {
        check_region(page, region);
    }
    let endpoint = section.text(page, "endpoint").map(|endpoint| read_endpoint(page, &endpoint));
    Some(Connection::DynamoDb { endpoint, region: region?.value.to_owned() })
}

fn read_lake(page: &mut Page<'_>, root: &Path, section: &Section<'_>, lake: &Text<'_>) -> (PathBuf, Option<Bucket>) {
    if let Some(address) = lake.value.strip_prefix("s3://") {
        let bucket = read_bucket(page, section, address, lake);
        return (root.join(CACHE).join(folder_of(&bucket)), Some(bucket));
    }
    if lake.value.is_empty() || lake.value.contains("://") || lake.value.chars().any(char::is_control) {
        let message = "the lake is a folder, absolute or below the workspace, or s3://bucket/prefix";
        page.mistake(lake.place.clone(), message);
    }
    (root.join(lake.value), None)
}

fn read_bucket(page: &mut Page<'_>, section: &Section<'_>, address: &str, lake: &Text<'_>) -> Bucket {
    let (name, prefix) = address.split_once('/').unwrap_or((address, ""));
    let prefix = prefix.trim_end_matches('/');
    if !is_bucket_name(name) || !(prefix.is_empty() || prefix.split('/').all(is_prefix_part)) {
        let message =
            "this is no bucket and prefix such as s3://my-bucket/lake, of letters, digits, `.`, `-`, `_` and `=`";
        page.mistake(lake.place.clone(), message);
    }
    let bucket = Bucket { name: name.to_owned(), prefix: prefix.to_owned(), endpoint: None, region: REGION.to_owned() };
    let Some(s3) = section.section(page, "s3") else { return bucket };
    s3.only(page, S3_KEYS);
    let endpoint = s3.text(page, "endpoint");
    let endpoint = endpoint.map(|endpoint| read_endpoint(page, &endpoint));
    let region = s3.text(page, "region").map_or(bucket.region, |region| {
        check_region(page, &region);
        region.value.to_owned()
    });
    Bucket { endpoint, region, ..bucket }
}

fn is_bucket_name(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (3..=63).contains(&name.len())
        && name.bytes().all(known)
        && edge(name.as_bytes().first())
        && edge(name.as_bytes().last())
}

/// What every storage and every address takes as it stands.
fn is_prefix_part(part: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'=');
    !matches!(part, "" | "." | "..") && part.bytes().all(known)
}

/// The same lake has the same folder whatever its environment is called, so that runs wait for each other.
fn folder_of(bucket: &Bucket) -> String {
    let address = format!("{}\n{bucket}", bucket.endpoint.as_deref().unwrap_or_default());
    format!("{}-{:016x}", bucket.name, xxh3_64(address.as_bytes()))
}

fn read_endpoint(page: &mut Page<'_>, endpoint: &Text<'_>) -> String {
    if let Err(reason) = check_endpoint(endpoint.value) {
        page.mistake(endpoint.place.clone(), reason);
    }
    endpoint.value.trim_end_matches('/').to_owned()
}

fn check_region(page: &mut Page<'_>, region: &Text<'_>) {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(region.value.contains('-') && region.value.bytes().all(known)) {
        page.mistake(region.place.clone(), "this is no region such as eu-central-1");
    }
}

/// Secrets stay out of the workspace, which is usually in git.
fn check_url(text: &str) -> Result<(), &'static str> {
    const PASSWORD: &str = "this URL holds a password, and a workspace holds no secrets; take it out and give it in PGPASSWORD or a keyring";
    // A text that is no URL may still hold a password, which no message may quote.
    if text.to_ascii_lowercase().contains("password=") {
        return Err(PASSWORD);
    }
    let Ok(url) = Url::parse(text) else {
        return Err("this is not a URL such as postgresql://user@host:5432/database");
    };
    if url.password().is_some() {
        return Err(PASSWORD);
    }
    match url.scheme() {
        "postgres" | "postgresql" => Ok(()),
        _ => Err("a warehouse is PostgreSQL: postgresql://user@host:5432/database"),
    }
}

/// Keys are never part of an address; they come from the process's environment.
fn check_endpoint(text: &str) -> Result<(), &'static str> {
    let Ok(url) = Url::parse(text) else { return Err("this is not a URL such as http://127.0.0.1:8000") };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("this URL holds more than an address, and a workspace holds no secrets");
    }
    match url.scheme() {
        "http" | "https" => Ok(()),
        _ => Err("an endpoint is a URL such as http://127.0.0.1:8000"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn workspace(text: &str) -> (tempfile::TempDir, Result<Workspace, Mistakes>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(WORKSPACE_FILE), text).unwrap();
        let read = Workspace::read(folder.path());
        (folder, read)
    }

    #[test]
    fn an_empty_file_is_a_workspace_with_local_alone() {
        let (folder, read) = workspace("");
        let expected = Workspace {
            root: folder.path().to_owned(),
            environments: vec![Environment::new("local", Guard::Open, folder.path().join(".assay/lake"))],
            log_limit: 64 * 1024 * 1024,
            cache_limit: 20 * 1024 * 1024 * 1024,
            schedules_in_window: true,
        };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn environments_are_read_and_local_can_be_changed() {
        let (folder, read) = workspace(
            "log_limit = 1_000_000\nschedules_in_window = false\n[environments.team]\nlake = 'data/lake'\n[environments.production]\nguard = 'locked'\n\
             lake = '/srv/lake'\nwarehouse = 'postgresql://loader@db.example:5432/sales'\n\
             [environments.local]\nwarehouse = 'postgresql:///sales?host=/run/postgresql'\n",
        );
        let read = read.unwrap();
        let seen: Vec<_> = read
            .environments
            .iter()
            .map(|e| (e.name.as_str(), e.guard, e.lake.clone(), e.warehouse_url.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                ("team", Guard::Confirm, folder.path().join("data/lake"), None),
                (
                    "production",
                    Guard::Locked,
                    PathBuf::from("/srv/lake"),
                    Some("postgresql://loader@db.example:5432/sales")
                ),
                (
                    "local",
                    Guard::Open,
                    folder.path().join(".assay/lake"),
                    Some("postgresql:///sales?host=/run/postgresql")
                ),
            ]
        );
        assert_eq!((read.log_limit, read.schedules_in_window), (1_000_000, false));
    }

    #[test]
    fn connections_are_read() {
        let (_folder, read) = workspace(
            "[environments.local.connections]\nshop = { postgres = 'postgresql://reader@db.example/shop' }\n\
             [environments.team]\nlake = 'lake'\nguard = 'open'\n\
             connections.events.dynamodb = { region = 'eu-central-1', endpoint = 'http://127.0.0.1:8000' }\n\
             connections.real.dynamodb.region = 'us-gov-east-1'\n",
        );
        let read = read.unwrap();
        let dynamodb = |endpoint: Option<&str>, region: &str| Connection::DynamoDb {
            endpoint: endpoint.map(str::to_owned),
            region: region.to_owned(),
        };
        assert_eq!(
            read.environment("local").unwrap().connections,
            BTreeMap::from([(
                "shop".to_owned(),
                Connection::Postgres { url: "postgresql://reader@db.example/shop".to_owned() }
            )])
        );
        assert_eq!(
            read.environment("team").unwrap().connections,
            BTreeMap::from([
                ("events".to_owned(), dynamodb(Some("http://127.0.0.1:8000"), "eu-central-1")),
                ("real".to_owned(), dynamodb(None, "us-gov-east-1")),
            ])
        );
    }

    #[test]
    fn a_lake_in_a_bucket_has_a_folder_of_its_own_for_copies() {
        let (folder, read) = workspace(
            "cache_limit = 1_000_000_000\n[environments.local]\nlake = 's3://my-bucket/team/lake/'\n\
             s3 = { endpoint = 'http://127.0.0.1:8333/', region = 'eu-west-1' }\n\
             [environments.same]\nlake = 's3://my-bucket/team/lake'\ns3.endpoint = 'http://127.0.0.1:8333'\n\
             [environments.whole]\nlake = 's3://my-bucket'\n",
        );
        let read = read.unwrap();
        assert_eq!(read.cache_limit, 1_000_000_000);
        let bucket = |prefix: &str, endpoint: Option<&str>, region: &str| Bucket {
            name: "my-bucket".to_owned(),
            prefix: prefix.to_owned(),
            endpoint: endpoint.map(str::to_owned),
            region: region.to_owned(),
        };
        let of = |name: &str| read.environment(name).unwrap();
        assert_eq!(of("local").bucket, Some(bucket("team/lake", Some("http://127.0.0.1:8333"), "eu-west-1")));
        assert_eq!(of("same").bucket, Some(bucket("team/lake", Some("http://127.0.0.1:8333"), "us-east-1")));
        assert_eq!(of("whole").bucket, Some(bucket("", None, "us-east-1")));
        assert_eq!(of("local").bucket.as_ref().unwrap().to_string(), "s3://my-bucket/team/lake");
        assert_eq!(of("whole").bucket.as_ref().unwrap().to_string(), "s3://my-bucket");
        assert_eq!(of("local").lake, of("same").lake);
        assert_ne!(of("local").lake, of("whole").lake);
        assert_eq!(of("whole").lake.parent(), Some(folder.path().join(".assay/cache").as_path()));
    }

    #[test]
    fn mistakes_of_buckets_have_places() {
        let (_folder, read) = workspace(
            "cache_limit = 5\n[environments.a]\nlake = 's3://B/x'\n[environments.b]\nlake = 's3://bucket/a/../b'\n\
             [environments.c]\nlake = 's3://key:sesame@bucket/x'\n[environments.d]\nlake = 's3://bucket/a?x=y'\n\
             [environments.e]\nlake = 'folder'\ns3 = { region = 'eu-west-1' }\n\
             [environments.f]\nlake = 's3://bucket'\ns3 = { region = 'Moon', endpoint = 'http://k:sesame@h', key = 'x' }\n",
        );
        let mut shown = String::new();
        for mistake in read.unwrap_err().0 {
            shown.push_str(&format!("{}:{} {}\n", mistake.line, mistake.column, mistake.message));
            assert!(!mistake.to_string().contains("sesame"), "{mistake}");
        }
        insta::assert_snapshot!(shown, @r#"
        1:15 the limit of the copies of remote lakes is in bytes, at least 67108864
        3:8 this is no bucket and prefix such as s3://my-bucket/lake, of letters, digits, `.`, `-`, `_` and `=`
        5:8 this is no bucket and prefix such as s3://my-bucket/lake, of letters, digits, `.`, `-`, `_` and `=`
        7:8 this is no bucket and prefix such as s3://my-bucket/lake, of letters, digits, `.`, `-`, `_` and `=`
        9:8 this is no bucket and prefix such as s3://my-bucket/lake, of letters, digits, `.`, `-`, `_` and `=`
        12:6 only a lake in a bucket has `s3`: lake = "s3://bucket/prefix"
        15:17 this is no region such as eu-central-1
        15:36 this URL holds more than an address, and a workspace holds no secrets
        15:57 the key `key` is not known here; known are endpoint, region
        "#);
    }

    #[test]
    fn a_guarded_environment_needs_a_reason_unless_it_says_otherwise() {
        let (_folder, read) = workspace(
            "[environments.a]\nlake = 'a'\n[environments.b]\nlake = 'b'\nguard = 'open'\n\
             [environments.c]\nlake = 'c'\nneeds_reason = false\n\
             [environments.d]\nlake = 'd'\nguard = 'open'\nneeds_reason = true\n",
        );
        let read = read.unwrap();
        let needs: Vec<_> = read.environments.iter().map(|e| (e.name.as_str(), e.needs_reason)).collect();
        assert_eq!(needs, [("local", false), ("a", true), ("b", false), ("c", false), ("d", true)]);
    }

    #[test]
    fn mistakes_of_connections_show_no_secret() {
        let (folder, read) = workspace(
            "[environments.local.connections]\nshop = { postgres = 'postgresql://reader:sesame@db/shop' }\n\
             Events = { dynamodb = { regio = 'eu-central-1' } }\n\
             both = { postgres = 'postgresql:///shop', dynamodb = { region = 'eu-west-1' } }\nnone = {}\n\
             other = { mysql = 'x' }\nmoon = { dynamodb = { region = 'Moon', endpoint = 'http://key:sesame@host' } }\n\
             signed = { dynamodb = { region = 'eu-west-1', endpoint = 'https://host/?token=sesame' } }\n\
             file = { dynamodb = { region = 'eu-west-1', endpoint = 'file:///x' } }\n\
             [environments.team]\nlake = 'x'\nneeds_reason = 'no'\n",
        );
        drop(folder);
        let mut shown = String::new();
        for mistake in read.unwrap_err().0 {
            shown.push_str(&format!("{}:{} {}\n", mistake.line, mistake.column, mistake.message));
            assert!(!mistake.message.contains("sesame"), "{}", mistake.message);
        }
        insta::assert_snapshot!(shown, @r#"
        2:21 this URL holds a password, and a workspace holds no secrets; take it out and give it in PGPASSWORD or a keyring
        3:1 `Events` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters
        3:12 `region` is missing
        3:25 the key `regio` is not known here; known are region, endpoint
        4:1 a connection names one of postgres, dynamodb
        5:1 a connection names one of postgres, dynamodb
        6:1 a connection names one of postgres, dynamodb
        6:11 the key `mysql` is not known here; known are postgres, dynamodb
        7:32 this is no region such as eu-central-1
        7:51 this URL holds more than an address, and a workspace holds no secrets
        8:58 this URL holds more than an address, and a workspace holds no secrets
        9:56 an endpoint is a URL such as http://127.0.0.1:8000
        12:16 `needs_reason` takes true or false, and this is a text
        "#);
    }

    #[test]
    fn mistakes_have_places_and_show_no_password() {
        let (folder, read) = workspace(
            "log_limt = 5\nlog_limit = 5\n[environments.production]\nguard = 'confrm'\n\
             warehouse = 'postgresql://loader:sesame@db/sales'\n[environments.Test]\nlake = 'gs://bucket/lake'\n\
             warehouse = 'mysql://db/sales'\n[environments.other]\nlake = ''\nwarehouse = 'host=db password=sesame'\n\
             [environments.wrong]\nlake = 'x'\nwarehouse = 'postgresql://l:se/same@db', guard = 1\n",
        );
        let shown = read.unwrap_err().to_string();
        assert!(!shown.contains("sesame") && !shown.contains("same@"), "{shown}");
        let (_, read) = workspace(
            "log_limt = 5\nlog_limit = 5\n[environments.production]\nguard = 'confrm'\n\
             warehouse = 'postgresql://loader:sesame@db/sales'\n[environments.Test]\nlake = 'gs://bucket/lake'\n\
             warehouse = 'mysql://db/sales'\n[environments.other]\nlake = ''\nwarehouse = 'host=db password=sesame'\n",
        );
        drop(folder);
        let mut shown = String::new();
        for mistake in read.unwrap_err().0 {
            let mistake = Mistake { file: WORKSPACE_FILE.into(), ..mistake };
            shown.push_str(&format!("{mistake}\n"));
        }
        assert!(!shown.contains("sesame"));
        insta::assert_snapshot!(shown, @r#"
        assay.toml:1:1: the key `log_limt` is not known here; known are log_limit, cache_limit, schedules_in_window, environments
        log_limt = 5
        ^^^^^^^^
        help: did you mean `log_limit`?
        assay.toml:2:13: the limit of a log is in bytes, at least 65536
        log_limit = 5
                    ^
        assay.toml:3:15: `lake` is missing
        [environments.production]
                      ^^^^^^^^^^
        assay.toml:4:9: a guard is one of open, confirm, locked
        guard = 'confrm'
                ^^^^^^^^
        help: did you mean `confirm`?
        assay.toml:5:13: this URL holds a password, and a workspace holds no secrets; take it out and give it in PGPASSWORD or a keyring
        warehouse = 'postgresql://loader:***
                    ^^^^^^^^^^^^^^^^^^^^^^^^
        assay.toml:6:15: `Test` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters
        [environments.Test]
                      ^^^^
        help: did you mean `test`?
        assay.toml:7:8: the lake is a folder, absolute or below the workspace, or s3://bucket/prefix
        lake = 'gs://bucket/lake'
               ^^^^^^^^^^^^^^^^^^
        assay.toml:8:13: a warehouse is PostgreSQL: postgresql://user@host:5432/database
        warehouse = 'mysql://db/sales'
                    ^^^^^^^^^^^^^^^^^^
        assay.toml:10:8: the lake is a folder, absolute or below the workspace, or s3://bucket/prefix
        lake = ''
               ^^
        assay.toml:11:13: this URL holds a password, and a workspace holds no secrets; take it out and give it in PGPASSWORD or a keyring
        warehouse = 'host=db password=***
                    ^^^^^^^^^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn a_folder_without_the_file_is_no_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let mistakes = Workspace::read(folder.path()).unwrap_err().to_string();
        assert!(mistakes.ends_with("so this folder is no workspace; `assay init` makes one"), "{mistakes}");
        assert_eq!(Workspace::find(folder.path()), None);
    }

    #[test]
    fn is_found_from_below() {
        let (folder, _) = workspace("");
        let deep = folder.path().join("pipelines/sales");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(Workspace::find(&deep), Some(folder.path().to_owned()));
    }

    #[test]
    fn pipelines_are_listed_by_folder_with_their_mistakes() {
        let (folder, read) = workspace("");
        let read = read.unwrap();
        assert_eq!(read.pipelines(), []);
        let below = folder.path().join("pipelines");
        for name in ["zebra", "absent", ".git", "Big Sales"] {
            std::fs::create_dir_all(below.join(name)).unwrap();
        }
        std::fs::write(below.join("zebra/pipeline.toml"), "name = 'zebro'\n[bronze]\n[silver]\n").unwrap();
        std::fs::write(below.join("note.txt"), "").unwrap();
        let mut shown = String::new();
        for (name, pipeline) in read.pipelines() {
            let mistakes = pipeline.unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "");
            shown.push_str(&format!("{name}: {mistakes}\n"));
        }
        insta::assert_snapshot!(shown, @r#"
        Big Sales: pipelines: `Big Sales` is no name of a pipeline
        absent: pipelines/absent/pipeline.toml: the file does not exist
        zebra: pipelines/zebra/pipeline.toml:1:8: a pipeline has the name of its folder, `zebra`
        name = 'zebro'
               ^^^^^^^
        help: did you mean `zebra`?
        "#);
    }
}
