//! What a daemon prints: a line for each thing that it does, and each trouble once.

use crate::render::out::say;
use crate::render::words;
use assay_contract::{ProblemKind, RunDetail, Status};
use chrono::{Local, SecondsFormat, Utc};
use std::collections::BTreeMap;

pub struct Said {
    json: bool,
    /// The last trouble of each pipeline and matter.
    troubles: BTreeMap<(String, &'static str), String>,
}

impl Said {
    pub fn new(json: bool) -> Self {
        Self { json, troubles: BTreeMap::new() }
    }

    pub fn line(&self, pipeline: &str, what: &str, run: Option<&str>, text: &str) {
        if self.json {
            let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
            say!("{}", serde_json::json!({ "at": at, "pipeline": pipeline, "what": what, "run": run, "text": text }));
        } else {
            say!("{}  {pipeline}: {text}", Local::now().format("%Y-%m-%d %H:%M:%S"));
        }
    }

    /// A trouble that lasts is said when it begins and when it becomes another one.
    pub fn once(&mut self, pipeline: &str, matter: &'static str, text: &str) {
        let before = self.troubles.insert((pipeline.to_owned(), matter), text.to_owned());
        if before.as_deref() != Some(text) {
            self.line(pipeline, "trouble", None, text);
        }
    }

    /// The trouble is over.
    pub fn well(&mut self, pipeline: &str, matter: &'static str) {
        self.troubles.remove(&(pipeline.to_owned(), matter));
    }
}

/// How a run ended, in one line.
pub fn ended(detail: &RunDetail) -> String {
    let mut text = format!("run {} {}", detail.run.id, words::status(detail.run.status));
    let counts = &detail.counts;
    if counts.read > 0 {
        let (accepted, refused) = (words::count(counts.accepted), words::count(counts.quarantined));
        text.push_str(&format!(", {accepted} records accepted, {refused} refused"));
    }
    if let Some(note) = &detail.run.note {
        text.push_str(&format!(": {note}"));
    }
    text
}

/// Whether a run ended because its files changed while it worked, or since it was planned.
pub fn met_a_change(detail: &RunDetail) -> bool {
    let conflict = |step: &assay_contract::StepRow| {
        step.problem.as_ref().is_some_and(|problem| problem.kind == ProblemKind::Conflict)
    };
    // A run that failed before its first attempt was refused: the world was not the one of its plan any more.
    detail.run.status == Status::Failed && (detail.attempts.is_empty() || detail.steps.iter().any(conflict))
}
