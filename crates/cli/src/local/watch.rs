//! A step's watch, as the stages see it.

use assay_console::ports::{Level, StepProgress, StepWatch};
use assay_contract::Counts;
use assay_stages::{Progress, Watch};

pub struct StageWatch<'a> {
    step: &'a dyn StepWatch,
}

impl<'a> StageWatch<'a> {
    pub fn new(step: &'a dyn StepWatch) -> Self {
        Self { step }
    }
}

impl Watch for StageWatch<'_> {
    fn cancelled(&self) -> bool {
        self.step.cancelled()
    }

    fn progress(&self, progress: Progress) {
        self.step.progress(StepProgress {
            done: progress.bytes_done,
            total: progress.bytes_total,
            counts: Counts {
                read: progress.read,
                accepted: progress.accepted,
                quarantined: progress.quarantined,
                ..Counts::default()
            },
        });
    }

    fn log(&self, level: assay_stages::Level, text: &str) {
        let level = match level {
            assay_stages::Level::Info => Level::Info,
            assay_stages::Level::Warn => Level::Warn,
            assay_stages::Level::Error => Level::Error,
        };
        self.step.log(level, text);
    }
}
