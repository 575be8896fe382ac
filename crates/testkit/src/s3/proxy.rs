//! Stands before the server: hands everything on as it is, but for the requests that the script names.

use super::request::{Head, Kind, Request};
use super::script::{Count, Fault, Rule, Script};
use super::server::Server;
use super::wire::{Body, Broken, Flow, Wire, head};
use crate::TestkitError;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A proxy on a free port of this machine; it ends when this is dropped.
///
/// Signatures name the host that the client was told, which is this proxy, and the server takes the name that it reads.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// What the connections and the test both see.
#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    script: Mutex<Script>,
    /// Requests that wait for the test, and all that are under way.
    held: Mutex<u64>,
    busy: Mutex<u64>,
    changed: Condvar,
    /// Counts the times that held requests were let go, with what becomes of them.
    gate: watch::Sender<(u64, Verdict)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    HandOn,
    Drop,
}

/// Whether the connection takes another request.
type Next = bool;

impl Proxy {
    /// Stands before the server, with no rules.
    pub fn before(server: &Server) -> Result<Self, TestkitError> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener = listener.map_err(TestkitError::at("127.0.0.1"))?;
        let address = listener.local_addr().map_err(TestkitError::at("127.0.0.1"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(TestkitError::at("the proxy's runtime"))?;
        let shared = Arc::new(Shared {
            server: server.address(),
            script: Mutex::default(),
            held: Mutex::default(),
            busy: Mutex::default(),
            changed: Condvar::new(),
            gate: watch::Sender::new((0, Verdict::HandOn)),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, runtime: Some(runtime) })
    }

    /// Of host and port; plain HTTP, as that of the server.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// These rules alone hold from now on; none means that everything is handed on.
    pub fn set(&self, rules: Vec<Rule>) {
        self.shared.script().set(rules);
    }

    /// Everything that has passed or was struck. Bytes count once a request is through, which its client can see
    /// before: `is_quiet_within` waits for it.
    pub fn counts(&self) -> BTreeMap<Kind, Count> {
        self.shared.script().counts.clone()
    }

    /// Of one kind.
    pub fn count(&self, kind: Kind) -> Count {
        self.shared.script().counts.get(&kind).copied().unwrap_or_default()
    }

    /// The requests that were struck and how, in their order; the first ten thousand.
    pub fn struck(&self) -> Vec<(Request, Fault)> {
        self.shared.script().struck.clone()
    }

    /// Forgets what has passed and what was struck; rules stay.
    pub fn forget(&self) {
        let mut script = self.shared.script();
        script.counts.clear();
        script.struck.clear();
    }

    /// Waits until so many requests are held at once, and says whether they were within this time.
    pub fn held(&self, requests: u64, patience: Duration) -> bool {
        let held = self.shared.held();
        let waited = self.shared.changed.wait_timeout_while(held, patience, |held| *held < requests);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until no request is under way, and says whether that came within this time: what a dead client has asked
    /// for may still be done.
    pub fn is_quiet_within(&self, patience: Duration) -> bool {
        let busy = self.shared.busy();
        let waited = self.shared.changed.wait_timeout_while(busy, patience, |busy| *busy > 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Hands on all requests that are held.
    pub fn release(&self) {
        self.shared.open(Verdict::HandOn);
    }

    /// Ends the connections of all requests that are held; the server never hears of them.
    pub fn drop_held(&self) {
        self.shared.open(Verdict::Drop);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, u64> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self) -> MutexGuard<'_, u64> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, verdict: Verdict) {
        self.gate.send_modify(|gate| *gate = (gate.0 + 1, verdict));
    }

    /// Waits until the test opens the gate.
    async fn wait(&self) -> Verdict {
        let mut gate = self.gate.subscribe();
        *self.held() += 1;
        self.changed.notify_all();
        // The gate lives as long as this.
        let verdict = gate.changed().await.map_or(Verdict::Drop, |()| gate.borrow().1);
        *self.held() -= 1;
        verdict
    }
}

/// A request that is under way until this is dropped.
struct Underway<'a>(&'a Shared);

impl<'a> Underway<'a> {
    fn new(shared: &'a Shared) -> Self {
        *shared.busy() += 1;
        Self(shared)
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        *self.0.busy() -= 1;
        self.0.changed.notify_all();
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut client = BufReader::new(client);
            // A connection that breaks ends, as it would without the proxy.
            while let Ok(true) = exchange(&mut client, &shared).await {}
        });
    }
}

/// One request with its answer.
async fn exchange(client: &mut Wire, shared: &Shared) -> io::Result<Next> {
    client.get_ref().set_nodelay(true)?;
    let Some(asked) = head(client).await? else { return Ok(false) };
    let _underway = Underway::new(shared);
    let request = asked.request();
    let fault = shared.script().meet(&request);
    match fault {
        Some(Fault::Reset) => return reset(client),
        Some(Fault::Hold) if shared.wait().await == Verdict::Drop => return reset(client),
        Some(Fault::InternalError) => return refuse(client, &asked, Refusal::InternalError).await,
        Some(Fault::SlowDown) => return refuse(client, &asked, Refusal::SlowDown).await,
        _ => {}
    }
    let mut server = BufReader::new(TcpStream::connect(shared.server).await?);
    server.get_ref().set_nodelay(true)?;
    let pace = if let Some(Fault::Slow(pace)) = fault { Some(pace) } else { None };
    let sent = ask(client, &mut server, &asked, pace).await?;
    let answer = loop {
        match head(&mut server).await? {
            Some(answer) if answer.status() < 200 => continue,
            Some(answer) => break answer,
            None => return reset(client),
        }
    };
    let body = Body::of_answer(&answer, asked.method());
    let (next, received) = match fault {
        Some(Fault::LostAnswer) => {
            consume(&mut server, body).await?;
            (reset(client)?, 0)
        }
        Some(Fault::DoneAndError) => {
            consume(&mut server, body).await?;
            (say(client, &asked, Refusal::InternalError).await?, 0)
        }
        Some(Fault::Cut) => (false, cut(&mut server, client, &answer, body).await?),
        _ => hand_back(&mut server, client, (&asked, &answer), body, pace).await?,
    };
    shared.script().passed(request.kind, sent, received);
    Ok(next)
}

/// Hands the request on, and gives the bytes of its body. A server that answers before it has read everything is heard.
async fn ask(client: &mut Wire, server: &mut Wire, asked: &Head, pace: Option<u32>) -> io::Result<u64> {
    server.write_all(&asked.bytes).await?;
    if asked.says("expect", "100-continue") {
        client.write_all(CONTINUE).await?;
    }
    let mut flow = Flow::new(client, server, pace);
    match flow.all(Body::of_request(asked)).await {
        Ok(()) | Err(Broken::Target(_)) => Ok(flow.passed),
        Err(Broken::Source(error)) => Err(error),
    }
}

async fn consume(server: &mut Wire, body: Body) -> io::Result<()> {
    whole(Flow::new(server, &mut sink(), None).all(body).await)
}

/// Hands the answer back, and gives the bytes of its body.
async fn hand_back(
    server: &mut Wire,
    client: &mut Wire,
    (asked, answer): (&Head, &Head),
    body: Body,
    pace: Option<u32>,
) -> io::Result<(Next, u64)> {
    client.write_all(&answer.bytes).await?;
    let mut flow = Flow::new(server, client, pace);
    whole(flow.all(body).await)?;
    let passed = flow.passed;
    client.flush().await?;
    let last = asked.says("connection", "close") || answer.says("connection", "close") || body == Body::ToTheEnd;
    Ok((!last, passed))
}

/// Hands back the head and half of the body, and ends the connection.
async fn cut(server: &mut Wire, client: &mut Wire, answer: &Head, body: Body) -> io::Result<u64> {
    client.write_all(&answer.bytes).await?;
    let half = if let Body::Length(length) = body { length / 2 } else { 0 };
    let mut flow = Flow::new(server, client, None);
    whole(flow.bytes(half).await)?;
    client.shutdown().await?;
    Ok(half)
}

fn whole(flowed: Result<(), Broken>) -> io::Result<()> {
    flowed.map_err(|(Broken::Source(error) | Broken::Target(error))| error)
}

/// Ends the connection so that the client is told of a reset, not of an end.
fn reset(client: &Wire) -> io::Result<Next> {
    client.get_ref().set_zero_linger()?;
    Ok(false)
}

#[derive(Debug, Clone, Copy)]
enum Refusal {
    InternalError,
    SlowDown,
}

/// Reads the body, so that the client hears the answer, and refuses.
async fn refuse(client: &mut Wire, asked: &Head, refusal: Refusal) -> io::Result<Next> {
    if asked.says("expect", "100-continue") {
        client.write_all(CONTINUE).await?;
    }
    consume(client, Body::of_request(asked)).await?;
    say(client, asked, refusal).await
}

async fn say(client: &mut Wire, asked: &Head, refusal: Refusal) -> io::Result<Next> {
    let (status, code, message) = match refusal {
        Refusal::InternalError => ("500 Internal Server Error", "InternalError", "We encountered an internal error."),
        Refusal::SlowDown => ("503 Slow Down", "SlowDown", "Reduce your request rate."),
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let length = text.len();
    let body = if asked.method() == "HEAD" { "" } else { &text };
    let answer =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n{body}");
    client.write_all(answer.as_bytes()).await?;
    client.flush().await?;
    Ok(!asked.says("connection", "close"))
}
