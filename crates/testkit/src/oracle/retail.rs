//! The pipeline `online_retail`: a CSV in windows-1252, cleaned; customers, products, sales and the gate.

use super::judge::Judge;
use super::layers::Layers;
use super::ledger::Ledger;
use super::record::Value;
use super::{csv, files_below, owned, some};
use crate::TestkitError;
use crate::table::{Row, Table};
use chrono::NaiveDateTime;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Every layer, and what the gate sees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retail {
    pub layers: Layers,
    /// Records that are not cancellations.
    pub counted: u64,
    /// Accepted ones among them.
    pub accepted: u64,
}

impl Retail {
    /// At least 60 % of the records that are not cancellations are accepted.
    pub fn passes(&self) -> bool {
        self.accepted * 100 >= self.counted * 60
    }
}

/// Computes every layer from the files below `raw-data`.
pub fn online_retail(pipeline_lake: &Path) -> Result<Retail, TestkitError> {
    compute(files_below(pipeline_lake, "raw-data")?)
}

impl Retail {
    /// Takes the files as (path below the pipeline's lake folder, bytes) instead of reading them.
    pub fn of(files: &[(&str, &[u8])]) -> Result<Self, TestkitError> {
        compute(owned(files))
    }
}

fn compute(files: Vec<(String, Vec<u8>)>) -> Result<Retail, TestkitError> {
    let mut ledger = Ledger::new();
    let cancelled = RefCell::new(0);
    for (file, bytes) in files {
        ledger.add(&file, bytes, csv::windows_1252, &|values, _| {
            let values = values.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
            let judged = judge(&values, &mut cancelled.borrow_mut());
            judged.map(|line| {
                let key = cells(&line).into_iter().take(8).map(Option::unwrap_or_default).collect();
                (line, key)
            })
        })?;
    }
    let (accepted, quarantine, files) = ledger.settle();
    let lines: Vec<Line> = accepted.into_iter().map(|passed| passed.row).collect();
    let sold = lines.iter().filter(|line| !line.invoice.starts_with('C')).count();
    let layers = Layers {
        silver: BTreeMap::from([("online_retail", Table::new(&SILVER, lines.iter().map(cells).collect()))]),
        quarantine: BTreeMap::from([("online_retail", quarantine)]),
        files,
        gold: BTreeMap::from([
            ("customers", customers(&lines)),
            ("products", products(&lines)),
            ("sales_transactions", sales_transactions(&lines)),
        ]),
    };
    let total = layers.total();
    Ok(Retail { counted: total.read - total.blank - cancelled.into_inner(), accepted: sold as u64, layers })
}

const SILVER: [&str; 10] = [
    "invoiceno",
    "stockcode",
    "description",
    "quantity",
    "invoicedate",
    "unitprice",
    "customerid",
    "country",
    "total_sales",
    "business_date",
];

const MOMENTS: [&str; 5] =
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%y %H:%M", "%m/%d/%y %H:%M"];

struct Line {
    invoice: String,
    stock: String,
    description: String,
    quantity: i128,
    moment: NaiveDateTime,
    /// Thousandths.
    price: i128,
    customer: String,
    country: String,
}

/// `cancelled` counts records whose invoice says that they are cancellations, refused or not.
fn judge(values: &HashMap<String, Value>, cancelled: &mut u64) -> Result<Line, Vec<String>> {
    let mut judge = Judge::new(values);
    let invoice = judge.text("invoiceno", None, true);
    *cancelled += u64::from(invoice.as_deref().is_some_and(|invoice| invoice.starts_with('C')));
    let stock = judge.cleaned("stockcode", None, true, &str::to_uppercase);
    let description = judge.text("description", None, false);
    let quantity = judge.positive("quantity", 0, 10, i128::from(i32::MAX));
    let moment = judge.moment("invoicedate", &MOMENTS);
    let price = judge.positive("unitprice", 3, 10, 10_i128.pow(10));
    let customer = judge.cleaned("customerid", None, false, &without_fraction);
    let country = judge.text("country", None, true);
    if quantity.zip(price).is_some_and(|(quantity, price)| (quantity * price).abs() >= 10_i128.pow(14)) {
        judge.out_of_range("total_sales");
    }
    let reasons = judge.reasons(Vec::new());
    let line = || {
        Some(Line {
            invoice: invoice?,
            stock: stock?,
            description: description.unwrap_or_else(|| "UNKNOWN".to_owned()),
            quantity: quantity?,
            moment: moment?,
            price: price?,
            customer: customer.unwrap_or_else(|| "GUEST".to_owned()),
            country: country?,
        })
    };
    if reasons.is_empty() { line().ok_or_else(Vec::new) } else { Err(reasons) }
}

/// A whole number written with `.0` loses that.
fn without_fraction(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && !zeros.is_empty()
                && whole.bytes().all(|byte| byte.is_ascii_digit())
                && zeros.bytes().all(|byte| byte == b'0') =>
        {
            whole.to_owned()
        }
        _ => text.to_owned(),
    }
}

/// The key's eight columns first.
fn cells(line: &Line) -> Row {
    vec![
        some(&line.invoice),
        some(&line.stock),
        some(&line.description),
        some(line.quantity),
        some(line.moment.format("%Y-%m-%dT%H:%M:%S%.6f")),
        some(thousandths(line.price)),
        some(&line.customer),
        some(&line.country),
        some(thousandths(line.quantity * line.price)),
        some(line.moment.date()),
    ]
}

fn customers(lines: &[Line]) -> Table {
    let mut latest: BTreeMap<&str, &Line> = BTreeMap::new();
    let age = |line: &Line| (line.moment, line.invoice.clone(), line.stock.clone());
    for line in lines {
        let kept = latest.entry(&line.customer).or_insert(line);
        if age(line) > age(kept) {
            *kept = line;
        }
    }
    let rows = latest.into_iter().map(|(customer, line)| vec![some(customer), some(&line.country)]);
    Table::new(&["customerid", "country"], rows.collect())
}

fn products(lines: &[Line]) -> Table {
    let mut latest: BTreeMap<&str, &Line> = BTreeMap::new();
    let age = |line: &Line| (line.moment, line.invoice.clone(), line.price, line.description.clone());
    for line in lines {
        let kept = latest.entry(&line.stock).or_insert(line);
        if age(line) > age(kept) {
            *kept = line;
        }
    }
    let row = |(stock, line): (&str, &Line)| vec![some(stock), some(&line.description), some(thousandths(line.price))];
    Table::new(&["stockcode", "description", "unitprice"], latest.into_iter().map(row).collect())
}

fn sales_transactions(lines: &[Line]) -> Table {
    const COLUMNS: [usize; 8] = [0, 1, 6, 4, 3, 5, 8, 9];
    let row = |line: &Line| {
        let cells = cells(line);
        COLUMNS.map(|place| cells[place].clone()).to_vec()
    };
    Table::new(&COLUMNS.map(|place| SILVER[place]), lines.iter().map(row).collect())
}

fn thousandths(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", value.unsigned_abs() / 1_000, value.unsigned_abs() % 1_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

    fn lines(lines: &[&str]) -> Retail {
        let text = format!("{HEADER}\n{}\n", lines.join("\n"));
        Retail::of(&[("raw-data/a.csv", text.as_bytes())]).unwrap()
    }

    fn row(cells: &[&str]) -> Row {
        cells.iter().map(|cell| Some((*cell).to_owned())).collect()
    }

    #[test]
    fn a_line_is_cleaned_whatever_the_line_ends() {
        for end in ["\n", "\r\n", "\r"] {
            let mut bytes =
                format!("{HEADER}{end}536365, 85123a ,,6,12/1/2010 8:26,2.55,17850.0,France{end}").into_bytes();
            bytes.extend_from_slice(b"536366,1,\xa35 \"\"gift,6,01-12-10 8:27,1e1,,EIRE");
            bytes.extend_from_slice(format!("{end}536366,1,\"\"\"{end}\",6,2010-12-01 8:27,.125,x.0,EIRE").as_bytes());
            let retail = Retail::of(&[("raw-data/a.csv", &bytes)]).unwrap();
            let silver = &retail.layers.silver["online_retail"];
            let day = "2010-12-01";
            assert_eq!(
                silver.rows[0],
                row(&[
                    "536365",
                    "85123A",
                    "UNKNOWN",
                    "6",
                    "2010-12-01T08:26:00.000000",
                    "2.550",
                    "17850",
                    "France",
                    "15.300",
                    day
                ])
            );
            let quote =
                row(&["536366", "1", "\"", "6", "2010-12-01T08:27:00.000000", "0.125", "x.0", "EIRE", "0.750", day]);
            assert_eq!(silver.rows[1..], [quote]);
            assert_eq!(retail.layers.reasons(), BTreeMap::from([("malformed", 1)]));
            let raw = &retail.layers.quarantine["online_retail"][0].raw;
            assert!(raw.starts_with(b"536366,1,\xa35"), "the bytes are those of the file");
        }
    }

    #[test]
    fn a_mark_wins_over_windows_1252() {
        let text = format!("\u{feff}{HEADER}\n1,1,CAFÉ,1,2010-12-01 8:26,1,,France\n");
        let retail = Retail::of(&[("raw-data/a.csv", text.as_bytes())]).unwrap();
        assert_eq!(retail.layers.silver["online_retail"].rows[0][2].as_deref(), Some("CAFÉ"));
    }

    #[test]
    fn reasons_come_in_their_order() {
        for (line, reasons) in [
            ("1,1,a,6,2010-12-01 8:26,2.55,,", vec!["missing.country"]),
            (
                ",,a,0,2010-12-01 8:26,0.0,,X",
                vec!["missing.invoiceno", "missing.stockcode", "range.quantity", "range.unitprice"],
            ),
            ("1,1,a,six,2010-12-01,2.5555,,X", vec!["type.quantity", "type.invoicedate", "type.unitprice"]),
            ("1,1,a,2000000000,2010-12-01 8:26,9999999.999,,X", vec!["range.total_sales"]),
            ("1,1,a,10000,2010-12-01 8:26,9999999.999,,X", vec![]),
            ("1,1,a,10001,2010-12-01 8:26,9999999.999,,X", vec!["range.total_sales"]),
            ("1,1,a,2147483648,2010-12-01 8:26,1,,X", vec!["type.quantity"]),
            ("1,1,a,1,2010-12-01 8:26,10000000,,X", vec!["type.unitprice"]),
            ("1,1,a", vec!["malformed"]),
        ] {
            let found: Vec<String> =
                lines(&[line]).layers.quarantine["online_retail"].iter().flat_map(|it| it.reasons.clone()).collect();
            assert_eq!(found, reasons, "{line}");
        }
    }

    #[test]
    fn equal_lines_after_cleaning_are_duplicates_and_the_last_one_stays() {
        let retail = lines(&[
            "1,a,x,6,2010-12-01 8:26:00,2.5,17850.0,France",
            "1,A,x,6,12/1/2010 8:26,2.500,17850,France",
            "1,A,x,6,12/1/2010 8:26,2.500,17851,France",
        ]);
        let refused = &retail.layers.quarantine["online_retail"];
        assert_eq!((refused.len(), refused[0].line, refused[0].primary()), (1, 2, "duplicate"));
        assert_eq!((retail.counted, retail.accepted, retail.passes()), (3, 2, true));
    }

    #[test]
    fn the_gate_counts_what_is_no_cancellation() {
        let good =
            ["1,1,a,6,2010-12-01 8:26,2.55,,X", "2,1,a,6,2010-12-01 8:26,2.55,,X", "3,1,a,6,2010-12-01 8:26,2.55,,X"];
        let cancelled = " C9,1,a,-6,2010-12-01 8:26,2.55,,X";
        let bad = ["4,1,a,0,2010-12-01 8:26,2.55,,X", "torn"];
        let five = lines(&[&good[..], &[cancelled, cancelled], &bad].concat());
        assert_eq!((five.counted, five.accepted, five.passes()), (5, 3, true));
        let four = lines(&[&good[..2], &[cancelled], &bad].concat());
        assert_eq!((four.counted, four.accepted, four.passes()), (4, 2, false));
        assert!(lines(&[cancelled]).passes());
    }

    #[test]
    fn gold_takes_the_latest_line() {
        let retail = lines(&[
            "2,B,old,1,2010-12-02 8:00,3.00,7,France",
            "10,B,new,2,2010-12-02 8:00,2.00,7,Spain",
            "2,A,,1,2010-12-02 8:00,1.00,7,EIRE",
            "2,A,z,1,2010-12-02 8:00,1.00,7,EIRE",
            "1,A,first,1,2010-12-01 8:00,9.00,,Norway",
        ]);
        let gold = &retail.layers.gold;
        // "2" is greater than "10" as a text, and of its lines stock B is the greatest.
        assert_eq!(gold["customers"].rows, [row(&["7", "France"]), row(&["GUEST", "Norway"])]);
        assert_eq!(gold["products"].rows, [row(&["A", "z", "1.000"]), row(&["B", "old", "3.000"])]);
        assert_eq!(
            gold["sales_transactions"].rows[0],
            row(&["1", "A", "GUEST", "2010-12-01T08:00:00.000000", "1", "9.000", "9.000", "2010-12-01"])
        );
    }

    #[test]
    fn generated_invoices_hold_every_reason_and_pass_the_gate() {
        for seed in 0..3 {
            let lake = tempfile::tempdir().unwrap();
            let first_date = chrono::NaiveDate::from_ymd_opt(2026, 1, 30).unwrap();
            let scale = assay_demo::Scale { seed, first_date, dates: 3, records_per_date: 1_500, lines: false };
            let (_, generate) = assay_demo::generators().iter().find(|(name, _)| *name == "online_retail").unwrap();
            let written = generate(&scale, lake.path(), &mut |_| {}).unwrap();
            let retail = online_retail(lake.path()).unwrap();
            let total = retail.layers.total();
            assert_eq!(total.read - total.blank, written.records);
            assert_eq!(total.read, total.accepted + total.quarantined + total.blank);
            let kinds: std::collections::BTreeSet<&str> =
                retail.layers.reasons().into_keys().map(|code| code.split('.').next().unwrap()).collect();
            assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["duplicate", "malformed", "missing", "range", "type"]);
            assert!(retail.counted < written.records && retail.accepted * 10 > retail.counted * 8, "seed {seed}");
            assert!(retail.layers.reasons().contains_key("range.total_sales"), "seed {seed}");
        }
    }
}
