//! What the window may ask of the engine process and what it hears back: wire types only.
//!
//! The window speaks with one `assay serve` process over its standard input and output, in frames
//! (see [`frame`]). Counts are exact integers below 2^53, times are RFC 3339 in UTC, dates are ISO.

pub mod ask;
pub mod difference;
pub mod event;
pub mod frame;
pub mod overview;
pub mod plan;
pub mod problem;
pub mod quality;
pub mod run;
pub mod scope;
pub mod table;

pub use ask::{Answer, Ask, PageAsk, QuarantineAsk, RunAsk};
pub use difference::{
    CellChange, ColumnChange, DateChange, LeftOut, ReasonChange, RunDifference, SchemaChange, SumChange,
    TableDifference, WarehouseDifference,
};
pub use event::Event;
pub use overview::{LayerCell, Overview, PipelineCard, TableCell};
pub use plan::{DefinitionNote, Estimate, PlanDetail, PlanFile, PlanLoad, PlanStep, PlanTable};
pub use problem::{Problem, ProblemKind};
pub use quality::{
    DateScore, DateSpan, Evaluation, EvaluationRow, FailingCount, MetricValue, QualityComparison, RowTally,
    RuleComparison, RuleLabel, RuleOutcome, RulePlace, RuleVerdict, Score, ScoreRow, Severity, TableComparison,
};
pub use run::{Counts, LogLine, LogPage, Reconciliation, RunDetail, RunRow, RunTicket, Status, StepRow};
pub use scope::ScopeWord;
pub use table::{ColumnInfo, Partition, QuarantineSummary, ReasonCount, TableDetail, VersionRow};
