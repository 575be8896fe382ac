//! What differs between two versions, against a comparison row by row in plain maps.

use crate::fixture::{day, now, permit};
use assay_lake::{
    Difference, DifferenceAsk, Kind, LakeField, Replacement, Scope, Snapshot, difference, open_version, replace,
    stage_frame,
};
use chrono::NaiveDate;
use polars::prelude::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::runtime::Runtime;

/// Date, id, name, cents (decimal with two places), units, run.
type Row = (Option<NaiveDate>, Option<i64>, Option<String>, Option<i128>, Option<i32>);

fn fields() -> Vec<LakeField> {
    vec![
        LakeField::new("date", DataType::Date, true),
        LakeField::new("id", DataType::Decimal(12, 0), true),
        LakeField::new("name", DataType::String, true),
        LakeField::new("amount", DataType::Decimal(10, 2), true),
        LakeField::new("units", DataType::Int32, true),
        LakeField::new("_run_id", DataType::String, true),
    ]
}

fn frame(rows: &[Row], run: &str) -> LazyFrame {
    let dates = DateChunked::from_naive_date_options("date".into(), rows.iter().map(|row| row.0)).into_series();
    let decimal = |name: &str, values: Vec<Option<i128>>, precision, scale| {
        Int128Chunked::from_iter_options(name.into(), values.into_iter())
            .into_decimal_unchecked(precision, scale)
            .into_series()
            .into_column()
    };
    let columns = vec![
        dates.into_column(),
        decimal("id", rows.iter().map(|row| row.1.map(i128::from)).collect(), 12, 0),
        Column::new("name".into(), rows.iter().map(|row| row.2.clone()).collect::<Vec<_>>()),
        decimal("amount", rows.iter().map(|row| row.3).collect(), 10, 2),
        Column::new("units".into(), rows.iter().map(|row| row.4).collect::<Vec<_>>()),
        Column::new("_run_id".into(), vec![run; rows.len()]),
    ];
    DataFrame::new_infer_height(columns).unwrap().lazy()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Replaces the dates of the rows, or everything.
fn put(
    runtime: &Runtime,
    folder: &Path,
    frame: LazyFrame,
    fields: &[LakeField],
    scope: Scope,
    partition: Option<&str>,
) -> Snapshot {
    let staged = stage_frame(frame, folder, partition, "r", &|| false).unwrap();
    let change = Replacement {
        folder: folder.into(),
        environment: "local",
        table: "shop/silver/sales",
        schema: fields,
        partition,
        scope,
        staged,
        run: "r",
        definition: "d",
        note: "n",
        audit: &|_, _| Ok(()),
    };
    let done = runtime.block_on(replace(&permit(), now(), change)).unwrap();
    runtime.block_on(open_version(folder, done.version)).unwrap()
}

fn row(date: u32, id: i64, name: &str, cents: i128, units: i32) -> Row {
    (Some(day(date)), Some(id), Some(name.to_owned()), Some(cents), Some(units))
}

fn key() -> Vec<String> {
    vec!["date".to_owned(), "id".to_owned()]
}

fn two(before: &[Row], after: &[Row], partition: Option<&str>, ask: &DifferenceAsk<'_>) -> Difference {
    let (root, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let old = put(&runtime, root.path(), frame(before, "a"), &fields(), Scope::Whole, partition);
    let new = put(&runtime, root.path(), frame(after, "b"), &fields(), Scope::Whole, partition);
    difference(Some(&old), &new, ask).unwrap()
}

#[test]
fn rows_columns_and_sums_are_told_apart() {
    let before = [row(0, 1, "a", 100, 1), row(0, 2, "b", 200, 2), row(0, 3, "c", 300, 3), row(1, 1, "d", 5, 1)];
    let after = [row(0, 1, "a", 100, 1), row(0, 2, "B", 250, 2), row(0, 4, "e", 1, 9), row(1, 1, "d", 6, 1)];
    let key = key();
    let found = two(&before, &after, Some("date"), &DifferenceAsk::by(&key));
    assert_eq!((found.added, found.removed, found.changed, found.unchanged, found.untouched), (1, 1, 2, 1, 0));
    let columns: Vec<_> =
        found.columns.iter().map(|column| (column.name.as_str(), column.changed, column.compared)).collect();
    assert_eq!(columns, [("name", 1, 3), ("amount", 2, 3), ("units", 0, 3)], "audit columns are left out");
    let text = |text: &str| Some(text.to_owned());
    let amount = &found.columns[1].examples;
    assert_eq!(
        (&amount[0].key, &amount[0].before, &amount[0].after),
        (&vec![text("2024-01-01"), text("2")], &text("2.00"), &text("2.50"))
    );
    assert_eq!((&amount[1].before, &amount[1].after), (&text("0.05"), &text("0.06")));
    assert_eq!(found.added_examples, [[text("2024-01-01"), text("4")]]);
    assert_eq!(found.removed_examples, [[text("2024-01-01"), text("3")]]);
    let sums: Vec<_> = found
        .sums
        .iter()
        .map(|sum| (sum.column.as_str(), sum.before.as_deref().unwrap(), sum.after.as_deref().unwrap()))
        .collect();
    assert_eq!(sums, [("id", "7", "8"), ("amount", "6.05", "3.57"), ("units", "7", "13")]);
    let dates: Vec<_> = found.dates.iter().map(|date| (date.date.unwrap(), date.before, date.after)).collect();
    assert_eq!(dates, [(day(0), 3, 3), (day(1), 1, 1)]);
    assert_eq!((found.before, found.after, found.rows_before, found.rows_after), (Some(0), 1, 4, 4));
    let none = two(&before, &after, Some("date"), &DifferenceAsk { examples: 0, ..DifferenceAsk::by(&key) });
    assert!(none.columns.iter().all(|column| column.examples.is_empty()) && none.added_examples.is_empty());
    assert_eq!((none.added, none.changed), (1, 2));
}

#[test]
fn only_the_dates_that_differ_are_read() {
    let (root, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let all: Vec<Row> = (0..40).flat_map(|date| (0..50).map(move |id| row(date, id, "x", 100, 1))).collect();
    let old = put(&runtime, root.path(), frame(&all, "a"), &fields(), Scope::Whole, Some("date"));
    let one: Vec<Row> = (0..50).map(|id| row(7, id, "x", if id == 3 { 101 } else { 100 }, 1)).collect();
    let new = put(&runtime, root.path(), frame(&one, "b"), &fields(), Scope::dates(&[day(7)]), Some("date"));
    // What is not read may be gone.
    for file in old.files().iter().filter(|file| file.partition != Some(day(7))) {
        std::fs::remove_file(root.path().join(&file.path)).unwrap();
    }
    let key = key();
    let found = difference(Some(&old), &new, &DifferenceAsk::by(&key)).unwrap();
    assert_eq!((found.changed, found.unchanged, found.untouched, found.files_read), (1, 49, 39 * 50, 2));
    let bytes = |snapshot: &Snapshot| {
        snapshot.files().iter().filter(|file| file.partition == Some(day(7))).map(|file| file.size).sum::<u64>()
    };
    assert_eq!(found.bytes_read, bytes(&old) + bytes(&new));
    assert_eq!(found.dates.len(), 1);
    let same = difference(Some(&new), &new, &DifferenceAsk::by(&key)).unwrap();
    assert_eq!((same.files_read, same.untouched, same.added + same.changed), (0, 2000, 0));
    let other =
        difference(Some(&old), &new, &DifferenceAsk { dates: Some(&[day(8)]), ..DifferenceAsk::by(&key) }).unwrap();
    assert_eq!((other.files_read, other.rows_after, other.untouched), (0, 50, 50));
}

#[test]
fn a_missing_file_and_what_cannot_be_compared_are_refused() {
    let (root, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let old = put(&runtime, root.path(), frame(&[row(0, 1, "a", 1, 1)], "a"), &fields(), Scope::Whole, Some("date"));
    let new = put(&runtime, root.path(), frame(&[row(0, 1, "b", 1, 1)], "b"), &fields(), Scope::Whole, Some("date"));
    let wrong = ["nothing".to_owned()];
    let error = difference(Some(&old), &new, &DifferenceAsk::by(&wrong)).unwrap_err();
    assert!(error.to_string().contains("no column nothing"), "{error}");
    let key = key();
    let uncounted = DifferenceAsk { count_by: Some("units"), ..DifferenceAsk::by(&key) };
    assert_eq!(difference(Some(&old), &new, &uncounted).unwrap_err().kind(), Kind::NotFound);
    let stopped = DifferenceAsk { cancelled: &|| true, ..DifferenceAsk::by(&key) };
    assert_eq!(difference(Some(&old), &new, &stopped).unwrap_err().kind(), Kind::Cancelled);
    std::fs::remove_file(root.path().join(&old.files()[0].path)).unwrap();
    assert_eq!(difference(Some(&old), &new, &DifferenceAsk::by(&key)).unwrap_err().kind(), Kind::Corrupt);
    let plain = put(&runtime, root.path(), frame(&[row(0, 1, "b", 1, 1)], "b"), &fields(), Scope::Whole, None);
    let dated = DifferenceAsk { dates: Some(&[]), ..DifferenceAsk::by(&key) };
    assert_eq!(difference(None, &plain, &dated).unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn more_rows_than_fit_are_compared_in_shares_and_one_key_that_never_fits_is_refused() {
    let row_of = |id: i64, cents: i128| row(0, id, "some name", cents, 1);
    let before: Vec<Row> = (0..5000).map(|id| row_of(id, 1)).collect();
    let after: Vec<Row> = (1..5001).map(|id| row_of(id, i128::from(id % 100 == 0))).collect();
    let key = key();
    let whole = two(&before, &after, None, &DifferenceAsk::by(&key));
    assert_eq!((whole.added, whole.removed, whole.changed, whole.unchanged), (1, 1, 4950, 49));
    let shared = two(&before, &after, None, &DifferenceAsk { memory: 20_000, ..DifferenceAsk::by(&key) });
    assert_eq!(
        (shared.added, shared.removed, shared.changed, shared.unchanged, &shared.sums, shared.bytes_read),
        (1, 1, 4950, 49, &whole.sums, whole.bytes_read)
    );
    let (root, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let one = put(&runtime, root.path(), frame(&vec![row_of(1, 1); 100], "a"), &fields(), Scope::Whole, None);
    let error = difference(None, &one, &DifferenceAsk { memory: 1000, ..DifferenceAsk::by(&key) }).unwrap_err();
    assert!(error.to_string().contains("more rows of one key than fit in memory"), "{error}");
}

#[test]
fn columns_that_come_go_and_widen_are_told() {
    let (root, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let before = [row(0, 1, "a", 100, 1), row(0, 2, "b", 200, 2)];
    let old = put(&runtime, root.path(), frame(&before, "a"), &fields(), Scope::Whole, Some("date"));
    let wide = frame(&before, "b").select([
        col("date"),
        col("id"),
        col("amount").cast(DataType::Decimal(20, 4)),
        col("units").cast(DataType::Int64),
        lit("new").alias("note"),
    ]);
    let new_fields = vec![
        LakeField::new("date", DataType::Date, true),
        LakeField::new("id", DataType::Decimal(12, 0), true),
        LakeField::new("amount", DataType::Decimal(20, 4), true),
        LakeField::new("units", DataType::Int64, true),
        LakeField::new("note", DataType::String, true),
    ];
    let new = put(&runtime, root.path(), wide, &new_fields, Scope::Whole, Some("date"));
    let key = key();
    let found = difference(Some(&old), &new, &DifferenceAsk::by(&key)).unwrap();
    assert_eq!((found.unchanged, found.changed), (2, 0), "values of wider numbers are equal");
    let schema: Vec<_> = found
        .schema
        .iter()
        .map(|change| (change.column.as_str(), change.before.is_some(), change.after.is_some()))
        .collect();
    let expected = [
        ("amount", true, true),
        ("units", true, true),
        ("note", false, true),
        ("name", true, false),
        ("_run_id", true, false),
    ];
    assert_eq!(schema, expected);
    assert_eq!(found.sums[1].before, found.sums[1].after);
}

#[test]
fn repeated_keys_null_keys_and_rows_without_a_key_are_counted() {
    let none = |name: &str| (None, None, Some(name.to_owned()), None, None);
    let before = vec![row(0, 1, "a", 1, 1), row(0, 1, "b", 1, 1), row(0, 1, "c", 1, 1), none("x"), none("x")];
    let after = vec![row(0, 1, "b", 1, 1), row(0, 1, "d", 1, 1), none("x")];
    let key = key();
    let found = two(&before, &after, Some("date"), &DifferenceAsk::by(&key));
    assert_eq!((found.duplicates_before, found.duplicates_after), (3, 1));
    assert_eq!((found.unchanged, found.changed, found.removed, found.added), (2, 1, 2, 0));
    assert_eq!(found.dates.last().map(|date| (date.date, date.before, date.after)), Some((None, 2, 1)));
    let whole = two(&before, &after, Some("date"), &DifferenceAsk::by(&[]));
    assert_eq!((whole.unchanged, whole.changed, whole.removed, whole.added), (2, 0, 3, 1));
    assert_eq!((whole.duplicates_before, whole.removed_examples.len()), (0, 3));
    let counted = DifferenceAsk { count_by: Some("name"), ..DifferenceAsk::by(&[]) };
    let counted = two(&before, &after, Some("date"), &counted).counted;
    let counted: Vec<_> =
        counted.iter().map(|count| (count.date, count.value.as_str(), count.before, count.after)).collect();
    let d = Some(day(0));
    assert_eq!(counted, [(d, "a", 1, 0), (d, "b", 1, 1), (d, "c", 1, 0), (d, "d", 0, 1), (None, "x", 2, 1)]);
}

#[test]
fn a_table_that_is_new_and_two_tables_in_two_folders_are_compared() {
    let (one, other, runtime) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), runtime());
    let rows = [row(0, 1, "a", 1, 1), row(1, 1, "b", 2, 1)];
    let first = put(&runtime, one.path(), frame(&rows, "a"), &fields(), Scope::Whole, Some("date"));
    let second = put(&runtime, other.path(), frame(&rows[..1], "b"), &fields(), Scope::Whole, None);
    let key = key();
    let new = difference(None, &first, &DifferenceAsk::by(&key)).unwrap();
    assert_eq!((new.before, new.added, new.rows_before, new.sums[0].before.as_deref()), (None, 2, 0, None));
    let two = difference(Some(&first), &second, &DifferenceAsk::by(&key)).unwrap();
    assert_eq!((two.removed, two.unchanged, two.untouched), (1, 1, 0));
}

/// Added, removed, changed, unchanged and changes of each column, by nothing but maps and sorted lists.
fn model(before: &[Row], after: &[Row], keyed: bool) -> ([u64; 4], [u64; 3]) {
    type Cells = (Option<String>, Option<i128>, Option<i32>);
    type Key = (Option<NaiveDate>, Option<i64>, Option<Cells>);
    let group = |rows: &[Row]| {
        let mut groups: BTreeMap<Key, Vec<Cells>> = BTreeMap::new();
        for (date, id, name, cents, units) in rows {
            let cells = (name.clone(), *cents, *units);
            groups.entry((*date, *id, (!keyed).then(|| cells.clone()))).or_default().push(cells);
        }
        groups
    };
    let (old, new) = (group(before), group(after));
    let (mut counts, mut columns) = ([0; 4], [0; 3]);
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(key))) {
        let mut a = old.get(key).cloned().unwrap_or_default();
        let mut b = new.get(key).cloned().unwrap_or_default();
        a.retain(|cells| match b.iter().position(|other| other == cells) {
            Some(at) => {
                b.remove(at);
                counts[3] += 1;
                false
            }
            None => true,
        });
        a.sort();
        b.sort();
        for (a, b) in a.iter().zip(&b) {
            counts[2] += 1;
            columns[0] += u64::from(a.0 != b.0);
            columns[1] += u64::from(a.1 != b.1);
            columns[2] += u64::from(a.2 != b.2);
        }
        counts[0] += b.len().saturating_sub(a.len()) as u64;
        counts[1] += a.len().saturating_sub(b.len()) as u64;
    }
    (counts, columns)
}

fn any_row() -> impl Strategy<Value = Row> {
    let date = prop_oneof![1 => Just(None), 6 => (0u32..3).prop_map(|date| Some(day(date)))];
    let id = prop_oneof![1 => Just(None), 8 => (-3i64..12).prop_map(Some)];
    let name = prop::option::weighted(0.8, "[ab]{0,2}");
    (date, id, name, prop::option::weighted(0.8, -2i128..3), prop::option::weighted(0.8, 0i32..2))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_two_versions_differ_as_the_model_says(
        before in prop::collection::vec(any_row(), 0..40), after in prop::collection::vec(any_row(), 0..40),
        partitioned: bool, keyed: bool, by_id: bool, memory in prop_oneof![Just(64u64 << 20), Just(700)],
    ) {
        let key: Vec<String> = match (keyed, by_id) {
            (false, _) => vec![],
            (true, false) => key(),
            (true, true) => vec!["id".to_owned(), "date".to_owned()],
        };
        let ask = DifferenceAsk { memory, ..DifferenceAsk::by(&key) };
        let found = two(&before, &after, partitioned.then_some("date"), &ask);
        let (counts, columns) = model(&before, &after, keyed);
        prop_assert_eq!([found.added, found.removed, found.changed, found.unchanged], counts);
        if keyed {
            let found: Vec<u64> = found.columns.iter().map(|column| column.changed).collect();
            prop_assert_eq!(found, columns.to_vec());
        }
        let sum = |rows: &[Row]| -> Option<i128> { rows.iter().filter_map(|row| row.3).reduce(|a, b| a + b) };
        let cents = |text: &Option<String>| text.as_ref().map(|text| text.replace('.', "").parse::<i128>().unwrap());
        let amount = found.sums.iter().find(|sum| sum.column == "amount").unwrap();
        prop_assert_eq!(cents(&amount.before), sum(&before));
        prop_assert_eq!(cents(&amount.after), sum(&after));
    }
}
