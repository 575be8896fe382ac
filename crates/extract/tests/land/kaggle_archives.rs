//! Data sets that come zipped: the wanted file alone is taken, and only from an archive without tricks.

use crate::http::{Reply, Server};
use crate::kaggle::{land, world};
use crate::support::World;
use crate::zips::{Entry, archive, entry};
use assay_extract::{ExtractError, Limits, Quiet};
use std::fs;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

async fn landed(world: &World, archive: Vec<u8>) -> Result<Vec<u8>, ExtractError> {
    let server = Server::start(move |_| Reply::new(200, archive.clone()).with("ETag", "\"v1\""));
    land(world, &server.url, false, &Quiet).await?;
    Ok(fs::read(world.path("raw-data/retail.csv")).unwrap())
}

async fn refused(archive: Vec<u8>, words: &str) {
    refused_within(Limits::default(), archive, words).await;
}

async fn refused_within(limits: Limits, archive: Vec<u8>, words: &str) {
    let mut world = world();
    world.limits = limits;
    let error = landed(&world, archive).await.unwrap_err();
    assert!(matches!(error, ExtractError::Archive { .. }), "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(world.listed("raw-data").is_empty());
    // Nothing of it stays, so that the next run asks anew.
    for name in ["download.part", "unpacked.tmp"] {
        assert!(!world.path(".landed/retail").join(name).exists(), "{name}");
    }
}

/// Deflated, as Kaggle sends it.
fn deflated(name: &str, body: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default()).unwrap();
    writer.write_all(body).unwrap();
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn the_wanted_file_is_unpacked_unchanged() {
    let body = "InvoiceNo,StockCode\r536365,85123A\r".repeat(1000);
    assert_eq!(landed(&world(), deflated("retail.csv", body.as_bytes())).await.unwrap(), body.as_bytes());
    let many = archive(&[entry("readme.md", b"x"), entry("retail.csv", b"a,b\n1,2\n"), entry("more/data.csv", b"y")]);
    let world = world();
    assert_eq!(landed(&world, many).await.unwrap(), b"a,b\n1,2\n");
    assert_eq!(world.listed("raw-data"), ["retail.csv"]);
    assert!(!world.path(".landed/retail/download.part").exists());
}

#[tokio::test]
async fn a_file_that_unpacks_without_end_is_stopped() {
    let bomb = deflated("retail.csv", &vec![b'0'; 64 << 20]);
    assert!(bomb.len() < 100_000);
    refused(bomb.clone(), "made to fill disks").await;
    let limits = Limits { unpacked: 10_000_000, ratio: u64::MAX, ..Limits::default() };
    refused_within(limits, bomb, "more than 10,000,000 bytes").await;
}

#[tokio::test]
async fn a_size_that_lies_does_not_help_it() {
    let body = vec![b'0'; 64 << 20];
    let mut bomb = deflated("retail.csv", &body);
    let told = (body.len() as u32).to_le_bytes();
    // In the local header and in the directory.
    let places: Vec<usize> = (0..bomb.len() - 3).filter(|at| bomb[*at..*at + 4] == told).collect();
    assert!(!places.is_empty());
    for at in places {
        bomb[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    refused(bomb, "it is damaged").await;
}

#[tokio::test]
async fn names_that_lead_out_of_the_folder_spoil_the_whole_archive() {
    let good = entry("retail.csv", b"a");
    for (name, words) in [
        ("../retail.csv", "climbs"),
        ("data/../../x", "climbs"),
        ("..\\x", "climbs"),
        ("/etc/passwd", "absolute"),
        ("\\\\host\\x", "absolute"),
        ("C:\\x", "drive"),
    ] {
        refused(archive(&[good.clone(), entry(name, b"evil")]), words).await;
    }
    let link = Entry { mode: 0o120_777, ..entry("link", b"/etc/passwd") };
    refused(archive(&[good.clone(), link]), "link").await;
    let wanted_link = Entry { mode: 0o120_777, ..entry("retail.csv", b"/etc/passwd") };
    refused(archive(&[wanted_link]), "link").await;
}

#[tokio::test]
async fn archives_that_are_not_what_they_say_are_refused() {
    refused(archive(&[entry("other.csv", b"a"), entry("data/", b"")]), "none of its 1 files is retail.csv").await;
    refused(archive(&[]), "none of its 0 files").await;
    refused(archive(&[entry("retail.csv", b"a"), entry("retail.csv", b"b")]), "twice").await;
    let limits = Limits { entries: 2, ..Limits::default() };
    let three = [entry("retail.csv", b"a"), entry("b", b""), entry("c", b"")];
    refused_within(limits, archive(&three), "more than 2 files").await;
    let damaged = Entry { checksum: Some(1), ..entry("retail.csv", b"a,b\n") };
    refused(archive(&[damaged]), "damaged").await;
    let mut short = archive(&[entry("retail.csv", b"a,b\n")]);
    short.truncate(short.len() - 10);
    refused(short, "cannot be read").await;
}
