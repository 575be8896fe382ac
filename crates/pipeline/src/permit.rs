//! The proof that a write was allowed. There is no write without one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Belongs to one environment and one run, and ends by itself.
///
/// Only `console` issues permits (a test holds this); every function that writes takes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    environment: String,
    run: String,
    /// None in plans of earlier programs.
    #[serde(default)]
    issued: Option<DateTime<Utc>>,
    expires: DateTime<Utc>,
}

impl Permit {
    pub fn issue(environment: &str, run: &str, expires: DateTime<Utc>) -> Self {
        Self { environment: environment.to_owned(), run: run.to_owned(), issued: None, expires }
    }

    /// The same permit with the moment at which it was given: no time before it counts as a time of its use.
    pub fn issued_at(self, now: DateTime<Utc>) -> Self {
        Self { issued: Some(now), ..self }
    }

    /// When it was given, where that is known.
    pub fn issued(&self) -> Option<DateTime<Utc>> {
        self.issued
    }

    pub fn environment(&self) -> &str {
        &self.environment
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// Fails when the permit has ended or is for another environment.
    pub fn check(&self, environment: &str, now: DateTime<Utc>) -> Result<(), PermitError> {
        if self.environment != environment {
            return Err(PermitError::OtherEnvironment {
                held: self.environment.clone(),
                asked: environment.to_owned(),
            });
        }
        if now >= self.expires {
            return Err(PermitError::Ended { at: self.expires });
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    #[error("the permit is for the environment {held}, not for {asked}; nothing was written")]
    OtherEnvironment { held: String, asked: String },
    #[error("the permit ended at {at}; nothing more was written. Start the run again")]
    Ended { at: DateTime<Utc> },
}
