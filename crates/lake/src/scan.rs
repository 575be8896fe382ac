//! A version of a table as a lazy frame.

use crate::error::LakeError;
use crate::field::{LakeField, schema_of};
use crate::snapshot::{LakeFile, Snapshot};
use crate::staged::partition_folder;
use chrono::NaiveDate;
use polars::io::HiveOptions;
use polars::prelude::{
    DataFrame, DataType, IntoLazy, LazyFrame, NULL, ParquetOptions, PlRefPath, Schema, UnionArgs, col, concat, lit,
};
use polars_plan::dsl::{
    CastColumnsPolicy, DslBuilder, ExtraColumnsPolicy, MissingColumnsPolicy, ScanSources, UnifiedScanArgs,
};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Snapshot {
    /// The rows of this version, or only those of `dates`, in the table's column order. Reads nothing yet, but fetches
    /// the files of a remote table; then it is blocking.
    ///
    /// Rows without a date are part of the whole and of no date; a table without partitions is read whole
    /// whatever the dates. Refuses tables whose rows the engine
    /// would read wrongly.
    pub fn scan(&self, dates: Option<&[NaiveDate]>) -> Result<LazyFrame, LakeError> {
        let wanted = |file: &&LakeFile| match (dates, file.partition) {
            (Some(dates), Some(date)) => dates.contains(&date),
            (Some(_), None) => self.partition_column().is_none(),
            (None, _) => true,
        };
        let files: Vec<&LakeFile> = self.files().iter().filter(wanted).collect();
        self.scan_files(&files)
    }

    /// The rows of these files of this version, one file after the other.
    pub(crate) fn scan_files(&self, files: &[&LakeFile]) -> Result<LazyFrame, LakeError> {
        if let Some((what, advice)) = self.refusal.clone() {
            return Err(LakeError::Unsupported { place: self.place(), what, advice });
        }
        self.fetch(files.iter().copied())?;
        if files.is_empty() {
            return Ok(DataFrame::empty_with_schema(&schema_of(self.fields())).lazy());
        }
        let rows = match self.partition_column() {
            None => self.plain(files, HiveOptions::new_disabled()),
            Some(column) if self.paths_tell(files, column) => self.by_path(files, column),
            Some(column) => self.by_log(files, column),
        };
        let columns: Vec<_> = self.fields().iter().map(|field| col(field.name.as_str())).collect();
        Ok(rows.map_err(|error| LakeError::engine(&self.folder, "reading", error))?.select(columns))
    }

    /// Whether the engine can take the dates from the paths. It would also take a `=` above the table for a column.
    fn paths_tell(&self, files: &[&LakeFile], column: &str) -> bool {
        !self.folder.folder().to_string_lossy().contains('=') && files.iter().all(|file| by_convention(file, column))
    }

    /// All paths carry their date: one scan, and the engine skips files by a filter on the date.
    fn by_path(&self, files: &[&LakeFile], column: &str) -> polars::prelude::PolarsResult<LazyFrame> {
        let schema = Schema::from_iter([(column.into(), DataType::Date)]);
        let hive = HiveOptions {
            enabled: Some(true),
            hive_start_idx: 0,
            schema: Some(Arc::new(schema)),
            try_parse_dates: true,
        };
        self.plain(files, hive)
    }

    /// Paths of another writer: a scan for each date, with the date that the log gives.
    fn by_log(&self, files: &[&LakeFile], column: &str) -> polars::prelude::PolarsResult<LazyFrame> {
        let mut dates: BTreeMap<(bool, Option<NaiveDate>), Vec<&LakeFile>> = BTreeMap::new();
        for file in files {
            dates.entry((file.partition.is_none(), file.partition)).or_default().push(file);
        }
        let scans = dates.into_iter().map(|((_, date), files)| {
            let value = date.map_or(lit(NULL), lit).cast(DataType::Date);
            Ok(self.plain(&files, HiveOptions::new_disabled())?.with_columns([value.alias(column)]))
        });
        concat(scans.collect::<polars::prelude::PolarsResult<Vec<_>>>()?, UnionArgs::default())
    }

    fn plain(&self, files: &[&LakeFile], hive: HiveOptions) -> polars::prelude::PolarsResult<LazyFrame> {
        let paths = files.iter().map(|file| PlRefPath::try_from_path(&self.path_of(file)));
        let paths = paths.collect::<polars::prelude::PolarsResult<Vec<_>>>()?;
        let stored = self.fields().iter().filter(|field| Some(field.name.as_str()) != self.partition_column());
        let stored: Vec<&LakeField> = stored.collect();
        let options = ParquetOptions { schema: Some(schema_of(stored.iter().copied())), ..Default::default() };
        let args = UnifiedScanArgs {
            hive_options: hive,
            // A `*` or `[` in a path is a character of it.
            glob: false,
            missing_columns_policy: MissingColumnsPolicy::Insert,
            extra_columns_policy: ExtraColumnsPolicy::Ignore,
            cast_columns_policy: CastColumnsPolicy { null_upcast: true, ..CastColumnsPolicy::ERROR_ON_MISMATCH },
            ..Default::default()
        };
        let plan = DslBuilder::scan_parquet(ScanSources::Paths(paths.into()), options, args)?;
        Ok(plan.build().into())
    }
}

/// Whether the file lies where Assay and Spark put it, so that its path gives the date of the log.
fn by_convention(file: &LakeFile, column: &str) -> bool {
    file.path.rsplit_once('/').is_some_and(|(folder, _)| folder == partition_folder(column, file.partition))
}
