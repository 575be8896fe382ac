//! Tables written as text, and queries run on both engines of Polars.

use assay_sql::{Bound, Catalog, Field, SqlError, TableRef, Type, Use, bind, dtype_of, field_of};
use polars::prelude::*;

/// Tables by the name a query gives them.
#[derive(Default)]
pub struct Tables(pub Vec<(String, DataFrame)>);

impl Tables {
    /// Adds a table. Each column: name, type, cells; the cell `null` is null.
    pub fn with(mut self, name: &str, columns: &[(&str, Type, &[&str])]) -> Self {
        let series = columns.iter().map(|(name, kind, cells)| column(name, *kind, cells));
        let rows = columns[0].2.len();
        self.0.push((name.to_owned(), DataFrame::new(rows, series.collect()).unwrap()));
        self
    }

    fn frame(&self, table: &TableRef) -> Option<&DataFrame> {
        self.0.iter().find(|(name, _)| *name == table.to_string()).map(|(_, frame)| frame)
    }

    pub fn bind(&self, sql: &str, purpose: Use) -> Result<Bound, Vec<SqlError>> {
        bind(sql, self, purpose)
    }

    /// The rows of a question, or the failure, on both engines.
    pub fn run(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        let bound = self.bind(sql, Use::Query).map_err(|e| messages(&e))?;
        let frames = |table: &TableRef| Ok(self.frame(table).unwrap().clone().lazy());
        let both = [Engine::InMemory, Engine::Streaming].map(|engine| {
            let lazy = bound.lower(&frames).map_err(|e| e.to_string())?;
            let frame = lazy.collect_with_engine(engine).map_err(|e| e.to_string())?.unwrap_single();
            for (field, column) in bound.fields().iter().zip(frame.columns()) {
                assert_eq!(column.dtype(), &dtype_of(field.kind), "{sql}: {}", field.name);
                assert_eq!(column.name().as_str(), field.name, "{sql}");
                assert!(field.nullable || column.null_count() == 0, "{sql}: {} is declared not null", field.name);
            }
            assert_eq!(bound.fields().len(), frame.width(), "{sql}");
            Ok(rows(&frame))
        });
        let [memory, streaming] = both;
        let sorted = |r: &Result<Vec<Vec<String>>, String>| r.clone().map(|mut rows| (rows.sort(), rows));
        match (&memory, &streaming) {
            (Err(_), Err(_)) => {}
            _ if sql.contains("order by") && !sql.contains("over") => assert_eq!(memory, streaming, "{sql}"),
            _ => assert_eq!(sorted(&memory), sorted(&streaming), "{sql}"),
        }
        memory
    }

    /// The types of a question's columns.
    pub fn kinds(&self, sql: &str) -> String {
        let bound = self.bind(sql, Use::Query).map_err(|e| messages(&e)).unwrap();
        bound.fields().iter().map(|f| f.kind.to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl Catalog for Tables {
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>> {
        let field = |c: &Column| Field {
            name: c.name().to_string(),
            kind: field_of(c.dtype()).unwrap(),
            nullable: c.null_count() > 0,
        };
        self.frame(table).map(|frame| frame.columns().iter().map(field).collect())
    }

    fn tables(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Errors as `line:column width message (suggestion)`.
pub fn messages(errors: &[SqlError]) -> String {
    let line = |e: &SqlError| {
        let help = e.suggestion.as_ref().map(|s| format!(" ({s})")).unwrap_or_default();
        format!("{}:{} {} {}{help}", e.line, e.column, e.width, e.message)
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Checks questions against rows written as `1|x`; rows are compared in order only under `order by`.
pub fn check(tables: &Tables, cases: &[(&str, &[&str])]) {
    for (sql, expected) in cases {
        let mut found: Vec<String> = match tables.run(sql) {
            Ok(rows) => rows.iter().map(|row| row.join("|")).collect(),
            Err(message) => panic!("{sql}\n{message}"),
        };
        let mut expected: Vec<String> = expected.iter().map(|s| (*s).to_owned()).collect();
        if !sql.contains("order by") || sql.contains("over") {
            found.sort();
            expected.sort();
        }
        assert_eq!(found, expected, "{sql}");
    }
}

/// Checks that questions fail on their data with a message that holds the given words.
pub fn fails(tables: &Tables, cases: &[(&str, &str)]) {
    for (sql, words) in cases {
        let message = tables.run(sql).expect_err(sql);
        assert!(message.contains(words), "{sql}\n{message}");
    }
}

fn column(name: &str, kind: Type, cells: &[&str]) -> Column {
    let cells: Vec<Option<&str>> = cells.iter().map(|c| (*c != "null").then_some(*c)).collect();
    let name = PlSmallStr::from(name);
    match kind {
        Type::Int8 | Type::Int16 | Type::Int32 => Column::new(name, parse::<i32>(&cells)),
        Type::Int64 => Column::new(name, parse::<i64>(&cells)),
        Type::Float | Type::Double => Column::new(name, parse::<f64>(&cells)),
        Type::Boolean => Column::new(name, parse::<bool>(&cells)),
        Type::String => Column::new(name, cells),
        Type::Decimal { precision, scale } => {
            let units: Vec<Option<i128>> = cells.iter().map(|c| c.map(|c| units(c, scale.into()))).collect();
            let units = Int128Chunked::from_iter_options(name, units.into_iter());
            units.into_decimal(precision.into(), scale.into()).unwrap().into_series().into_column()
        }
        Type::Date | Type::Timestamp | Type::TimestampUtc => {
            let format = if kind == Type::Date { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S%.f" };
            let text = Column::new(name.clone(), cells);
            let options = StrptimeOptions { format: Some(format.into()), ..StrptimeOptions::default() };
            let expr = col(name).str().strptime(dtype_of(kind), options, lit("raise"));
            text.into_frame().lazy().select([expr]).collect().unwrap().columns()[0].clone()
        }
    }
}

fn parse<T: std::str::FromStr>(cells: &[Option<&str>]) -> Vec<Option<T>> {
    cells.iter().map(|c| c.map(|c| c.parse().ok().unwrap())).collect()
}

fn units(cell: &str, scale: usize) -> i128 {
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    format!("{whole}{fraction:0<scale$}").parse().unwrap()
}

pub fn rows(frame: &DataFrame) -> Vec<Vec<String>> {
    let cell = |column: &Column, row: usize| match column.get(row).unwrap() {
        AnyValue::Null => "null".to_owned(),
        AnyValue::String(text) => text.to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::Decimal(units, _, scale) => decimal(units, scale),
        other => other.to_string(),
    };
    (0..frame.height()).map(|row| frame.columns().iter().map(|c| cell(c, row)).collect()).collect()
}

/// Units of a decimal as text.
pub fn decimal(units: i128, scale: usize) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>1$}", units.unsigned_abs(), scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

pub const fn dec(precision: u8, scale: u8) -> Type {
    Type::Decimal { precision, scale }
}

/// Small tables with nulls, ties and awkward values.
pub fn tables() -> Tables {
    Tables::default()
        .with(
            "n",
            &[
                ("k", Type::Int32, &["1", "2", "3", "4"]),
                ("i", Type::Int32, &["1", "2", "null", "-7"]),
                ("b", Type::Int64, &["10", "null", "-7", "3"]),
                ("d", dec(10, 2), &["1.05", "-1.05", "null", "10.00"]),
                ("e", dec(5, 3), &["0.125", "1.000", "null", "-2.500"]),
                ("f", Type::Double, &["0.5", "1.25", "null", "2"]),
                ("p", Type::Boolean, &["true", "false", "null", "true"]),
            ],
        )
        .with(
            "s",
            &[
                ("k", Type::Int32, &["1", "2", "3", "4"]),
                ("x", Type::String, &["abc", "Zoë", "null", ""]),
                ("y", Type::String, &[" pad ", "null", "a%c", "ABC"]),
            ],
        )
        .with(
            "w",
            &[
                ("k", Type::Int32, &["1", "2", "3"]),
                ("day", Type::Date, &["2026-01-04", "2024-12-30", "null"]),
                ("at", Type::Timestamp, &["2026-01-04 23:59:58.5", "2024-12-30 00:00:00", "null"]),
            ],
        )
        .with(
            "silver.sales",
            &[
                ("date", Type::Date, &["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02", "null"]),
                ("store", Type::String, &["s1", "s2", "s2", "s1", "null"]),
                ("category", Type::String, &["a", "a", "a", "b", "b"]),
                ("amount", dec(15, 2), &["10.00", "20.00", "20.00", "5.00", "null"]),
                ("units", Type::Int32, &["1", "2", "3", "1", "1"]),
            ],
        )
        .with("none", &[("k", Type::Int32, &[]), ("d", dec(10, 2), &[]), ("x", Type::String, &[])])
}
