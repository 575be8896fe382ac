//! DQDL, the rule language of AWS Glue Data Quality: lexer, parser, trees, printer, diagnostics. Knows no data.

mod catalogue;
pub mod tree;

pub use catalogue::RuleType;
