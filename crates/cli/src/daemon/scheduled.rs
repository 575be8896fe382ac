//! The daemon's schedules: what is due is planned, started and written down.

use super::Daemon;
use crate::launch;
use assay_console::schedule::{self, ASKED_BY, Standing};
use assay_console::{Journal, Planned, RunRequest};
use assay_contract::Problem;
use assay_pipeline::Schedule;
use chrono::{DateTime, SecondsFormat, Utc};

impl Daemon {
    /// Starts what is due. A pipeline that is at work keeps its due time until it is free.
    pub(super) fn keep_schedules(&mut self) {
        let scheduled: Vec<(String, Schedule)> =
            self.scheduled().map(|(name, schedule)| (name.to_owned(), schedule.clone())).collect();
        for (pipeline, schedule) in scheduled {
            match self.keep_schedule(&pipeline, &schedule) {
                Ok(()) => self.said.well(&pipeline, "schedule"),
                Err(problem) => self.said.once(&pipeline, "schedule", &problem.message),
            }
        }
    }

    fn keep_schedule(&mut self, pipeline: &str, schedule: &Schedule) -> Result<(), Problem> {
        let (now, environment) = (Utc::now(), self.charge.environment.name.clone());
        let kept = schedule::kept(self.desk.journal()?, pipeline, &environment)?;
        match schedule::standing(schedule, kept, now) {
            Standing::Wait => Ok(()),
            Standing::Begin => {
                let next = schedule::next(schedule, now).map_or_else(|| "never".to_owned(), shown);
                self.write_down(pipeline, now, None, "the schedule counts from now on")?;
                self.said.line(pipeline, "scheduled", None, &format!("{}; next run {next}", schedule.words()));
                Ok(())
            }
            Standing::Due(at) => {
                if self.full() || self.busy(pipeline)?.is_some() {
                    return Ok(());
                }
                self.run_due(pipeline, at)
            }
        }
    }

    fn run_due(&mut self, pipeline: &str, at: DateTime<Utc>) -> Result<(), Problem> {
        let id = schedule::request_id(pipeline, &self.charge.environment.name, at);
        match self.plan_due(pipeline, at, &id) {
            Ok(Planned::Run(plan)) => {
                let run = self.start(&plan, Some(&id), &format!("due {}", shown(at)))?;
                self.write_down(pipeline, at, Some(&run), "started")
            }
            Ok(Planned::Already(run)) => self.write_down(pipeline, at, Some(&run), "had been started"),
            Ok(Planned::Nothing(why)) => {
                self.write_down(pipeline, at, None, "nothing to do")?;
                self.said.line(pipeline, "idle", None, &format!("due {}: {why}", shown(at)));
                Ok(())
            }
            Err(problem) => {
                // The next time is another chance; this one is not tried in a circle.
                self.write_down(pipeline, at, None, &format!("refused: {}", problem.message))?;
                self.said.line(pipeline, "refused", None, &format!("due {}: {}", shown(at), problem.message));
                Ok(())
            }
        }
    }

    fn plan_due(&self, pipeline: &str, at: DateTime<Utc>, id: &str) -> Result<Planned, Problem> {
        let ready = self.ready(pipeline)?;
        let request = RunRequest {
            confirmed: self.charge.confirmed.clone(),
            reason: format!("scheduled for {}", shown(at)),
            asked_by: ASKED_BY.to_owned(),
            request_id: Some(id.to_owned()),
            ..RunRequest::default()
        };
        launch::plan(&self.desk, &ready, &self.charge.environment, &request)
    }

    fn write_down(&self, pipeline: &str, at: DateTime<Utc>, run: Option<&str>, what: &str) -> Result<(), Problem> {
        let action = schedule::keep(pipeline, &self.charge.environment.name, at, run, what, Utc::now());
        self.desk.journal()?.append_action(&action)
    }
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
