//! The same records in every form, against a second computation that shares no code.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, TINY};
use crate::{Counts, Limits, StageError};
use assay_testkit::{Expected, assert_same_rows};
use proptest::prelude::*;
use proptest::sample::select;
use std::io::Write;

/// A record's fields as (name, text, bare): bare texts are JSON values as they stand, others are quoted.
type Record = Vec<(&'static str, String, bool)>;

fn record() -> impl Strategy<Value = Record> {
    let id = select(vec!["T1", "T2", "T3", "T4", " T4 ", ""]);
    let date = select(vec!["2024-01-01", "01/01/2024", "2024-1-2", "1/2/2024", "2024-13-01", "", "soon"]);
    let store = select(vec!["S1", "Zürich, \"West\"", "two\nlines", "ends\r\nso", "日本", "\u{a0}x\u{2003}", "😀", ""]);
    let quantity = select(vec![
        ("2", true),
        ("3.0", true),
        ("2", false),
        ("0", true),
        ("2.5", true),
        ("x", false),
        ("", false),
        ("true", true),
        ("1e1", true),
    ]);
    let price = select(vec![
        ("1.50", true),
        ("1.5", false),
        ("150e-2", true),
        ("12,90", false),
        ("1.505", true),
        ("-1", true),
        ("[1]", true),
        ("+1.5", false),
    ]);
    let total = select(vec![
        ("null", true),
        ("3.00", true),
        ("3.01", true),
        ("4", true),
        ("", false),
        ("much", false),
        ("15", true),
    ]);
    let pay = select(vec!["Credit Card", "cash", "  ", "ÄB \t c"]);
    (id, date, store, quantity, price, total, pay, any::<bool>()).prop_map(
        |(id, date, store, quantity, price, total, pay, extra)| {
            let text = |name, value: &str| (name, value.to_owned(), false);
            let any = |name, (value, bare): (&str, bool)| (name, value.to_owned(), bare);
            let mut record = vec![
                text("transaction_id", id),
                text("date", date),
                text("store_id", store),
                text("product_id", "P"),
                text("customer_id", "C"),
                any("quantity_sold", quantity),
                any("unit_price", price),
                any("total_amount", total),
                text("payment_method", pay),
            ];
            if extra {
                record.swap(0, 8);
            }
            record
        },
    )
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Lines,
    CrLfLines,
    Array,
    PrettyArray,
    Csv(&'static str),
}

#[derive(Debug, Clone)]
struct Document {
    form: Form,
    records: Vec<Record>,
    /// Lines between the records that are no records, for the forms that have lines.
    noise: Vec<&'static str>,
    mark: bool,
    packing: &'static str,
    folder: &'static str,
}

fn document() -> impl Strategy<Value = Document> {
    let form = select(vec![
        Form::Lines,
        Form::CrLfLines,
        Form::Array,
        Form::PrettyArray,
        Form::Csv("\n"),
        Form::Csv("\r\n"),
        Form::Csv("\r"),
    ]);
    let noise = select(vec!["", "  ", "{", "{\"date\":1}", "{\"date\":1,\"date\":2}", "x,y", "null"]);
    let records = prop::collection::vec(record(), 0..12);
    let packing = select(vec!["", "", "gz", "zst"]);
    let folder = select(vec!["2024-01-01", "2024-01-02"]);
    (form, records, prop::collection::vec(noise, 0..4), any::<bool>(), packing, folder).prop_map(
        |(form, records, noise, mark, packing, folder)| Document { form, records, noise, mark, packing, folder },
    )
}

impl Document {
    fn bytes(&self) -> Vec<u8> {
        let text = match self.form {
            Form::Lines => self.lines("\n"),
            Form::CrLfLines => self.lines("\r\n"),
            Form::Array => format!("[{}]", self.objects(false).join(",")),
            Form::PrettyArray => format!("\n[\n  {}\n]\n", self.objects(true).join(",\n  ")),
            Form::Csv(end) => self.csv(end),
        };
        let mark = if self.mark { "\u{feff}" } else { "" };
        let bytes = format!("{mark}{text}").into_bytes();
        match self.packing {
            "gz" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&bytes).unwrap();
                encoder.finish().unwrap()
            }
            "zst" => zstd::encode_all(&bytes[..], 1).unwrap(),
            _ => bytes,
        }
    }

    fn name(&self, at: usize) -> String {
        let ending = if matches!(self.form, Form::Csv(_)) { "csv" } else { "json" };
        let packing = if self.packing.is_empty() { String::new() } else { format!(".{}", self.packing) };
        format!("{}/f{at}.{ending}{packing}", self.folder)
    }

    fn objects(&self, pretty: bool) -> Vec<String> {
        let (space, line) = if pretty { (" ", "\n    ") } else { ("", "") };
        let object = |record: &Record| {
            let fields = record.iter().map(|(name, value, bare)| {
                let value = if *bare { value.clone() } else { serde_json::to_string(value).unwrap() };
                format!("\"{name}\":{space}{value}")
            });
            format!("{{{line}{}{line}}}", fields.collect::<Vec<_>>().join(&format!(",{line}")))
        };
        self.records.iter().map(object).collect()
    }

    fn lines(&self, end: &str) -> String {
        // Noise comes after the first record: what a file begins with tells its form.
        let mut lines = self.objects(false);
        let at = lines.len().min(1);
        lines.splice(at..at, self.noise.iter().filter(|_| at == 1).map(|line| (*line).to_owned()));
        lines.join(end)
    }

    fn csv(&self, end: &str) -> String {
        const NAMES: [&str; 10] = [
            "transaction_id",
            "date",
            "store_id",
            "product_id",
            "customer_id",
            "quantity_sold",
            "unit_price",
            "total_amount",
            "payment_method",
            "other",
        ];
        let mut lines = vec![NAMES.join(",")];
        for record in &self.records {
            let cell = |name: &&str| {
                let value = record.iter().find(|(known, ..)| known == name).map_or("", |(_, value, _)| value);
                let value = if value == "null" { "" } else { value };
                match value.contains(['"', ',', '\n', '\r']) || self.mark {
                    true => format!("\"{}\"", value.replace('"', "\"\"")),
                    false => value.to_owned(),
                }
            };
            lines.push(NAMES.iter().map(cell).collect::<Vec<_>>().join(","));
        }
        lines.extend(self.noise.iter().filter(|line| !line.contains('"')).map(|line| (*line).to_owned()));
        lines.join(end) + if self.mark { end } else { "" }
    }
}

/// Ingests the documents and compares all that there is to compare.
fn same_as_expected(documents: &[Document], chunk: usize, threads: usize) {
    let mut shop = Shop::new();
    shop.limits.chunk = chunk;
    shop.threads = threads;
    for (at, document) in documents.iter().enumerate() {
        shop.put(&document.name(at), document.bytes());
    }
    compare(&shop);
}

fn compare(shop: &Shop) {
    let done = shop.ingest().unwrap();
    let expected = Expected::read(&shop.bronze()).unwrap();
    assert_same_rows(&expected.sales(None), &shop.silver());
    assert_same_rows(&expected.refused(), &{
        let mut table = shop.quarantine_table(&["_source_file", "_source_line", "reason"]);
        table.columns = ["file", "line", "reason"].map(str::to_owned).to_vec();
        table
    });
    let mut raw: Vec<_> = expected
        .quarantine
        .iter()
        .map(|it| (it.file.clone(), it.line as i64, it.offset as i64, it.raw.clone()))
        .collect();
    raw.sort();
    assert_eq!(shop.raw(), raw);
    for file in &done.files {
        let counts = expected.files[&file.path];
        let expected = Counts {
            read: counts.read,
            accepted: counts.accepted,
            quarantined: counts.quarantined,
            blank: counts.blank,
            elsewhere: 0,
        };
        assert_eq!(file.counts, expected, "{}", file.path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_form_gives_what_the_second_computation_gives(
        documents in prop::collection::vec(document(), 1..4), chunk in 1usize..400, threads in 1usize..5,
    ) {
        same_as_expected(&documents, chunk, threads);
    }

    /// The counts are checked by the step itself; chunks and threads must not matter either.
    #[test]
    fn any_bytes_are_accounted_for(
        bytes in prop::collection::vec(select(b"{}[]\",:\\ \r\n\t01e.-truefalsn\xff\xc3\xa9ab".to_vec()), 0..300),
        name in select(vec!["a.json", "a.csv"]), chunk in 1usize..80, threads in 1usize..4,
    ) {
        let outcome = |chunk, threads| {
            let mut shop = Shop::new();
            (shop.limits.chunk, shop.limits.record, shop.threads) = (chunk, 60, threads);
            shop.put(&format!("2024-01-01/{name}"), &bytes);
            match shop.ingest() {
                Ok(done) => Ok((done.counts, shop.raw())),
                Err(error @ (StageError::BadHeader { .. } | StageError::DuplicateHeader { .. } | StageError::Encoding { .. })) => {
                    Err(error.to_string())
                }
                Err(error) => panic!("{error}"),
            }
        };
        prop_assert_eq!(outcome(chunk, threads), outcome(1 << 20, 1));
    }
}

#[test]
fn parquet_gives_what_its_text_gives() {
    use arrow::array::*;
    use std::sync::Arc;
    let shop = Shop::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("transaction_id", Arc::new(StringArray::from(vec!["T1", "T2", "T3", "T1"]))),
        ("date", Arc::new(Date32Array::from(vec![Some(19_723), Some(19_723), None, Some(19_723)]))),
        ("store_id", Arc::new(LargeStringArray::from(vec![" S1 ", "S2", "S3", "S4"]))),
        ("product_id", Arc::new(Int64Array::from(vec![7, 8, 9, 7]))),
        ("customer_id", Arc::new(StringViewArray::from(vec!["C"; 4]))),
        ("quantity_sold", Arc::new(Int16Array::from(vec![2, 0, 1, 2]))),
        ("unit_price", Arc::new(Float64Array::from(vec![1.1, 2.0, 1.0, 0.3]))),
        (
            "total_amount",
            Arc::new(
                Decimal128Array::from(vec![Some(22_000), None, None, None]).with_precision_and_scale(12, 4).unwrap(),
            ),
        ),
        ("extra", Arc::new(BooleanArray::from(vec![true; 4]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    shop.put("2024-01-01/a.parquet", &bytes);
    let done = shop.ingest().unwrap();
    assert_eq!(
        shop.silver_columns(&[
            "transaction_id",
            "store_id",
            "product_id",
            "unit_price",
            "total_amount",
            "_source_line"
        ]),
        ["T1|S4|7|0.30|0.60|4"]
    );
    assert_eq!(
        shop.quarantine(&["_source_line", "reason", "date"]),
        ["1|duplicate|2024-01-01", "2|range.quantity_sold|2024-01-01", "3|missing.date|2024-01-01"]
    );
    assert_eq!(done.files[0].ignored, ["extra"]);
    let raw: serde_json::Value = serde_json::from_slice(&shop.raw()[0].3).unwrap();
    assert_eq!((&raw["transaction_id"], &raw["unit_price"]), (&"T1".into(), &"1.1".into()));
    shop.put("2024-01-01/a.parquet", &bytes[..bytes.len() - 9]);
    assert!(shop.ingest().unwrap_err().to_string().contains("the Parquet file cannot be read"));
}

#[test]
fn generated_sales_come_out_as_the_second_computation_says() {
    let first_date = "2024-01-30".parse().unwrap();
    let sales = assay_demo::Sales { seed: 7, first_date, dates: 4, records_per_date: 600, dirt: Default::default() };
    let shares = Limits { keys: 700, chunk: 4000, ..Limits::default() };
    for (limits, threads) in [(TINY, 4), (Limits { chunk: 4000, ..TINY }, 1), (Limits::default(), 2), (shares, 2)] {
        let mut shop = Shop::new();
        (shop.limits, shop.threads) = (limits, threads);
        sales.write(&shop.bronze(), &mut |_| {}).unwrap();
        compare(&shop);
    }
}
