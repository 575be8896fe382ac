//! Other programs: this test binary runs itself again with a task.

use crate::fixture::{change, day, frame, now, permit, put, schema, stage};
use assay_lake::{Kind, LakeError, Scope, open, replace};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TASK: &str = "ASSAY_LAKE_TEST_TASK";
const FOLDER: &str = "ASSAY_LAKE_TEST_FOLDER";
const NAME: &str = "ASSAY_LAKE_TEST_NAME";
const DATES: &str = "ASSAY_LAKE_TEST_DATES";

/// Runs `task` of [`work`] as a program of its own.
pub fn command(task: &str, folder: &Path, name: &str, dates: &[u32]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let dates: Vec<String> = dates.iter().map(u32::to_string).collect();
    command
        .args(["--exact", "child::work", "--nocapture"])
        .envs([(TASK, task), (NAME, name), (DATES, &dates.join(","))])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Reads the output of a child up to a line that ends with `word`; false when it ended before.
pub fn wait_for(child: &mut Child, word: &str) -> bool {
    let output = child.stdout.as_mut().unwrap();
    let mut reader = BufReader::with_capacity(1, output);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        if line.trim_end().ends_with(word) {
            return true;
        }
        line.clear();
    }
    false
}

fn say(word: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{word}").unwrap();
    out.flush().unwrap();
}

/// The entry of the other programs; without a task it has nothing to do.
#[test]
fn work() {
    let Ok(task) = std::env::var(TASK) else { return };
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let name = std::env::var(NAME).unwrap();
    let dates: Vec<u32> = std::env::var(DATES).unwrap().split(',').filter_map(|text| text.parse().ok()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match task.as_str() {
        "race" => runtime.block_on(race(folder, &name, &dates)),
        "crash" => runtime.block_on(crash(folder, &name, &dates)),
        "limited" => runtime.block_on(limited(folder, &name, &dates)),
        "staged" => runtime.block_on(staged(folder, &name, &dates)),
        "committed" => runtime.block_on(committed(folder, &name, &dates)),
        "told" => runtime.block_on(told(folder, &name, &dates)),
        other => panic!("no task {other}"),
    }
}

/// Replaces the dates twelve times, each with rows of its own.
async fn race(folder: &Path, name: &str, dates: &[u32]) {
    let dates: Vec<_> = dates.iter().map(|number| Some(day(*number))).collect();
    for number in 0..12 {
        put(folder, &format!("{name}{number}"), &dates, 5).await.unwrap();
    }
    say("done");
}

/// Replaces the dates until it is killed, and says when it starts to stage and to commit.
async fn crash(folder: &Path, name: &str, dates: &[u32]) {
    let dates: Vec<_> = dates.iter().map(|number| Some(day(*number))).collect();
    let columns = schema();
    for number in 0.. {
        let run = format!("{name}{number}");
        say("staging");
        let (rows, at, owned) = (frame(&run, &dates, 5), run.clone(), folder.to_path_buf());
        let staged = std::thread::spawn(move || stage(&owned, rows, &at)).join().unwrap();
        say("committing");
        let scope = Scope::Dates(dates.clone());
        replace(&permit(), now(), change(folder, &columns, scope, staged, &run)).await.unwrap();
    }
}

/// Stages rows of the dates and waits to be killed.
async fn staged(folder: &Path, name: &str, dates: &[u32]) {
    let dates: Vec<_> = dates.iter().map(|number| Some(day(*number))).collect();
    let (rows, at, owned) = (frame(name, &dates, 5), name.to_owned(), folder.to_path_buf());
    let staged = std::thread::spawn(move || stage(&owned, rows, &at)).join().unwrap();
    say("staged");
    std::future::pending::<()>().await;
    drop(staged);
}

/// Commits rows of the dates, stages others and waits to be killed: its note names both.
async fn committed(folder: &Path, name: &str, dates: &[u32]) {
    let dates: Vec<_> = dates.iter().map(|number| Some(day(*number))).collect();
    let columns = schema();
    let staged = |run: &str| {
        let (rows, at, owned) = (frame(run, &dates, 5), run.to_owned(), folder.to_path_buf());
        std::thread::spawn(move || stage(&owned, rows, &at)).join().unwrap()
    };
    let (first, _other) = (staged(name), staged("other"));
    replace(&permit(), now(), change(folder, &columns, Scope::Dates(dates.clone()), first, name)).await.unwrap();
    say("committed");
    std::future::pending::<()>().await;
}

/// One replacement, and what it was told; then what a reader sees.
async fn told(folder: &Path, name: &str, dates: &[u32]) {
    let dates: Vec<_> = dates.iter().map(|number| Some(day(*number))).collect();
    say(&format!("{:?}", outcome(folder, name, &dates).await));
    let rows = open(folder).await.unwrap().map_or(0, |snapshot| snapshot.rows());
    say(&format!("{rows} rows"));
}

async fn outcome(folder: &Path, name: &str, dates: &[Option<chrono::NaiveDate>]) -> Result<(), Kind> {
    // Incompressible enough to outgrow what the disk has left.
    let rows = frame(name, dates, 400_000);
    let (owned, at) = (folder.to_path_buf(), name.to_owned());
    let kind = |error: LakeError| error.kind();
    let staged = std::thread::spawn(move || assay_lake::stage_frame(rows, &owned, Some("date"), &at, &|| false));
    let staged = staged.join().unwrap().map_err(kind)?;
    let columns = schema();
    let scope = Scope::Dates(dates.to_vec());
    replace(&permit(), now(), change(folder, &columns, scope, staged, name)).await.map(drop).map_err(kind)
}

/// As [`told`], in a program that may write no file larger than 64 KiB.
async fn limited(folder: &Path, name: &str, dates: &[u32]) {
    // Without a handler the signal that comes with the limit would end the program.
    let file_size = tokio::signal::unix::SignalKind::from_raw(25);
    let _ignored = tokio::signal::unix::signal(file_size).unwrap();
    let limit = Some(64 * 1024);
    setrlimit(Resource::Fsize, Rlimit { current: limit, maximum: limit }).unwrap();
    told(folder, name, dates).await;
}
