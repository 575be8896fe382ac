//! Rules on other datasets, queries, files and earlier values.

use super::NOW;
use crate::{
    Composites, Data, Digest, Evaluated, Files, History, ListedFile, NoHistory, Outcome, Profile, Report, RowCounts,
    Rows, Verdict, evaluate,
};
use chrono::{DateTime, Duration};
use polars::prelude::{DataFrame, IntoColumn, IntoLazy, IntoSeries, LazyFrame, df};
use std::collections::BTreeMap;

struct World<'a> {
    rows: DataFrame,
    references: BTreeMap<String, LazyFrame>,
    files: Option<Files<'a>>,
    history: &'a dyn History,
    profile: Profile,
}

fn orders() -> DataFrame {
    df!(
        "id" => [Some(1i64), Some(2), Some(3), None],
        "product" => [Some("a"), Some("b"), Some("zz"), None],
        "amount" => [1.5, 2.5, 4.0, 8.0],
    )
    .unwrap()
}

fn world<'a>() -> World<'a> {
    let products = df!("Code" => [Some("a"), Some("b"), Some("c"), None], "rank" => [1i32, 2, 3, 4]).unwrap();
    let copy = df!(
        "key" => [1i64, 2, 5],
        "product" => ["a", "B", "x"],
        "amount" => [1.5, 2.5, 9.0],
    )
    .unwrap();
    let twice = df!("id" => [1i64, 1], "product" => ["a", "b"]).unwrap();
    let empty = orders().head(Some(0));
    let named = [("products", products), ("copy", copy), ("twice", twice), ("empty", empty), ("shop.orders", orders())];
    World {
        rows: orders(),
        references: named.into_iter().map(|(name, rows)| (name.to_owned(), rows.lazy())).collect(),
        files: None,
        history: &NoHistory,
        profile: Profile::Glue,
    }
}

fn report(rules: &str, world: &World<'_>) -> Report {
    let ruleset = assay_dqdl::parse(&format!("Rules = [ {rules} ]")).unwrap();
    let data = Data {
        rows: world.rows.clone().lazy(),
        key: &[],
        references: &world.references,
        files: world.files,
        history: world.history,
        now: DateTime::from_timestamp(NOW, 0).unwrap(),
        profile: world.profile,
        composites: Composites::Column,
        cancelled: &|| false,
    };
    evaluate(&ruleset, &data, Rows::Count).unwrap()
}

fn verdict(rule: &str, world: &World<'_>) -> Verdict {
    report(rule, world).verdicts.remove(0)
}

/// The only metric of a rule; NaN where it has none.
fn value(verdict: &Verdict) -> f64 {
    verdict.metrics.values().next().copied().unwrap_or(f64::NAN)
}

fn measured(cases: &[(&str, f64)], world: &World<'_>) {
    for (rule, expected) in cases {
        let verdict = verdict(rule, world);
        let found = value(&verdict);
        assert!((found - expected).abs() < 1e-12 || found == *expected, "{rule}: {verdict:?}");
        let outcome = if rule.contains(">= 0") { Outcome::Passed } else { Outcome::Failed };
        assert_eq!(verdict.outcome, outcome, "{rule}: {verdict:?}");
    }
}

fn failed(cases: &[(&str, &str)], world: &World<'_>) {
    for (rule, words) in cases {
        let verdict = verdict(rule, world);
        assert_eq!(verdict.outcome, Outcome::Failed, "{rule}: {verdict:?}");
        assert!(verdict.reason.as_deref().is_some_and(|reason| reason.contains(words)), "{rule}: {verdict:?}");
    }
}

#[test]
fn shares_of_a_reference() {
    let cases = [
        ("RowCountMatch \"products\" >= 0", 1.0),
        ("RowCountMatch \"copy\" < 1", 4.0 / 3.0),
        ("RowCountMatch \"empty\" >= 0", f64::INFINITY),
        ("SchemaMatch \"shop.orders\" >= 0", 1.0),
        ("SchemaMatch \"copy\" >= 0", 2.0 / 3.0),
        ("SchemaMatch \"products\" > 0", 0.0),
        ("ReferentialIntegrity \"product\" \"products.code\" >= 0", 0.5),
        ("ReferentialIntegrity \"ID\" \"products.rank\" >= 0", 0.75),
        ("ReferentialIntegrity \"id,product\" \"shop.orders.{id,product}\" >= 0", 0.75),
        ("ReferentialIntegrity \"id\" \"shop.orders.id\" >= 0", 0.75),
        ("ReferentialIntegrity \"product\" \"empty.product\" > 0", 0.0),
        ("DatasetMatch \"copy\" \"id->key\" >= 0", 0.25),
        ("AggregateMatch \"sum(product)\" \"sum(amount)\" > 0", 0.0),
        ("DatasetMatch \"copy\" \"id->key\" \"amount\" >= 0", 0.5),
        ("DatasetMatch \"shop.orders\" \"id\" >= 0", 0.75),
        ("AggregateMatch \"sum(amount)\" \"sum(copy.amount)\" >= 0", 16.0 / 13.0),
        ("AggregateMatch \"avg(amount)\" \"avg(products.rank)\" >= 0", 4.0 / 2.5),
        ("AggregateMatch \"sum(id)\" \"sum(amount)\" >= 0", 6.0 / 16.0),
        ("AggregateMatch \"sum(amount)\" \"sum(empty.amount)\" > 0", 0.0),
        ("AggregateMatch \"sum(empty.id)\" \"sum(empty.amount)\" >= 0", 1.0),
    ];
    measured(&cases, &world());
}

#[test]
fn what_cannot_be_compared_fails_and_says_why() {
    let cases = [
        ("RowCountMatch \"nowhere\" > 0", "'nowhere' not found"),
        ("SchemaMatch \"nowhere\" > 0", "nowhere not found"),
        ("ReferentialIntegrity \"id\" \"nowhere.id\" > 0", "nowhere not found"),
        ("ReferentialIntegrity \"id\" \"copy\" > 0", "names no column of a reference"),
        ("ReferentialIntegrity \"x\" \"copy.key\" > 0", "Column x does not exist in primary"),
        ("ReferentialIntegrity \"id\" \"copy.x\" > 0", "Column x does not exist in reference"),
        ("ReferentialIntegrity \"id,product\" \"copy.key\" > 0", "2 columns cannot be looked up in 1"),
        ("DatasetMatch \"copy\" \"id\" > 0", "key columns were not found in the second dataset: id"),
        ("DatasetMatch \"twice\" \"id\" \"product\" > 0", "not unique in the second dataset"),
        ("DatasetMatch \"copy\" \"id->key\" \"lost\" > 0", "columns were not found in the first dataset: lost"),
        ("AggregateMatch \"max(id)\" \"sum(amount)\" > 0", "is no aggregate"),
        ("AggregateMatch \"sum(lost)\" \"sum(amount)\" > 0", "does not include column lost"),
    ];
    failed(&cases, &world());
    let empty = World { rows: orders().head(Some(0)), ..world() };
    failed(&[("ReferentialIntegrity \"id\" \"copy.key\" >= 0", "contains no data")], &empty);
    failed(&[("DatasetMatch \"copy\" \"id->key\" \"amount\" >= 0", "is empty")], &empty);
}

#[test]
fn rows_that_a_reference_does_not_have_are_counted() {
    let rows = |passed, failed| Some(RowCounts { passed, failed, skipped: 0 });
    let world = world();
    assert_eq!(verdict("ReferentialIntegrity \"product\" \"products.code\" > 0.4", &world).rows, rows(2, 2));
    assert_eq!(verdict("DatasetMatch \"copy\" \"id->key\" \"amount\" > 0.4", &world).rows, rows(2, 2));
    let open = World { profile: Profile::Deequ, ..world };
    assert_eq!(verdict("ReferentialIntegrity \"product\" \"products.code\" > 0.4", &open).rows, None);
}

#[test]
fn a_query_gives_a_number() {
    let cases = [
        ("CustomSql \"select count(*) from primary\" >= 0", 4.0),
        ("CustomSql \"select sum(amount) from primary where product is not null\" >= 0", 8.0),
        ("CustomSql \"select count(*) from primary p join products q on p.product = q.code\" >= 0", 2.0),
        ("CustomSql \"select avg(id) from primary\" >= 0", 2.0),
        ("CustomSql \"select '12.5'\" >= 0", 12.5),
        ("CustomSql \"select count(*) > 3 from primary\" >= 0", 1.0),
    ];
    measured(&cases, &world());
    let cases = [
        ("CustomSql \"select id from primary\" > 0", "exactly 1 row"),
        ("CustomSql \"select id from primary where id > 99\" > 0", "exactly 1 row"),
        ("CustomSql \"select 1, 2\" > 0", "exactly 1 column"),
        ("CustomSql \"select nothing from primary\" > 0", "no column `nothing`"),
        ("CustomSql \"select count(*) from nowhere\" > 0", "no table `nowhere`"),
        ("CustomSql \"selec 1\" > 0", "Error executing SQL"),
        ("CustomSql \"select max(id) from primary where id > 99\" = 0", "NULL"),
    ];
    failed(&cases, &world());
    let open = World { profile: Profile::Deequ, ..world() };
    assert_eq!(verdict("CustomSql \"select max(id) from primary where id > 99\" = 0", &open).outcome, Outcome::Passed);
}

#[test]
fn a_query_gives_the_rows_that_pass() {
    let cases = [
        ("CustomSql \"select id from primary where amount > 2\"", 0.75, false),
        ("CustomSql \"select id from primary where amount > 2\" with threshold > 0.5", 0.75, true),
        ("CustomSql \"select * from primary\"", 1.0, true),
        ("CustomSql \"select key as id from copy\" with threshold = 0.5", 0.5, true),
        ("CustomSql \"select id from primary where id is null\" with threshold = 0.25", 0.25, true),
    ];
    for (rule, share, passes) in cases {
        let verdict = verdict(rule, &world());
        assert!((value(&verdict) - share).abs() < 1e-12, "{rule}: {verdict:?}");
        assert_eq!(verdict.outcome == Outcome::Passed, passes, "{rule}: {verdict:?}");
        let failed = ((1.0 - share) * 4.0) as u64;
        assert_eq!(verdict.rows, Some(RowCounts { passed: 4 - failed, failed, skipped: 0 }), "{rule}");
    }
    let cases = [
        ("CustomSql \"select key from copy\"", "Columns not found: key"),
        ("CustomSql \"select upper(product) from primary\"", "Columns not found"),
        ("CustomSql \"select lost from primary\"", "no column `lost`"),
    ];
    failed(&cases, &world());
    assert_eq!(
        verdict("CustomSql \"select lost from primary\"", &world()).rows,
        Some(RowCounts { passed: 0, failed: 4, skipped: 0 })
    );
    let empty = World { rows: orders().head(Some(0)), ..world() };
    failed(&[("CustomSql \"select id from primary\"", "being empty")], &empty);
}

#[test]
fn rows_that_a_query_names_twice_count_twice_only_for_the_open_evaluator() {
    let rows = df!("name" => ["x", "x", "y", "y"]).unwrap();
    let rule = "CustomSql \"select name from primary where name = 'x'\"";
    let documented = verdict(rule, &World { rows: rows.clone(), ..world() });
    assert_eq!((documented.outcome, value(&documented)), (Outcome::Failed, 0.5));
    let open = verdict(rule, &World { rows, profile: Profile::Deequ, ..world() });
    assert_eq!((open.outcome, value(&open)), (Outcome::Passed, 1.0));
}

#[test]
fn a_text_that_is_no_number_equals_no_null_of_a_query() {
    let rows = df!("t" => [Some("x"), Some("2"), None], "n" => [None, Some(2i64), None]).unwrap();
    for profile in [Profile::Glue, Profile::Deequ] {
        let world = World { rows: rows.clone(), profile, ..world() };
        let found = verdict("CustomSql \"select n as t from primary where n is null\"", &world);
        assert_eq!(found.rows, Some(RowCounts { passed: 1, failed: 2, skipped: 0 }), "{profile:?}: {found:?}");
    }
}

#[test]
fn the_open_evaluator_finds_columns_of_a_query_by_exact_names() {
    let open = World { profile: Profile::Deequ, ..world() };
    let cases = [
        ("CustomSql \"select ID from primary\"", "Columns not found: ID"),
        ("CustomSql \"select id, id from primary\"", "gives id twice"),
        ("CustomSql \"select sum(amount) / 2.5 from primary\" > 0", "Failed To Run"),
    ];
    failed(&cases, &open);
    assert_eq!(value(&verdict("CustomSql \"select sum(amount) / 2.5 as half from primary\" > 0", &open)), 6.4);
    let documented = verdict("CustomSql \"select ID from primary\"", &world());
    assert_eq!(documented.outcome, Outcome::Passed, "{documented:?}");
}

#[test]
fn what_only_the_service_can_say_stays_unknown() {
    let rules = [
        "CustomSql \"select percentile(amount, 0.5) from primary\" > 0",
        "RowCount > 0 where \"soundex(product) = 'A'\"",
        "FileSize > 1 KB",
    ];
    for rule in rules {
        let verdict = verdict(rule, &world());
        let told = matches!(&verdict.evaluated, Evaluated::RemoteOnly(reason) if !reason.is_empty());
        assert!(verdict.outcome == Outcome::Unknown && told && verdict.rows.is_none(), "{rule}: {verdict:?}");
    }
}

#[test]
fn the_open_evaluator_compares_rows_of_datasets_by_a_hash() {
    let rows =
        df!("k" => [1i32, 2, 3, 4], "a" => [Some(1i32), None, None, Some(4)], "b" => [None, Some(2i32), None, Some(4)]);
    let theirs = df!("k" => [1i32, 2, 3], "a" => [None::<i32>; 3], "b" => [Some(1i32), Some(2), None]);
    let (rows, theirs) = (
        rows.unwrap(),
        theirs.unwrap().lazy().with_columns([polars::prelude::col("a").cast(polars::prelude::DataType::Int32)]),
    );
    let mut world = World { rows, profile: Profile::Deequ, ..world() };
    world.references.insert("ref".to_owned(), theirs.clone());
    world.references.insert(
        "long".to_owned(),
        theirs.with_columns([polars::prelude::col("b").cast(polars::prelude::DataType::Int64)]),
    );
    let cases = [
        // A null has no part in the hash: it does not matter in which column the value is.
        ("DatasetMatch \"ref\" \"k\" >= 0", 0.75),
        ("DatasetMatch \"ref\" \"k\" \"b\" >= 0", 0.5),
        // The names of either side are sorted: a is compared with a.
        ("DatasetMatch \"ref\" \"k\" \"a->b,b->a\" >= 0", 0.75),
        // The same number of another type has another hash.
        ("DatasetMatch \"long\" \"k\" \"b\" >= 0", 0.25),
    ];
    measured(&cases, &world);
    failed(&[("DatasetMatch \"ref\" \"k,a,b\" >= 0", "Empty column comparison map")], &world);
    let documented = World { profile: Profile::Glue, ..world };
    measured(&[("DatasetMatch \"ref\" \"k\" >= 0", 0.5), ("DatasetMatch \"long\" \"k\" \"b\" >= 0", 0.5)], &documented);
}

#[test]
fn aggregates_are_those_of_spark() {
    let money = |units: &[i128], precision, scale| {
        let whole = polars::prelude::Int128Chunked::from_vec("d".into(), units.to_vec());
        whole.into_decimal_unchecked(precision, scale).into_series().into_column()
    };
    let most = 10i128.pow(38) - 1;
    let columns = vec![
        polars::prelude::Column::new("one".into(), [1i32, 1, 1]),
        polars::prelude::Column::new("big".into(), [i64::MAX, 1, 5]),
        money(&[100, 200, 200], 5, 2),
        money(&[most, 1, 0], 38, 0).with_name("wide".into()),
        money(&[most, -1, -most + 3], 38, 0).with_name("near".into()),
    ];
    let rows = DataFrame::new(3, columns).unwrap();
    let world = World { rows, profile: Profile::Deequ, ..world() };
    let cases = [
        ("AggregateMatch \"sum(near)\" \"sum(one)\" >= 0", 2.0 / 3.0),
        ("AggregateMatch \"sum(wide)\" \"sum(one)\" > 0", 0.0),
        ("AggregateMatch \"avg(d)\" \"SUM(one)\" >= 0", 1.666667 / 3.0),
        ("Sum \"big\" < -9223372036854775000 ", -9_223_372_036_854_775_803.0),
        ("Mean \"big\" < -3074457345618258000", -3_074_457_345_618_258_601.0),
        ("Sum \"near\" >= 0", 2.0),
    ];
    for (rule, expected) in cases {
        let verdict = verdict(rule, &world);
        assert!((value(&verdict) - expected).abs() <= expected.abs() * 1e-12, "{rule}: {verdict:?}");
    }
    failed(
        &[("Sum \"wide\" > 0", "Empty state"), ("AggregateMatch \"Avg(d)\" \"sum(one)\" > 0", "is no aggregate")],
        &world,
    );
    let kept = World { profile: Profile::Glue, ..world };
    assert_eq!(value(&verdict("Sum \"wide\" > 0", &kept)), 1e38);
    assert_eq!(value(&verdict("Sum \"big\" > 0", &kept)), 9_223_372_036_854_775_813.0);
}

#[test]
fn columns_of_a_schema_are_compared_by_exact_names() {
    let mut world = world();
    let other = df!("ID" => [1i64], "product" => ["a"], "amount" => [1i64]).unwrap();
    world.references.insert("other".to_owned(), other.lazy());
    measured(&[("SchemaMatch \"other\" >= 0", 1.0 / 3.0)], &world);
    failed(&[("SchemaMatch \"products\" < 0.5", "Column counts do not match")], &world);
}

#[test]
fn decimal_keys_are_found_whatever_their_scale() {
    let money = |text: &str| {
        let column = polars::prelude::Column::new("price".into(), [text, "7.5"]);
        let frame = DataFrame::new(2, vec![column]).unwrap().lazy();
        let scale = if text.len() > 4 { 3 } else { 1 };
        let price = polars::prelude::col("price").cast(polars::prelude::DataType::Decimal(20, scale));
        frame.select([price]).collect().unwrap()
    };
    let mut world = world();
    world.rows = money("1.500");
    world.references.insert("prices".to_owned(), money("1.5").lazy());
    measured(&[("ReferentialIntegrity \"price\" \"prices.price\" >= 0", 1.0)], &world);
    measured(&[("DatasetMatch \"prices\" \"price\" \"price\" >= 0", 1.0)], &world);
}

#[test]
fn a_verdict_tells_the_numbers_that_it_was_compared_with() {
    let past = World { history: &Past, ..world() };
    let rule = "(RowCount > 2 * avg(last(2)) + 1) AND (Completeness \"id\" > 0.5)";
    let told = verdict(rule, &past).resolved;
    assert_eq!(told.as_deref(), Some("(RowCount > 2 * 4 + 1) AND (Completeness \"id\" > 0.5)"));
    assert_eq!(verdict("RowCount > 1", &past).resolved, None);
}

struct Past;

impl History for Past {
    fn last(&self, metric: &str, filter: Option<&str>, count: usize) -> Vec<f64> {
        match (metric, filter) {
            ("Dataset.*.RowCount", None) => [2.0, 6.0, 7.0].into_iter().take(count).collect(),
            ("Column.amount.Mean", Some("amount > 2")) => vec![4.0],
            _ => Vec::new(),
        }
    }
}

#[test]
fn conditions_compare_with_earlier_values() {
    let past = World { history: &Past, ..world() };
    let cases = [
        ("RowCount > last()", true),
        ("RowCount >= avg(last(2))", true),
        ("RowCount > avg(last(3))", false),
        ("RowCount between min(last(3)) and max(last(3))", true),
        ("Mean \"amount\" > last() where \"amount > 2\"", true),
        ("Mean \"amount\" > 100 * last()", true),
        ("Completeness \"id\" >= avg(last(5)) - 2 * std(last(5))", true),
    ];
    for (rule, passes) in cases {
        let verdict = verdict(rule, &past);
        assert_eq!(verdict.outcome == Outcome::Passed, passes, "{rule}: {verdict:?}");
    }
}

#[test]
fn files_are_judged_by_their_listing() {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let file =
        |path: &str, size, hours| ListedFile { path: path.to_owned(), size, modified: now - Duration::hours(hours) };
    let list = [file("in/a.csv", 2048, 1), file("in/b.csv", 100, 30), file("copy/a.csv", 2048, 50)];
    // What a file holds, for this test: its size.
    let digest = |file: &ListedFile, _: Digest| Ok(format!("{:032x}", file.size));
    let files = World { files: Some(Files { list: &list, digest: &digest }), ..world() };
    let cases = [
        ("FileSize > 10 B", true),
        ("FileSize \"in\" > 1 KB", false),
        ("FileSize \"in\" > 1 KB with threshold > 0.4", true),
        ("FileSize \"in/a.csv\" = 2 KB", true),
        ("FileSize between 99 and 2049", true),
        ("FileFreshness \"in\" > (now() - 24 hours)", false),
        ("FileFreshness \"in\" > (now() - 24 hours) with threshold = 0.5", true),
        ("FileFreshness \"in/a.csv\" >= \"2024-03-10\"", true),
        ("FileFreshness \"in/a.csv\" = \"11:00\"", true),
        ("FileFreshness \"in/a.csv\" between \"10:30 AM\" and \"11:30 AM\"", true),
        ("FileFreshness \"in\" > (now() - 24 hours) with recentFiles = 1", true),
        ("FileMatch \"copy\" \"in\"", true),
        ("FileMatch \"in\" \"copy\"", false),
        ("FileMatch \"in/a.csv\" in [\"00000000000000000000000000000800\"]", true),
        ("FileMatch \"in/b.csv\" in [\"00000000000000000000000000000800\"]", false),
        ("FileUniqueness = 1.0", false),
        ("FileUniqueness \"in\" = 1.0", true),
        ("FileSize \"nothing\" > 1 B", false),
    ];
    for (rule, passes) in cases {
        let verdict = verdict(rule, &files);
        assert_eq!(verdict.outcome == Outcome::Passed, passes, "{rule}: {verdict:?}");
        assert!(verdict.outcome != Outcome::Unknown, "{rule}: {verdict:?}");
    }
    let share = value(&verdict("FileUniqueness > 0.3", &files));
    assert!((share - 1.0 / 3.0).abs() < 1e-12);
    let zone = verdict("FileFreshness > \"9:30 AM\" with timeZone = \"America/New_York\"", &files);
    assert_eq!(zone.outcome, Outcome::Unknown);
}
