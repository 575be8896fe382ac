//! Which table a typed name means, also while a definition does not read.

use crate::desk::{Desk, tables_of};
use crate::exit;
use assay_console::Journal;
use assay_contract::{Problem, ProblemKind};
use assay_pipeline::TableName;
use assay_pipeline::diagnostic::Mistakes;

/// Every table that a name can mean.
pub struct Names {
    known: Vec<TableName>,
    /// Definitions that do not read, each with the tables that its runs have filled.
    unread: Vec<Unread>,
}

struct Unread {
    pipeline: String,
    mistakes: Mistakes,
    filled: Vec<TableName>,
}

impl Names {
    pub fn of(desk: &Desk) -> Result<Self, Problem> {
        let (mut known, mut unread) = (Vec::new(), Vec::new());
        for (pipeline, found) in desk.workspace.pipelines() {
            match found {
                Ok(definition) => known.extend(tables_of(&definition)),
                Err(mistakes) => {
                    let states = desk.journal()?.table_states(&pipeline, "local")?;
                    let named = states.into_iter().map(|state| TableName::new(&pipeline, state.layer, state.table));
                    unread.push(Unread { filled: named.collect(), pipeline, mistakes });
                }
            }
        }
        Ok(Self { known, unread })
    }

    /// Tables whose definitions read.
    pub fn known(&self) -> &[TableName] {
        &self.known
    }

    /// The table of this name: `pipeline.layer.table`, or a shorter one that fits one table alone. Of pipelines that have
    /// tables of one name, the only one that `has_run` is meant.
    pub fn find(&self, text: &str, has_run: impl Fn(&str) -> bool) -> Result<TableName, Problem> {
        if let Some(exact) = self.known.iter().find(|table| table.to_string() == text) {
            return Ok(exact.clone());
        }
        let mut found: Vec<&TableName> = self.known.iter().filter(|table| fits(table, text)).collect();
        if let Some(problem) = self.hidden(text, |table| fits(table, text), &found) {
            return Err(problem);
        }
        if found.len() > 1 {
            let ran: Vec<&TableName> = found.iter().copied().filter(|table| has_run(&table.pipeline)).collect();
            if ran.len() == 1 {
                found = ran;
            }
        }
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(self.none(text)),
            many => {
                let names = many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Err(exit::misuse(format!("{text} fits {} tables.", many.len()), format!("Write one of: {names}.")))
            }
        }
    }

    /// Why a name cannot be followed: it fits a table that a definition hides which does not read. `others` are tables
    /// that it fits besides.
    pub fn hidden(&self, text: &str, fits: impl Fn(&TableName) -> bool, others: &[&TableName]) -> Option<Problem> {
        let first = text.split('.').next();
        let is_hidden = |unread: &&Unread| first == Some(&unread.pipeline) || unread.filled.iter().any(&fits);
        let unread = self.unread.iter().find(is_hidden)?;
        let others = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let instead =
            if others.is_empty() { String::new() } else { format!(" {others} is another table of that name.") };
        let is = if first == Some(&unread.pipeline) { "is" } else { "can be" };
        Some(Problem {
            kind: ProblemKind::Definition,
            message: format!("{text} {is} a table of {}, whose definition is wrong.", unread.pipeline),
            causes: unread.mistakes.0.iter().map(ToString::to_string).collect(),
            advice: Some(format!(
                "Correct the lines above; `assay validate {}` checks them.{instead}",
                unread.pipeline
            )),
        })
    }

    fn none(&self, text: &str) -> Problem {
        let near = closest(self.known.iter().map(ToString::to_string), text);
        let advice = near.map_or_else(
            || "There are no tables yet.".into(),
            |name| format!("Did you mean {name}? `assay tables` lists all."),
        );
        let wrong =
            |unread: &Unread| format!("the definition of {} is wrong: its tables are not known", unread.pipeline);
        Problem {
            causes: self.unread.iter().map(wrong).collect(),
            ..exit::misuse(format!("There is no table {text}."), advice)
        }
    }
}

/// Whether a name, perhaps without pipeline and layer, is that of the table.
fn fits(table: &TableName, text: &str) -> bool {
    let full = table.to_string();
    full == text || full.split_once('.').is_some_and(|(_, rest)| rest == text) || table.table == text
}

/// The full name that is most like what was typed, with as many of its parts as were typed.
fn closest(names: impl Iterator<Item = String>, text: &str) -> Option<String> {
    let parts = text.split('.').count();
    let tail = |name: &str| name.rsplitn(parts + 1, '.').take(parts).map(str::to_owned).collect::<Vec<_>>();
    let wanted = tail(text).join(".");
    let likeness = |name: &String| (strsim::jaro_winkler(&tail(name).join("."), &wanted) * 1000.0) as u32;
    names.max_by_key(likeness)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use assay_pipeline::Layer;
    use assay_pipeline::diagnostic::Mistake;

    fn names(unread: &[(&str, &[&str])]) -> Names {
        let silver = |pipeline: &str, table: &str| TableName::new(pipeline, Layer::Silver, table);
        let unread = unread.iter().map(|(pipeline, filled)| Unread {
            pipeline: (*pipeline).to_owned(),
            mistakes: Mistake::in_file(format!("{pipeline}/pipeline.toml"), "no name").into(),
            filled: filled.iter().map(|table| silver(pipeline, table)).collect(),
        });
        Names { known: vec![silver("star", "sales"), silver("shop", "orders")], unread: unread.collect() }
    }

    fn found(names: &Names, text: &str) -> String {
        match names.find(text, |_| true) {
            Ok(table) => table.to_string(),
            Err(problem) => format!("{} {}", problem.message, problem.causes.join(" ")),
        }
    }

    #[test]
    fn a_name_that_a_wrong_definition_may_hide_is_not_followed() {
        let hidden = "a table of lake, whose definition is wrong. lake/pipeline.toml: no name";
        let lake = names(&[("lake", &["sales"])]);
        for (text, is) in
            [("silver.sales", "can be"), ("sales", "can be"), ("lake.silver.sales", "is"), ("lake.silver.other", "is")]
        {
            assert_eq!(found(&lake, text), format!("{text} {is} {hidden}"));
        }
        assert_eq!(found(&lake, "star.silver.sales"), "star.silver.sales");
        assert_eq!(found(&lake, "silver.orders"), "shop.silver.orders");
        assert_eq!(
            found(&lake, "silver.none"),
            "There is no table silver.none. the definition of lake is wrong: its tables are not known"
        );
        let advice = lake.find("silver.sales", |_| true).unwrap_err().advice.unwrap();
        assert!(advice.ends_with("star.silver.sales is another table of that name."), "{advice}");
        assert_eq!(found(&names(&[("lake", &[])]), "silver.sales"), "star.silver.sales", "it never filled any");
        assert_eq!(found(&names(&[]), "silver.sales"), "star.silver.sales");
    }
}
