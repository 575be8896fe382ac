//! Frames out: one writer, so that a header and its body are never torn apart.

use assay_contract::frame::Reply;
use assay_contract::{Answer, Event};
use std::io::Write;
use std::sync::Mutex;

/// Standard output, shared by the threads that answer.
pub struct Outlet {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Outlet {
    pub fn stdout() -> Self {
        Self { out: Mutex::new(Box::new(std::io::stdout())) }
    }

    pub fn answer(&self, id: u64, answer: Answer, body: &[u8]) {
        self.send(&Reply::Answer { id, answer, bytes: body.len() as u64 }, body);
    }

    pub fn events(&self, events: Vec<Event>) {
        if !events.is_empty() {
            self.send(&Reply::Events { events }, &[]);
        }
    }

    /// A window that is gone reads nothing more: its end of the input ends the program, so a failed write is no news.
    fn send(&self, reply: &Reply, body: &[u8]) {
        let Ok(mut line) = serde_json::to_vec(reply) else { return };
        line.push(b'\n');
        if let Ok(mut out) = self.out.lock()
            && out.write_all(&line).is_ok()
            && out.write_all(body).is_ok()
        {
            drop(out.flush());
        }
    }
}
