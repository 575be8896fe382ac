//! What an operator does in the window, against the real engine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use assay_desktop::{PATIENCE, RUN, Window, workspace};

/// Runs the demo, reads the equation, opens a table, and scrolls to its last row.
#[tokio::test]
async fn a_run_is_started_watched_and_its_rows_are_read() {
    let folder = workspace(3000);
    let window = Window::open(folder.path()).await;

    window.start_run().await;
    let status = window.run_end().await;
    assert!(matches!(status.as_str(), "Succeeded" | "Flagged"), "the run ended as {status}");
    let sum = window.text_when(".eq", PATIENCE, |text| text.contains("balanced")).await;
    assert!(!sum.contains("does not balance"), "{sum}");
    let figures = figures(&window).await;
    assert_eq!(figures[0], figures[1..].iter().sum::<u64>(), "{figures:?}");
    assert!(figures[1] > 0, "nothing was accepted");

    window.click("[data-room=pipelines]").await;
    let silver = "[role=table] [data-table*='.silver.']";
    window.text_when(silver, PATIENCE, |text| text.chars().any(|letter| letter.is_ascii_digit())).await;
    window.click(silver).await;
    let total = rows(&window).await;
    assert_eq!(total, figures[1], "accepted records and silver rows differ");
    let body = window.script("return document.documentElement.dataset.page").await;
    assert_eq!(body, "[object ArrayBuffer]", "pages take the slow way");

    window.click("[role=gridcell]").await;
    window.script("document.querySelector('[role=grid]').focus()").await;
    window.type_into("[role=grid]", "\u{e009}\u{e010}\u{e000}").await; // control and end, then both released
    let last = format!(
        "const row = document.querySelector('[role=row][aria-rowindex=\"{}\"]'); return row ? row.textContent.trim() : ''",
        total + 1
    );
    let last = window.value_when(&last, PATIENCE, |text| !text.is_empty()).await;
    assert!(last.replace(',', "").starts_with(&total.to_string()), "the last row is {last}");

    window.click("[data-room=runs]").await;
    window.click("[data-run]").await;
    window.text_when("[role=log]", PATIENCE, |text| !text.is_empty()).await;
    window.close().await;
}

/// Cancels a run while it goes on; the run says so and the window can start the next one.
#[tokio::test]
async fn a_run_is_cancelled() {
    let folder = workspace(400_000);
    let window = Window::open(folder.path()).await;
    window.start_run().await;
    window.click("main .bar .end button").await;
    assert_eq!(window.run_end().await, "Cancelled");
    window.close().await;
}

/// An engine that dies is told of, and comes back on request.
#[tokio::test]
async fn a_lost_engine_is_told_and_reconnected() {
    let folder = workspace(10);
    let window = Window::open(folder.path()).await;
    let engine = children_of_window(folder.path());
    rustix::process::kill_process(engine, rustix::process::Signal::KILL).unwrap();
    window.see("[role=alert]").await;
    window.click("[role=alert] button").await;
    window
        .value_when("return String(document.querySelector('[role=alert]') === null)", RUN, |gone| gone == "true")
        .await;
    window.see("[role=table] [data-table]").await;
    window.close().await;
}

/// The engine process whose working folder is the workspace.
fn children_of_window(folder: &std::path::Path) -> rustix::process::Pid {
    let folder = folder.canonicalize().unwrap();
    let found = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let here = std::fs::read_link(entry.path().join("cwd")).ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let serves = words.split(|byte| *byte == 0).any(|word| word == b"--stdio");
        (here == folder && serves).then_some(pid)
    });
    rustix::process::Pid::from_raw(found.expect("no engine runs in the workspace")).unwrap()
}

/// The figures of the equation, read first.
async fn figures(window: &Window) -> Vec<u64> {
    let script =
        "return [...document.querySelectorAll('.eq .figure')].map((f) => f.textContent.replaceAll(',', '')).join(' ')";
    let text = window.value_when(script, PATIENCE, |text| text.split(' ').count() >= 4).await;
    text.split(' ').map(|figure| figure.parse().unwrap()).collect()
}

/// Rows of the grid, header excluded, once they are known.
async fn rows(window: &Window) -> u64 {
    let script = "return document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') ?? ''";
    let count = window.value_when(script, PATIENCE, |count| count.parse::<i64>().is_ok_and(|count| count > 1)).await;
    count.parse::<u64>().unwrap() - 1
}
