//! The connection to the engine: asks go out, answers come back by id, events fan out, a loss is told.

use crate::{
    frames::{self, Frame, FrameError},
    process::{self, LastLine, Launch},
};
use assay_contract::{
    Answer, Ask, Event, Problem, ProblemKind,
    frame::{Reply, Request},
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use thiserror::Error;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout},
    sync::{mpsc, oneshot, watch},
};

/// Requests that may wait for the pipe; asking beyond that waits.
const OUTBOX: usize = 64;

/// Why the engine does not answer.
#[derive(Debug, Error)]
pub enum EngineError {
    #[error("The engine is not started yet.")]
    Idle,
    #[error("The engine could not be started, so nothing can be shown or run.")]
    Start { program: PathBuf, workspace: PathBuf, source: std::io::Error },
    #[error("The engine ended. Tables and journal are as it left them.")]
    Ended { how: String, last: String },
    #[error("The engine's answers cannot be understood, so the connection was closed.")]
    Frame(#[from] FrameError),
    #[error("The question could not be sent.")]
    Send(#[from] serde_json::Error),
    #[error("The engine answered another question than the one asked.")]
    OtherAnswer,
}

/// What a kind of answer becomes on the window's side.
pub trait FromAnswer: Sized {
    /// `None` when this is not the kind of answer that was asked for.
    fn from_answer(answer: Answer, body: Vec<u8>) -> Option<Self>;
}

type Sink = Box<dyn Fn(Vec<Event>) + Send + Sync>;
type Outcome = Result<(Answer, Vec<u8>), Arc<EngineError>>;

/// The engine process and whoever listens to it.
pub struct Engine {
    launch: Launch,
    state: Mutex<State>,
    sink: Mutex<Option<Sink>>,
    ids: AtomicU64,
    starting: tokio::sync::Mutex<()>,
}

enum State {
    Up(Arc<Link>),
    Down(Arc<EngineError>),
}

struct Link {
    /// Dropped to close the engine's input.
    outbox: Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    /// `None` once the engine is lost: nobody may wait for an answer that cannot come.
    pending: Mutex<Option<HashMap<u64, oneshot::Sender<Outcome>>>>,
    closing: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Engine {
    pub fn new(launch: Launch) -> Self {
        Self {
            launch,
            state: Mutex::new(State::Down(Arc::new(EngineError::Idle))),
            sink: Mutex::new(None),
            ids: AtomicU64::new(1),
            starting: tokio::sync::Mutex::new(()),
        }
    }

    /// Starts the process unless it runs. A failure is kept and answers every later ask.
    pub async fn connect(self: &Arc<Self>) {
        let _one_at_a_time = self.starting.lock().await;
        if matches!(*hold(&self.state), State::Up(_)) {
            return;
        }
        let state = match self.launch.start() {
            Ok(child) => self.adopt(child),
            Err(source) => State::Down(Arc::new(EngineError::Start {
                program: self.launch.program.clone(),
                workspace: self.launch.workspace.clone(),
                source,
            })),
        };
        *hold(&self.state) = state;
    }

    /// Starts the process again and lets its events flow to whoever listened before.
    pub async fn reconnect(self: &Arc<Self>) -> Result<(), Problem> {
        self.connect().await;
        self.ask(Ask::Watch).await
    }

    /// Events go to `sink` from now on, and to nobody who listened before.
    pub async fn watch(self: &Arc<Self>, sink: Sink) -> Result<(), Problem> {
        *hold(&self.sink) = Some(sink);
        self.connect().await;
        self.ask(Ask::Watch).await
    }

    /// Asks and waits for the answer. Never waits for an engine that is gone.
    pub async fn ask<T: FromAnswer>(&self, ask: Ask) -> Result<T, Problem> {
        let (answer, body) = self.exchange(ask).await.map_err(|error| problem(&error))?;
        match answer {
            Answer::Problem(problem) => Err(problem),
            answer => T::from_answer(answer, body).ok_or_else(|| problem(&EngineError::OtherAnswer)),
        }
    }

    /// Closes the engine's input and waits until its process is gone.
    pub async fn close(&self) {
        let link = match &*hold(&self.state) {
            State::Up(link) => link.clone(),
            State::Down(_) => return,
        };
        *hold(&link.outbox) = None;
        link.closing.send_replace(true);
        // An error means that the task which would say so is gone, and the process with it.
        let _ = link.ended.clone().wait_for(|ended| *ended).await;
    }

    async fn exchange(&self, ask: Ask) -> Outcome {
        let link = match &*hold(&self.state) {
            State::Up(link) => link.clone(),
            State::Down(error) => return Err(error.clone()),
        };
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let line = frames::line(&Request { id, ask }).map_err(|error| Arc::new(error.into()))?;
        let (reply, answer) = oneshot::channel();
        let outbox = hold(&link.outbox).clone();
        match hold(&link.pending).as_mut() {
            Some(pending) => drop(pending.insert(id, reply)),
            None => return Err(self.reason()),
        }
        if let Some(outbox) = outbox {
            // A failed send means a lost engine; the loss answers everything that is pending.
            let _ = outbox.send(line).await;
        }
        answer.await.unwrap_or_else(|_| Err(self.reason()))
    }

    fn reason(&self) -> Arc<EngineError> {
        match &*hold(&self.state) {
            State::Down(error) => error.clone(),
            State::Up(_) => Arc::new(EngineError::Ended { how: "it is closing".into(), last: String::new() }),
        }
    }

    fn adopt(self: &Arc<Self>, mut child: Child) -> State {
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            let how = "its pipes could not be opened".to_owned();
            return State::Down(Arc::new(EngineError::Ended { how, last: String::new() }));
        };
        let (outbox, lines) = mpsc::channel(OUTBOX);
        let (closing, closed) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let link = Arc::new(Link {
            outbox: Mutex::new(Some(outbox)),
            pending: Mutex::new(Some(HashMap::new())),
            closing,
            ended,
        });
        let last = LastLine::default();
        let errors = tokio::spawn(last.clone().follow(stderr));
        tokio::spawn(write(stdin, lines));
        let (engine, of) = (self.clone(), link.clone());
        tokio::spawn(async move {
            let fault = engine.listen(&of, stdout, closed).await;
            *hold(&of.outbox) = None;
            let how = match process::end(child).await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            // A grandchild may hold the pipe open, so its end is not waited for.
            errors.abort();
            engine.lose(&of, fault.unwrap_or(EngineError::Ended { how, last: last.text() }));
            end.send_replace(true);
        });
        State::Up(link)
    }

    /// Routes frames until the output ends, breaks, or the window closes.
    async fn listen(&self, link: &Link, stdout: ChildStdout, mut closed: watch::Receiver<bool>) -> Option<EngineError> {
        let mut reader = BufReader::with_capacity(64 * 1024, stdout);
        loop {
            let frame = tokio::select! {
                frame = frames::read(&mut reader) => frame,
                _ = closed.wait_for(|closing| *closing) => return None,
            };
            match frame {
                Ok(Some(frame)) => self.route(link, frame),
                Ok(None) => return None,
                Err(error) => return Some(error.into()),
            }
        }
    }

    fn route(&self, link: &Link, Frame { reply, body }: Frame) {
        match reply {
            Reply::Events { events } => self.tell(events),
            Reply::Answer { id, answer, .. } => {
                let waiting = hold(&link.pending).as_mut().and_then(|pending| pending.remove(&id));
                // Whoever asked may be gone with a page that was left; the answer is then nobody's.
                if let Some(waiting) = waiting {
                    let _ = waiting.send(Ok((answer, body)));
                }
            }
        }
    }

    fn lose(&self, link: &Link, error: EngineError) {
        let error = Arc::new(error);
        *hold(&self.state) = State::Down(error.clone());
        for (_, waiting) in hold(&link.pending).take().into_iter().flatten() {
            let _ = waiting.send(Err(error.clone()));
        }
        let told = problem(&error);
        let reason = [told.message].into_iter().chain(told.causes).collect::<Vec<_>>().join(" ");
        self.tell(vec![Event::Lost { reason }]);
    }

    fn tell(&self, events: Vec<Event>) {
        if let Some(sink) = &*hold(&self.sink) {
            sink(events);
        }
    }
}

async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        // A broken pipe is an engine that ended; the reading side sees it and says so.
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// A panic while one of these is held leaves plain data behind, so the data is still good.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn problem(error: &EngineError) -> Problem {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let mut kind = ProblemKind::Failed;
    let mut advice = "Choose Reconnect to start it again.".to_owned();
    match error {
        EngineError::Start { program, workspace, .. } => {
            kind = ProblemKind::Missing;
            causes.insert(0, format!("{} in {}", program.display(), workspace.display()));
            advice = "Build the program `assay` beside the window, or name it in ASSAY_BIN, and check that the \
                      workspace's folder exists; then choose Reconnect."
                .to_owned();
        }
        EngineError::Ended { how, last } => {
            causes.push(how.clone());
            causes.extend(Some(last.clone()).filter(|last| !last.is_empty()));
        }
        EngineError::OtherAnswer | EngineError::Send(_) => {
            advice = "Install window and engine of the same version.".to_owned();
        }
        EngineError::Idle | EngineError::Frame(_) => {}
    }
    Problem { kind, message: error.to_string(), causes, advice: Some(advice) }
}

#[cfg(all(test, unix))]
#[path = "engine_tests.rs"]
mod tests;
