//! Words of `assay quality`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Rules are written in DQDL, in files `quality/<name>.dqdl` of a pipeline, and named beside their tables in pipeline.toml. \
A run judges what it is about to publish: the rows of its dates, all together, or the whole table where it has no dates. \
A failed rule stops the publication, unless the definition lists it under `warn`; then the run is flagged.

Examples:
  assay quality check sales_lakehouse
  assay quality failing silver.sales --rule 4 --date 2026-11-05
  assay quality compare 01K9 last
  assay quality suggest gold.customer_segments > pipelines/sales_lakehouse/quality/customer_segments.dqdl";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QualityArgs {
    #[command(subcommand)]
    pub verb: QualityVerb,
}

#[derive(Debug, Subcommand)]
pub enum QualityVerb {
    /// Judge tables as they are, without running stages; nothing is journalled
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Print or write the rows that made a rule fail, as a run kept them
    #[command(after_help = FAILING_EXAMPLES)]
    Failing(FailingArgs),
    /// Propose rules for a table from what it holds, each with its evidence
    #[command(after_help = "Example: assay quality suggest silver.sales > quality/sales.dqdl")]
    Suggest {
        /// `silver.sales`, or `pipeline.layer.table` where that is not enough
        table: String,
        #[arg(long, default_value = "local", value_name = "ENVIRONMENT")]
        env: String,
    },
    /// Compare the verdicts of two runs: rules that changed, rows that newly fail, rows that were cured
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// List a table's scores, newest first
    #[command(after_help = "Example: assay quality history silver.sales --date 2026-11-05")]
    History {
        /// `silver.sales`, or `pipeline.layer.table` where that is not enough
        table: String,
        /// Only evaluations of this date, with its own score
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<chrono::NaiveDate>,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        #[arg(long, default_value = "local", value_name = "ENVIRONMENT")]
        env: String,
    },
}

const CHECK_EXAMPLES: &str = "\
Exit codes: 0 every rule that was evaluated passed, 1 a rule failed that would stop a run, 3 only rules failed that would flag it.

Examples:
  assay quality check sales_lakehouse
  assay quality check sales_lakehouse --table gold.sales_enriched --date 2026-11-05 --json";

#[derive(Debug, Args)]
pub struct CheckArgs {
    pub pipeline: String,
    /// Only this table, as `silver.sales`
    #[arg(long)]
    pub table: Option<String>,
    /// Only rows of this date, of tables that have dates
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<chrono::NaiveDate>,
    #[arg(long, default_value = "local", value_name = "ENVIRONMENT")]
    pub env: String,
}

const FAILING_EXAMPLES: &str = "\
Columns marked `pii` are masked: letters and digits of a text are gone, its shape stays. `_rules` has the numbers of the \
rules that a row made fail, `_reasons` why. A rule is named by its number or by its text.

Examples:
  assay quality failing silver.sales
  assay quality failing silver.sales --rule 4 --date 2026-11-05 --limit 100
  assay quality failing silver.sales --rule 4 --by store_id
  assay quality failing silver.sales --rule 'IsComplete \"city\"' --run last --format csv --output city.csv";

#[derive(Debug, Args)]
pub struct FailingArgs {
    /// `silver.sales`, or `pipeline.layer.table` where that is not enough
    pub table: String,
    /// Number of a rule, from 1 in the order of its file, or its text; any rule when absent
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Only rows of this date
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<chrono::NaiveDate>,
    /// Run id, the beginning of one, or `last`; the newest run that judged the table when absent
    #[arg(long)]
    pub run: Option<String>,
    /// Count the rows by this column's values instead, most rows first
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["format", "output", "offset"])]
    pub by: Option<String>,
    #[arg(long, value_enum, default_value_t = RowFormat::Table)]
    pub format: RowFormat,
    /// File to write, with every row; needed for Parquet
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Rows of a table to leave out first
    #[arg(long, default_value_t = 0)]
    pub offset: u64,
    /// Most rows of a table, or values of a column; files have all rows
    #[arg(long, default_value_t = 20)]
    pub limit: u64,
    #[arg(long, default_value = "local", value_name = "ENVIRONMENT")]
    pub env: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    Table,
    Csv,
    Parquet,
}

const COMPARE_EXAMPLES: &str = "\
Rows are compared by their key, on the dates that both runs judged and while both runs keep their failing rows.

Examples:
  assay quality compare 01K9 last
  assay quality compare 01K9 last --table silver.sales --examples 100";

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Run id, the beginning of one, or `last`
    pub before: String,
    pub after: String,
    /// Only this table, as `silver.sales`
    #[arg(long)]
    pub table: Option<String>,
    /// Most keys that are shown of each rule's new and cured rows
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub examples: u32,
}
