//! What the page may ask: each command is one question to the engine.

use crate::engine::{Engine, FromAnswer};
use assay_contract::{
    Answer, Ask, Event, LogPage, Overview, PageAsk, Problem, QuarantineAsk, RunAsk, RunDetail, RunRow, RunTicket,
    TableDetail,
};
use specta::datatype::DataType;
use std::sync::Arc;
use tauri::{
    State,
    ipc::{Channel, InvokeResponseBody, IpcResponse},
};

/// The engine as commands see it.
pub type Held<'a> = State<'a, Arc<Engine>>;

/// Arrow bytes that reach the page as an `ArrayBuffer`.
pub struct Bytes(Vec<u8>);

impl IpcResponse for Bytes {
    fn body(self) -> tauri::Result<InvokeResponseBody> {
        Ok(InvokeResponseBody::Raw(self.0))
    }
}

impl specta::Type for Bytes {
    fn definition(_: &mut specta::Types) -> DataType {
        specta_typescript::define("ArrayBuffer").into()
    }
}

macro_rules! answers {
    ($($pattern:pat => $value:expr, $type:ty;)*) => {$(
        impl FromAnswer for $type {
            fn from_answer(answer: Answer, _: Vec<u8>) -> Option<Self> {
                match answer {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }
    )*};
}

answers! {
    Answer::Overview(value) => value, Overview;
    Answer::Runs(value) => value, Vec<RunRow>;
    Answer::Run(value) => *value, RunDetail;
    Answer::Log(value) => value, LogPage;
    Answer::Table(value) => *value, TableDetail;
    Answer::Ticket(value) => value, RunTicket;
    Answer::Done => (), ();
}

impl FromAnswer for Bytes {
    fn from_answer(answer: Answer, body: Vec<u8>) -> Option<Self> {
        matches!(answer, Answer::Bytes).then_some(Self(body))
    }
}

/// The four layers of every pipeline.
#[tauri::command]
#[specta::specta]
pub async fn overview(engine: Held<'_>) -> Result<Overview, Problem> {
    engine.ask(Ask::Overview).await
}

/// Runs, newest first.
#[tauri::command]
#[specta::specta]
pub async fn runs(engine: Held<'_>, pipeline: Option<String>, limit: u32) -> Result<Vec<RunRow>, Problem> {
    engine.ask(Ask::Runs { pipeline, limit }).await
}

/// One run with its steps.
#[tauri::command]
#[specta::specta]
pub async fn run(engine: Held<'_>, run: String) -> Result<RunDetail, Problem> {
    engine.ask(Ask::Run { run }).await
}

/// Lines of a run's log.
#[tauri::command]
#[specta::specta]
pub async fn log(
    engine: Held<'_>,
    run: String,
    from: u32,
    limit: u32,
    level: Option<String>,
) -> Result<LogPage, Problem> {
    engine.ask(Ask::Log { run, from, limit, level }).await
}

/// One table without its rows.
#[tauri::command]
#[specta::specta]
pub async fn table(engine: Held<'_>, table: String) -> Result<TableDetail, Problem> {
    engine.ask(Ask::Table { table }).await
}

/// A page of a table's rows.
#[tauri::command]
#[specta::specta]
pub async fn page(engine: Held<'_>, page: PageAsk) -> Result<Bytes, Problem> {
    engine.ask(Ask::Page(page)).await
}

/// A page of a table's quarantine.
#[tauri::command]
#[specta::specta]
pub async fn quarantine(engine: Held<'_>, page: QuarantineAsk) -> Result<Bytes, Problem> {
    engine.ask(Ask::Quarantine(page)).await
}

/// Starts a run, once per request id.
#[tauri::command]
#[specta::specta]
pub async fn start_run(engine: Held<'_>, run: RunAsk) -> Result<RunTicket, Problem> {
    engine.ask(Ask::StartRun(run)).await
}

/// Cancels a run, once per request id.
#[tauri::command]
#[specta::specta]
pub async fn cancel_run(engine: Held<'_>, request_id: String, run: String) -> Result<(), Problem> {
    engine.ask(Ask::CancelRun { request_id, run }).await
}

/// Events flow into `events` from now on. A page that is gone hears nothing, which ends nothing.
#[tauri::command]
#[specta::specta]
pub async fn watch(engine: Held<'_>, events: Channel<Vec<Event>>) -> Result<(), Problem> {
    engine.watch(Box::new(move |batch| drop(events.send(batch)))).await
}

/// Starts the engine again after it was lost.
#[tauri::command]
#[specta::specta]
pub async fn reconnect(engine: Held<'_>) -> Result<(), Problem> {
    engine.reconnect().await
}
