//! The rule types, one file each: what a rule asks of the data, and its verdict on what was measured.
//!
//! The first comment of each file is its page in the reference of rules.

pub(crate) mod ask;
mod reply;
mod statistic;

pub(crate) use reply::{Fate, Fates, Finding, Judge, Planned, Refusal, shown, unmet};

use crate::draft::Draft;
use assay_dqdl::RuleType;
use assay_dqdl::tree::Check;

/// Asks the draft for what the check needs and says how to judge it.
pub(crate) type Plan = fn(&Check, &mut Draft<'_>) -> Result<Planned, Refusal>;

macro_rules! rules {
    ($($kind:ident in $file:ident),* $(,)?) => {
        $(mod $file;)*

        /// How rules of this type are planned; none for what is an analyzer only.
        pub(crate) fn plan_of(kind: RuleType) -> Option<Plan> {
            match kind {
                $(RuleType::$kind => Some($file::plan),)*
                _ => None,
            }
        }

        /// Rule types and the files that explain them, in the order of the reference.
        #[cfg(test)]
        pub(crate) const FILES: &[(RuleType, &str)] =
            &[$((RuleType::$kind, include_str!(concat!(stringify!($file), ".rs")))),*];
    };
}

rules! {
    RowCount in row_count,
    ColumnCount in column_count,
    IsComplete in is_complete,
    Completeness in completeness,
    IsUnique in is_unique,
    Uniqueness in uniqueness,
    IsPrimaryKey in is_primary_key,
    UniqueValueRatio in unique_value_ratio,
    DistinctValuesCount in distinct_values_count,
    ColumnValues in column_values,
    ColumnLength in column_length,
    ColumnDataType in column_data_type,
    DataFreshness in data_freshness,
    Mean in mean,
    Sum in sum,
    StandardDeviation in standard_deviation,
    Variance in variance,
    Entropy in entropy,
    ColumnCorrelation in column_correlation,
    ColumnExists in column_exists,
    ColumnNamesMatchPattern in column_names_match_pattern,
    RowCountMatch in row_count_match,
    SchemaMatch in schema_match,
    DatasetMatch in dataset_match,
    ReferentialIntegrity in referential_integrity,
    AggregateMatch in aggregate_match,
    CustomSql in custom_sql,
    FileFreshness in file_freshness,
    FileSize in file_size,
    FileMatch in file_match,
    FileUniqueness in file_uniqueness,
    DetectAnomalies in detect_anomalies,
}
