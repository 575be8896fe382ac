//! Other datasets, by the alias that rules give them, and keys that are compared across datasets.

use crate::column::column;
use crate::data::Profile;
use crate::draft::Draft;
use crate::rules::ask::metric;
use crate::rules::{Finding, Refusal};
use assay_sql::{Type, dtype_of, field_of, spark};
use polars::prelude::{DataType, Expr, LazyFrame, PlSmallStr, Schema, SchemaRef};

/// A dataset that rules compare with.
pub(crate) struct Reference {
    pub rows: LazyFrame,
    pub schema: SchemaRef,
}

/// The dataset of this alias; `unknown` is what is said where there is none.
pub(crate) fn reference(draft: &Draft<'_>, alias: &str, unknown: &str) -> Result<Reference, Refusal> {
    let mut rows = draft.data.references.get(alias).cloned().ok_or_else(|| Refusal::failed(unknown))?;
    let closed = |_| Refusal::failed(format!("The dataset {alias} cannot be opened, so nothing is compared with it"));
    let schema = crate::engine::guarded(|| rows.collect_schema()).map_err(closed)?;
    Ok(Reference { rows, schema })
}

/// A column of `schema` by its name, capitals aside.
pub(crate) fn known(schema: &Schema, name: &str, profile: Profile) -> Option<(PlSmallStr, DataType)> {
    match profile {
        Profile::Glue => crate::column::find(schema, name).ok(),
        Profile::Deequ => crate::column::find_plain(schema, name).ok(),
    }
}

/// Two columns as keys of one type, equal where Spark finds their values equal.
pub(crate) fn comparable(
    left: &(PlSmallStr, DataType),
    right: &(PlSmallStr, DataType),
    profile: Profile,
) -> Result<(Expr, Expr), Refusal> {
    let decimal = matches!(left.1, DataType::Decimal(..));
    if left.1 == right.1 && !decimal {
        return Ok((column(&left.0), column(&right.0)));
    }
    let kinds = field_of(&left.1).zip(field_of(&right.1));
    let met = kinds.and_then(|(a, b)| Some((a, b, spark::compared(a, b)?)));
    let Some((a, b, kind)) = met else {
        let reason = format!("{} and {} are compared, of types that only the service compares", left.0, right.0);
        return Err(match profile {
            Profile::Glue => Refusal::remote(reason),
            Profile::Deequ => Refusal::failed(reason),
        });
    };
    Ok((key(&left.0, a, kind), key(&right.0, b, kind)))
}

/// The engine joins by no decimals: their digits stand for them.
fn key(name: &PlSmallStr, own: Type, kind: Type) -> Expr {
    let value = spark::cast(column(name).cast(dtype_of(own)), own, kind);
    match kind {
        Type::Decimal { .. } => spark::cast(value, kind, Type::String),
        _ => value,
    }
}

/// What a rule finds by a number, with the reason that the service gives of rules on several datasets.
pub(crate) fn judged(met: bool, value: f64, name: String) -> Finding {
    match met {
        true => Finding::passed(metric(name, value)),
        false => Finding::failed(unmet(value), metric(name, value)),
    }
}

fn unmet(value: f64) -> String {
    format!("Value: {} does not meet the constraint requirement.", crate::rules::shown(value))
}
