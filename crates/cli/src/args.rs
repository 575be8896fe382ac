//! The command line's words: verbs, flags, help with examples.

mod shared;

pub mod quality;

use clap::{Args, Parser, Subcommand};
pub use shared::{AskArgs, ConfirmArgs, DatesArgs, EnvArgs, LookArgs};
use std::path::PathBuf;

/// Run medallion pipelines, look at every layer, chase refused records.
#[derive(Debug, Parser)]
#[command(name = "assay", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Invocation {
    /// Workspace folder; otherwise the nearest folder upwards with an assay.toml.
    #[arg(long, short = 'w', global = true, env = "ASSAY_WORKSPACE", value_name = "FOLDER")]
    pub workspace: Option<PathBuf>,
    /// Print JSON for scripts: one document, or one line per item for streams.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 misuse, 3 flagged (done, and a rule failed), 130 cancelled.

Examples:
  assay init my-lake                      make a workspace with the shipped pipelines
  assay demo sales_lakehouse              write generated sales files into its lake
  assay run sales_lakehouse               run whatever is new
  assay run sales_lakehouse --date 2026-11-05 --reason 'vendor resent'
  assay daemon                            run pipelines on their schedules
  assay reprocess sales_lakehouse --date 2026-11-05 --plan
  assay undo last                         bring back what was there before
  assay preview gold.daily_store_sales --where \"revenue > 1000\"
  assay quarantine silver.sales --reason type.unit_price";

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a workspace: assay.toml and the shipped pipelines
    #[command(after_help = "Example: assay init my-lake")]
    Init {
        /// Folder to make; the current one when absent
        folder: Option<PathBuf>,
    },
    /// Keep the credentials of a source in the system's keyring, or forget them
    #[command(after_help = CONNECT_EXAMPLES)]
    Connect(ConnectArgs),
    /// Write generated source files for a pipeline, with the dirt that its contract speaks of
    #[command(after_help = "Example: assay demo sales_lakehouse --dates 30 --seed 7")]
    Demo(DemoArgs),
    /// Check definitions and list every mistake with its place
    #[command(after_help = "Example: assay validate sales_lakehouse")]
    Validate {
        /// Every pipeline when absent
        pipeline: Option<String>,
    },
    /// Run a pipeline's stages on this machine
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Run every pipeline on its schedule, and watched ones when files arrive, until a signal
    #[command(after_help = DAEMON_EXAMPLES)]
    Daemon(DaemonArgs),
    /// Run a pipeline whenever files of its sources are new, changed or gone, until a signal
    #[command(after_help = "Example: assay watch orders_parquet")]
    Watch(WatchArgs),
    /// List pipelines with schedule, next run and last run
    #[command(after_help = "Example: assay pipelines --json")]
    Pipelines,
    /// Do dates again: plan, refuse when the world changed since, run, show what differs
    #[command(after_help = REPROCESS_EXAMPLES)]
    Reprocess(ReprocessArgs),
    /// Put refused records through a contract again, once it is corrected
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Bring back what was there before a run
    #[command(after_help = UNDO_EXAMPLES)]
    Undo(UndoArgs),
    /// End a run, whatever program started it; finished steps stay finished
    #[command(after_help = "Example: assay cancel last --reason 'wrong date'")]
    Cancel {
        /// Run id, the beginning of one, or `last`
        run: String,
        /// Why; kept in the journal
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let yourself write in a locked environment for a while
    #[command(
        after_help = "Examples:\n  assay unlock prod --for 30m --reason 'vendor resent 5 November'\n  assay unlock prod --end"
    )]
    Unlock(UnlockArgs),
    /// List runs, newest first
    #[command(after_help = "Example: assay runs --pipeline sales_lakehouse --limit 5")]
    Runs {
        #[arg(long)]
        pipeline: Option<String>,
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show a run: counts, steps, reasons, reconciliation
    #[command(after_help = "Example: assay show last")]
    Show {
        /// Run id, the beginning of one, or `last`
        run: String,
    },
    /// Print a run's log
    #[command(after_help = "Example: assay logs last --follow")]
    Logs {
        /// Run id, the beginning of one, or `last`
        run: String,
        /// Keep printing until the run ends
        #[arg(long, short)]
        follow: bool,
        /// Least level: debug, info, warn or error
        #[arg(long, default_value = "info")]
        level: String,
    },
    /// List tables with rows, versions and ages
    #[command(after_help = "Example: assay tables --json")]
    Tables {
        #[arg(long)]
        pipeline: Option<String>,
    },
    /// Print rows of a table of any layer
    #[command(
        after_help = "Examples:\n  assay preview silver.sales --limit 5 --columns date,store_id,total_amount\n  assay preview gold.customer_segments --where \"segment = 'vip'\" --version 3"
    )]
    Preview(PreviewArgs),
    /// Ask a question in SQL over the lake's tables (read only)
    #[command(
        after_help = "Example: assay sql \"select store_id, sum(total_amount) as revenue from silver.sales group by store_id order by revenue desc limit 5\""
    )]
    Sql {
        query: String,
        /// Most rows to print
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// Compare two versions of a table, or show what a run changed
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Print the records that a contract refused, with the reason and the raw bytes
    #[command(after_help = "Example: assay quarantine silver.sales --date 2026-11-05 --reason duplicate")]
    Quarantine {
        /// Silver table: `silver.sales` or `pipeline.silver.sales`
        table: String,
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<chrono::NaiveDate>,
        /// Reason code, such as `missing.customer_id`
        #[arg(long)]
        reason: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Rules: judge tables, see the rows that fail, compare runs, propose rules
    Quality(quality::QualityArgs),
    /// Check the machine and the workspace, and say what to do
    #[command(after_help = "Examples:\n  assay doctor\n  assay doctor --clear")]
    Doctor(DoctorArgs),
    /// Open the window on this workspace
    Open,
    /// Print the completions of a shell
    #[command(after_help = "Example: assay completions bash > /etc/bash_completion.d/assay")]
    Completions { shell: clap_complete::Shell },
    /// Carry out a journalled run (started by `run` and the window)
    #[command(hide = true)]
    Worker { run: String },
    /// Answer the window on standard input and output
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        stdio: bool,
    },
}

const CONNECT_EXAMPLES: &str = "\
A key is typed without being shown, or comes on standard input; it is never a word of the command.

Examples:
  assay connect kaggle
  assay connect kaggle < kaggle.json
  assay connect kaggle --username ann < key.txt
  assay connect kaggle --forget";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Account {
    /// An account of Kaggle, for data sets
    Kaggle,
}

#[derive(Debug, Args)]
pub struct ConnectArgs {
    #[arg(value_enum)]
    pub account: Account,
    /// Name of the account; standard input then holds the key alone
    #[arg(long, value_name = "NAME", conflicts_with = "forget")]
    pub username: Option<String>,
    /// Take the credentials out of the keyring
    #[arg(long)]
    pub forget: bool,
}

const REPROCESS_EXAMPLES: &str = "\
Scopes: `missing` is files that are new, changed or gone, and steps that have not followed their inputs yet; `failed` is \
steps whose last try failed or was cancelled, with the dates of that try and what follows them; `all` is every date, \
whatever was done before. With dates and no scope, `all` of them is meant.

Examples:
  assay reprocess sales_lakehouse --date 2026-11-05 --plan
  assay reprocess sales_lakehouse --date 2026-11-05 --reason 'vendor resent'
  assay reprocess sales_lakehouse --scope failed
  assay reprocess sales_lakehouse --from 2026-11-01 --to 2026-11-30 --each --order newest
  assay reprocess sales_lakehouse --date 2026-11-05 --definition original --from-step gold.sales_enriched";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DefinitionWord {
    /// The one in the workspace
    Today,
    /// The one that the dates were last done with, as the journal keeps it
    Original,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    Oldest,
    Newest,
}

#[derive(Debug, Args)]
pub struct ReprocessArgs {
    pub pipeline: String,
    #[command(flatten)]
    pub dates: DatesArgs,
    /// What of the dates: missing, failed or all
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// Only this stage: bronze, silver, gold or warehouse (may be repeated)
    #[arg(long = "stage", value_name = "STAGE")]
    pub stages: Vec<String>,
    /// This step, such as gold.daily_store_sales, and every step that reads it
    #[arg(long, value_name = "STEP", conflicts_with = "only_step")]
    pub from_step: Option<String>,
    /// This step alone
    #[arg(long, value_name = "STEP")]
    pub only_step: Option<String>,
    #[arg(long, value_enum, default_value_t = DefinitionWord::Today)]
    pub definition: DefinitionWord,
    /// Another parameter for this run: refresh=true (feeds fetch again), threads=N (of the reader), page_rows=N (of a
    /// table feed); may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// One run for each date, one after the other, instead of one run for all
    #[arg(long)]
    pub each: bool,
    /// Which date first
    #[arg(long, value_enum, default_value_t = Order::Oldest, requires = "each")]
    pub order: Order,
    /// Gold models that are built side by side; runs of one pipeline always work one after the other
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub at_once: Option<u16>,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub env: EnvArgs,
    #[command(flatten)]
    pub look: LookArgs,
}

const REPLAY_EXAMPLES: &str = "\
Only refused records are read. Those that the contract accepts now are merged into the table; what reads the table \
follows for the dates that changed. Without dates all refused records are meant, those without a date too.

Examples:
  assay replay silver.sales --date 2026-11-05 --reason-code range.quantity_sold --plan
  assay replay silver.sales --reason 'discounts may be negative'";

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// `silver.sales`, or `pipeline.silver.sales` where that is not enough
    pub table: String,
    #[command(flatten)]
    pub dates: DatesArgs,
    /// Only records with this primary reason, such as range.quantity_sold (may be repeated)
    #[arg(long = "reason-code", value_name = "CODE")]
    pub reason_codes: Vec<String>,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub env: EnvArgs,
    #[command(flatten)]
    pub look: LookArgs,
}

const UNDO_EXAMPLES: &str = "\
Tables go back to their versions before the run, in a new version; their history stays. The warehouse is loaded again \
from them, and the files that the run read are new or changed again.

Examples:
  assay undo last --plan
  assay undo 01K9 --cascade --reason 'wrong file'";

#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Run id, the beginning of one, or `last`
    pub run: String,
    /// Also undo the later runs that built on it
    #[arg(long)]
    pub cascade: bool,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub look: LookArgs,
}

#[derive(Debug, Args)]
pub struct UnlockArgs {
    /// Environment whose guard is `locked`
    pub env: String,
    /// For how long: minutes as 30m, hours as 2h; at most 8 hours
    #[arg(long = "for", value_name = "TIME", default_value = "30m")]
    pub spell: String,
    /// Why; kept in the journal
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Lock it again now
    #[arg(long, conflicts_with_all = ["spell", "reason"])]
    pub end: bool,
}

const DIFF_EXAMPLES: &str = "\
A version is a number, `latest`, `-1` for the one before the latest, or run:RUN for before and after a run.
Without versions the two newest are compared. Files that both versions share are not read.

Examples:
  assay diff silver.sales
  assay diff gold.daily_store_sales 3 5 --date 2026-11-05
  assay diff silver.sales run:last --quarantine
  assay diff run:last";

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// `silver.sales`, `pipeline.layer.table` where that is not enough, or run:RUN
    pub table: String,
    /// The older version; the one before the latest when absent
    #[arg(allow_negative_numbers = true)]
    pub before: Option<String>,
    /// The newer version; the latest when absent
    #[arg(allow_negative_numbers = true)]
    pub after: Option<String>,
    /// Only rows of this date
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<chrono::NaiveDate>,
    /// Most examples of each column, of added and of removed rows
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub examples: u32,
    /// Compare what the contract refused instead of the table
    #[arg(long)]
    pub quarantine: bool,
}

const RUN_EXAMPLES: &str = "\
Without dates a run takes what is new: files not read before, files that changed, and dates that an earlier run left unfinished.

Examples:
  assay run sales_lakehouse
  assay run sales_lakehouse --from 2026-11-01 --to 2026-11-07 --stage silver --stage gold
  assay run sales_lakehouse --all --dry-run
  assay run sales_lakehouse --resume";

#[derive(Debug, Args)]
pub struct RunArgs {
    pub pipeline: String,
    /// Only this stage: bronze, silver, gold or warehouse (may be repeated)
    #[arg(long = "stage", value_name = "STAGE")]
    pub stages: Vec<String>,
    #[command(flatten)]
    pub dates: DatesArgs,
    /// Every date of the sources
    #[arg(long, conflicts_with_all = ["date", "from", "to"])]
    pub all: bool,
    #[command(flatten)]
    pub env: EnvArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    /// Finish the newest unfinished run without doing finished steps again
    #[arg(long, conflicts_with_all = ["date", "from", "to", "all", "stages", "dry_run"])]
    pub resume: bool,
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

const DAEMON_EXAMPLES: &str = "\
A pipeline has one run at a time. Times that were missed are caught up by one run. Pipelines whose files are dated by \
their arrival are watched. The first Ctrl C lets running runs finish, the second cancels them.

Examples:
  assay daemon
  assay daemon --env prod --confirm prod --json";

#[derive(Debug, Args)]
pub struct DaemonArgs {
    #[command(flatten)]
    pub env: EnvArgs,
    #[command(flatten)]
    pub guard: ConfirmArgs,
    /// Pipelines whose runs go on side by side
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub at_once: u16,
    /// Ends with its standard input, and leaves alone what nobody has run yet: for a window
    #[arg(long, hide = true)]
    pub attached: bool,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    pub pipeline: String,
    #[command(flatten)]
    pub env: EnvArgs,
    #[command(flatten)]
    pub guard: ConfirmArgs,
    /// Milliseconds for which a file must keep its size and time of change to be complete
    #[arg(long, default_value_t = 1000, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    pub settle: u64,
    /// Seconds between looks where no event tells of a file
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub sweep: u64,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    pub pipeline: String,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Business dates, ending yesterday unless --first says otherwise
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub dates: u32,
    /// First business date
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub first: Option<chrono::NaiveDate>,
    /// Records of each date
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub records: u64,
    /// JSON lines only, one file a date (for benchmarks)
    #[arg(long)]
    pub lines: bool,
}

#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// `silver.sales`, or `pipeline.layer.table` where that is not enough
    pub table: String,
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub limit: u32,
    #[arg(long, default_value_t = 0)]
    pub offset: u64,
    /// An earlier version
    #[arg(long, allow_negative_numbers = true)]
    pub version: Option<i64>,
    /// Only these columns
    #[arg(long, value_delimiter = ',')]
    pub columns: Vec<String>,
    /// A condition in the language of the gold models
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Remove files, older than a day, that no version of a table names
    #[arg(long)]
    pub clear: bool,
    /// Of which environment's lake
    #[arg(long, default_value = "local", value_name = "ENVIRONMENT", requires = "clear")]
    pub env: String,
    /// Type the environment's name where its guard asks for it
    #[arg(long, value_name = "ENVIRONMENT", requires = "clear")]
    pub confirm: Option<String>,
    /// Why; kept in the journal
    #[arg(long, default_value = "", requires = "clear")]
    pub reason: String,
}
