//! A plan in words, as `--dry-run` prints it.

use crate::plan::{PlannedStep, RunPlan, RunScope};
use crate::views::{count, scope_words};

/// Files and dates that are listed one by one.
const LISTED: usize = 20;

impl RunPlan {
    /// Lines without line ends: dates, files with sizes, steps.
    pub fn describe(&self) -> Vec<String> {
        let stages: Vec<&str> = self.stages.iter().map(|stage| stage.as_str()).collect();
        let mut lines = vec![
            format!("Run of {} in {}: {}", self.pipeline, self.environment.name, stages.join(", ")),
            format!("Dates: {}", inclusive(&self.scope)),
        ];
        if !self.widened.is_empty() {
            let dates: Vec<String> = self.widened.iter().take(LISTED).map(ToString::to_string).collect();
            let more = more(self.widened.len());
            lines.push(format!(
                "  of these not asked for, but changed files contributed to them before: {}{more}",
                dates.join(", ")
            ));
        }
        self.describe_files(&mut lines);
        lines.push(format!("Steps: {}", count(self.steps.len())));
        lines.extend(self.steps.iter().map(describe_step));
        lines
    }

    fn describe_files(&self, lines: &mut Vec<String>) {
        let bytes: u64 = self.files.iter().map(|file| file.size).sum();
        lines.push(format!("Files: {}, {}", count(self.files.len()), size_words(bytes)));
        for file in self.files.iter().take(LISTED) {
            lines.push(format!("  {}  {}", file.path, size_words(file.size)));
        }
        if self.files.len() > LISTED {
            lines.push(format!("  and {} more", count(self.files.len() - LISTED)));
        }
        for file in self.vanished.iter().take(LISTED) {
            lines.push(format!("  {}  gone: what it contributed is removed", file.path));
        }
        if self.vanished.len() > LISTED {
            lines.push(format!("  and {} more that are gone", count(self.vanished.len() - LISTED)));
        }
    }
}

fn describe_step(step: &PlannedStep) -> String {
    let mut line = format!("  {}", step.id);
    if !step.after.is_empty() {
        line.push_str(&format!("  after {}", step.after.join(", ")));
    }
    if let Some(scope) = &step.scope {
        line.push_str(&format!("  only {}", scope_words(scope)));
    }
    line
}

fn inclusive(scope: &RunScope) -> String {
    match scope {
        RunScope::Dates(dates) if dates.len() > 1 => format!("{}, inclusive", scope_words(scope)),
        _ => scope_words(scope),
    }
}

fn more(len: usize) -> String {
    if len > LISTED { format!(" and {} more", count(len - LISTED)) } else { String::new() }
}

/// Decimal units, one digit after the point, rounded down.
fn size_words(bytes: u64) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
        }
    }
    format!("{bytes} bytes")
}
