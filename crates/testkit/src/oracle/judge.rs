//! The cells of one record as the types that a contract declares, with the reasons of those that are not.

use super::moments::{read_date, read_moment};
use super::number::Number;
use super::record::Value;
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::HashMap;

/// Gathers reasons while the columns of a contract are read in their declared order.
pub(super) struct Judge<'a> {
    values: &'a HashMap<String, Value>,
    types: Vec<String>,
    missing: Vec<String>,
    ranges: Vec<String>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(values: &'a HashMap<String, Value>) -> Self {
        Self { values, types: Vec::new(), missing: Vec::new(), ranges: Vec::new() }
    }

    /// All reasons, the primary one first; `checks` come after those of the columns.
    pub(super) fn reasons(self, checks: Vec<String>) -> Vec<String> {
        [self.types, self.missing, self.ranges, checks].into_iter().flatten().collect()
    }

    /// The trimmed text of a string column; null where it is empty or refused.
    pub(super) fn text(&mut self, column: &str, limit: Option<usize>, required: bool) -> Option<String> {
        self.cleaned(column, limit, required, &|text| text.to_owned())
    }

    /// As `text`, with `clean` applied to what was trimmed.
    pub(super) fn cleaned(
        &mut self,
        column: &str,
        limit: Option<usize>,
        required: bool,
        clean: &dyn Fn(&str) -> String,
    ) -> Option<String> {
        let text = match self.values.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::Text(text) | Value::Number(text)) => text.trim().to_owned(),
            Some(Value::Boolean(value)) => value.to_string(),
            Some(Value::Nested(_)) => {
                self.types.push(format!("type.{column}"));
                return None;
            }
        };
        let text = clean(&text);
        if text.is_empty() && required {
            self.missing.push(format!("missing.{column}"));
        }
        if limit.is_some_and(|limit| text.chars().count() > limit) {
            self.ranges.push(format!("range.{column}"));
        }
        (!text.is_empty()).then_some(text)
    }

    /// A required date.
    pub(super) fn date(&mut self, column: &str, formats: &[&str]) -> Option<NaiveDate> {
        self.parsed(column, |text| formats.iter().find_map(|format| read_date(text, format)))
    }

    /// A required moment without a zone.
    pub(super) fn moment(&mut self, column: &str, formats: &[&str]) -> Option<NaiveDateTime> {
        self.parsed(column, |text| formats.iter().find_map(|format| read_moment(text, format)))
    }

    /// A required value that only a text can hold.
    pub(super) fn parsed<T>(&mut self, column: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = match self.values.get(column) {
            None | Some(Value::Null) => "",
            Some(Value::Text(text)) => text.trim(),
            Some(_) => "of another type",
        };
        if text.is_empty() {
            self.missing.push(format!("missing.{column}"));
            return None;
        }
        let value = read(text);
        if value.is_none() {
            self.types.push(format!("type.{column}"));
        }
        value
    }

    /// A number times `10^scale` within `-greatest - 1..=greatest`: `Err` where there is one that does not fit the
    /// type, `None` where there is none.
    pub(super) fn number(
        &mut self,
        column: &str,
        scale: u32,
        precision: usize,
        greatest: i128,
    ) -> Result<Option<i128>, ()> {
        let Some(text) = self.number_text(column) else { return Ok(None) };
        let value = Number::read(&text).and_then(|number| number.scaled(scale, precision));
        match value.filter(|value| (-greatest - 1..=greatest).contains(value)) {
            Some(value) => Ok(Some(value)),
            None => {
                self.types.push(format!("type.{column}"));
                Err(())
            }
        }
    }

    /// The nearest double of a number.
    pub(super) fn double(&mut self, column: &str) -> Option<f64> {
        let text = self.number_text(column)?;
        let value = Number::read(&text).and_then(|_| text.parse::<f64>().ok());
        if value.is_none() {
            self.types.push(format!("type.{column}"));
        }
        value
    }

    /// A required number above zero.
    pub(super) fn positive(&mut self, column: &str, scale: u32, precision: usize, greatest: i128) -> Option<i128> {
        let value = self.number(column, scale, precision, greatest).ok()?;
        match value {
            None => self.missing.push(format!("missing.{column}")),
            Some(value) if value <= 0 => self.ranges.push(format!("range.{column}")),
            Some(_) => {}
        }
        value
    }

    pub(super) fn out_of_range(&mut self, column: &str) {
        self.ranges.push(format!("range.{column}"));
    }

    /// What should be a number; `None` for nothing.
    fn number_text(&self, column: &str) -> Option<String> {
        let text = match self.values.get(column) {
            None | Some(Value::Null) => "",
            Some(Value::Text(text) | Value::Number(text)) => text.trim(),
            Some(Value::Boolean(_) | Value::Nested(_)) => "no number",
        };
        (!text.is_empty()).then(|| text.to_owned())
    }
}
