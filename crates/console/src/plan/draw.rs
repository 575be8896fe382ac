//! Drawing up a plan from a request, the sources and the journal.

use crate::find;
use crate::journal::{Journal, Pending, RunFilter};
use crate::permits;
use crate::plan::files::Shelf;
use crate::plan::graph::{Node, StepGraph};
use crate::plan::reach::Reach;
use crate::plan::{PlannedStep, RunPlan};
use crate::ports::{Clock, Sources};
use crate::problem::ConsoleError;
use crate::run::turn;
use assay_contract::{Problem, RunAsk};
use assay_pipeline::{Environment, Layer, Pipeline};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// What someone asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// All when empty.
    pub stages: Vec<String>,
    pub scope: ScopeAsk,
    /// The environment's name as the person typed it.
    pub confirmed: Option<String>,
    pub reason: String,
    pub asked_by: String,
    /// The same id gives the same run.
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ScopeAsk {
    /// New, changed and vanished files, and what earlier runs left undone.
    #[default]
    New,
    All,
    /// First and last, inclusive.
    Dates(NaiveDate, NaiveDate),
}

impl RunRequest {
    /// From the window's words.
    pub fn of(ask: &RunAsk, asked_by: &str) -> Result<Self, ConsoleError> {
        Ok(Self {
            stages: ask.stages.clone(),
            scope: ScopeAsk::of(ask.from.as_deref(), ask.to.as_deref(), !ask.only_new)?,
            confirmed: ask.confirmed.clone(),
            reason: ask.reason.clone(),
            asked_by: asked_by.to_owned(),
            request_id: Some(ask.request_id.clone()),
        })
    }
}

impl ScopeAsk {
    /// Both ends or neither; without them `all` decides.
    pub fn of(from: Option<&str>, to: Option<&str>, all: bool) -> Result<Self, ConsoleError> {
        match (from, to) {
            (Some(from), Some(to)) => Ok(Self::Dates(find::date(from)?, find::date(to)?)),
            (None, None) if all => Ok(Self::All),
            (None, None) => Ok(Self::New),
            _ => Err(ConsoleError::HalfRange),
        }
    }
}

/// What a plan is drawn from.
pub struct PlanInputs<'a> {
    pub pipeline: &'a Pipeline,
    pub environment: &'a Environment,
    pub sources: &'a dyn Sources,
    pub journal: &'a dyn Journal,
    pub clock: &'a dyn Clock,
    /// Tables that a gold model's SELECT names: `sales`, `silver.sales`, `gold.sales_enriched`.
    pub reads: &'a dyn Fn(&str) -> Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    Run(Box<RunPlan>),
    /// Nothing has to be done, and why.
    Nothing(String),
    /// The request had been answered with this run.
    Already(String),
}

/// Plans a run. Changes nothing.
pub fn plan_run(request: &RunRequest, inputs: &PlanInputs<'_>) -> Result<Planned, Problem> {
    if let Some(id) = &request.request_id
        && let Some(run) = inputs.journal.run_of_request(id)?
    {
        return Ok(Planned::Already(run));
    }
    let stages = find::stages(&request.stages)?;
    let now = inputs.clock.now();
    let run = inputs.clock.new_id();
    let permit = permits::grant(inputs.environment, &run, request.confirmed.as_deref(), now)?;
    let draft = Draft::of(request, inputs, &stages)?;
    let Some(scope) = draft.union().scope() else { return nothing(inputs, &stages) };
    Ok(Planned::Run(Box::new(RunPlan {
        run,
        pipeline: inputs.pipeline.name.clone(),
        digest: inputs.pipeline.digest.clone(),
        environment: inputs.environment.clone(),
        steps: draft.steps(),
        files: draft.shelf.files_of(&draft.source_reach(), &draft.sources()),
        vanished: draft.shelf.vanished_of(&draft.source_reach(), &draft.sources_of(Layer::Silver)),
        widened: draft.widened.iter().copied().collect(),
        worked_before: turn::last_worker(&inputs.environment.lake, &inputs.pipeline.name)?,
        stages,
        scope,
        permit,
        reason: request.reason.clone(),
        asked_by: request.asked_by.clone(),
        queued_at: now,
    })))
}

/// Dates whose sources no run has read in their present content, ascending. A new file without a date of its own
/// counts as every date.
pub fn new_dates(inputs: &PlanInputs<'_>) -> Result<Vec<NaiveDate>, Problem> {
    let shelf = shelf(inputs)?;
    Ok(match shelf.changed_dates() {
        Reach::Nothing => Vec::new(),
        Reach::Dates(dates) => dates.into_iter().collect(),
        Reach::All => shelf.dates().into_iter().collect(),
    })
}

fn shelf(inputs: &PlanInputs<'_>) -> Result<Shelf, Problem> {
    let files = inputs.sources.files(inputs.pipeline, inputs.environment)?;
    Ok(Shelf::of(files, inputs.journal.ledger(&inputs.pipeline.name, &inputs.environment.name)?))
}

struct Draft {
    graph: StepGraph,
    shelf: Shelf,
    /// By place in the graph.
    reach: Vec<Reach>,
    widened: BTreeSet<NaiveDate>,
}

impl Draft {
    fn of(request: &RunRequest, inputs: &PlanInputs<'_>, stages: &[Layer]) -> Result<Self, Problem> {
        let graph = StepGraph::of(inputs.pipeline, inputs.reads)?;
        let mut draft = Self {
            reach: vec![Reach::Nothing; graph.nodes.len()],
            graph,
            shelf: shelf(inputs)?,
            widened: BTreeSet::new(),
        };
        match request.scope {
            ScopeAsk::All => draft.reach_everywhere(&Reach::All, stages),
            ScopeAsk::Dates(from, to) => {
                let mut dates = draft.dates_within(inputs, from, to)?;
                if stages.iter().any(|stage| *stage <= Layer::Silver) {
                    draft.widen(&mut dates);
                }
                draft.reach_everywhere(&Reach::Dates(dates), stages);
            }
            ScopeAsk::New => {
                let pending = inputs.journal.pending(&inputs.pipeline.name, &inputs.environment.name)?;
                draft.reach_changes(&pending, stages);
            }
        }
        Ok(draft)
    }

    fn dates_within(
        &self,
        inputs: &PlanInputs<'_>,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<BTreeSet<NaiveDate>, ConsoleError> {
        if from > to {
            return Err(ConsoleError::RangeReversed { from, to });
        }
        let known = self.shelf.dates();
        let dates: BTreeSet<NaiveDate> = known.range(from..=to).copied().collect();
        if dates.is_empty() {
            let known = known.first().copied().zip(known.last().copied());
            return Err(ConsoleError::NoSuchDate { pipeline: inputs.pipeline.name.clone(), from, to, known });
        }
        Ok(dates)
    }

    fn widen(&mut self, dates: &mut BTreeSet<NaiveDate>) {
        let asked = dates.clone();
        self.shelf.widen(dates);
        self.widened = dates.difference(&asked).copied().collect();
    }

    fn reach_everywhere(&mut self, reach: &Reach, stages: &[Layer]) {
        for (place, node) in self.graph.nodes.iter().enumerate() {
            if stages.contains(&node.stage) {
                self.reach[place] = reach.clone();
            }
        }
    }

    /// Changed files reach their tables, and every step reaches those that read it.
    fn reach_changes(&mut self, pending: &[Pending], stages: &[Layer]) {
        let mut changed = self.shelf.changed_dates();
        if let Reach::Dates(dates) = &mut changed {
            self.shelf.widen(dates);
        }
        let sources = self.shelf.changed_sources();
        for (place, node) in self.graph.nodes.iter().enumerate().filter(|(_, node)| stages.contains(&node.stage)) {
            let mut reach = Reach::Nothing;
            if node.source.as_deref().is_some_and(|source| sources.contains(source)) {
                reach.join(&changed);
            }
            for mark in pending.iter().filter(|mark| mark.step == node.id) {
                reach.join(&undone(mark, node));
            }
            // A bronze step changes no table; silver takes its changes from the files.
            for read in node.reads.iter().filter(|_| node.stage > Layer::Silver) {
                let read = self.reach[*read].clone();
                reach.join(&read);
            }
            self.reach[place] = reach;
        }
    }

    fn chosen(&self) -> BTreeSet<usize> {
        (0..self.reach.len()).filter(|place| self.reach[*place] != Reach::Nothing).collect()
    }

    fn union(&self) -> Reach {
        let mut union = Reach::Nothing;
        self.reach.iter().for_each(|reach| union.join(reach));
        union
    }

    fn source_reach(&self) -> Reach {
        let mut union = Reach::Nothing;
        for (node, reach) in self.graph.nodes.iter().zip(&self.reach) {
            if node.stage <= Layer::Silver {
                union.join(reach);
            }
        }
        union
    }

    fn sources(&self) -> BTreeSet<&str> {
        let chosen = self.chosen().into_iter();
        chosen.filter_map(|place| self.graph.nodes[place].source.as_deref()).collect()
    }

    fn sources_of(&self, stage: Layer) -> BTreeSet<&str> {
        let chosen = self.chosen().into_iter().map(|place| &self.graph.nodes[place]);
        chosen.filter(|node| node.stage == stage).filter_map(|node| node.source.as_deref()).collect()
    }

    fn steps(&self) -> Vec<PlannedStep> {
        let union = self.union();
        let by_id: BTreeMap<&str, &Reach> =
            self.graph.nodes.iter().zip(&self.reach).map(|(node, reach)| (node.id.as_str(), reach)).collect();
        let mut steps = self.graph.steps(&self.chosen());
        for step in &mut steps {
            step.scope = by_id.get(step.id.as_str()).filter(|reach| ***reach != union).and_then(|reach| reach.scope());
        }
        steps
    }
}

/// A table that is always built whole needs no dates to be built again.
fn undone(mark: &Pending, node: &Node) -> Reach {
    match mark.date {
        Some(date) => Reach::Dates(BTreeSet::from([date])),
        None if node.dated => Reach::All,
        None => Reach::Dates(BTreeSet::new()),
    }
}

fn nothing(inputs: &PlanInputs<'_>, stages: &[Layer]) -> Result<Planned, Problem> {
    let name = &inputs.pipeline.name;
    let stages: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
    let mut why = format!(
        "Nothing to do for {name} in {}: no file is new, changed or gone, and no earlier run left a step undone ({}).",
        inputs.environment.name,
        stages.join(", ")
    );
    let filter = RunFilter {
        pipeline: Some(name.clone()),
        environment: Some(inputs.environment.name.clone()),
        ..RunFilter::default()
    };
    if let Some(last) = inputs.journal.runs(&filter, 1)?.first()
        && let Some(plan) = inputs.journal.plan(&last.id)?
        && plan.digest != inputs.pipeline.digest
    {
        why.push_str(&format!(
            " The definition changed since run {}; `assay run {name} --all` applies it to every date.",
            last.id
        ));
    }
    Ok(Planned::Nothing(why))
}
