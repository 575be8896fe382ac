//! Files that no one should deliver, and files that change under the reader.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, sale};
use crate::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const HEADER: &str = "transaction_id,date,store_id,product_id,customer_id,quantity_sold,unit_price";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The step fails, says this, and leaves neither a table nor a file.
#[track_caller]
fn fails(shop: &Shop, done: Result<Ingested, StageError>, words: &str) {
    let text = done.unwrap_err().to_string();
    assert!(text.contains(words), "{text}");
    assert!(text.contains("nothing was published"), "{text}");
    assert_eq!(shop.data_files(), 0);
    assert!(!shop.bronze().join("silver/sales/_delta_log").exists());
}

#[test]
fn empty_files_and_headers_alone_hold_no_records() {
    let shop = Shop::new();
    for (name, bytes) in [
        ("a.json", ""),
        ("b.csv", ""),
        ("c.csv", HEADER),
        ("d.csv", "transaction_id,date\r\n"),
        ("e.json", "[]"),
        ("f.json", "\u{feff}"),
        ("g.parquet", ""),
    ] {
        shop.put(&format!("2024-01-01/{name}"), bytes);
    }
    shop.put("2024-01-01/h.json.gz", gzip(b""));
    let done = shop.ingest().unwrap();
    assert_eq!((done.files.len(), done.counts), (8, Counts::default()));
}

#[test]
fn blank_lines_are_counted() {
    let shop = Shop::new();
    shop.put("2024-01-01/a.json", format!("\n{}\n \t\r\n\n", sale("T1", &[])));
    shop.put("2024-01-01/b.csv", format!("{HEADER}\r\n\r\nT2,2024-01-01,S,P,C,1,1\r\n  \r\n"));
    let done = shop.ingest().unwrap();
    assert_eq!(done.counts, Counts { read: 7, accepted: 2, blank: 5, ..Counts::default() });
}

#[test]
fn damaged_compression_fails_the_step() {
    for cut in [1, 8, 30] {
        let shop = Shop::new();
        let whole = gzip(sale("T1", &[]).repeat(50).as_bytes());
        shop.put("2024-01-01/a.json.gz", &whole[..whole.len() - cut]);
        fails(&shop, shop.ingest(), "the gzip data cannot be decompressed");
    }
    let shop = Shop::new();
    let whole = zstd::encode_all(sale("T1", &[]).as_bytes(), 1).unwrap();
    shop.put("2024-01-01/a.json.zst", &whole[..whole.len() - 3]);
    fails(&shop, shop.ingest(), "the zstd data cannot be decompressed");
}

#[test]
fn members_of_a_gzip_file_follow_each_other() {
    let shop = Shop::new();
    let (first, second) = (sale("T1", &[]), sale("T2", &[]));
    let both = [gzip(format!("{first}\n").as_bytes()), gzip(second.as_bytes())].concat();
    shop.put("2024-01-01/a.json", both);
    assert_eq!(shop.ingest().unwrap().counts.accepted, 2);
}

#[test]
fn malformed_records_keep_their_bytes_and_place() {
    let shop = Shop::new();
    let lines: [&[u8]; 8] = [
        sale("T1", &[]).leak().as_bytes(),
        b"{\"transaction_id\": \"\xff\"}",
        b"{\"date\": 1, \"date\": 1}",
        b"{\"date\": \"2024-01-01\"",
        b"[1]",
        b"{} {}",
        b"{\"store_id\": \"\\ud800\"}",
        b"{\"other\": 1, \"other\": 2}",
    ];
    let path = shop.put("2024-01-01/a.json", lines.join(&b'\n'));
    shop.ingest().unwrap();
    let mut offset = 0;
    let mut expected = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        expected.push((path.clone(), at as i64 + 1, offset, line.to_vec()));
        offset += line.len() as i64 + 1;
    }
    assert_eq!(shop.raw(), expected[1..]);
    assert_eq!(
        shop.quarantine(&["_source_line", "date", "reason", "message"]),
        [
            "2|2024-01-01|malformed|the record is not valid UTF-8",
            "3|2024-01-01|malformed|a key occurs twice",
            "4|2024-01-01|malformed|the text is no JSON object",
            "5|2024-01-01|malformed|the text is no JSON object",
            "6|2024-01-01|malformed|text follows the end of the object",
            "7|2024-01-01|malformed|an escape in a text means no character",
            "8|2024-01-01|malformed|a key occurs twice",
        ]
    );
}

#[test]
fn nesting_without_end_is_malformed_and_breaks_nothing() {
    let mut shop = Shop::new();
    shop.limits = Limits::default();
    let deep = |count: usize| format!("{}1{}", "[".repeat(count), "]".repeat(count));
    let lines = [
        sale("T1", &[("note", &deep(100))]),
        sale("T2", &[("note", &deep(1_000_000))]),
        sale("T3", &[("note", &"[".repeat(1_000_000))]),
        sale("T4", &[("note", &format!("\"{}\"", "[{\\\"".repeat(1000)))]),
    ];
    shop.put("2024-01-01/a.json", lines.join("\n"));
    shop.ingest().unwrap();
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1", "T4"]);
    let words = "malformed|more than 128 objects and arrays lie within each other";
    assert_eq!(shop.quarantine(&["reason", "message"]), [words, words]);
}

#[test]
fn an_array_that_is_cut_off_or_goes_on_is_seen() {
    for (text, expected) in [
        (
            format!("[{},{}", sale("T1", &[]), sale("T2", &[])),
            "1|malformed|the array has no end; the file may be cut off",
        ),
        (format!("[{},", sale("T1", &[])), "1|malformed|the array has no end; the file may be cut off"),
        (format!("[{}]\n\nx", sale("T1", &[])), "3|malformed|the text is no JSON object"),
        (format!("[\n{}\n]\nx", sale("T1", &[])), "4|malformed|text follows the end of the array"),
        (format!("[,{}]", sale("T1", &[])), "1|malformed|the text is no JSON object"),
    ] {
        let shop = Shop::new();
        shop.put("2024-01-01/a.json", &text);
        shop.ingest().unwrap();
        let refused = shop.quarantine(&["_source_line", "reason", "message"]);
        assert!(refused.contains(&expected.to_owned()), "{text}: {refused:?}");
    }
}

#[test]
fn a_csv_file_may_lack_columns_or_have_more() {
    let shop = Shop::new();
    let lacking = shop.put("2024-01-01/a.csv", "transaction_id,date,extra,more\nT1,2024-01-01,1,2\n");
    let done = shop.ingest().unwrap();
    assert_eq!(
        shop.quarantine(&["reason", "secondary"]),
        ["missing.store_id|missing.product_id, missing.customer_id, missing.quantity_sold, missing.unit_price"]
    );
    let report = done.files.iter().find(|file| file.path == lacking).unwrap();
    assert_eq!(report.ignored, ["extra", "more"]);
}

#[test]
fn unknown_keys_are_listed_up_to_a_bound() {
    let shop = Shop::new();
    shop.put("2024-01-01/a.json", sale("T1", &[("a", "1"), ("b", "{\"c\":[1,\"}\"]}"), ("d", "1"), ("e", "1")]));
    let done = shop.ingest().unwrap();
    assert_eq!(
        (done.counts.accepted, &done.files[0].ignored),
        (1, &["a", "b", "d", "(and more)"].map(str::to_owned).to_vec())
    );
}

#[test]
fn csv_records_that_do_not_fit_the_header_are_malformed() {
    let shop = Shop::new();
    let rows = [
        "T1,2024-01-01",
        "T2,2024-01-01,S,P,C,1,1,1",
        "\"T3\"x,2024-01-01,S,P,C,1,1",
        "T\"4,2024-01-01,S,P,C,1,1",
        "T5,2024-01-01,S,P,C,1,1",
        "\"T6,2024-01-01,S,P,C,1,1",
        "T7,2024-01-01,S,P,C,1,1",
    ];
    shop.put("2024-01-01/a.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    shop.ingest().unwrap();
    assert_eq!(
        shop.quarantine(&["_source_line", "reason", "message"]),
        [
            "2|malformed|the record has 2 fields and the header has 7",
            "3|malformed|the record has 8 fields and the header has 7",
            "4|malformed|a quote stands where none may be, or is not closed",
            "5|malformed|a quote stands where none may be, or is not closed",
            "7|malformed|a quote stands where none may be, or is not closed",
        ]
    );
    // A quote that is never closed takes its own line with it and no more.
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T5", "T7"]);
}

#[test]
fn headers_that_cannot_be_used_fail_the_step() {
    for (header, words) in [
        ("date,store_id, date", "names the column date twice"),
        ("\"date", "has a quote without its partner"),
        ("date,\u{fffd}", ""),
    ] {
        let shop = Shop::new();
        let mut bytes = header.as_bytes().to_vec();
        if words.is_empty() {
            bytes.push(0xFF);
        }
        shop.put("2024-01-01/a.csv", bytes);
        fails(&shop, shop.ingest(), if words.is_empty() { "is not valid UTF-8" } else { words });
    }
}

#[test]
fn other_encodings_are_read_when_declared_and_a_mark_wins() {
    use assay_pipeline::Encoding;
    for (encoding, bytes, expected) in [
        (Encoding::Windows1252, &b"\x80 Caf\xe9"[..], "€ Café"),
        (Encoding::Latin1, b"Caf\xe9", "Café"),
        (Encoding::Windows1252, "\u{feff}Café".as_bytes(), "Café"),
    ] {
        let mut shop = Shop::new();
        shop.pipeline.sources[0].encoding = encoding;
        let (mark, text) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(text) => (&b"\xef\xbb\xbf"[..], text),
            None => (&b""[..], bytes),
        };
        let csv = [mark, HEADER.as_bytes(), b",store_name\nT1,2024-01-01,S,P,C,1,1,", text].concat();
        shop.put("2024-01-01/a.csv", csv);
        let json = sale("T2", &[("store_name", "\"#\"")]);
        let (before, behind) = json.split_once('#').unwrap();
        shop.put("2024-01-01/b.json", [mark, before.as_bytes(), text, behind.as_bytes()].concat());
        shop.ingest().unwrap();
        assert_eq!(shop.silver_columns(&["store_name"]), [expected, expected]);
    }
    for mark in [&b"\xff\xfe{\0}\0"[..], b"\xfe\xff\0{\0}"] {
        let shop = Shop::new();
        shop.put("2024-01-01/a.json", mark);
        fails(&shop, shop.ingest(), "UTF-16");
    }
}

#[test]
fn names_that_tell_no_format_fail_the_step() {
    let shop = Shop::new();
    shop.put("2024-01-01/notes.txt", "x");
    fails(&shop, shop.ingest(), "its name fits none of the source's formats (csv, json, parquet)");
}

#[test]
fn a_named_pipe_and_a_link_to_nothing_are_named_and_keep_nobody() {
    let shop = Shop::new();
    let path = shop.put("2024-01-01/a.json", "");
    let planned = shop.planned();
    let place = shop.bronze().join(&path);
    fs::remove_file(&place).unwrap();
    assert!(Command::new("mkfifo").arg(&place).status().unwrap().success());
    fails(&shop, shop.ingest_files(planned, Scope::All, &Quiet), "is not a file");
    fs::remove_file(&place).unwrap();
    std::os::unix::fs::symlink("/nonexistent/a.json", &place).unwrap();
    let error = discover(&shop.pipeline.sources[0], &shop.bronze().into()).unwrap_err();
    assert!(error.to_string().contains("a.json: is not a file"), "{error}");
}

#[test]
fn a_folder_in_place_of_a_file_fails_the_step() {
    let shop = Shop::new();
    let path = shop.put("2024-01-01/a.json", "");
    let planned = shop.planned();
    fs::remove_file(shop.bronze().join(&path)).unwrap();
    fs::create_dir(shop.bronze().join(&path)).unwrap();
    fails(&shop, shop.ingest_files(planned, Scope::All, &Quiet), "is not a file");
}

#[test]
fn a_file_that_is_gone_or_has_changed_fails_the_step() {
    let shop = Shop::new();
    let path = shop.put("2024-01-01/a.json", sale("T1", &[]));
    let planned = shop.planned();
    shop.put("2024-01-01/a.json", sale("T22", &[]));
    fails(&shop, shop.ingest_files(planned.clone(), Scope::All, &Quiet), "changed while it was read");
    fs::remove_file(shop.bronze().join(path)).unwrap();
    fails(&shop, shop.ingest_files(planned, Scope::All, &Quiet), "gone since the run was planned");
}

/// Does something to a file when the first piece has been read, or cancels.
struct Meddler {
    place: PathBuf,
    act: fn(&PathBuf),
    done: AtomicBool,
    pieces_after: AtomicUsize,
    cancels: bool,
}

impl Watch for Meddler {
    fn cancelled(&self) -> bool {
        self.cancels && self.done.load(Ordering::SeqCst)
    }
    fn progress(&self, _: Progress) {
        if self.done.swap(true, Ordering::SeqCst) {
            self.pieces_after.fetch_add(1, Ordering::SeqCst);
        } else {
            (self.act)(&self.place);
        }
    }
    fn log(&self, _: Level, _: &str) {}
}

fn meddled(act: fn(&PathBuf), cancels: bool) -> (Shop, Result<Ingested, StageError>, usize) {
    let shop = Shop::new();
    let lines: Vec<String> = (0..500).map(|at| sale(&format!("T{at}"), &[])).collect();
    let path = shop.put("2024-01-01/a.json", lines.join("\n"));
    let place = shop.bronze().join(path);
    let meddler = Meddler { place, act, done: AtomicBool::new(false), pieces_after: AtomicUsize::new(0), cancels };
    let done = shop.ingest_files(shop.planned(), Scope::All, &meddler);
    (shop, done, meddler.pieces_after.into_inner())
}

#[test]
fn a_file_that_changes_or_goes_while_it_is_read_fails_the_step() {
    let append = |place: &PathBuf| {
        fs::OpenOptions::new().append(true).open(place).unwrap().write_all(b"\n{}").unwrap();
    };
    let (shop, done, _) = meddled(append, false);
    fails(&shop, done, "changed while it was read");
    let (shop, done, _) = meddled(|place| fs::remove_file(place).unwrap(), false);
    fails(&shop, done, "gone since the run was planned");
    let shrink = |place: &PathBuf| fs::OpenOptions::new().write(true).open(place).unwrap().set_len(10).unwrap();
    let (shop, done, _) = meddled(shrink, false);
    fails(&shop, done, "changed while it was read");
}

#[test]
fn a_cancelled_step_stops_at_once_and_leaves_nothing() {
    let (shop, done, pieces) = meddled(|_| {}, true);
    assert!(pieces <= shop.threads, "{pieces} pieces were read after the step was cancelled");
    fails(&shop, done, "cancelled");
}

#[test]
fn a_lake_that_cannot_be_written_to_fails_the_step() {
    let shop = Shop::new();
    shop.put("2024-01-01/a.json", sale("T1", &[]));
    fs::write(shop.bronze().join("silver"), "in the way").unwrap();
    let text = shop.ingest().unwrap_err().to_string();
    assert!(text.contains("silver/sales failed; the table is as it was before"), "{text}");
}

#[test]
fn records_that_are_too_long_are_kept_in_part() {
    let long = "x".repeat(5000);
    let json = sale("T2", &[("note", &format!("\"{long}\""))]);
    let forms = [
        ("a.json", format!("{}\r\n{json}\r\n{}", sale("T1", &[]), sale("T3", &[]))),
        ("a.json", format!("[{},\n {json} , {}]", sale("T1", &[]), sale("T3", &[]))),
        (
            "a.csv",
            format!(
                "{HEADER},note\nT1,2024-01-01,S,P,C,1,1,\nT2,2024-01-01,S,P,C,1,1,\"{long}\n\"\nT3,2024-01-01,S,P,C,1,1,\n"
            ),
        ),
    ];
    for (name, text) in forms {
        for chunk in [50, 6000, 1 << 20] {
            let mut shop = Shop::new();
            shop.limits.chunk = chunk;
            let path = shop.put(&format!("2024-01-01/{name}"), &text);
            let done = shop.ingest().unwrap();
            assert_eq!(
                (done.counts.read, done.counts.accepted, done.counts.quarantined),
                (3, 2, 1),
                "{chunk} {text:.20}"
            );
            let start = text.find("T2,").unwrap_or_else(|| text.find(&json).unwrap_or(0));
            let len = if name == "a.csv" { 24 + 5000 + 3 } else { json.len() };
            let line = text[..start].matches('\n').count() as i64 + 1;
            assert_eq!(shop.raw(), [(path, line, start as i64, text.as_bytes()[start..start + 100].to_vec())]);
            let message =
                format!("the record has {len} bytes, more than the 4096 that are read; its first 100 are kept");
            assert_eq!(shop.quarantine(&["reason", "raw_bytes", "message"]), [format!("malformed|{len}|{message}")]);
            assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1", "T3"]);
        }
    }
}

/// Run in a process of its own by the test below, so that the memory is its alone.
#[test]
fn giant_child() {
    let Ok(peak_file) = std::env::var("ASSAY_GIANT") else { return };
    let mut shop = Shop::new();
    shop.limits = Limits::default();
    let path = shop.put("2024-01-01/a.json", sale("T1", &[]) + "\n");
    let mut file = fs::OpenOptions::new().append(true).open(shop.bronze().join(path)).unwrap();
    file.write_all(b"{\"store_id\":\"").unwrap();
    let block = vec![b'x'; 1 << 20];
    (0..200).for_each(|_| file.write_all(&block).unwrap());
    file.write_all(b"\"}\n").unwrap();
    file.write_all(sale("T2", &[]).as_bytes()).unwrap();
    drop(file);
    let done = shop.ingest().unwrap();
    assert_eq!((done.counts.read, done.counts.accepted, done.counts.quarantined), (3, 2, 1));
    let len = (200 << 20) + 15;
    assert_eq!(shop.quarantine(&["_source_line", "reason", "raw_bytes"]), [format!("2|malformed|{len}")]);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    fs::write(peak_file, peak.trim_end_matches(" kB")).unwrap();
}

#[test]
fn a_line_of_200_megabytes_needs_no_memory_of_that_size() {
    let folder = tempfile::tempdir().unwrap();
    let peak = folder.path().join("peak");
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::bad_input::giant_child", "--test-threads=1"])
        .env("ASSAY_GIANT", &peak)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let kilobytes: u64 = fs::read_to_string(peak).unwrap().parse().unwrap();
    assert!(kilobytes < 150_000, "the peak was {kilobytes} kB");
}
