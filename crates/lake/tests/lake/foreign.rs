//! Tables as other programs write them.

use crate::fixture::{change, day, expected, now, permit, put, rows, schema};
use assay_lake::{Kind, PageRequest, Scope, open, page, replace};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Rewrites each action of the first commit, as another writer would have put it.
fn rewrite(folder: &Path, edit: impl Fn(&mut Value)) {
    let commit = folder.join("_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&commit).unwrap();
    let lines = text.lines().map(|line| {
        let mut action: Value = serde_json::from_str(line).unwrap();
        edit(&mut action);
        action.to_string()
    });
    fs::write(&commit, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_gives_dates_and_rows_where_paths_and_statistics_do_not() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    put(folder, "a", &[Some(day(0)), Some(day(1)), None], 4).await.unwrap();
    rewrite(folder, |action| {
        if let Some(add) = action.get_mut("add") {
            let path = add["path"].as_str().unwrap().to_owned();
            // A name that has to be decoded, in a folder that says nothing.
            let plain = path.replace(['=', '/'], "_").replace(".parquet", " 1%.parquet");
            fs::rename(folder.join(&path), folder.join(&plain)).unwrap();
            add["path"] = json!(plain.replace('%', "%25").replace(' ', "%20"));
            add.as_object_mut().unwrap().remove("stats");
        }
    });
    let snapshot = open(folder).await.unwrap().unwrap();
    assert_eq!(snapshot.rows(), 12);
    let found = rows(folder).await;
    for date in [Some(day(0)), Some(day(1)), None] {
        assert_eq!(found[&date], expected("a", 4));
    }
    let shown = page(folder, PageRequest { offset: 5, limit: 3, ..Default::default() }).await.unwrap();
    assert_eq!((shown.rows, shown.total), (3, 12));
    put(folder, "b", &[Some(day(1)), None], 2).await.unwrap();
    let found = rows(folder).await;
    assert_eq!(found[&Some(day(0))], expected("a", 4));
    assert_eq!((&found[&Some(day(1))], &found[&None]), (&expected("b", 2), &expected("b", 2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_vectors_are_refused() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0))], 4).await.unwrap();
    let features = json!(["deletionVectors"]);
    rewrite(root.path(), |action| {
        if action.get("protocol").is_some() {
            let (readers, writers) = (features.clone(), features.clone());
            action["protocol"] = json!({"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": readers, "writerFeatures": writers});
        }
        if let Some(add) = action.get_mut("add") {
            add["deletionVector"] = json!({"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^",
                "offset": 4, "sizeInBytes": 40, "cardinality": 2});
        }
    });
    let snapshot = open(root.path()).await.unwrap().unwrap();
    let columns = schema();
    let refused = [
        snapshot.scan(None).err().unwrap(),
        page(root.path(), PageRequest { limit: 1, ..Default::default() }).await.unwrap_err(),
        replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, vec![], "b")).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.to_string().contains("has deletion vectors"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_may_not_be_changed_are_left_alone() {
    let cases = [
        (json!({"delta.appendOnly": "true"}), json!(["appendOnly"]), "only takes new rows"),
        (json!({"delta.enableChangeDataFeed": "true"}), json!(["changeDataFeed"]), "cannot be written here"),
    ];
    for (configuration, features, why) in cases {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a", &[Some(day(0))], 4).await.unwrap();
        rewrite(root.path(), |action| {
            if action.get("protocol").is_some() {
                action["protocol"] = json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": features});
            }
            if let Some(metadata) = action.get_mut("metaData") {
                metadata["configuration"] = configuration.clone();
            }
        });
        let error = put(root.path(), "b", &[Some(day(0))], 1).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(rows(root.path()).await[&Some(day(0))], expected("a", 4), "and can be read");
    }
}
