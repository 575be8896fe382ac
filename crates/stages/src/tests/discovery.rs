//! Which files a source has.

#![allow(clippy::unwrap_used)]
use super::shop::Shop;
use crate::discover;
use assay_pipeline::Source;
use std::fs;

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
    let found = discover(&shop.pipeline.sources[0], &shop.bronze()).unwrap();
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
    assert_eq!(discover(&shop.pipeline.sources[0], &shop.bronze()).unwrap().files, []);
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
    let found = discover(&source, &lake).unwrap();
    let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["raw/eu/in/a.json", "raw/us/in/b.json"]);
}
