//! Reads a workspace: `assay.toml`, and the pipelines below `pipelines/`.

use crate::definition::Pipeline;
use crate::diagnostic::{Mistake, Mistakes};
use crate::environment::{Connection, Environment, Guard, Workspace};
use crate::read;
use crate::read::file::read_text;
use crate::read::page::Page;
use crate::read::section::{self, Section, Text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;

/// The file that makes a folder a workspace.
pub const WORKSPACE_FILE: &str = "assay.toml";

/// The environment that every workspace has.
pub const LOCAL: &str = "local";

const PIPELINES: &str = "pipelines";
const LOCAL_LAKE: &str = ".assay/lake";
const LOG_LIMIT: u64 = 64 << 20;
const SMALLEST_LOG_LIMIT: i64 = 64 << 10;

pub(crate) const WORKSPACE_KEYS: &[&str] = &["log_limit", "schedules_in_window", "environments"];
pub(crate) const ENVIRONMENT_KEYS: &[&str] = &["guard", "lake", "warehouse", "connections", "needs_reason"];
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
        let log_limit = read_log_limit(&mut page, &table);
        let schedules_in_window = table.flag(&mut page, "schedules_in_window").unwrap_or(true);
        let mut environments = Vec::new();
        for (name, section) in table.sections(&mut page, "environments") {
            environments.push(read_environment(&mut page, root, &name, &section));
        }
        page.into_mistakes().none_or()?;
        if !environments.iter().any(|environment| environment.name == LOCAL) {
            environments.insert(0, local(root));
        }
        Ok(Workspace { root: root.to_owned(), environments, log_limit, schedules_in_window })
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

fn read_log_limit(page: &mut Page<'_>, table: &Section<'_>) -> u64 {
    let Some((limit, place)) = table.whole_number(page, "log_limit") else { return LOG_LIMIT };
    if limit < SMALLEST_LOG_LIMIT {
        page.mistake(place, format!("the limit of a log is in bytes, at least {SMALLEST_LOG_LIMIT}"));
    }
    u64::try_from(limit).unwrap_or(LOG_LIMIT)
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
    let lake = section.text(page, "lake").map_or(root.join(LOCAL_LAKE), |lake| read_lake(page, root, &lake));
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
    if let Some(region) = &region
        && !(region.value.contains('-')
            && region.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
    {
        page.mistake(region.place.clone(), "this is no region such as eu-central-1");
    }
    let endpoint = section.text(page, "endpoint");
    if let Some(endpoint) = &endpoint
        && let Err(reason) = check_endpoint(endpoint.value)
    {
        page.mistake(endpoint.place.clone(), reason);
    }
    let endpoint = endpoint.map(|endpoint| endpoint.value.to_owned());
    Some(Connection::DynamoDb { endpoint, region: region?.value.to_owned() })
}

fn read_lake(page: &mut Page<'_>, root: &Path, lake: &Text<'_>) -> PathBuf {
    if lake.value.is_empty() || lake.value.contains("://") || lake.value.chars().any(char::is_control) {
        page.mistake(lake.place.clone(), "the lake is a folder, absolute or below the workspace");
    }
    root.join(lake.value)
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
             warehouse = 'postgresql://loader:sesame@db/sales'\n[environments.Test]\nlake = 's3://bucket/lake'\n\
             warehouse = 'mysql://db/sales'\n[environments.other]\nlake = ''\nwarehouse = 'host=db password=sesame'\n\
             [environments.wrong]\nlake = 'x'\nwarehouse = 'postgresql://l:se/same@db', guard = 1\n",
        );
        let shown = read.unwrap_err().to_string();
        assert!(!shown.contains("sesame") && !shown.contains("same@"), "{shown}");
        let (_, read) = workspace(
            "log_limt = 5\nlog_limit = 5\n[environments.production]\nguard = 'confrm'\n\
             warehouse = 'postgresql://loader:sesame@db/sales'\n[environments.Test]\nlake = 's3://bucket/lake'\n\
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
        assay.toml:1:1: the key `log_limt` is not known here; known are log_limit, schedules_in_window, environments
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
        assay.toml:7:8: the lake is a folder, absolute or below the workspace
        lake = 's3://bucket/lake'
               ^^^^^^^^^^^^^^^^^^
        assay.toml:8:13: a warehouse is PostgreSQL: postgresql://user@host:5432/database
        warehouse = 'mysql://db/sales'
                    ^^^^^^^^^^^^^^^^^^
        assay.toml:10:8: the lake is a folder, absolute or below the workspace
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
