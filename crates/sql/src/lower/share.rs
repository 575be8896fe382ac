//! A query's groups in shares: the rows of all shares together are the rows of the whole.
//!
//! Memory then grows with the groups of a share and not with those of the table, for one more read of the input each.

use polars::prelude::*;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::column::{column, of_type};
use super::{Frames, aggregated, filter, lower, name, plan, project};
use crate::catalog::TableRef;
use crate::error::LowerError;
use crate::plan::{Bound, Expr as Typed, Plan};
use crate::types::Type;

/// The `part`-th of `of` shares, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub part: u64,
    pub of: u64,
}

impl Share {
    pub const WHOLE: Share = Share { part: 0, of: 1 };
}

impl Bound {
    /// Whether the rows are groups with a text among their keys, and nothing above the groups looks at several rows.
    pub fn can_share(&self) -> bool {
        text_key(&self.plan).is_some()
    }

    /// As [`Bound::lower`], for the groups of one share. Only where [`Bound::can_share`] says so; otherwise, and for
    /// [`Share::WHOLE`], the whole query.
    pub fn lower_share(
        &self,
        share: Share,
        frames: &dyn Fn(&TableRef) -> PolarsResult<LazyFrame>,
    ) -> Result<LazyFrame, LowerError> {
        if share == Share::WHOLE || !self.can_share() {
            return self.lower(frames);
        }
        let frame = shared(&self.plan, share, frames)?;
        let named = self.fields.iter().enumerate().map(|(i, f)| column(name(i)).alias(f.name.as_str()));
        Ok(frame.select(named.collect::<Vec<_>>()))
    }
}

/// The key that tells the share of a group.
fn text_key(node: &Plan) -> Option<&Typed> {
    match node {
        Plan::Project { input, .. } | Plan::Filter { input, .. } => text_key(input),
        Plan::Aggregate { keys, .. } => keys.iter().find(|key| key.kind == Type::String),
        _ => None,
    }
}

fn shared(node: &Plan, share: Share, frames: Frames<'_>) -> Result<LazyFrame, LowerError> {
    match node {
        Plan::Project { input, exprs } => Ok(project(shared(input, share, frames)?, exprs)?),
        Plan::Filter { input, condition } => Ok(filter(shared(input, share, frames)?, condition, input.width())?),
        Plan::Aggregate { input, keys, calls } => {
            let mut frame = plan(input, frames)?;
            if let Some(key) = text_key(node) {
                frame = frame.filter(belongs(lower(key)?, share));
            }
            Ok(aggregated(frame, keys, calls)?)
        }
        other => plan(other, frames),
    }
}

/// True for rows whose key falls into the share; null falls into one as any other value does.
fn belongs(key: Expr, share: Share) -> Expr {
    of_type(vec![key], DataType::Boolean, move |series| {
        let rows = series[0].str()?.iter().map(|text| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            Some(hasher.finish() % share.of == share.part)
        });
        Ok(rows.collect::<BooleanChunked>().with_name(series[0].name().clone()).into_series())
    })
}
