//! Spark's SQL in rules: conditions behind `where`, and the queries of `CustomSql`.

mod query;

pub(crate) use query::{Query, query};

use crate::rules::Refusal;
use assay_sql::{Cause, Field, SqlError, spark};
use chrono::{DateTime, Utc};
use polars::prelude::{Expr, Schema};
use std::collections::HashSet;

/// The condition over the columns of `schema`: true for rows to keep. It fails on no data.
pub(crate) fn filter(text: &str, schema: &Schema, now: DateTime<Utc>) -> Result<Expr, Refusal> {
    let fields = fields(schema);
    spark::condition(text, &fields, now.timestamp_micros()).map_err(|errors| {
        let open = Open { names: fields.len() < schema.len(), words: has_open_word(text, schema) };
        refused(&errors, open, "The provided where clause is invalid", "the condition behind `where`")
    })
}

/// The columns that the subset has types for.
fn fields(schema: &Schema) -> Vec<Field> {
    let typed = schema.iter().filter_map(|(name, dtype)| Some((name, spark::field_of(dtype)?)));
    typed.map(|(name, kind)| Field { name: name.to_string(), kind, nullable: true }).collect()
}

/// Mistakes that may be none to Spark.
#[derive(Clone, Copy)]
struct Open {
    /// Some columns are of types that the subset has not: an unknown name may be a part of one of them.
    names: bool,
    /// A column has a name that Spark's grammar takes as it is and the one here does not.
    words: bool,
}

/// What is no SQL, or names what is not there, fails on the service too; of anything else only the service can say.
fn refused(errors: &[SqlError], open: Open, failed: &str, what: &str) -> Refusal {
    let beyond = |error: &&SqlError| match error.cause {
        Cause::Subset => true,
        Cause::Name => open.names,
        Cause::Syntax => open.words,
    };
    match (errors.iter().find(beyond), errors.first()) {
        (Some(error), _) => Refusal::remote(format!("{what} is not in the SQL that runs here: {}", error.message)),
        (None, Some(error)) => Refusal::failed(format!("{failed}: {error}")),
        (None, None) => Refusal::failed(failed.to_owned()),
    }
}

/// Whether the text may speak of a column that is named like a word of the grammar here, or from a digit on.
fn has_open_word(text: &str, schema: &Schema) -> bool {
    let words: HashSet<String> =
        text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase).collect();
    schema.iter_names().map(|name| name.to_lowercase()).any(|name| words.contains(&name) && !spark::is_name(&name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::{IntoLazy, df};

    fn kept(text: &str) -> Result<Vec<Option<bool>>, Refusal> {
        let rows = df!(
            "id" => [1i64, 2, 3, 4],
            "small" => [Some(1i32), None, Some(3), Some(0)],
            "price" => [Some(1.5), Some(f64::NAN), None, Some(-2.0)],
            "name" => [Some("10"), Some("abc"), None, Some(" 7 ")],
            "dotted.name" => ["a", "b", "a", "b"],
            "2nd" => [1i64, 2, 3, 4],
            "tiny" => [127i8, 1, 2, 3],
            "single" => [0.1f32, 0.5, 1.0, 2.0],
            "interval" => [1i64, 2, 3, 4],
        )
        .unwrap();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let test = filter(text, rows.schema(), now)?;
        let found = rows.lazy().with_columns([test.alias("kept")]).collect().unwrap();
        Ok(found.column("kept").unwrap().bool().unwrap().iter().collect())
    }

    const T: Option<bool> = Some(true);
    const F: Option<bool> = Some(false);
    const N: Option<bool> = None;

    #[test]
    fn conditions_mean_what_spark_means() {
        let cases: [(&str, [Option<bool>; 4]); 39] = [
            ("id > 2", [F, F, T, T]),
            ("ID == 2 or id != 2 and id <> 4", [T, T, T, F]),
            ("small = 1", [T, N, F, F]),
            ("small <=> null", [F, T, F, F]),
            ("small is not null and not small = 3", [T, F, F, T]),
            ("id in (1, 3)", [T, F, T, F]),
            ("small not in (1, null)", [F, N, N, N]),
            ("id between 2 and 3", [F, T, T, F]),
            ("name like '%b%'", [F, T, N, F]),
            ("name like \"1_\"", [T, F, N, F]),
            ("name = 10", [T, N, N, F]),
            ("name > 8", [T, N, N, F]),
            ("name in (10, 7)", [T, F, N, F]),
            ("id in ('1', '4')", [T, F, F, T]),
            ("price > 1", [T, T, N, F]),
            ("price = double('nan')", [F, T, N, F]),
            ("isnan(price)", [F, T, F, F]),
            ("1 / small > 0.5", [T, N, F, N]),
            ("id % 2 = 0", [F, T, F, T]),
            ("id / 2 = 1.5", [F, F, T, F]),
            ("length(name) = 3", [F, T, N, T]),
            ("upper(name) = 'ABC'", [F, T, N, F]),
            ("coalesce(small, -1) < 0", [F, T, F, F]),
            ("nvl(name, 'none') = 'none'", [F, F, T, F]),
            ("case when id < 3 then 'low' else 'high' end = 'low'", [T, T, F, F]),
            ("cast(name as int) = 7", [F, N, N, T]),
            ("name rlike '^[a-c]+$'", [F, T, N, F]),
            ("`dotted.name` = 'a'", [T, F, T, F]),
            ("name + 1 = 11", [T, N, N, F]),
            ("id = 9223372036854775807 + 1 + id or true", [T, T, T, T]),
            ("date '2023-11-14' < current_timestamp()", [T, T, T, T]),
            ("current_timestamp() - interval 24 hours > '2023-11-13 22:13:19'", [T, T, T, T]),
            ("abs(price) = 2 or round(price) = 2", [T, F, N, T]),
            ("substr(name, -1) = 'c'", [F, T, N, F]),
            ("tiny + tiny < 0", [T, F, F, F]),
            ("tiny + 1 = 128", [T, F, F, F]),
            ("single = 0.1", [F, F, F, F]),
            ("single = cast(0.1 as float)", [T, F, F, F]),
            ("single = '0.1'", [T, F, F, F]),
        ];
        for (text, expected) in cases {
            assert_eq!(kept(text).as_deref(), Ok(expected.as_slice()), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_for_spark_fails_and_what_is_beyond_stays_unknown() {
        let invalid = ["%%'' > %%%%", "invalid%%clause", "nothing > 1", "col-A > 100", "id >", "id = 1 id"];
        for text in invalid {
            let refusal = kept(text);
            assert!(
                matches!(&refusal, Err(Refusal::Failed(reason)) if reason.starts_with("The provided where")),
                "{text}: {refusal:?}"
            );
        }
        let beyond = [
            "id in (select 1)",
            "soundex(name) = 'A'",
            "name rlike '(?=a)'",
            "id > true",
            "name = 'it''s'",
            "2nd > 1",
            "interval > 1",
            "name rlike '('",
            "name = 'a' 'b'",
        ];
        for text in beyond {
            let refusal = kept(text);
            assert!(matches!(refusal, Err(Refusal::RemoteOnly(_))), "{text}: {refusal:?}");
        }
    }
}
