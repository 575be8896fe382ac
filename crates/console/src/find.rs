//! Finding what a request names, with a suggestion for a misspelt word.

use crate::problem::ConsoleError;
use assay_pipeline::{Environment, Layer, Pipeline, Workspace};
use chrono::NaiveDate;

/// The pipeline of that name; a misspelt one gives the closest name.
pub fn pipeline<'a>(pipelines: &'a [Pipeline], name: &str) -> Result<&'a Pipeline, ConsoleError> {
    let known = || pipelines.iter().map(|pipeline| pipeline.name.clone()).collect();
    pipelines.iter().find(|pipeline| pipeline.name == name).ok_or_else(|| unknown("pipeline", name, known()))
}

/// The environment of that name; a misspelt one gives the closest name.
pub fn environment<'a>(workspace: &'a Workspace, name: &str) -> Result<&'a Environment, ConsoleError> {
    let known = || workspace.environments.iter().map(|environment| environment.name.clone()).collect();
    workspace
        .environments
        .iter()
        .find(|environment| environment.name == name)
        .ok_or_else(|| unknown("environment", name, known()))
}

/// Stages in their order, without repetition; all four for none named.
pub fn stages(names: &[String]) -> Result<Vec<Layer>, ConsoleError> {
    let mut stages = Vec::new();
    for name in names {
        let known = || Layer::ALL.iter().map(ToString::to_string).collect();
        stages.push(Layer::parse(name).ok_or_else(|| unknown("stage", name, known()))?);
    }
    if stages.is_empty() {
        stages = Layer::ALL.to_vec();
    }
    stages.sort();
    stages.dedup();
    Ok(stages)
}

/// An ISO date of exactly ten characters.
pub fn date(text: &str) -> Result<NaiveDate, ConsoleError> {
    let parsed = if text.len() == 10 { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None };
    parsed.ok_or_else(|| ConsoleError::BadDate { text: text.chars().take(40).collect() })
}

pub(crate) fn unknown(what: &'static str, name: &str, known: Vec<String>) -> ConsoleError {
    let closest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(candidate, name), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.clone());
    ConsoleError::Unknown { what, name: name.chars().take(80).collect(), closest, known }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_the_closest_stage() {
        let error = stages(&["glod".into()]).unwrap_err();
        assert!(matches!(error, ConsoleError::Unknown { closest: Some(ref word), .. } if word == "gold"));
        let error = stages(&["platinum".into()]).unwrap_err();
        assert!(matches!(error, ConsoleError::Unknown { closest: None, .. }));
    }

    #[test]
    fn orders_stages_and_drops_repetitions() {
        let names = ["gold", "bronze", "gold"].map(String::from);
        assert_eq!(stages(&names).unwrap(), [Layer::Bronze, Layer::Gold]);
        assert_eq!(stages(&[]).unwrap(), Layer::ALL);
    }

    #[test]
    fn takes_only_whole_iso_dates() {
        assert_eq!(date("2026-11-14").unwrap(), NaiveDate::from_ymd_opt(2026, 11, 14).unwrap());
        for text in ["2026-11-31", "14/11/2026", "2026-11-1", "2026-11-14 ", ""] {
            assert!(date(text).is_err(), "{text}");
        }
    }
}
