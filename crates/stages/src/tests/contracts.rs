//! Contracts for tests, in place of the shop's own.

#![allow(clippy::unwrap_used)]
use super::shop::Shop;
use assay_pipeline::expression::Expression;
use assay_pipeline::{Check, Clean, Column, Contract, Gate, SilverMode};

/// A column without any rule: `column("n", "decimal(10,2)")`.
pub fn column(name: &str, kind: &str) -> Column {
    Column {
        name: name.to_owned(),
        path: vec![name.to_owned()],
        kind: kind.parse().unwrap(),
        formats: Vec::new(),
        required: false,
        range: None,
        clean: Vec::new(),
        pii: false,
        default: None,
        computed: None,
    }
}

/// Rules of a column, one after the other.
pub trait Rules {
    fn required(self) -> Self;
    fn at(self, path: &str) -> Self;
    fn formats(self, formats: &[&str]) -> Self;
    fn range(self, text: &str) -> Self;
    fn clean(self, clean: Clean) -> Self;
    fn or(self, default: &str) -> Self;
    fn is(self, computed: &str) -> Self;
}

impl Rules for Column {
    fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn at(self, path: &str) -> Self {
        Self { path: vec![path.to_owned()], ..self }
    }

    fn formats(self, formats: &[&str]) -> Self {
        Self { formats: formats.iter().map(|format| (*format).to_owned()).collect(), ..self }
    }

    fn range(self, text: &str) -> Self {
        Self { range: Some(text.parse().unwrap()), ..self }
    }

    fn clean(self, clean: Clean) -> Self {
        Self { clean: vec![clean], ..self }
    }

    fn or(self, default: &str) -> Self {
        Self { default: Some(Expression::parse(default).unwrap()), ..self }
    }

    fn is(self, computed: &str) -> Self {
        Self { computed: Some(Expression::parse(computed).unwrap()), ..self }
    }
}

/// A contract of the shop's table over these columns, partitioned by `day`, without key.
pub fn contract(columns: Vec<Column>) -> Contract {
    Contract {
        table: "sales".to_owned(),
        source: "sales".to_owned(),
        columns,
        checks: Vec::new(),
        key: Vec::new(),
        partition: "day".to_owned(),
        mode: SilverMode::Replace,
        explode: Vec::new(),
        gate: None,
        folder: None,
        publish: Vec::new(),
    }
}

pub fn check(name: &str, condition: &str) -> Check {
    Check { name: name.to_owned(), condition: Expression::parse(condition).unwrap() }
}

pub fn gate(percent: &str, except: Option<&str>) -> Option<Gate> {
    let accepted = assay_pipeline::expression::Number::parse(percent).unwrap();
    Some(Gate { accepted, except: except.map(|except| Expression::parse(except).unwrap()) })
}

/// A shop whose table has this contract.
pub fn shop_of(contract: Contract) -> Shop {
    let mut shop = Shop::new();
    shop.pipeline.contracts = vec![contract];
    shop
}
