//! JSON Schemas of `pipeline.toml` and `assay.toml` for editors. The reader validates; these types only describe.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Definition of a pipeline: sources, contracts, gold models, warehouse loads, schedule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Assay pipeline")]
pub struct PipelineFile {
    /// The name of the pipeline, which is the name of its folder.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,62}$"))]
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    pub schedule: Option<ScheduleTable>,
    /// Sources of files, by name.
    pub bronze: BTreeMap<String, BronzeTable>,
    /// Contracts, by the name of the silver table.
    pub silver: BTreeMap<String, SilverTable>,
    /// Models, by the name of the gold table.
    #[serde(default)]
    pub gold: BTreeMap<String, GoldTable>,
    pub warehouse: Option<WarehouseTable>,
    pub failing_rows: Option<RetentionTable>,
}

/// When the pipeline runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTable {
    /// Five fields: minute, hour, day of the month, month, day of the week.
    #[schemars(example = &"0 */4 * * *")]
    pub cron: String,
    /// IANA time zone.
    #[schemars(example = &"UTC")]
    pub zone: String,
}

/// Files of a source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BronzeTable {
    /// Folder below the pipeline's lake folder. `*` stands for one folder; `date=*` gives the files their folder date.
    #[schemars(example = &"bronze/sales/date=*")]
    pub path: String,
    /// Formats that may occur.
    #[schemars(length(min = 1))]
    pub formats: Vec<FormatWord>,
    /// Encoding of files without a byte-order mark; `utf-8` where nothing is said.
    pub encoding: Option<EncodingWord>,
    /// What a file's own date is: that of its `date=` folder, or the day (UTC) on which it was last written.
    pub dates: Option<FileDatesWord>,
    /// Whether a file is left out when its content was read under another path.
    #[serde(default)]
    pub once: bool,
    /// Folder below the pipeline's lake folder for files that cannot be read at all, each beside its reason.
    pub dead_letter: Option<String>,
    /// What fills the folder before it is read.
    pub feed: Option<FeedTable>,
}

/// What fills a source's folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FeedTable {
    Postgres(PostgresFeed),
    DynamoDb(DynamoDbFeed),
    Kaggle(KaggleFeed),
}

/// Rows of a PostgreSQL table, landed as Parquet below `extracted_at=*`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresFeed {
    /// Name of a connection of the environment.
    pub postgres: String,
    /// `schema.table`.
    #[schemars(example = &"shop.customers")]
    pub table: String,
    /// Unique columns that are not null; pages are cut along them.
    #[schemars(length(min = 1))]
    pub key: Vec<String>,
    /// A column that grows with every change of a row: only rows at or above the last one seen are read.
    pub watermark: Option<String>,
    /// Rows of a page; 10000 where nothing is said.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub page_rows: Option<u32>,
}

/// Items of a DynamoDB table, landed as Parquet below `extracted_at=*`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamoDbFeed {
    /// Name of a connection of the environment.
    pub dynamodb: String,
    pub table: String,
    /// Attributes and their types, in the order of the landed columns.
    pub columns: BTreeMap<String, String>,
    /// Segments that are scanned side by side; 4 where nothing is said.
    #[schemars(range(min = 1, max = 1_000))]
    pub segments: Option<u16>,
    /// Read capacity units per second over all segments; without a limit where nothing is said.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub read_units: Option<u32>,
}

/// One file of a data set of Kaggle.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KaggleFeed {
    /// `owner/name`.
    pub kaggle: String,
    /// The file's name inside the data set, and in the folder.
    pub file: String,
}

/// Contract of a silver table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SilverTable {
    /// Name of a bronze source.
    pub source: String,
    /// Path of an array whose elements give a row each, with points between names or as a list.
    pub explode: Option<PathValue>,
    /// Columns that identify a record within one date; without them duplicates are kept.
    /// In mode `upsert` they identify a row of the whole table.
    #[serde(default)]
    pub key: Vec<String>,
    /// The required date column that is the business date.
    pub partition: String,
    /// `replace` the dates of a run, which is what happens where nothing is said, or `upsert` by key.
    pub mode: Option<ModeWord>,
    /// In mode `upsert` the column that is greatest in the newest record of a key.
    pub version: Option<String>,
    pub gate: Option<GateTable>,
    /// Folder of the table below the pipeline's lake folder; `silver/<table>` where nothing is said.
    pub folder: Option<String>,
    /// Copies in plain files.
    #[serde(default)]
    pub publish: Vec<PublicationTable>,
    pub quality: Option<QualityTable>,
    /// Columns in the order of the stored table.
    pub columns: BTreeMap<String, ColumnTable>,
    /// Conditions on one record by name, such as `abs(total - units * price) <= 0.01`.
    #[serde(default)]
    pub checks: BTreeMap<String, String>,
}

/// What must hold before the table is published; otherwise the step fails and nothing changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateTable {
    /// Least share of accepted records, in percent.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?$"))]
    pub accepted: String,
    /// A condition over string columns; records for which it holds are left out of the share.
    pub except: Option<String>,
}

/// Rules in DQDL, evaluated before the table is published.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityTable {
    /// File of the rules below the pipeline's folder.
    #[schemars(regex(pattern = r"^quality/[^/\\]+\.dqdl$"))]
    pub rules: String,
    /// Other tables of the pipeline, by the alias that rules give them.
    #[serde(default)]
    pub references: BTreeMap<String, ReferenceValue>,
    /// Rules as the file writes them, without labels, that flag a run when they fail. Every other one stops it.
    #[serde(default)]
    pub warn: Vec<String>,
}

/// A table of the pipeline.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ReferenceValue {
    /// `silver.<table>` or `gold.<model>`, whole.
    Table(String),
    Narrowed(ReferenceTable),
}

/// A table of the pipeline, perhaps only its rows of the dates that are judged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceTable {
    /// `silver.<table>` or `gold.<model>`.
    pub table: String,
    #[serde(default)]
    pub same_dates: bool,
}

/// How long failing rows are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionTable {
    /// 30 where nothing is said.
    #[schemars(range(min = 1))]
    pub days: Option<u32>,
    /// Runs of the pipeline that keep theirs; 50 where nothing is said.
    #[schemars(range(min = 1))]
    pub runs: Option<u32>,
}

/// A copy of a table in plain files, for programs that read no Delta.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicationTable {
    /// `csv` and `tsv` have a header and RFC 4180 quoting.
    pub format: PublishedWord,
    /// Folder below the pipeline's lake folder.
    pub path: String,
    /// Gives one file for each source file, with the moment of processing (UTC) in place of `{time}`.
    #[schemars(example = &"orders_{time}.parquet")]
    pub name: Option<String>,
}

/// A column of a contract.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnTable {
    /// `string`, `string(100)`, `int32`, `int64`, `decimal(10,2)`, `double`, `boolean`, `date`,
    /// `timestamp` or `instant`.
    #[schemars(regex(
        pattern = r"^(string(\([1-9][0-9]*\))?|int32|int64|decimal\( *[0-9]+ *, *[0-9]+ *\)|double|boolean|date|timestamp|instant)$"
    ))]
    pub r#type: String,
    /// The path in the record where it differs from the name: names with points between them, or a list.
    /// `[]` stands after the array of `explode`: `products[].name`.
    pub path: Option<PathValue>,
    /// Formats of a date, a timestamp or an instant (as UTC; RFC 3339 where nothing is said), tried in order: `%Y`, `%y`, `%m`, `%d`, `%H`, `%M`, `%S`.
    #[serde(default)]
    pub formats: Vec<String>,
    /// Whether a null refuses the record.
    #[serde(default)]
    pub required: bool,
    /// Bounds of a number: `> 0`, `>= 0 and <= 100`.
    #[schemars(regex(pattern = r"^\s*[<>]=?\s*-?[0-9]+(\.[0-9]+)?(\s+and\s+[<>]=?\s*-?[0-9]+(\.[0-9]+)?)?\s*$"))]
    pub range: Option<String>,
    /// Applied in order to a string after trimming.
    #[serde(default)]
    pub clean: Vec<CleanWord>,
    /// An expression over other columns that a null becomes, such as `units * price` or `'unknown'`.
    pub default: Option<String>,
    /// An expression over other columns that gives the value; the input is not looked at. Values are computed in
    /// declared order, after defaults, and may use computed columns declared above.
    pub value: Option<String>,
    /// Whether it tells of a person: masked in failing rows. Not for columns of the key.
    #[serde(default)]
    pub pii: bool,
}

/// Names with points between them, or a list of names from the outside in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PathValue {
    Name(String),
    Names(Vec<String>),
}

/// A gold model: one SELECT.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldTable {
    /// File of the SELECT below the pipeline's folder.
    #[schemars(regex(pattern = r"^gold/[^/\\]+\.sql$"))]
    pub sql: String,
    /// Columns that identify a row.
    #[schemars(length(min = 1))]
    pub grain: Vec<String>,
    /// Date column that partitions the table; without one the table is rebuilt whole.
    pub partition: Option<String>,
    /// Folder of the table below the pipeline's lake folder; `gold/<model>` where nothing is said.
    pub folder: Option<String>,
    /// Copies in plain files, below `<column>=<date>/` where the table is partitioned.
    #[serde(default)]
    pub publish: Vec<PublicationTable>,
    pub quality: Option<QualityTable>,
}

/// Loads into the warehouse.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarehouseTable {
    /// Schema of the tables.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,62}$"))]
    pub schema: String,
    /// Schema of lasting staging tables, filled first; without one they are temporary.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,62}$"))]
    pub staging: Option<String>,
    /// Loads, by the name of the gold model.
    #[serde(default)]
    pub load: BTreeMap<String, LoadTable>,
}

/// Load of one gold table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadTable {
    /// `replace_dates` needs a partitioned model.
    pub mode: LoadModeWord,
    pub distribution_key: Option<String>,
    #[serde(default)]
    pub sort_key: Vec<String>,
    /// Numeric columns whose sums are compared after the load, besides the row count.
    #[serde(default)]
    pub reconcile: Vec<String>,
}

/// Settings of a workspace.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Assay workspace")]
pub struct WorkspaceFile {
    /// How long the log of a run may grow, in bytes.
    #[schemars(range(min = 65536))]
    pub log_limit: Option<i64>,
    /// How many bytes of remote lakes are kept on this disk; 20 GiB where nothing is said.
    #[schemars(range(min = 67108864))]
    pub cache_limit: Option<i64>,
    /// Whether an open window runs schedules and watches folders, as `assay daemon` does; it does where nothing is said.
    pub schedules_in_window: Option<bool>,
    /// Environments, by name; `local` is built in.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentTable>,
}

/// Where data lives and how writes are guarded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentTable {
    /// `confirm` where nothing is said, and `open` for `local`.
    pub guard: Option<GuardWord>,
    /// Folder of the lake, absolute or below the workspace, or `s3://bucket/prefix`.
    pub lake: Option<String>,
    /// Of a lake in a bucket.
    pub s3: Option<S3Table>,
    /// PostgreSQL URL without a password, which is given in PGPASSWORD or a keyring.
    #[schemars(example = &"postgresql://loader@db.example:5432/sales")]
    pub warehouse: Option<String>,
    /// Where sources are fed from, by name. A PostgreSQL connection that is not named is the private cluster.
    #[serde(default)]
    pub connections: BTreeMap<String, ConnectionTable>,
    /// Whether a run needs a reason; where nothing is said it does, unless the guard is `open`.
    pub needs_reason: Option<bool>,
}

/// How the bucket of a lake is reached. Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Table {
    /// Address of the storage; that of the region in AWS where nothing is said.
    #[schemars(example = &"http://127.0.0.1:8333")]
    pub endpoint: Option<String>,
    /// `us-east-1` where nothing is said.
    pub region: Option<String>,
}

/// A place outside the lake. Passwords and keys come from the process's environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct ConnectionTable {
    /// PostgreSQL URL without a password.
    #[schemars(example = &"postgresql://reader@db.example:5432/shop")]
    pub postgres: Option<String>,
    pub dynamodb: Option<DynamoDbTable>,
}

/// DynamoDB of one region.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamoDbTable {
    #[schemars(example = &"eu-central-1")]
    pub region: String,
    /// Of an emulator; the region's own where nothing is said.
    pub endpoint: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FormatWord {
    Csv,
    Json,
    Parquet,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub enum EncodingWord {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "latin-1")]
    Latin1,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CleanWord {
    Lower,
    Upper,
    Underscore,
    WholeNumber,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileDatesWord {
    Folder,
    Arrival,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeWord {
    Replace,
    Upsert,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublishedWord {
    Parquet,
    Csv,
    Tsv,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadModeWord {
    ReplaceDates,
    ReplaceAll,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GuardWord {
    Open,
    Confirm,
    Locked,
}

/// The schema of `pipeline.toml`.
pub fn pipeline_schema() -> Schema {
    schema_for!(PipelineFile)
}

/// The schema of `assay.toml`.
pub fn workspace_schema() -> Schema {
    schema_for!(WorkspaceFile)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::definition::{Encoding, FileDates, Format, LoadMode, PublishedForm};
    use crate::words::Word;
    use crate::{Clean, Guard, read, workspace};
    use serde_json::Value;
    use std::path::{Path, PathBuf};

    fn pipelines() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines")
    }

    #[test]
    fn the_files_for_editors_are_fresh() {
        let update = std::env::var_os("ASSAY_UPDATE").is_some();
        for (name, schema) in [("pipeline.schema.json", pipeline_schema()), ("assay.schema.json", workspace_schema())] {
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            let path = pipelines().join(name);
            if update {
                std::fs::write(&path, &text).unwrap();
            }
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(found == text, "{name} is stale; ASSAY_UPDATE=1 cargo test -p assay-pipeline schema writes it");
        }
    }

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        let (pipeline, workspace) = (Value::from(pipeline_schema()), Value::from(workspace_schema()));
        for (schema, definition, keys) in [
            (&pipeline, None, read::PIPELINE_KEYS),
            (&pipeline, Some("ScheduleTable"), read::SCHEDULE_KEYS),
            (&pipeline, Some("BronzeTable"), read::BRONZE_KEYS),
            (&pipeline, Some("SilverTable"), read::SILVER_KEYS),
            (&pipeline, Some("ColumnTable"), read::COLUMN_KEYS),
            (&pipeline, Some("PostgresFeed"), read::POSTGRES_KEYS),
            (&pipeline, Some("DynamoDbFeed"), read::DYNAMODB_KEYS),
            (&pipeline, Some("KaggleFeed"), read::KAGGLE_KEYS),
            (&pipeline, Some("GateTable"), read::GATE_KEYS),
            (&pipeline, Some("PublicationTable"), read::PUBLICATION_KEYS),
            (&pipeline, Some("QualityTable"), read::QUALITY_KEYS),
            (&pipeline, Some("ReferenceTable"), read::REFERENCE_KEYS),
            (&pipeline, Some("RetentionTable"), read::RETENTION_KEYS),
            (&pipeline, Some("GoldTable"), read::GOLD_KEYS),
            (&pipeline, Some("WarehouseTable"), read::WAREHOUSE_KEYS),
            (&pipeline, Some("LoadTable"), read::LOAD_KEYS),
            (&workspace, None, workspace::WORKSPACE_KEYS),
            (&workspace, Some("EnvironmentTable"), workspace::ENVIRONMENT_KEYS),
            (&workspace, Some("S3Table"), workspace::S3_KEYS),
            (&workspace, Some("ConnectionTable"), workspace::CONNECTION_KEYS),
            (&workspace, Some("DynamoDbTable"), workspace::DYNAMODB_KEYS),
        ] {
            let object = definition.map_or(schema, |name| &schema["$defs"][name]);
            let mut described: Vec<&str> =
                object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let mut read = keys.to_vec();
            described.sort_unstable();
            read.sort_unstable();
            assert_eq!(described, read, "{definition:?}");
            assert_eq!(object["additionalProperties"], Value::Bool(false), "{definition:?}");
        }
    }

    #[test]
    fn the_schema_and_the_reader_know_the_same_words() {
        fn words<W: Word>() -> Vec<Value> {
            W::WORDS.iter().map(|(word, _)| Value::from(*word)).collect()
        }
        let (pipeline, workspace) = (Value::from(pipeline_schema()), Value::from(workspace_schema()));
        for (schema, definition, words) in [
            (&pipeline, "FormatWord", words::<Format>()),
            (&pipeline, "EncodingWord", words::<Encoding>()),
            (&pipeline, "CleanWord", words::<Clean>()),
            (&pipeline, "FileDatesWord", words::<FileDates>()),
            (&pipeline, "ModeWord", words::<read::ModeWord>()),
            (&pipeline, "PublishedWord", words::<PublishedForm>()),
            (&pipeline, "LoadModeWord", words::<LoadMode>()),
            (&workspace, "GuardWord", words::<Guard>()),
        ] {
            assert_eq!(schema["$defs"][definition]["enum"], Value::Array(words), "{definition}");
        }
    }

    #[test]
    fn shipped_pipelines_fit_the_schema_types() {
        let mut seen = 0;
        for entry in std::fs::read_dir(pipelines()).unwrap() {
            let path = entry.unwrap().path().join(read::PIPELINE_FILE);
            if path.is_file() {
                toml::from_str::<PipelineFile>(&std::fs::read_to_string(&path).unwrap()).unwrap();
                seen += 1;
            }
        }
        assert!(seen > 0);
    }
}
