//! Tests of the log: bounds, pages, torn lines, following.
#![allow(clippy::unwrap_used)]

use super::*;
use assay_contract::LogPage;

fn line(number: usize) -> LogLine {
    let level = ["debug", "info", "warn", "error"][number % 4].to_owned();
    LogLine { at: "2026-11-20T00:00:00.000Z".into(), level, attempt: 1, step: None, text: format!("line {number}") }
}

fn write(folder: &Path, limit: u64, range: std::ops::Range<usize>) {
    let log = RunLog::open(folder, limit).unwrap();
    for number in range {
        log.append(&line(number)).unwrap();
    }
}

fn all(folder: &Path, least: Option<Level>) -> (Vec<LogLine>, LogPage) {
    let mut lines = Vec::new();
    loop {
        let part = page(folder, u32::try_from(lines.len()).unwrap(), 700, least).unwrap();
        if part.lines.is_empty() {
            return (lines, part);
        }
        lines.extend(part.lines);
    }
}

fn size(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn keeps_the_first_and_the_newest_and_counts_the_dropped() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SMALLEST, 0..5000);
    assert!(size(folder.path()) <= SMALLEST, "{}", size(folder.path()));
    let (lines, page) = all(folder.path(), None);
    assert_eq!(lines.len() as u32 + page.dropped, 5000);
    assert!(page.dropped > 0);
    assert_eq!(lines[0], line(0));
    assert_eq!(lines[lines.len() - 1], line(4999));
    let gap = lines.windows(2).filter(|pair| number(&pair[1]) != number(&pair[0]) + 1).collect::<Vec<_>>();
    assert_eq!(gap.len(), 1, "one gap, in the middle");
    assert_eq!((number(&gap[0][1]) - number(&gap[0][0]) - 1) as u32, page.dropped);
}

#[test]
fn a_resumed_writer_goes_on_where_the_last_one_stopped() {
    let folder = tempfile::tempdir().unwrap();
    for start in (0..3000).step_by(250) {
        write(folder.path(), SMALLEST, start..start + 250);
    }
    let (lines, page) = all(folder.path(), None);
    assert_eq!(lines.len() as u32 + page.dropped, 3000);
    assert_eq!(lines[lines.len() - 1], line(2999));
    assert!(size(folder.path()) <= SMALLEST);
}

#[test]
fn a_level_hides_those_below_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SMALLEST, 0..40);
    let page = page(folder.path(), 3, 5, Some(Level::Warn)).unwrap();
    assert_eq!((page.matching, page.hidden, page.lines.len()), (20, 20, 5));
    assert_eq!(page.lines.iter().map(number).collect::<Vec<_>>(), [7, 10, 11, 14, 15]);
}

#[test]
fn a_torn_line_is_skipped_and_said_also_after_the_next_attempt() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SMALLEST, 0..3);
    let path = folder.path().join(HEAD);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 10);
    std::fs::write(&path, &bytes).unwrap();
    let (lines, page) = all(folder.path(), None);
    assert_eq!((lines.len(), page.torn), (2, 1));
    write(folder.path(), SMALLEST, 3..5);
    let (lines, page) = all(folder.path(), None);
    assert_eq!(lines.iter().map(number).collect::<Vec<_>>(), [0, 1, 3, 4]);
    assert_eq!((page.torn, page.dropped), (1, 0));
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = RunLog::open(folder.path(), SMALLEST).unwrap();
    let kept = log.append(&LogLine { text: "é".repeat(5000), ..line(0) }).unwrap();
    assert!(kept.text.ends_with("… (5904 more bytes)"), "{}", &kept.text[kept.text.len() - 40..]);
    assert_eq!(all(folder.path(), None).0, [kept]);
}

#[test]
fn a_line_without_end_costs_no_memory_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(HEAD), vec![b'x'; 3_000_000]).unwrap();
    let (lines, page) = all(folder.path(), None);
    assert_eq!((lines.len(), page.torn), (0, 1));
}

#[test]
fn no_log_is_an_empty_page() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(all(&folder.path().join("none"), None).0, []);
    assert_eq!(Follower::new(&folder.path().join("none"), None).more(10).unwrap(), Followed::default());
}

#[test]
fn a_follower_sees_every_line_once_or_counts_it_as_missed() {
    let folder = tempfile::tempdir().unwrap();
    let log = RunLog::open(folder.path(), SMALLEST).unwrap();
    let mut follower = Follower::new(folder.path(), None);
    let (mut seen, mut missed) = (Vec::new(), 0);
    // Bursts of different lengths: short ones are followed whole, long ones outrun the follower.
    let mut number_next = 0;
    for burst in [1, 0, 7, 300, 40, 4000, 1, 900, 3] {
        for _ in 0..burst {
            log.append(&line(number_next)).unwrap();
            number_next += 1;
        }
        loop {
            let more = follower.more(64).unwrap();
            missed += more.missed;
            if more.lines.is_empty() {
                break;
            }
            seen.extend(more.lines.iter().map(number));
        }
    }
    assert!(missed > 0);
    assert_eq!(seen.len() as u64 + missed, number_next as u64);
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(seen.last(), Some(&(number_next - 1)));
}

fn number(line: &LogLine) -> usize {
    line.text.strip_prefix("line ").unwrap().parse().unwrap()
}
