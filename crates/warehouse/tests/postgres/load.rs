//! Loads: what they leave in the table and in the load log.

use crate::support::{client, column, day, folder, lines, load, now, permit, rows, sales, shared};
use assay_pipeline::Permit;
use assay_warehouse::{Cluster, LoadOutcome, Replace, Warehouse, WarehouseError, WarehouseType};

const ONE_TWO: &str = "2024-01-01,A,10.00\n2024-01-01,B,5.50\n2024-01-02,A,1.25\n";

#[tokio::test]
async fn dates_are_replaced_and_done_loads_are_skipped() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let table = "SELECT * FROM dates.daily ORDER BY 1, 2";

    let outcome = load(&mut warehouse, &sales("dates", &[1, 2], 1), ONE_TWO).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 3, replaced: 0, sums_replaced: vec![] });
    assert_eq!(lines(&look, table).await, ["2024-01-01|A|10.00", "2024-01-01|B|5.50", "2024-01-02|A|1.25"]);

    // One of both dates is new: not a skip. A date without rows becomes empty.
    let job = sales("dates", &[2, 3], 1);
    let outcome = load(&mut warehouse, &job, "2024-01-02,C,7\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 1, sums_replaced: vec![] });
    let after = ["2024-01-01|A|10.00", "2024-01-01|B|5.50", "2024-01-02|C|7.00"];
    assert_eq!(lines(&look, table).await, after);

    let outcome = load(&mut warehouse, &sales("dates", &[1, 2, 3], 1), "never read").await.unwrap();
    assert_eq!(outcome, LoadOutcome::AlreadyLoaded);
    assert_eq!(lines(&look, table).await, after);

    let log = "SELECT pipeline, environment, date, lake_version, run, rows, loaded_at AT TIME ZONE 'UTC' \
               FROM assay.load_log WHERE schema_name = 'dates' AND table_name = 'daily' ORDER BY id";
    let entry = |date: &str, rows: u32| format!("sales|local|{date}|1|run-1|{rows}|2024-02-03 04:05:06");
    let expected = [entry("2024-01-01", 2), entry("2024-01-02", 1), entry("2024-01-02", 1), entry("2024-01-03", 0)];
    assert_eq!(lines(&look, log).await, expected);

    let outcome = load(&mut warehouse, &sales("dates", &[1], 2), "2024-01-01,Z,1\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 2, sums_replaced: vec![] });
}

#[tokio::test]
async fn what_the_log_says_last_counts() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let whole = |version| {
        let mut job = sales("last", &[], version);
        job.mode = Replace::All;
        job
    };
    load(&mut warehouse, &whole(1), ONE_TWO).await.unwrap();
    assert_eq!(load(&mut warehouse, &whole(1), "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    // A whole load counts for each date, also for one without rows.
    assert_eq!(load(&mut warehouse, &sales("last", &[2, 9], 1), "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    load(&mut warehouse, &sales("last", &[2], 2), "2024-01-02,N,2\n").await.unwrap();
    assert_eq!(lines(&look, "SELECT count(*), sum(revenue) FROM last.daily").await, ["3|17.50"]);

    // An older version over a newer one would lose data without a word.
    let error = load(&mut warehouse, &sales("last", &[1, 2], 1), ONE_TWO).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Newer { held: 2, offered: 1, .. }), "{error}");
    assert!(matches!(load(&mut warehouse, &whole(1), ONE_TWO).await, Err(WarehouseError::Newer { .. })));
    assert_eq!(lines(&look, "SELECT count(*), sum(revenue) FROM last.daily").await, ["3|17.50"]);

    // The whole at the version that one date has already is not done.
    let outcome = load(&mut warehouse, &whole(2), ONE_TWO).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 3, replaced: 3, sums_replaced: vec![] });

    // Another environment's version is another thing; so is a table that somebody dropped.
    let mut other = whole(2);
    other.environment = "other".into();
    let permit = Permit::issue("other", "r", now() + chrono::TimeDelta::hours(1));
    let outcome = warehouse.load(&permit, now(), &other, rows("2024-01-01,A,1\n")).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 3, sums_replaced: vec![] });
    look.batch_execute("DROP TABLE last.daily").await.unwrap();
    let outcome = warehouse.load(&permit, now(), &other, rows("2024-01-01,A,1\n")).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 0, sums_replaced: vec![] });
}

#[tokio::test]
async fn a_row_of_another_date_or_of_none_fails_the_load() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("strict", &[1, 2], 1), ONE_TWO).await.unwrap();
    for text in ["2024-01-01,A,1\n2024-01-02,A,1\n", "2024-01-01,A,1\n,A,1\n"] {
        let error = load(&mut warehouse, &sales("strict", &[1], 2), text).await.unwrap_err();
        let WarehouseError::Refused { refusal, .. } = &error else { panic!("{error}") };
        assert_eq!((refusal.line, refusal.column.as_deref()), (Some(2), Some("day")), "{error}");
    }
    let look = client(&shared.cluster).await;
    assert_eq!(lines(&look, "SELECT count(*) FROM strict.daily").await, ["3"]);
}

#[tokio::test]
async fn refusals_tell_the_place_and_never_the_value() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let cases = [
        ("2024-01-01,A,1\n2024-01-01,A,secret\n", Some(2), Some("revenue"), "22P02"),
        ("2024-13-77,A,1\n", Some(1), Some("day"), "22008"),
        ("2024-01-01,A,1.005\n", Some(1), Some("revenue"), "23514"),
        ("2024-01-01,A,10000000000000.00\n", Some(1), Some("revenue"), "23514"),
        ("2024-01-01,A,NaN\n", Some(1), Some("revenue"), "23514"),
        ("2024-01-01,secret\n", Some(1), None, "22P04"),
        ("2024-01-01,secret,1,1\n", Some(1), None, "22P04"),
        ("2024-01-01,\"secret,1\n", Some(1), None, "22P04"),
        ("2024-01-01,sec\0ret,1\n", Some(1), None, "22021"),
    ];
    for (text, line, column, state) in cases {
        let error = load(&mut warehouse, &sales("refused", &[1], 1), text).await.unwrap_err();
        let WarehouseError::Refused { refusal, .. } = &error else { panic!("{text:?}: {error}") };
        assert_eq!(refusal.sqlstate, state, "{text:?}: {error}");
        assert_eq!((refusal.line, refusal.column.as_deref()), (line, column), "{text:?}: {error}");
        let all = format!("{error} {error:?}");
        for value in ["secret", "1.005", "10000000000000", "2024-13", "NaN"] {
            assert!(!all.contains(value), "{all}");
        }
    }
    // The connection is sound afterwards.
    load(&mut warehouse, &sales("refused", &[1, 2], 1), ONE_TWO).await.unwrap();
}

#[tokio::test]
async fn values_arrive_as_they_were() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let mut job = sales("exact", &[], 1);
    job.mode = Replace::All;
    job.columns = vec![
        column("n", WarehouseType::Int32),
        column("text", WarehouseType::Text),
        column("money", WarehouseType::Decimal { precision: 38, scale: 18 }),
        column("big", WarehouseType::Int64),
        column("yes", WarehouseType::Boolean),
        column("real", WarehouseType::Double),
        column("at", WarehouseType::Timestamp),
        column("utc", WarehouseType::TimestampUtc),
    ];
    (job.sort_key, job.distribution_key) = (vec!["n".into()], None);
    let text = "1,\"\",99999999999999999999.999999999999999999,9223372036854775807,true,0.1,\
                2024-01-01T01:02:03.000004,2024-01-01T01:02:03.000004Z\n\
                2,,-99999999999999999999.999999999999999999,-9223372036854775808,false,1e300,,\n\
                3,\"Zürich \"\"quoted\"\", 日本\r\n🦀\",0.000000000000000001,,,,0001-01-01T00:00:00,9999-12-31T23:59:59Z\n\
                4,\\N,,,,,,\n5,\"\\.\",,,,,,\n";
    assert_eq!(
        load(&mut warehouse, &job, text).await.unwrap(),
        LoadOutcome::Loaded { copied: 5, replaced: 0, sums_replaced: vec![] }
    );
    let look = client(&shared.cluster).await;
    let expected = [
        "1||99999999999999999999.999999999999999999|9223372036854775807|t|0.1|2024-01-01 01:02:03.000004|\
         2024-01-01 01:02:03.000004+00",
        "2|~|-99999999999999999999.999999999999999999|-9223372036854775808|f|1e+300|~|~",
        "3|Zürich \"quoted\", 日本\r\n🦀|0.000000000000000001|~|~|~|0001-01-01 00:00:00|9999-12-31 23:59:59+00",
        "4|\\N|~|~|~|~|~|~",
        "5|\\.|~|~|~|~|~|~",
    ];
    assert_eq!(lines(&look, "SELECT * FROM exact.daily ORDER BY n").await, expected);
}

#[tokio::test]
async fn names_of_any_kind_stay_names() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let names =
        ["He said \"no\"", "a.b", "Upper Case", "'; DROP TABLE x; --", "select", "é%ü$1", "\\", "{a,b}", "ctid2"];
    for (at, name) in names.iter().enumerate() {
        let mut job = sales(&format!("{name} schema"), &[1], 1);
        job.table = (*name).to_owned();
        job.columns[0].name = (*name).to_owned();
        job.columns[1].name = format!("{name}.2");
        job.mode = Replace::Dates { column: (*name).to_owned(), dates: vec![day(1)] };
        (job.sort_key, job.distribution_key) = (vec![(*name).to_owned()], Some(format!("{name}.2")));
        for version in [1, 2] {
            job.lake_version = version;
            let outcome = load(&mut warehouse, &job, "2024-01-01,A,1.50\n").await.unwrap();
            let replaced = u64::try_from(version - 1).unwrap();
            assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced, sums_replaced: vec![] }, "{name}");
        }
        let days = [day(1)];
        let measures =
            warehouse.measure(&job.schema, name, &["revenue".to_owned()], Some((name, &days))).await.unwrap();
        assert_eq!((measures.rows, measures.sums), (1, vec![Some("1.50".to_owned())]), "{name}");
        let page = warehouse.page(&job.schema, name, 0, 10).await.unwrap();
        assert_eq!((page.columns[0].name.as_str(), page.rows.len()), (*name, 1), "{at}");
        assert_eq!(page.order, [*name]);
        assert_eq!(warehouse.tables(&job.schema).await.unwrap().tables[0].name, *name);
    }
}

#[tokio::test]
async fn other_columns_are_refused_for_dates_and_replaced_for_the_whole() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    load(&mut warehouse, &sales("columns", &[1, 2], 1), ONE_TWO).await.unwrap();
    let mut job = sales("columns", &[1], 2);
    job.columns[1].name = "shop".into();
    job.columns[2].kind = WarehouseType::Decimal { precision: 18, scale: 4 };
    job.distribution_key = None;
    let error = load(&mut warehouse, &job, "2024-01-01,A,1.0001\n").await.unwrap_err().to_string();
    for part in ["no column shop text", "revenue is numeric(15,2), not numeric(18,4)", "store text is not in the load"]
    {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(lines(&look, "SELECT sum(revenue) FROM columns.daily").await, ["16.75"]);
    job.mode = Replace::All;
    let outcome = load(&mut warehouse, &job, "2024-01-01,A,1.0001\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 3, sums_replaced: vec![] });
    assert_eq!(lines(&look, "SELECT shop, revenue FROM columns.daily").await, ["A|1.0001"]);

    // What depends on the table keeps it from being made anew.
    look.batch_execute("CREATE VIEW columns.v AS SELECT shop FROM columns.daily").await.unwrap();
    job.columns[1].name = "store".into();
    job.lake_version = 3;
    let error = load(&mut warehouse, &job, "2024-01-01,A,1.0001\n").await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Refused { refusal, .. } if refusal.sqlstate == "2BP01"), "{error}");
    assert_eq!(lines(&look, "SELECT shop FROM columns.v").await, ["A"]);
}

#[tokio::test]
async fn the_index_and_the_note_follow_the_definition_and_a_persons_comment_stays() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let indexes = "SELECT replace(indexdef, indexname, 'i') FROM pg_indexes WHERE schemaname = 'dress' ORDER BY 1";
    let comment = "SELECT obj_description('dress.daily'::regclass)";
    let mut job = sales("dress", &[1, 2], 1);
    load(&mut warehouse, &job, ONE_TWO).await.unwrap();
    assert_eq!(lines(&look, indexes).await, ["CREATE INDEX i ON dress.daily USING btree (day)"]);
    let expected = r#"{"assay":1,"distribution_key":"store","sort_key":["day"]}"#;
    assert_eq!(lines(&look, comment).await, [expected]);
    (job.lake_version, job.sort_key, job.distribution_key) = (2, vec!["store".into(), "day".into()], None);
    load(&mut warehouse, &job, ONE_TWO).await.unwrap();
    let two =
        ["CREATE INDEX i ON dress.daily USING btree (day)", "CREATE INDEX i ON dress.daily USING btree (store, day)"];
    assert_eq!(lines(&look, indexes).await, two);
    assert!(lines(&look, comment).await[0].contains(r#""distribution_key":null"#));
    look.batch_execute("COMMENT ON TABLE dress.daily IS 'mine'").await.unwrap();
    (job.lake_version, job.sort_key) = (3, vec![]);
    load(&mut warehouse, &job, ONE_TWO).await.unwrap();
    // The index that finds a date's rows is there without a sort key, and a whole load leaves it.
    let of_dates = ["CREATE INDEX i ON dress.daily USING btree (day)"];
    assert_eq!(lines(&look, indexes).await, of_dates);
    assert_eq!(lines(&look, comment).await, ["mine"]);
    (job.lake_version, job.sort_key) = (4, vec!["store".into()]);
    load(&mut warehouse, &job, ONE_TWO).await.unwrap();
    let two = ["CREATE INDEX i ON dress.daily USING btree (day)", "CREATE INDEX i ON dress.daily USING btree (store)"];
    assert_eq!(lines(&look, indexes).await, two);
    (job.lake_version, job.mode) = (5, Replace::All);
    load(&mut warehouse, &job, ONE_TWO).await.unwrap();
    assert_eq!(lines(&look, indexes).await, two);
}

#[tokio::test]
async fn without_a_valid_permit_nothing_is_touched() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let job = sales("forbidden", &[1, 2], 1);
    let ended = Permit::issue("local", "r", now());
    let other = Permit::issue("production", "r", now() + chrono::TimeDelta::hours(1));
    for permit in [ended, other] {
        let error = warehouse.load(&permit, now(), &job, rows(ONE_TWO)).await.unwrap_err();
        assert!(matches!(error, WarehouseError::Permit(_)), "{error}");
    }
    let look = client(&shared.cluster).await;
    assert_eq!(lines(&look, "SELECT FROM pg_namespace WHERE nspname = 'forbidden'").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_at_once_take_turns() {
    let shared = shared().await;
    let target = shared.cluster.server();
    let look = client(&shared.cluster).await;
    let text = |store: &str| (0..20_000).map(|n| format!("2024-01-01,{store}{n},1.00\n")).collect::<String>();
    let one = |version: i64, store: &str| {
        let (target, text) = (target.clone(), text(store));
        tokio::spawn(async move {
            let mut warehouse = Warehouse::connect(&target).await.unwrap();
            let mut job = sales("at once", &[1], version);
            job.run = format!("run {text:.12}");
            warehouse.load(&permit(), now(), &job, rows(&text)).await
        })
    };
    // The same version twice: one loads, the other finds it done.
    let (a, b) = tokio::join!(one(1, "a"), one(1, "b"));
    let mut outcomes = [a.unwrap().unwrap(), b.unwrap().unwrap()];
    outcomes.sort_by_key(|outcome| *outcome == LoadOutcome::AlreadyLoaded);
    assert_eq!(
        outcomes,
        [LoadOutcome::Loaded { copied: 20_000, replaced: 0, sums_replaced: vec![] }, LoadOutcome::AlreadyLoaded]
    );
    let stores = "SELECT count(*), count(DISTINCT left(store, 1)) FROM \"at once\".daily";
    assert_eq!(lines(&look, stores).await, ["20000|1"]);

    // Two versions: the newer one stays, whoever came first.
    let (a, b) = tokio::join!(one(2, "c"), one(3, "d"));
    assert!(matches!(a.unwrap(), Ok(LoadOutcome::Loaded { .. }) | Err(WarehouseError::Newer { .. })));
    assert!(matches!(b.unwrap(), Ok(LoadOutcome::Loaded { replaced: 20_000, .. })));
    assert_eq!(lines(&look, stores).await, ["20000|1"]);
    assert_eq!(lines(&look, "SELECT DISTINCT left(store, 1) FROM \"at once\".daily").await, ["d"]);
}

#[tokio::test]
async fn a_date_costs_the_same_in_a_long_table_and_in_a_long_log() {
    let folder = folder();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let mut warehouse = Warehouse::connect(&cluster.server()).await.unwrap();
    let look = client(&cluster).await;
    let dates: Vec<_> = (0..2000).map(|at| day(1) + chrono::Days::new(at)).collect();
    let text: String = dates.iter().flat_map(|date| (0..10).map(move |n| format!("{date},S{n},1.00\n"))).collect();
    let mut job = sales("long", &[], 1);
    job.sort_key = vec!["store".into(), "day".into()];
    for version in 1..=3 {
        (job.lake_version, job.run) = (version, format!("run-{version}"));
        job.mode = Replace::Dates { column: "day".into(), dates: dates.clone() };
        load(&mut warehouse, &job, &text).await.unwrap();
    }
    // The server counts the rows that statements read; a scan of the table or of its log shows in them.
    let scans = "SELECT relname, seq_tup_read FROM pg_stat_all_tables \
                 WHERE relid IN ('long.daily'::regclass, 'assay.load_log'::regclass) ORDER BY 1";
    // A session tells its figures at its end.
    let told = async |warehouse: Warehouse| {
        drop(warehouse);
        let others = "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while !lines(&look, others).await.is_empty() {}
        lines(&look, scans).await
    };
    let before = told(warehouse).await;
    let mut warehouse = Warehouse::connect(&cluster.server()).await.unwrap();
    job.mode = Replace::Dates { column: "day".into(), dates: vec![dates[7]] };
    job.lake_version = 4;
    load(&mut warehouse, &job, &format!("{},S0,5.00\n", dates[7])).await.unwrap();
    assert_eq!(warehouse.rows("long", "daily").await.unwrap(), 19_991);
    assert_eq!(told(warehouse).await, before);
}

#[tokio::test]
async fn rows_of_the_table_are_known_without_counting_and_counted_when_somebody_else_changed_them() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let logged = "SELECT table_rows FROM assay.load_log WHERE schema_name = 'counted' ORDER BY id";
    load(&mut warehouse, &sales("counted", &[1, 2], 1), ONE_TWO).await.unwrap();
    load(&mut warehouse, &sales("counted", &[2], 2), "2024-01-02,A,1\n2024-01-02,B,1\n").await.unwrap();
    load(&mut warehouse, &sales("counted", &[3], 3), "2024-01-03,A,1\n").await.unwrap();
    assert_eq!(lines(&look, logged).await, ["3", "3", "4", "5"]);
    look.batch_execute("DELETE FROM counted.daily WHERE day = '2024-01-01' OR store = 'B'").await.unwrap();
    load(&mut warehouse, &sales("counted", &[2], 4), "2024-01-02,A,1\n").await.unwrap();
    assert_eq!(warehouse.rows("counted", "daily").await.unwrap(), 2);
    // Logs of earlier programs do not tell.
    look.batch_execute("UPDATE assay.load_log SET table_rows = NULL WHERE schema_name = 'counted'").await.unwrap();
    assert_eq!(warehouse.rows("counted", "daily").await.unwrap(), 2);
    load(&mut warehouse, &sales("counted", &[4], 5), "2024-01-04,A,1\n").await.unwrap();
    assert_eq!(warehouse.rows("counted", "daily").await.unwrap(), 3);
    let mut whole = sales("counted", &[], 6);
    whole.mode = Replace::All;
    load(&mut warehouse, &whole, ONE_TWO).await.unwrap();
    assert_eq!(warehouse.rows("counted", "daily").await.unwrap(), 3);
}

#[tokio::test]
async fn a_table_that_is_loaded_whole_again_and_again_does_not_grow() {
    let folder = folder();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let mut warehouse = Warehouse::connect(&cluster.server()).await.unwrap();
    let look = client(&cluster).await;
    let size = async || lines(&look, "SELECT pg_relation_size('grown.daily')").await[0].parse::<u64>().unwrap();
    let mut job = sales("grown", &[], 1);
    job.mode = Replace::All;
    let text: String = (0..2000).map(|n| format!("2024-01-01,S{n},1.00\n")).collect();
    load(&mut warehouse, &job, &text).await.unwrap();
    let once = size().await;
    for version in 2..=6 {
        (job.lake_version, job.run) = (version, format!("run-{version}"));
        let outcome = load(&mut warehouse, &job, &text).await.unwrap();
        assert_eq!(outcome, LoadOutcome::Loaded { copied: 2000, replaced: 2000, sums_replaced: vec![] });
    }
    // The rows that are there and the room of those that went, once.
    assert!(size().await <= 2 * once + 8192, "{} bytes after one load, {} after six", once, size().await);
}
