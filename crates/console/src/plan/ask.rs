//! What someone asks for, before it is a plan.

use crate::find;
use crate::problem::ConsoleError;
use assay_contract::{RunAsk, ScopeWord};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What someone asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// All when empty.
    pub stages: Vec<String>,
    /// Which steps of those stages.
    pub steps: StepsAsk,
    pub scope: ScopeAsk,
    /// The environment's name as the person typed it.
    pub confirmed: Option<String>,
    pub reason: String,
    pub asked_by: String,
    /// The same id gives the same run.
    pub request_id: Option<String>,
    pub settings: Settings,
    /// The definition that is planned from is one that the journal keeps.
    pub original: bool,
    /// Someone looks at the plan: the run refuses when a table has another version by then.
    pub exact: bool,
    /// The plan is only looked at: no guard is asked, and its permit has ended already.
    pub looking: bool,
}

/// Which dates: one of the three words, of all dates or of those between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeAsk {
    pub word: ScopeWord,
    /// First and last, inclusive.
    pub between: Option<(NaiveDate, NaiveDate)>,
}

/// Which steps, by id (`gold.daily`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StepsAsk {
    #[default]
    All,
    /// This one and every one that reads it, directly or not.
    From(String),
    Only(String),
}

/// Parameters of a run that its definition leaves open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Feeds fetch again what they have fetched before.
    #[serde(default)]
    pub refresh: bool,
    /// Threads of the reader; as many as processors when absent.
    #[serde(default)]
    pub threads: Option<u16>,
    /// Rows of a page of a table feed, instead of the definition's.
    #[serde(default)]
    pub page_rows: Option<u32>,
    /// Gold models that are built side by side; one when absent.
    #[serde(default)]
    pub at_once: Option<u16>,
}

impl RunRequest {
    /// From the window's words.
    pub fn of(ask: &RunAsk, asked_by: &str) -> Result<Self, ConsoleError> {
        let word = ask.scope.unwrap_or(if ask.only_new { ScopeWord::Missing } else { ScopeWord::All });
        Ok(Self {
            stages: ask.stages.clone(),
            scope: ScopeAsk::of(ask.from.as_deref(), ask.to.as_deref(), word)?,
            confirmed: ask.confirmed.clone(),
            reason: ask.reason.clone(),
            asked_by: asked_by.to_owned(),
            request_id: Some(ask.request_id.clone()),
            ..Self::default()
        })
    }
}

impl ScopeAsk {
    /// New, changed and vanished files, and what earlier runs left undone.
    pub fn missing() -> Self {
        Self::default()
    }

    pub fn failed() -> Self {
        Self { word: ScopeWord::Failed, between: None }
    }

    pub fn all() -> Self {
        Self { word: ScopeWord::All, between: None }
    }

    /// Everything of these dates, inclusive.
    pub fn dates(from: NaiveDate, to: NaiveDate) -> Self {
        Self { word: ScopeWord::All, between: Some((from, to)) }
    }

    /// Both ends or neither.
    pub fn of(from: Option<&str>, to: Option<&str>, word: ScopeWord) -> Result<Self, ConsoleError> {
        match (from, to) {
            (Some(from), Some(to)) => Ok(Self { word, between: Some((find::date(from)?, find::date(to)?)) }),
            (None, None) => Ok(Self { word, between: None }),
            _ => Err(ConsoleError::HalfRange),
        }
    }
}

impl Settings {
    const KEYS: [&'static str; 3] = ["refresh", "threads", "page_rows"];

    /// Takes `refresh=true`, `threads=2` or `page_rows=5000`.
    pub fn set(&mut self, text: &str) -> Result<(), ConsoleError> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| ConsoleError::BadSetting { text: text.chars().take(80).collect() })?;
        let wrong = || ConsoleError::BadSetting { text: text.chars().take(80).collect() };
        match key {
            "refresh" => self.refresh = value.parse().map_err(|_| wrong())?,
            "threads" => self.threads = Some(positive(value).and_then(|n| u16::try_from(n).ok()).ok_or_else(wrong)?),
            "page_rows" => self.page_rows = Some(positive(value).ok_or_else(wrong)?),
            _ => {
                let known = Self::KEYS.map(str::to_owned).to_vec();
                return Err(find::unknown("parameter", key, known));
            }
        }
        Ok(())
    }
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn settings_are_a_closed_set() {
        let mut settings = Settings::default();
        for text in ["refresh=true", "threads=2", "page_rows=5000"] {
            settings.set(text).unwrap();
        }
        let expected = Settings { refresh: true, threads: Some(2), page_rows: Some(5000), at_once: None };
        assert_eq!(settings, expected);
        for text in ["refresh=yes", "threads=0", "threads=70000", "page_rows=-1", "page_rows"] {
            assert!(matches!(settings.set(text), Err(ConsoleError::BadSetting { .. })), "{text}");
        }
        let unknown = settings.set("thread=2").unwrap_err();
        assert!(matches!(unknown, ConsoleError::Unknown { closest: Some(ref word), .. } if word == "threads"));
        assert_eq!(settings, expected);
    }

    #[test]
    fn the_windows_words_become_a_scope() {
        assert!(ScopeAsk::of(Some("2026-11-01"), None, ScopeWord::All).is_err());
        assert_eq!(ScopeAsk::of(None, None, ScopeWord::All).unwrap(), ScopeAsk::all());
        let text = "2026-11-01";
        let day = find::date(text).unwrap();
        assert_eq!(ScopeAsk::of(Some(text), Some(text), ScopeWord::All).unwrap(), ScopeAsk::dates(day, day));
    }
}
