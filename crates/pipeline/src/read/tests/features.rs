//! Mistakes of what a definition can say beyond files, columns and models.

use super::*;
use crate::definition::{Feed, FileDates, Publication, PublishedFiles, PublishedForm, ScanFeed, TableFeed};
use crate::names::Layer;
use crate::{Contract, SilverMode, TableName};
use std::collections::BTreeMap;

const RICH: &str = r#"name = "rich"

[bronze.customers]
path = "bronze/customers/extracted_at=*"
formats = ["parquet"]
feed = { postgres = "shop", table = "shop.customers", key = ["customer_id"], watermark = "updated_at", page_rows = 500 }

[bronze.events]
path = "bronze/events/extracted_at=*"
formats = ["parquet"]
feed = { dynamodb = "events", table = "events", columns = { eventId = "string", delta = "int64" }, segments = 2, read_units = 50 }

[bronze.invoices]
path = "raw"
formats = ["csv"]
feed = { kaggle = "someone/invoices", file = "invoices.csv" }

[bronze.orders]
path = "incoming"
formats = ["json"]
dates = "arrival"
once = true
dead_letter = "dead"

[silver.customers]
source = "customers"
key = ["customer_id"]
partition = "created"
mode = "upsert"
version = "updated_at"

[silver.customers.columns]
customer_id = { type = "int64", required = true }
email = { type = "string", clean = ["lower"] }
created = { type = "date", value = "date(updated_at)", required = true }
updated_at = { type = "instant", required = true }

[silver.orders]
source = "orders"
explode = "order.products"
partition = "file_date"
folder = "tables/orders"
publish = [{ format = "parquet", path = "out", name = "orders_{time}.parquet" }]
gate = { accepted = "99.5", except = "starts_with(order_id, 'C') or status in ('test', 'demo')" }

[silver.orders.columns]
order_id = { type = "string", path = "order.id" }
status = { type = "string", path = ["order", "status"] }
product = { type = "string", path = "order.products[].name" }
price = { type = "decimal(10,2)", path = ["order", "products[]", "price"] }
quantity = { type = "int32", path = "order.products[].quantity" }
total = { type = "decimal(20,2)", value = "price * quantity" }
twice = { type = "decimal(21,2)", value = "total + total" }
file_date = { type = "date", value = "file_date()", required = true }

[gold.totals]
sql = "gold/totals.sql"
grain = ["file_date"]
partition = "file_date"
folder = "tables/totals"
publish = [{ format = "csv", path = "totals/csv" }, { format = "tsv", path = "totals/tsv" }]

[warehouse]
schema = "rich"
staging = "rich_staging"
"#;
const TOTALS: &str = "select file_date, sum(total) as total\nfrom silver.orders\ngroup by file_date\n";

fn rich(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("gold")).unwrap();
    let mut text = RICH.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "a change fits nowhere: {from}");
        text = text.replace(from, to);
    }
    std::fs::write(folder.path().join("pipeline.toml"), text).unwrap();
    std::fs::write(folder.path().join("gold/totals.sql"), TOTALS).unwrap();
    folder
}

fn table_of(changes: &[&[(&str, &str)]]) -> String {
    changes.iter().map(|change| brief_of(&rich(change), change)).collect()
}

fn contract<'p>(pipeline: &'p Pipeline, table: &str) -> &'p Contract {
    pipeline.contracts.iter().find(|contract| contract.table == table).unwrap()
}

#[test]
fn the_rich_pipeline_is_read_whole() {
    let folder = rich(&[]);
    let pipeline = Pipeline::read(folder.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let feeds: Vec<_> = pipeline.sources.iter().map(|source| source.feed.clone()).collect();
    let name = |text: &str| text.to_owned();
    assert_eq!(
        feeds,
        [
            Some(Feed::Postgres(TableFeed {
                connection: name("shop"),
                table: name("shop.customers"),
                key: vec![name("customer_id")],
                watermark: Some(name("updated_at")),
                page_rows: 500,
            })),
            Some(Feed::DynamoDb(ScanFeed {
                connection: name("events"),
                table: name("events"),
                columns: vec![
                    (name("eventId"), ColumnType::String { limit: None }),
                    (name("delta"), ColumnType::Int64)
                ],
                segments: 2,
                read_units: Some(50),
            })),
            Some(Feed::Kaggle { dataset: name("someone/invoices"), file: name("invoices.csv") }),
            None,
        ]
    );
    let orders = &pipeline.sources[3];
    assert_eq!((orders.dates, orders.once, orders.dead_letter.as_deref()), (FileDates::Arrival, true, Some("dead")));
    assert_eq!((pipeline.sources[0].dates, pipeline.sources[0].once), (FileDates::Folder, false));

    assert_eq!(contract(&pipeline, "customers").mode, SilverMode::Upsert { version: name("updated_at") });
    let orders = contract(&pipeline, "orders");
    assert_eq!((&orders.mode, orders.explode.join("/")), (&SilverMode::Replace, name("order/products")));
    let columns: Vec<String> = orders
        .columns
        .iter()
        .map(|column| {
            let value = column.computed.as_ref().map_or(String::new(), |value| format!(" = {value}"));
            format!("{} {}{value}", column.name, column.path.join("/"))
        })
        .collect();
    assert_eq!(
        columns,
        [
            "order_id order/id",
            "status order/status",
            "product order/products/name",
            "price order/products/price",
            "quantity order/products/quantity",
            "total total = price * quantity",
            "twice twice = total + total",
            "file_date file_date = file_date()",
        ]
    );
    let gate = orders.gate.as_ref().unwrap();
    assert_eq!(gate.accepted, Number { unscaled: 995, scale: 1 });
    let except = "starts_with(order_id, 'C') or (status = 'test' or status = 'demo')";
    assert_eq!(gate.except.as_ref().map(Expression::to_string).as_deref(), Some(except));
    let publication = |form, path: &str, files| Publication { form, path: path.to_owned(), files };
    let by_source = PublishedFiles::BySource { name: name("orders_{time}.parquet") };
    assert_eq!(orders.publish, [publication(PublishedForm::Parquet, "out", by_source)]);
    assert_eq!(
        pipeline.models[0].publish,
        [
            publication(PublishedForm::Csv, "totals/csv", PublishedFiles::ByDate),
            publication(PublishedForm::Tsv, "totals/tsv", PublishedFiles::ByDate)
        ]
    );
    let table = |layer, table: &str| TableName::new("rich", layer, table);
    assert_eq!(
        pipeline.places(),
        BTreeMap::from([
            (table(Layer::Silver, "orders"), name("tables/orders")),
            (table(Layer::Gold, "totals"), name("tables/totals"))
        ])
    );
    assert_eq!(pipeline.warehouse.unwrap().staging.as_deref(), Some("rich_staging"));
}

#[test]
fn a_pipeline_needs_no_gold_and_no_warehouse() {
    let gold = RICH.find("[gold.totals]").unwrap();
    let folder = rich(&[(&RICH[gold..], "")]);
    let pipeline = Pipeline::read(folder.path()).unwrap();
    assert!(pipeline.models.is_empty() && pipeline.warehouse.is_none());
}

#[test]
fn what_is_not_said_is_as_before() {
    let folder = rich(&[
        (", watermark = \"updated_at\", page_rows = 500", ""),
        (", segments = 2, read_units = 50", ""),
        ("gate = { accepted = \"99.5\", except", "gate = { accepted = \"100\" }\n# {"),
    ]);
    let pipeline = Pipeline::read(folder.path()).unwrap();
    let Some(Feed::Postgres(table)) = &pipeline.sources[0].feed else { panic!("no feed") };
    assert_eq!((table.watermark.as_deref(), table.page_rows), (None, 10_000));
    let Some(Feed::DynamoDb(scan)) = &pipeline.sources[1].feed else { panic!("no feed") };
    assert_eq!((scan.segments, scan.read_units), (4, None));
    assert_eq!(contract(&pipeline, "orders").gate.as_ref().unwrap().except, None);
}

#[test]
fn feeds_are_checked() {
    insta::assert_snapshot!(table_of(&[
        &[("feed = { postgres = \"shop\"", "feed = { postgress = \"shop\"")],
        &[("feed = { kaggle = \"someone/invoices\"", "feed = { kaggle = \"someone/invoices\", postgres = \"x\"")],
        &[("postgres = \"shop\"", "postgres = \"Shop\"")],
        &[("table = \"shop.customers\"", "table = \"customers\"")],
        &[("table = \"shop.customers\"", "table = \"a.b.c\"")],
        &[("key = [\"customer_id\"], watermark", "key = [], watermark")],
        &[("key = [\"customer_id\"], watermark", "watermark")],
        &[("watermark = \"updated_at\"", "watermark = \"\"")],
        &[("page_rows = 500", "page_rows = 0")],
        &[("page_rows = 500", "page_rows = \"500\"")],
        &[("page_rows = 500", "pages = 500")],
        &[("bronze/customers/extracted_at=*", "bronze/customers")],
        &[("bronze/customers/extracted_at=*", "extracted_at=*")],
        &[("bronze/customers/extracted_at=*", "bronze/date=*/extracted_at=*")],
        &[("formats = [\"parquet\"]\nfeed = { postgres", "formats = [\"json\"]\nfeed = { postgres")],
        &[("table = \"events\"", "table = \"e/\"")],
        &[("columns = { eventId = \"string\", delta = \"int64\" }, ", "")],
        &[("columns = { eventId = \"string\", delta = \"int64\" }", "columns = {}")],
        &[("delta = \"int64\"", "delta = \"in64\"")],
        &[("delta = \"int64\"", "delta = \"instant\"")],
        &[("segments = 2", "segments = 5000")],
        &[("read_units = 50", "read_units = -1")],
        &[("someone/invoices", "invoices")],
        &[("someone/invoices", "../invoices")],
        &[("file = \"invoices.csv\"", "file = \"../invoices.csv\"")],
        &[("file = \"invoices.csv\"", "file = \"invoices.json\"")],
        &[(", file = \"invoices.csv\"", "")],
        &[("path = \"raw\"", "path = \"raw/*\"")],
        &[("dates = \"arrival\"", "dates = \"arival\"")],
        &[("once = true", "once = 1")],
    ]), @r#"
    6:1 [feed] a feed names one of postgres, dynamodb, kaggle
    16:1 [feed] a feed names one of postgres, dynamodb, kaggle
    6:21 ["Shop"] `Shop` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (shop?)
    6:37 ["customers"] a table of PostgreSQL is named with its schema: `schema.table`
    6:37 ["a.b.c"] a table of PostgreSQL is named with its schema: `schema.table`
    6:61 [[]] `key` is empty
    6:1 [feed] `key` is missing
    6:90 [""] this is no name of a column
    6:116 [0] `page_rows` is from 1 to 1000000
    6:116 ["500"] `page_rows` takes a whole number, and this is a text
    6:104 [pages] the key `pages` is not known here; known are postgres, table, key, watermark, page_rows
    4:8 ["bronze/customers"] this source is fed from a table, so its path ends in `/extracted_at=*` and has no other `*`
    4:8 ["extracted_at=*"] this source is fed from a table, so its path ends in `/extracted_at=*` and has no other `*`
    4:8 ["bronze/date=*/extracted_at=*"] this source is fed from a table, so its path ends in `/extracted_at=*` and has no other `*`
    5:11 [["json"]] what is fed from a table is Parquet: formats = ["parquet"]
    11:39 ["e/"] a table of DynamoDB has 3 to 255 letters, digits, `_`, `-` and `.` in its name
    11:1 [feed] `columns` is missing
    11:59 [{}] a table has at least one column
    11:90 [in64] a type is one of string, int32, int64, decimal, double, boolean, date, timestamp, instant (int64?)
    11:89 ["instant"] DynamoDB has no instant; declare the attribute as a string
    11:111 [5000] `segments` is from 1 to 1000
    11:127 [-1] `read_units` is from 1 to 1000000
    16:19 ["invoices"] a data set of Kaggle is written `owner/name`
    16:19 ["../invoices"] a data set of Kaggle is written `owner/name`
    16:46 ["../invoices.csv"] this is no name of a file; it has no folder and begins with no `.` or `_`
    16:46 ["invoices.json"] the source reads csv, and this file's name ends otherwise
    16:1 [feed] `file` is missing
    14:8 ["raw/*"] a data set is downloaded into one folder, so the path has no `*`
    21:9 ["arival"] a file's date is one of folder, arrival (arrival?)
    54:38 ["file_date()"] the files of `orders` have no date: its path has no `date=*` folder, nor does it say `dates = "arrival"`
    22:8 [1] `once` takes true or false, and this is a number
    "#);
}

#[test]
fn folders_have_one_owner() {
    insta::assert_snapshot!(table_of(&[
        &[("dead_letter = \"dead\"", "dead_letter = \"incoming/dead\"")],
        &[("dead_letter = \"dead\"", "dead_letter = \"dead/*\"")],
        &[("dead_letter = \"dead\"", "dead_letter = \"../dead\"")],
        &[("path = \"incoming\"", "path = \"bronze/*\"")],
        &[("path = \"incoming\"", "path = \"quarantine\"")],
        &[("folder = \"tables/orders\"", "folder = \"silver/customers\"")],
        &[("folder = \"tables/orders\"", "folder = \"Tables/Totals\"")],
        &[("folder = \"tables/totals\"", "folder = \"contributions/totals\"")],
        &[("path = \"out\"", "path = \"tables/orders/out\"")],
        &[("path = \"totals/csv\"", "path = \"totals\"")],
        &[("path = \"totals/csv\"", "path = \"totals/date=*\"")],
        &[(", path = \"totals/csv\"", "")],
    ]), @r#"
    23:15 ["incoming/dead"] the dead letters of `orders` and the source `orders` need folders of their own, and `incoming/dead` and `incoming` share one
    23:15 ["dead/*"] this folder is written, so it has no `*`
    23:15 ["../dead"] a folder of the path is empty, `.` or `..`
    19:8 ["bronze/*"] the source `orders` and the source `customers` need folders of their own, and `bronze/*` and `bronze/customers/extracted_at=*` share one
    25:9 [customers] the quarantine of `silver.customers` and the source `orders` need folders of their own, and `quarantine/customers` and `quarantine` share one
    38:9 [orders] the quarantine of `silver.orders` and the source `orders` need folders of their own, and `quarantine/orders` and `quarantine` share one
    42:10 ["silver/customers"] the table `silver.orders` and the table `silver.customers` need folders of their own, and `silver/customers` and `silver/customers` share one
    60:10 ["tables/totals"] the table `gold.totals` and the table `silver.orders` need folders of their own, and `tables/totals` and `Tables/Totals` share one
    60:10 ["contributions/totals"] the table `gold.totals` and the contributions of `gold.totals` need folders of their own, and `contributions/totals` and `contributions/totals` share one
    43:41 ["tables/orders/out"] the parquet files of `silver.orders` and the table `silver.orders` need folders of their own, and `tables/orders/out` and `tables/orders` share one
    61:74 ["totals/tsv"] the tsv files of `gold.totals` and the csv files of `gold.totals` need folders of their own, and `totals/tsv` and `totals` share one
    61:37 ["totals/date=*"] this folder is written, so it has no `*`
    61:12 [{ format = "csv" }] `path` is missing
    "#);
}

#[test]
fn publications_are_checked() {
    insta::assert_snapshot!(table_of(&[
        &[("format = \"csv\"", "format = \"cvs\"")],
        &[("format = \"csv\", ", "")],
        &[("format = \"csv\"", "form = \"csv\"")],
        &[("publish = [{ format = \"parquet\"", "publish = [\"x\", { format = \"parquet\"")],
        &[("publish = [{ format = \"parquet\", path = \"out\", name = \"orders_{time}.parquet\" }]", "publish = \"csv\"")],
        &[("orders_{time}.parquet", "orders.parquet")],
        &[("orders_{time}.parquet", "orders_{time}_{time}.parquet")],
        &[("orders_{time}.parquet", "orders_{day}_{time}.parquet")],
        &[("orders_{time}.parquet", "orders_{time}.csv")],
        &[("orders_{time}.parquet", "a/orders_{time}.parquet")],
        &[("orders_{time}.parquet", "_orders_{time}.parquet")],
        &[("path = \"totals/csv\"", "path = \"totals/csv\", name = \"totals_{time}.csv\"")],
        &[
            ("mode = \"upsert\"", "publish = [{ format = \"csv\", path = \"c\", name = \"c_{time}.csv\" }]\nmode = \"upsert\""),
        ],
    ]), @r#"
    61:23 ["cvs"] a published format is one of parquet, csv, tsv (csv?)
    61:12 [{ path = "totals/csv" }] `format` is missing
    61:12 [{ form = "csv", path = "totals/csv" }] `format` is missing
    61:14 [form] the key `form` is not known here; known are format, path, name (format?)
    43:12 ["x"] `publish` takes a table, and this is a text
    43:11 ["csv"] `publish` takes a list of tables, and this is a text
    43:55 ["orders.parquet"] `{time}` stands in the name, because each source file gives a file of its own
    43:55 ["orders_{time}_{time}.parquet"] `{time}`, once, is the only part of the name that is filled in
    43:55 ["orders_{day}_{time}.parquet"] `{time}`, once, is the only part of the name that is filled in
    43:55 ["orders_{time}.csv"] the files are parquet, so their name ends in `.parquet`
    43:55 ["a/orders_{time}.parquet"] this is no name of a file; it has no folder, begins with no `.` or `_`, and is no longer than 200 bytes
    43:55 ["_orders_{time}.parquet"] this is no name of a file; it has no folder, begins with no `.` or `_`, and is no longer than 200 bytes
    61:58 ["totals_{time}.csv"] a model's rows come from many files, so its copies are named by the table and its dates
    29:49 ["c_{time}.csv"] in a table of mode `upsert` a file's rows are replaced by later ones, so no file is named by it
    "#);
}

#[test]
fn modes_gates_and_staging_are_checked() {
    insta::assert_snapshot!(table_of(&[
        &[("mode = \"upsert\"", "mode = \"upsrt\"")],
        &[("mode = \"upsert\"\n", "")],
        &[("version = \"updated_at\"\n", "")],
        &[("version = \"updated_at\"", "version = \"updatedat\"")],
        &[("updated_at = { type = \"instant\", required = true }", "updated_at = { type = \"instant\" }")],
        &[("version = \"updated_at\"", "version = \"email\""), ("type = \"string\", clean", "type = \"string\", required = true, clean")],
        &[
            ("version = \"updated_at\"", "version = \"rank\""),
            ("email = {", "rank = { type = \"double\", required = true }\nemail = {"),
        ],
        &[("key = [\"customer_id\"]\npartition", "partition")],
        &[("customer_id = { type = \"int64\", required = true }", "customer_id = { type = \"int64\" }")],
        &[("accepted = \"99.5\"", "accepted = \"100.1\"")],
        &[("accepted = \"99.5\"", "accepted = \"-1\"")],
        &[("accepted = \"99.5\"", "accepted = 60")],
        &[("accepted = \"99.5\", ", "")],
        &[("accepted = \"99.5\"", "acepted = \"99.5\"")],
        &[("starts_with(order_id, 'C')", "quantity > 0")],
        &[("starts_with(order_id, 'C')", "statu = 'x'")],
        &[("starts_with(order_id, 'C')", "file_date() = file_date()")],
        &[
            ("starts_with(order_id, 'C')", "starts_with(copy, 'C')"),
            ("total = { type", "copy = { type = \"string\", value = \"status\" }\ntotal = { type"),
        ],
        &[("except = \"starts_with(order_id, 'C') or status in ('test', 'demo')\"", "except = \"status\"")],
        &[("staging = \"rich_staging\"", "staging = \"rich\"")],
        &[("staging = \"rich_staging\"", "staging = \"Staging\"")],
    ]), @r#"
    29:8 ["upsrt"] a mode is one of replace, upsert (upsert?)
    29:11 ["updated_at"] only `mode = "upsert"` has a version
    25:9 [customers] `version` is missing
    30:11 ["updatedat"] there is no column `updatedat` (updated_at?)
    36:1 [updated_at] `updated_at` is the version, so it needs `required = true`
    accepted: [("version = \"updated_at\"", "version = \"email\""), ("type = \"string\", clean", "type = \"string\", required = true, clean")]
    30:11 ["rank"] a version grows with every change, and `rank` is a double
    28:8 ["upsert"] an upsert needs a key: the columns that identify a row
    33:1 [customer_id] `customer_id` is in the key of an upsert, so it needs `required = true`
    44:21 ["100.1"] the least share of accepted records is a percentage from 0 to 100, such as "99.5"
    44:21 ["-1"] the least share of accepted records is a percentage from 0 to 100, such as "99.5"
    44:21 [60] `accepted` takes a text in quotes, and this is a number
    44:1 [gate] `accepted` is missing
    44:1 [gate] `accepted` is missing
    44:10 [acepted] the key `acepted` is not known here; known are accepted, except (accepted?)
    44:38 ["quantity > 0 or status in ('test', 'demo')"] a gate looks at strings, which a refused record also has, and `quantity` is an int32
    44:39 [statu] there is no column `statu` (status?)
    44:38 ["file_date() = file_date() or status in ('test', 'demo')"] a gate looks at a record's strings, and `file_date()` is none
    44:38 ["starts_with(copy, 'C') or status in ('test', 'demo')"] a refused record has no computed columns, and `copy` is one
    44:38 ["status"] what a gate leaves out is a condition, and this gives a text
    65:11 ["rich"] staging tables lie in a schema of their own
    65:11 ["Staging"] `Staging` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (staging?)
    "#);
}

#[test]
fn computed_columns_and_paths_are_checked() {
    insta::assert_snapshot!(table_of(&[
        &[("value = \"price * quantity\"", "value = \"price * quantty\"")],
        &[("value = \"price * quantity\"", "value = \"status\"")],
        &[("value = \"price * quantity\"", "value = \"total\"")],
        &[("value = \"price * quantity\"", "value = \"twice\"")],
        &[("value = \"price * quantity\"", "value = \"price * quantity\", path = \"x\", default = \"price\", formats = []")],
        &[("status = { type = \"string\"", "status = { type = \"string\", value = \"order_id\", clean = [\"lower\"]")],
        &[("status = { type = \"string\"", "status = { type = \"string\", default = \"order_id\"")],
        &[("quantity = { type = \"int32\"", "quantity = { type = \"int32\", default = \"total\"")],
        &[("value = \"file_date()\"", "value = \"order_id\"")],
        &[("value = \"file_date()\", required = true", "value = \"file_date()\"")],
        &[("dates = \"arrival\"\n", "")],
        &[("dates = \"arrival\"\n", ""), ("path = \"incoming\"", "path = \"incoming/date=*\"")],
        &[("value = \"date(updated_at)\"", "value = \"updated_at\"")],
        &[("value = \"date(updated_at)\"", "value = \"date(email)\"")],
        &[("value = \"date(updated_at)\"", "default = \"date(updated_at)\"")],
        &[("updated_at = { type = \"instant\"", "updated_at = { type = \"instant\", formats = [\"%Y-%m-%d %H:%M\"]")],
        &[("updated_at = { type = \"instant\"", "updated_at = { type = \"instant\", formats = [\"%Y-%m-%d\"], range = \"> 0\"")],
        &[("explode = \"order.products\"", "explode = \"order.products[]\"")],
        &[("explode = \"order.products\"\n", "")],
        &[("explode = \"order.products\"", "explode = \"order.items\"")],
        &[("explode = \"order.products\"", "explode = []")],
        &[("explode = \"order.products\"", "explode = \"order..products\"")],
        &[("path = \"order.products[].name\"", "path = \"order.products.name\"")],
        &[("path = \"order.products[].name\"", "path = \"order[].products[].name\"")],
        &[("path = \"order.products[].name\"", "path = \"order.products[].tags[]\"")],
        &[("path = \"order.products[].name\"", "path = \"order.products[]\"")],
        &[("path = \"order.id\"", "path = \"order.\"")],
        &[("formats = [\"json\"]", "formats = [\"json\", \"parquet\"]")],
    ]), @r#"
    52:52 [quantty] there is no column `quantty` (quantity?)
    52:43 ["status"] `total` is a decimal(20,2), and this gives a text
    52:43 ["total"] `total` cannot be computed from itself
    52:43 ["twice"] `twice` is computed after `total`; declare it above
    52:70 ["x"] `total` is computed, so `path` has no meaning
    52:85 ["price"] `total` is computed, so `default` has no meaning
    52:104 [[]] `total` is computed, so `formats` has no meaning
    44:38 ["starts_with(order_id, 'C') or status in ('test', 'demo')"] a refused record has no computed columns, and `status` is one
    48:57 [["lower"]] `status` is computed, so `clean` has no meaning
    48:75 [["order", "status"]] `status` is computed, so `path` has no meaning
    accepted: [("status = { type = \"string\"", "status = { type = \"string\", default = \"order_id\"")]
    51:40 ["total"] a default cannot use `total`, because `total` is computed after the defaults
    54:38 ["order_id"] `file_date` is a date, and this gives a text
    54:1 [file_date] `file_date` is the partition, so it needs `required = true`
    53:38 ["file_date()"] the files of `orders` have no date: its path has no `date=*` folder, nor does it say `dates = "arrival"`
    accepted: [("dates = \"arrival\"\n", ""), ("path = \"incoming\"", "path = \"incoming/date=*\"")]
    35:36 ["updated_at"] `created` is a date, and this gives an instant
    35:42 [email] expected a timestamp or an instant, and this is a text
    35:1 [created] `formats` is missing: a date is never guessed, for example formats = ["%Y-%m-%d"]
    35:38 ["date(updated_at)"] `created` is a date, which has no default; `value` computes one
    accepted: [("updated_at = { type = \"instant\"", "updated_at = { type = \"instant\", formats = [\"%Y-%m-%d %H:%M\"]")]
    36:46 [%Y-%m-%d] the format has no `%H`, and no part is guessed
    36:66 ["> 0"] a range is for numbers, and `updated_at` is an instant
    40:11 ["order.products[]"] `products[]` stands here without `[]`; the paths of the columns have it
    48:37 ["order.products[].name"] `[]` stands after the array of `explode`, and this table has none
    49:42 [["order", "products[]", "price"]] `[]` stands after the array of `explode`, and this table has none
    50:37 ["order.products[].quantity"] `[]` stands after the array of `explode`, and this table has none
    49:37 ["order.products[].name"] `[]` stands after `order.items`, the array of `explode`, and nowhere else
    50:42 [["order", "products[]", "price"]] `[]` stands after `order.items`, the array of `explode`, and nowhere else
    51:37 ["order.products[].quantity"] `[]` stands after `order.items`, the array of `explode`, and nowhere else
    40:11 [[]] `explode` is empty
    49:37 ["order.products[].name"] `[]` stands after the array of `explode`, and this table has none
    50:42 [["order", "products[]", "price"]] `[]` stands after the array of `explode`, and this table has none
    51:37 ["order.products[].quantity"] `[]` stands after the array of `explode`, and this table has none
    40:11 ["order..products"] a name in a record is not empty
    49:37 ["order.products[].name"] `[]` stands after `order..products`, the array of `explode`, and nowhere else
    50:42 [["order", "products[]", "price"]] `[]` stands after `order..products`, the array of `explode`, and nowhere else
    51:37 ["order.products[].quantity"] `[]` stands after `order..products`, the array of `explode`, and nowhere else
    49:37 ["order.products.name"] `order.products` is the array whose elements give the rows (order.products[].name?)
    49:37 ["order[].products[].name"] `[]` stands after `order.products`, the array of `explode`, and nowhere else
    49:37 ["order.products[].tags[]"] `[]` stands after `order.products`, the array of `explode`, and nowhere else
    accepted: [("path = \"order.products[].name\"", "path = \"order.products[]\"")]
    47:38 ["order."] a name in a record is not empty
    40:11 ["order.products"] only a JSON record holds an array of records, and the source reads parquet
    "#);
}
