//! A run as it goes on: a bar per running step on a terminal, a line per change otherwise, events for scripts.

use super::words;
use crate::render::out::{say, tell};
use assay_console::process::Heard;
use assay_contract::{Event, Status, StepRow};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

/// Bars count thousandths.
const WHOLE: u64 = 1000;

pub struct Screen {
    json: bool,
    bars: Option<MultiProgress>,
    steps: Mutex<HashMap<String, Shown>>,
}

struct Shown {
    bar: Option<ProgressBar>,
    status: Status,
}

impl Screen {
    pub fn new(json: bool) -> Self {
        let bars = (!json && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Self { json, bars, steps: Mutex::default() }
    }

    pub fn hear(&self, heard: Heard) {
        match heard {
            Heard::Event(event) if self.json => {
                if let Ok(line) = serde_json::to_string(&event) {
                    say!("{line}");
                }
            }
            Heard::Event(event) => match *event {
                Event::Step { step, .. } => self.step(&step),
                Event::Run { run } if run.note.is_some() && run.status == Status::Queued => {
                    self.line(&format!("{}: {}", words::status(run.status), run.note.unwrap_or_default()));
                }
                _ => {}
            },
            Heard::Unreadable(length) => self.line(&format!("the worker said {length} bytes that are no event")),
        }
    }

    /// Takes the bars away; what follows is printed plainly.
    pub fn end(&self) {
        if let Some(bars) = &self.bars
            && bars.clear().is_err()
        {
            tell!("");
        }
    }

    fn step(&self, step: &StepRow) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let known = steps.get(&step.id).map(|shown| shown.status);
        if known == Some(step.status) && self.bars.is_none() {
            return;
        }
        let shown =
            steps.entry(step.id.clone()).or_insert_with(|| Shown { bar: self.bar(&step.id), status: step.status });
        shown.status = step.status;
        match &shown.bar {
            Some(bar) => draw(bar, step),
            None => self.line(&format!("{:<34} {}{}", step.id, words::status(step.status), rows(step))),
        }
    }

    fn bar(&self, step: &str) -> Option<ProgressBar> {
        let bar = self.bars.as_ref()?.add(ProgressBar::new(WHOLE));
        if let Ok(style) = ProgressStyle::with_template("{prefix:34} [{bar:28}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(step.to_owned());
        Some(bar)
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) if bars.println(text).is_ok() => {}
            _ => tell!("{text}"),
        }
    }
}

fn draw(bar: &ProgressBar, step: &StepRow) {
    bar.set_message(format!("{}{}", words::status(step.status), rows(step)));
    match step.status {
        Status::Queued | Status::Running => {
            bar.set_position(step.progress.map_or(0, |share| u64::from(share.thousandths)));
        }
        Status::Succeeded | Status::Flagged | Status::Skipped => {
            bar.set_position(WHOLE);
            bar.abandon();
        }
        Status::Failed | Status::Cancelled => bar.abandon(),
    }
}

fn rows(step: &StepRow) -> String {
    let of =
        |label: &str, value: Option<u64>| value.map_or_else(String::new, |n| format!(", {} {label}", words::count(n)));
    format!("{}{}{}", of("in", step.rows_in), of("out", step.rows_out), of("quarantined", step.quarantined))
}
