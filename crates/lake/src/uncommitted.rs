//! The rows of files that wait for their commit, so that they can be judged before it.

use crate::error::LakeError;
use crate::field::{LakeField, schema_of};
use crate::place::Place;
use crate::staged::StagedFile;
use chrono::NaiveDate;
use polars::io::HiveOptions;
use polars::prelude::{
    DataFrame, DataType, IntoLazy, LazyFrame, NULL, ParquetOptions, PlRefPath, PolarsResult, Schema, UnionArgs, col,
    concat, lit,
};
use polars_plan::dsl::{DslBuilder, ScanSources, UnifiedScanArgs};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rows of staged files in the table's column order, the partition column from each file's date. Reads nothing yet.
pub fn uncommitted(
    folder: &Place,
    fields: &[LakeField],
    partition: Option<&str>,
    staged: &[StagedFile],
) -> Result<LazyFrame, LakeError> {
    if staged.is_empty() {
        return Ok(DataFrame::empty_with_schema(&schema_of(fields)).lazy());
    }
    let files = Files { folder, fields, partition };
    let rows = match partition {
        None => files.plain(staged.iter(), HiveOptions::new_disabled()),
        // The engine would also take a `=` above the table for a column.
        Some(column) if !folder.folder().to_string_lossy().contains('=') => files.by_path(staged, column),
        Some(column) => files.by_date(staged, column),
    };
    let columns: Vec<_> = fields.iter().map(|field| col(field.name.as_str())).collect();
    Ok(rows.map_err(|error| LakeError::engine(folder, "reading", error))?.select(columns))
}

struct Files<'a> {
    folder: &'a Place,
    fields: &'a [LakeField],
    partition: Option<&'a str>,
}

impl Files<'_> {
    fn by_path(&self, staged: &[StagedFile], column: &str) -> PolarsResult<LazyFrame> {
        let schema = Schema::from_iter([(column.into(), DataType::Date)]);
        let schema = Some(Arc::new(schema));
        let hive = HiveOptions { enabled: Some(true), hive_start_idx: 0, schema, try_parse_dates: true };
        self.plain(staged.iter(), hive)
    }

    fn by_date(&self, staged: &[StagedFile], column: &str) -> PolarsResult<LazyFrame> {
        let mut dates: BTreeMap<Option<NaiveDate>, Vec<&StagedFile>> = BTreeMap::new();
        for file in staged {
            dates.entry(file.partition).or_default().push(file);
        }
        let scans = dates.into_iter().map(|(date, files)| {
            let value = date.map_or(lit(NULL), lit).cast(DataType::Date);
            Ok(self.plain(files.into_iter(), HiveOptions::new_disabled())?.with_columns([value.alias(column)]))
        });
        concat(scans.collect::<PolarsResult<Vec<_>>>()?, UnionArgs::default())
    }

    fn plain<'f>(&self, files: impl Iterator<Item = &'f StagedFile>, hive: HiveOptions) -> PolarsResult<LazyFrame> {
        let paths = files.map(|file| PlRefPath::try_from_path(&self.folder.folder().join(&file.path)));
        let paths = paths.collect::<PolarsResult<Vec<_>>>()?;
        let stored = self.fields.iter().filter(|field| Some(field.name.as_str()) != self.partition);
        let options = ParquetOptions { schema: Some(schema_of(stored)), ..Default::default() };
        let args = UnifiedScanArgs { hive_options: hive, glob: false, ..Default::default() };
        let plan = DslBuilder::scan_parquet(ScanSources::Paths(paths.into()), options, args)?;
        Ok(plan.build().into())
    }
}
