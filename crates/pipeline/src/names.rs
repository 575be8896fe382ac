//! Layers and the names of tables.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The four layers, lowest first. A stage is named after the layer that it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    Bronze,
    Silver,
    Gold,
    Warehouse,
}

impl Layer {
    pub const ALL: [Layer; 4] = [Layer::Bronze, Layer::Silver, Layer::Gold, Layer::Warehouse];

    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Bronze => "bronze",
            Layer::Silver => "silver",
            Layer::Gold => "gold",
            Layer::Warehouse => "warehouse",
        }
    }

    pub fn parse(text: &str) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| layer.as_str() == text)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A table of one pipeline: `sales_lakehouse.silver.sales` in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    pub pipeline: String,
    pub layer: Layer,
    pub table: String,
}

impl TableName {
    pub fn new(pipeline: impl Into<String>, layer: Layer, table: impl Into<String>) -> Self {
        Self { pipeline: pipeline.into(), layer, table: table.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.pipeline, self.layer, self.table)
    }
}

/// PostgreSQL cuts longer names silently.
pub const NAME_LIMIT: usize = 63;

/// Whether a text is a name of Assay: lower_snake, a letter first, at most 63 characters.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_LIMIT
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The name that a text like `TotalAmount` or `total amount` stands for, where there is one.
pub(crate) fn to_name(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.chars().take(2 * NAME_LIMIT) {
        let starts_word = c.is_uppercase() && name.ends_with(|before: char| before.is_ascii_lowercase());
        if starts_word || (!c.is_ascii_alphanumeric() && !name.ends_with('_')) {
            name.push('_');
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        }
    }
    let name = name.trim_matches('_');
    is_name(name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_snake() {
        for (text, meant) in [
            ("TotalAmount", Some("total_amount")),
            ("InvoiceNo", Some("invoice_no")),
            ("total amount", Some("total_amount")),
            ("_source_file", Some("source_file")),
            ("preço", Some("pre_o")),
            ("1st", None),
            ("", None),
            ("é", None),
        ] {
            assert!(!is_name(text), "{text}");
            assert_eq!(to_name(text).as_deref(), meant, "{text}");
        }
        assert!(is_name("a") && is_name("sales_2024") && is_name(&"a".repeat(NAME_LIMIT)));
        assert!(!is_name(&"a".repeat(NAME_LIMIT + 1)));
    }
}
