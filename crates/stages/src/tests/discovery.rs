//! Which files a source has.

#![allow(clippy::unwrap_used)]
use super::shop::Shop;
use crate::{Discovered, SENDING, discover, discover_within};
use assay_lake::{Access, Keys, Place};
use assay_pipeline::{Bucket, Source};
use assay_testkit::s3::{REGION, Server};
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn files_are_listed_in_byte_order_and_what_is_left_out_is_counted() {
    let shop = Shop::new();
    for name in ["2024-01-02/b.json", "2024-01-02/B.csv", "2024-01-10/a.json", "2024-01-02/deep/er/c.json", "x/d.json"]
    {
        shop.put(name, "");
    }
    for name in ["2024-01-02/.hidden", "2024-01-02/_SUCCESS", "2024-01-02/e.json.tmp", "2024-01-02/f.csv.part"] {
        shop.put(name, "");
    }
    fs::write(shop.bronze().join("bronze/sales/beside.json"), "").unwrap();
    fs::create_dir_all(shop.bronze().join("silver/sales/date=2024-01-01")).unwrap();
    let found = discover(&shop.pipeline.sources[0], &shop.bronze().into()).unwrap();
    let files: Vec<_> =
        found.files.iter().map(|file| (&file.path[18..], file.folder_date.map(|d| d.to_string()))).collect();
    let day = |text: &str| Some(text.to_owned());
    assert_eq!(
        files,
        [
            ("2024-01-02/B.csv", day("2024-01-02")),
            ("2024-01-02/b.json", day("2024-01-02")),
            ("2024-01-02/deep/er/c.json", day("2024-01-02")),
            ("2024-01-10/a.json", day("2024-01-10")),
            ("x/d.json", None),
        ]
    );
    assert_eq!(found.left_out, 5);
    assert!(found.left_out_examples.contains(&"bronze/sales/beside.json".to_owned()));
}

#[test]
fn a_source_without_a_folder_has_no_files() {
    let shop = Shop::new();
    assert_eq!(discover(&shop.pipeline.sources[0], &shop.bronze().into()).unwrap().files, []);
}

#[test]
fn a_star_stands_for_one_segment() {
    let shop = Shop::new();
    let lake = shop.bronze();
    for path in ["raw/eu/in/a.json", "raw/us/in/b.json", "raw/us/out/c.json", "raw/d.json"] {
        fs::create_dir_all(lake.join(path).parent().unwrap()).unwrap();
        fs::write(lake.join(path), "").unwrap();
    }
    let source = Source { path: "raw/*/in".to_owned(), ..shop.pipeline.sources[0].clone() };
    let found = discover(&source, &(&lake).into()).unwrap();
    let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["raw/eu/in/a.json", "raw/us/in/b.json"]);
}

#[test]
fn a_narrow_look_finds_what_a_wide_one_finds_there_and_lists_no_other_folder() {
    let shop = Shop::new();
    let names = [
        "2024-01-01/a.json",
        "2024-01-02/b.json",
        "2024-01-02/deep/c.json",
        "2024-01-02/.hidden",
        "2024-01-03/_SUCCESS",
        "2024-01-03/sub/d.csv",
        "2024-01-10/e.json",
        "2024-01-3/f.json",
        "x/g.json",
    ];
    names.iter().for_each(|name| drop(shop.put(name, "")));
    let (source, lake) = (&shop.pipeline.sources[0], shop.bronze());
    let sales = lake.join("bronze/sales");
    fs::write(sales.join("date=2024-01-05"), "a file, no folder").unwrap();
    std::os::unix::fs::symlink(sales.join("date=2024-01-01"), sales.join("date=2024-01-06")).unwrap();
    std::os::unix::fs::symlink(sales.join("date=2024-01-01/a.json"), sales.join("date=2024-01-02/link.json")).unwrap();
    let wide = discover(source, &(&lake).into()).unwrap();
    let day = |day: u32| NaiveDate::from_ymd_opt(2024, 1, day).unwrap();
    let known: Vec<String> = names.iter().map(|name| format!("bronze/sales/date={name}")).collect();
    for dates in [vec![], vec![1], vec![2, 3], vec![4, 5, 6], (1..=10).collect()] {
        let dates: BTreeSet<NaiveDate> = dates.into_iter().map(day).collect();
        for paths in [&known[..0], &known[2..4], &known[..]] {
            let mut paths: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
            paths.extend([
                "bronze/sales/date=2024-01-06/a.json",
                "bronze/sales/date=2024-01-02/deep",
                "bronze/gone.json",
            ]);
            let mut expected = wide.files.clone();
            expected.retain(|file| {
                file.folder_date.is_some_and(|date| dates.contains(&date)) || paths.contains(file.path.as_str())
            });
            assert_eq!(
                discover_within(source, &(&lake).into(), &dates, &paths).unwrap().files,
                expected,
                "{dates:?} {paths:?}"
            );
        }
    }
    // A folder that must not be listed cannot be.
    let closed = sales.join("date=2024-01-10");
    fs::remove_dir_all(&closed).unwrap();
    std::os::unix::fs::symlink(&closed, &closed).unwrap();
    let found = discover_within(source, &(&lake).into(), &BTreeSet::from([day(3)]), &BTreeSet::new()).unwrap();
    assert_eq!((found.files.len(), found.left_out), (1, 1));

    let arrival = Source { dates: assay_pipeline::FileDates::Arrival, ..source.clone() };
    let all = discover_within(&arrival, &(&lake).into(), &BTreeSet::from([day(3)]), &BTreeSet::new()).unwrap();
    assert_eq!(all, discover(&arrival, &(&lake).into()).unwrap(), "folders do not tell these dates");
}

#[test]
fn a_bucket_is_listed_as_a_folder_is() {
    let shop = Shop::new();
    let names = [
        "date=2024-01-01/a.json",
        "date=2024-01-02/b.json",
        "date=2024-01-02/deep/c c#1.json",
        "date=2024-01-02/.hidden",
        "date=2024-01-03/_SUCCESS",
        "date=2024-01-03/sub/d.csv",
        "date=2024-01-3/f.json",
        "date=x/empty.json",
        "_temporary/g.json",
        "beside.json",
    ];
    for name in names {
        let place = shop.bronze().join("bronze/sales").join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, if name.contains("empty") { "" } else { name }).unwrap();
    }
    let (server, source) = (Server::shared().unwrap(), &shop.pipeline.sources[0]);
    let store = server.bucket().unwrap();
    let lake = bucket(&server, store.name(), shop.folder.path()).join("sales_lakehouse");
    let paths = names.map(|name| format!("bronze/sales/{name}"));
    lake.send_all(&shop.bronze(), paths.iter().map(String::as_str)).unwrap();
    lake.join("silver/sales/date=2024-01-01/part.json").write("x".into()).unwrap();
    let here = discover(source, &(&shop.bronze()).into()).unwrap();
    let there = discover(source, &lake).unwrap();
    let told = |found: &Discovered| {
        let files = found.files.iter().map(|file| (file.path.clone(), file.size, file.folder_date));
        (files.collect::<Vec<_>>(), found.left_out, found.left_out_examples.iter().cloned().collect::<BTreeSet<_>>())
    };
    assert_eq!(told(&there), told(&here));
    let (first, second) = (NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(), NaiveDate::from_ymd_opt(2024, 1, 2).unwrap());
    for dates in [vec![], vec![first], vec![first, second]] {
        let dates = BTreeSet::from_iter(dates);
        let paths =
            BTreeSet::from(["bronze/sales/date=x/empty.json", "bronze/sales/gone.json", "bronze/sales/beside.json"]);
        let here = discover_within(source, &(&shop.bronze()).into(), &dates, &paths).unwrap();
        assert_eq!(told(&discover_within(source, &lake, &dates, &paths).unwrap()), told(&here), "{dates:?}");
    }

    // Two contents of one second and one size have two times.
    let (key, file) = (lake.join(&paths[0]), || discover(source, &lake).unwrap().files.remove(0));
    let before = file();
    key.write("date=2024-01-01/b.json".into()).unwrap();
    let after = file();
    assert_eq!((&before.path, before.size), (&after.path, after.size));
    assert_ne!(before.modified_ns, after.modified_ns);

    // A landing that is being sent is not seen.
    let half = lake.join("bronze/sales/date=2024-01-08");
    half.join(SENDING).write(Default::default()).unwrap();
    half.join("a.json").write("{}".into()).unwrap();
    let found = discover(source, &lake).unwrap();
    assert_eq!((found.files.len(), found.left_out), (here.files.len(), here.left_out + 1));
    half.join(SENDING).remove().unwrap();
    assert_eq!(discover(source, &lake).unwrap().files.len(), here.files.len() + 1);
}

fn bucket(server: &Server, name: &str, disk: &Path) -> Place {
    let bucket = Bucket {
        name: name.to_owned(),
        prefix: "lake".to_owned(),
        endpoint: Some(server.endpoint()),
        region: REGION.to_owned(),
    };
    let variables = server.variables();
    let keys = Keys::of(|wanted| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()));
    Place::in_bucket(&bucket, &disk.join("cache/lake"), &Access { keys, cache_limit: 1 << 30 })
}
