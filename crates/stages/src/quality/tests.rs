//! Failing rows on disk: cut by date, masked, counted, read back, compared.
#![allow(clippy::unwrap_used)]

use super::changes::{RowChanges, Sides, changes};
use super::failing::{FailingRows, RowForm, dates_of};
use super::kept::{FailingPart, keep};
use arrow::array::{
    ArrayRef, Date32Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt32Builder,
};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// Date as days, key, name, and the rules that the row made fail.
type Failing = (Option<i32>, i64, Option<&'static str>, &'static [u32]);

/// A file as an evaluation writes it.
fn write(path: &Path, rows: &[Failing]) {
    let (mut rules, mut reasons) = (ListBuilder::new(UInt32Builder::new()), ListBuilder::new(StringBuilder::new()));
    for (.., failed) in rows {
        failed.iter().for_each(|rule| rules.values().append_value(*rule));
        failed.iter().for_each(|rule| reasons.values().append_value(format!("rule {rule}, \"said\"")));
        rules.append(true);
        reasons.append(true);
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("day", Arc::new(rows.iter().map(|row| row.0).collect::<Date32Array>())),
        ("id", Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())),
        ("name", Arc::new(rows.iter().map(|row| row.2).collect::<StringArray>())),
        ("_rules", Arc::new(rules.finish())),
        ("_reasons", Arc::new(reasons.finish())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Keeps rows below `folder/name`.
fn kept(folder: &Path, name: &str, rows: &[Failing]) -> super::kept::Kept {
    let (all, into) = (folder.join("all"), folder.join(name));
    write(&all, rows);
    fs::create_dir(&into).unwrap();
    let masked = BTreeSet::from(["name".to_owned()]);
    keep(&all, &into, Some("day"), &masked, &|| false).unwrap()
}

fn day(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(days)
}

const ROWS: &[Failing] = &[
    (Some(0), 1, Some("Ada"), &[1]),
    (Some(0), 2, None, &[1, 3]),
    (Some(1), 3, Some("B2"), &[3]),
    (Some(0), 4, Some("C, \"d\""), &[3]),
    (None, 5, Some("E"), &[1]),
];

#[test]
fn rows_are_cut_by_date_counted_by_rule_and_masked() {
    let folder = tempfile::tempdir().unwrap();
    let kept = kept(folder.path(), "t", ROWS);
    let part = |rule, date, rows| FailingPart { rule, date, rows };
    assert_eq!(
        kept.parts,
        [part(1, None, 1), part(1, day(0), 2), part(3, day(0), 2), part(3, day(1), 1)],
        "rules by date"
    );
    assert_eq!(kept.rows.into_iter().collect::<Vec<_>>(), [(None, 1), (day(0), 3), (day(1), 1)]);
    let table = folder.path().join("t");
    assert_eq!(dates_of(&table).unwrap(), [None, day(0), day(1)]);

    let of = |dates: Option<&[Option<NaiveDate>]>, rule| FailingRows::open(&table, dates, rule).unwrap();
    let ids = |rows: &FailingRows| -> Vec<String> {
        let (header, page, total) = rows.page(0, 100).unwrap();
        assert_eq!((total, header.len()), (page.len() as u64, if page.is_empty() { 0 } else { 5 }));
        page.into_iter().map(|row| row[1].clone().unwrap()).collect()
    };
    assert_eq!(ids(&of(Some(&[day(0)]), Some(3))), ["2", "4"]);
    assert_eq!(ids(&of(None, Some(1))), ["5", "1", "2"]);
    assert_eq!(ids(&of(Some(&[day(9)]), None)), Vec::<String>::new());
    let (_, page, total) = of(None, None).page(2, 2).unwrap();
    assert_eq!((page.len(), total, page[0][1].as_deref()), (2, 5, Some("2")));
    assert_eq!((page[0][2].as_deref(), page[0][3].as_deref()), (None, Some("1 3")));

    let mut csv = Vec::new();
    assert_eq!(of(Some(&[day(0)]), None).write(RowForm::Csv, &mut csv, "here").unwrap(), 3);
    insta::assert_snapshot!(String::from_utf8(csv).unwrap(), @r#"
    day,id,name,_rules,_reasons
    1970-01-01,1,Xxx,1,"rule 1, ""said"""
    1970-01-01,2,,1 3,"rule 1, ""said""; rule 3, ""said"""
    1970-01-01,4,"X, ""x""",3,"rule 3, ""said"""
    "#);
    let again = folder.path().join("again.parquet");
    let file = File::create(&again).unwrap();
    assert_eq!(of(None, Some(3)).write(RowForm::Parquet, file, "here").unwrap(), 3);
    let none = FailingRows::open(&folder.path().join("nothing"), None, None).unwrap();
    assert_eq!(none.write(RowForm::Csv, Vec::new(), "here").unwrap(), 0);
}

#[test]
fn a_date_that_comes_again_gets_another_file() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path(), "t", ROWS);
    // One batch holds all rows, so that each date is written once.
    assert_eq!(fs::read_dir(folder.path().join("t/1970-01-01")).unwrap().count(), 1);
    let cancelled = keep(&folder.path().join("all"), &folder.path().join("t"), None, &BTreeSet::new(), &|| true);
    assert!(matches!(cancelled, Err(crate::StageError::Cancelled)));
}

#[test]
fn rows_are_compared_by_key_rule_by_rule_on_one_date() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path(), "before", ROWS);
    // Rule 3 is rule 2 now; row 2 is cured of it, row 6 is new, and the second row of key 4 counts too.
    let later: &[Failing] = &[
        (Some(0), 1, None, &[1]),
        (Some(0), 4, Some("x"), &[2]),
        (Some(0), 4, Some("y"), &[2]),
        (Some(0), 6, None, &[2]),
        (Some(1), 7, None, &[2]),
    ];
    kept(folder.path(), "after", later);
    let sides = Sides {
        before: &folder.path().join("before"),
        after: &folder.path().join("after"),
        key: &["id".to_owned()],
        rules: &[(Some(1), Some(1)), (Some(3), Some(2)), (None, None)],
        examples: 1,
    };
    let mut found = vec![RowChanges::default(); 3];
    changes(&sides, day(0), &mut found).unwrap();
    let one = |id: &str| vec![vec![Some(id.to_owned())]];
    assert_eq!((found[0].newly_failing, found[0].cured, &found[0].cured_examples), (0, 1, &one("2")));
    assert_eq!((found[1].newly_failing, found[1].cured), (1, 1));
    assert_eq!((&found[1].newly_failing_examples, &found[1].cured_examples), (&one("6"), &one("2")));
    assert_eq!(found[2], RowChanges::default());
}
