//! The built window under a driver, on a workspace of its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    env,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use thirtyfour::prelude::*;

/// Time that anything on the page may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Time that a run of the demo may take.
pub const RUN: Duration = Duration::from_secs(240);

/// A program named by the environment.
///
/// # Panics
/// When it is not named or not there: a journey that cannot run has failed.
pub fn program(variable: &str, how: &str) -> PathBuf {
    let path = PathBuf::from(env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set. {how}")));
    assert!(path.is_file(), "{variable} names {}, which is not there. {how}", path.display());
    std::path::absolute(path).unwrap()
}

fn engine() -> PathBuf {
    program("ASSAY_BIN", "Build the engine with `cargo build -p assay-cli` and name target/debug/assay.")
}

/// A workspace with a pipeline and generated data.
pub fn workspace(records: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    assay(folder.path(), &["init", "."]);
    let pipelines = folder.path().join("pipelines");
    let mut names: Vec<String> = std::fs::read_dir(&pipelines)
        .unwrap_or_else(|error| panic!("{}: {error}", pipelines.display()))
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let first = names.first().expect("init made no pipeline");
    assay(folder.path(), &["demo", first, "--dates", "3", "--records", &records.to_string()]);
    folder
}

fn assay(folder: &Path, arguments: &[&str]) {
    let output = Command::new(engine()).args(arguments).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "assay {}: {}\n{said}", arguments.join(" "), output.status);
}

/// tauri-driver in a process group of its own. Ended by SIGTERM: a killed driver leaves window and webview behind.
struct Driver {
    process: Child,
    address: SocketAddr,
}

impl Driver {
    fn start(folder: &Path) -> Self {
        let how = "Get it with `cargo install tauri-driver --version 2.1.0 --locked`.";
        let [port, native] = [free_port(), free_port()];
        let process = Command::new(program("TAURI_DRIVER", how))
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env("ASSAY_WORKSPACE", folder)
            .env("ASSAY_BIN", engine())
            .env("LANG", "en_US.UTF-8")
            .env("NO_AT_BRIDGE", "1")
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let driver = Self { process, address: ([127, 0, 0, 1], port).into() };
        listens(driver.address);
        listens(([127, 0, 0, 1], native).into());
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn listens(address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
        assert!(Instant::now() < deadline, "the driver does not listen at {address}; is WebKitWebDriver installed?");
        std::thread::yield_now();
    }
}

/// The window and what a person does with it.
pub struct Window {
    page: WebDriver,
    _driver: Driver,
}

impl Window {
    /// Opens the window on a workspace and waits until its pipelines are shown.
    pub async fn open(folder: &Path) -> Self {
        let how = "Build it with `npm run build:window` and name target/debug/assay-window.";
        let application = program("ASSAY_WINDOW", how);
        let driver = Driver::start(folder);
        let mut wanted = Capabilities::new();
        wanted.set("tauri:options", serde_json::json!({ "application": application })).unwrap();
        let page = WebDriver::new(format!("http://{}", driver.address), wanted).await.expect("no session");
        let window = Self { page, _driver: driver };
        window.see("[role=table] [data-table]").await;
        window
    }

    pub async fn close(self) {
        self.page.quit().await.unwrap();
    }

    /// The first element, once it is there.
    pub async fn see(&self, css: &str) -> WebElement {
        let query = self.page.query(By::Css(css)).wait(PATIENCE, Duration::from_millis(100));
        query.first().await.unwrap_or_else(|error| panic!("{css} did not appear: {error}"))
    }

    pub async fn click(&self, css: &str) {
        let clicked = self.see(css).await.click().await;
        clicked.unwrap_or_else(|error| panic!("{css} could not be clicked: {error}"));
    }

    pub async fn type_into(&self, css: &str, text: &str) {
        self.see(css).await.send_keys(text).await.unwrap();
    }

    /// Text of an element once it satisfies the condition.
    pub async fn text_when(&self, css: &str, patience: Duration, accepts: impl Fn(&str) -> bool) -> String {
        self.value_when(&format!("return document.querySelector({css:?})?.textContent ?? ''"), patience, accepts).await
    }

    /// What a script gives, as text, once it satisfies the condition.
    pub async fn value_when(&self, script: &str, patience: Duration, accepts: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + patience;
        loop {
            let value = self.script(script).await;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if accepts(text.trim()) {
                return text.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "`{script}` still gives `{text}`");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn script(&self, script: &str) -> serde_json::Value {
        self.page.execute(script, vec![]).await.unwrap().json().clone()
    }

    /// Starts a run of all dates from the room Pipelines and waits for the room Run.
    pub async fn start_run(&self) {
        self.click("[data-room=pipelines]").await;
        self.click("main .bar button[aria-expanded]").await;
        self.click("form [role=group] button:nth-child(2)").await;
        self.click("form footer button[aria-disabled]:not([aria-disabled=true]), form footer .primary").await;
        self.see("[role=log]").await;
    }

    /// Status word of the run in the room Run, once the run has ended.
    pub async fn run_end(&self) -> String {
        self.text_when("main .bar [data-st]", RUN, |word| !matches!(word, "" | "Queued" | "Running")).await
    }
}
