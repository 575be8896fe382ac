//! Drawing up a plan from a request, the sources and the journal.

use crate::find;
use crate::journal::{Journal, Pending, RunFilter};
use crate::plan::ask::{RunRequest, ScopeAsk, StepsAsk};
use crate::plan::begun::{Asked, begun};
use crate::plan::files::{Shelf, upserts};
use crate::plan::graph::{Node, StepGraph};
use crate::plan::reach::Reach;
use crate::plan::{PlannedStep, RunPlan, Work};
use crate::ports::{Clock, Sources, Tables, Within};
use crate::problem::ConsoleError;
use assay_contract::{Problem, ScopeWord, Status};
use assay_pipeline::{Environment, Layer, Pipeline};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Days of a range that are looked up one by one; more are found by listing everything.
const LOOKED_AT_ONE_BY_ONE: i64 = 400;

/// What a plan is drawn from.
pub struct PlanInputs<'a> {
    pub pipeline: &'a Pipeline,
    pub environment: &'a Environment,
    pub sources: &'a dyn Sources,
    pub tables: &'a dyn Tables,
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
    let asked = Asked {
        confirmed: request.confirmed.as_deref(),
        reason: &request.reason,
        by: &request.asked_by,
        looking: request.looking,
    };
    let base = begun(&asked, Work::Process, inputs)?;
    let draft = Draft::of(request, inputs, &stages)?;
    let Some(scope) = draft.union().scope() else { return nothing(&draft, request.scope, inputs, &stages) };
    let reaches = draft.source_reaches(Layer::Bronze);
    let mut plan = RunPlan {
        stages: draft.stages(),
        scope,
        steps: draft.steps(),
        files: draft.shelf.files_of(&reaches, draft.ask.takes_new()),
        vanished: draft.shelf.vanished_of(&draft.source_reaches(Layer::Silver)),
        widened: draft.widened.iter().copied().collect(),
        word: request.scope.word,
        original: request.original,
        settings: request.settings,
        ..base
    };
    if request.exact {
        plan.versions = seen(&plan, inputs)?;
    }
    Ok(Planned::Run(Box::new(plan)))
}

/// Versions of the tables that the plan replaces, as they are now.
pub(crate) fn seen(plan: &RunPlan, inputs: &PlanInputs<'_>) -> Result<BTreeMap<String, Option<i64>>, Problem> {
    let tables = plan.replaced_tables();
    let mut versions = inputs.tables.versions(&plan.pipeline, &plan.environment, &tables)?;
    Ok(tables.into_iter().map(|table| (table.clone(), versions.remove(&table))).collect())
}

/// Dates whose sources no run has read in their present content, ascending. A new file whose dates nothing tells
/// counts as every date.
pub fn new_dates(inputs: &PlanInputs<'_>) -> Result<Vec<NaiveDate>, Problem> {
    let shelf = shelf(inputs)?;
    let mut union = Reach::Nothing;
    shelf.changes().values().for_each(|reach| union.join(reach));
    Ok(match union {
        Reach::Nothing | Reach::Follows => Vec::new(),
        Reach::Dates(dates) => dates.into_iter().collect(),
        Reach::All => shelf.dates().into_iter().collect(),
    })
}

fn shelf(inputs: &PlanInputs<'_>) -> Result<Shelf, Problem> {
    let files = inputs.sources.files(inputs.pipeline, inputs.environment)?;
    let ledger = inputs.journal.ledger(&inputs.pipeline.name, &inputs.environment.name)?;
    Ok(Shelf::of(upserts(inputs.pipeline), files, ledger))
}

/// The shelf as far as these dates tell: every file and entry that holds or lies at one of them. None where a source
/// does not tell dates by its folders.
fn shelf_of(inputs: &PlanInputs<'_>, dates: &BTreeSet<NaiveDate>) -> Result<Option<Shelf>, Problem> {
    let home = (&inputs.pipeline.name, &inputs.environment.name);
    let each: Vec<NaiveDate> = dates.iter().copied().collect();
    let mut ledger = inputs.journal.files_of_dates(home.0, home.1, &each)?;
    for source in &inputs.pipeline.sources {
        let Some(folders) = each.iter().map(|date| source.folder_of(*date)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        ledger.extend(inputs.journal.files_below(home.0, home.1, &source.name, &folders)?);
    }
    let paths = ledger.iter().map(|entry| (entry.source.clone(), entry.path.clone())).collect();
    let within = Within { dates: dates.clone(), paths };
    let files = inputs.sources.files_within(inputs.pipeline, inputs.environment, &within)?;
    Ok(Some(Shelf::of(upserts(inputs.pipeline), files, ledger)))
}

/// The shelf that a request looks at: of its dates, and of those that changed files among them take along, where that
/// is less than everything.
fn shelf_for(ask: &ScopeAsk, inputs: &PlanInputs<'_>) -> Result<Shelf, Problem> {
    let (ScopeWord::All, Some((from, to))) = (ask.word, ask.between) else { return shelf(inputs) };
    if to < from || (to - from).num_days() >= LOOKED_AT_ONE_BY_ONE {
        return shelf(inputs);
    }
    let mut dates: BTreeSet<NaiveDate> = from.iter_days().take_while(|date| *date <= to).collect();
    loop {
        let Some(found) = shelf_of(inputs, &dates)? else { return shelf(inputs) };
        // The refusal of dates without data names those that there are.
        if found.dates().range(from..=to).next().is_none() {
            return shelf(inputs);
        }
        let before = dates.len();
        found.widen(&mut dates);
        if dates.len() == before {
            return Ok(found);
        }
    }
}

impl ScopeAsk {
    /// Whether files that were never read go along although their dates are not known.
    fn takes_new(self) -> bool {
        self.word == ScopeWord::Missing && self.between.is_none()
    }

    /// Whether feeds are looked at although nothing else asks for their sources.
    fn feeds(self) -> bool {
        self.word == ScopeWord::Missing && self.between.is_none()
    }
}

struct Draft {
    ask: ScopeAsk,
    graph: StepGraph,
    shelf: Shelf,
    /// By place in the graph.
    reach: Vec<Reach>,
    /// Places that may be planned.
    open: BTreeSet<usize>,
    /// Sources that are filled by a feed.
    feeds: BTreeSet<String>,
    widened: BTreeSet<NaiveDate>,
}

impl Draft {
    fn of(request: &RunRequest, inputs: &PlanInputs<'_>, stages: &[Layer]) -> Result<Self, Problem> {
        let graph = StepGraph::of(inputs.pipeline, inputs.reads)?;
        let fed = inputs.pipeline.sources.iter().filter(|source| source.feed.is_some());
        let mut draft = Self {
            ask: request.scope,
            reach: vec![Reach::Nothing; graph.nodes.len()],
            open: open(&graph, &request.steps, stages)?,
            graph,
            shelf: shelf_for(&request.scope, inputs)?,
            feeds: fed.map(|source| source.name.clone()).collect(),
            widened: BTreeSet::new(),
        };
        let home = (&inputs.pipeline.name, &inputs.environment.name);
        match (request.scope.word, request.scope.between) {
            (ScopeWord::All, None) => draft.reach_everywhere(&Reach::All),
            (ScopeWord::All, Some((from, to))) => {
                let mut dates = draft.dates_within(inputs, from, to)?;
                if draft.open.iter().any(|place| draft.graph.nodes[*place].stage <= Layer::Silver) {
                    draft.widen(&mut dates);
                }
                draft.reach_everywhere(&Reach::Dates(dates));
            }
            (ScopeWord::Missing, _) => {
                let pending = inputs.journal.pending(home.0, home.1)?;
                let states = inputs.journal.table_states(home.0, home.1)?;
                let made = states.iter().filter(|state| matches!(state.status, Status::Succeeded | Status::Flagged));
                draft.reach_changes(&pending, &made.map(|state| format!("{}.{}", state.layer, state.table)).collect());
            }
            (ScopeWord::Failed, _) => draft.reach_failed(inputs)?,
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

    fn reach_everywhere(&mut self, reach: &Reach) {
        for place in &self.open {
            self.reach[*place] = reach.clone();
        }
    }

    /// Changed files reach their tables, and every step reaches those that read it. `made` are steps that were done
    /// before: a fed table that never was is made whole, with whatever the feed brings.
    fn reach_changes(&mut self, pending: &[Pending], made: &BTreeSet<String>) {
        let mut changes: BTreeMap<String, Reach> =
            self.shelf.changes().into_iter().map(|(source, reach)| (source.to_owned(), reach)).collect();
        for reach in changes.values_mut() {
            self.within(reach);
        }
        let mut marks: BTreeMap<&str, Vec<&Pending>> = BTreeMap::new();
        pending.iter().for_each(|mark| marks.entry(&mark.step).or_default().push(mark));
        for place in self.open.clone() {
            let node = &self.graph.nodes[place];
            let mut reach = Reach::Nothing;
            if let Some(source) = &node.source {
                changes.get(source).iter().for_each(|changed| reach.join(changed));
                if self.looks_at_feeds(source) {
                    let first = node.stage == Layer::Silver && !made.contains(&node.id);
                    reach.join(if first { &Reach::All } else { &Reach::Follows });
                }
            }
            for mark in marks.get(node.id.as_str()).into_iter().flatten() {
                let mut undone = undone(mark, node);
                self.within(&mut undone);
                reach.join(&undone);
            }
            self.follow(place, reach);
        }
    }

    /// Steps whose last try did not end well, and those that read them.
    fn reach_failed(&mut self, inputs: &PlanInputs<'_>) -> Result<(), Problem> {
        let mut plans: BTreeMap<String, Option<RunPlan>> = BTreeMap::new();
        let mut failed: BTreeMap<String, Reach> = BTreeMap::new();
        for state in inputs.journal.table_states(&inputs.pipeline.name, &inputs.environment.name)? {
            if !matches!(state.status, Status::Failed | Status::Cancelled) {
                continue;
            }
            if !plans.contains_key(&state.run) {
                plans.insert(state.run.clone(), inputs.journal.plan(&state.run)?);
            }
            let id = format!("{}.{}", state.layer, state.table);
            let plan = plans.get(&state.run).and_then(Option::as_ref);
            if let Some((plan, step)) = plan.and_then(|plan| Some((plan, plan.step(&id)?))) {
                let mut reach = Reach::of(plan.scope_of(step));
                self.within(&mut reach);
                if reach != Reach::Dates(BTreeSet::new()) || self.ask.between.is_none() {
                    failed.insert(id, reach);
                }
            }
        }
        for place in self.open.clone() {
            let reach = failed.get(&self.graph.nodes[place].id).cloned().unwrap_or_default();
            self.follow(place, reach);
        }
        Ok(())
    }

    /// A bronze step changes no table; silver takes its changes from the files.
    fn follow(&mut self, place: usize, mut reach: Reach) {
        let node = &self.graph.nodes[place];
        for read in node.reads.iter().filter(|_| node.stage > Layer::Silver) {
            let read = self.reach[*read].clone();
            reach.join(&read);
        }
        self.reach[place] = reach;
    }

    /// Cut to the dates that were asked for; without any of them there is nothing to do.
    fn within(&self, reach: &mut Reach) {
        let had_dates = matches!(reach, Reach::Dates(dates) if !dates.is_empty());
        reach.between(self.ask.between);
        match (&*reach, self.ask.between) {
            (Reach::Dates(dates), Some(_)) if dates.is_empty() && had_dates => *reach = Reach::Nothing,
            (Reach::All, Some((from, to))) => {
                let dates: BTreeSet<NaiveDate> = self.shelf.dates().range(from..=to).copied().collect();
                *reach = if dates.is_empty() { Reach::Nothing } else { Reach::Dates(dates) };
            }
            _ => {}
        }
    }

    /// Only the bronze step lands what a feed brings.
    fn looks_at_feeds(&self, source: &str) -> bool {
        let bronze = |place: &usize| {
            let node = &self.graph.nodes[*place];
            node.stage == Layer::Bronze && node.source.as_deref() == Some(source)
        };
        self.ask.feeds() && self.feeds.contains(source) && self.open.iter().any(bronze)
    }

    fn chosen(&self) -> BTreeSet<usize> {
        (0..self.reach.len()).filter(|place| self.reach[*place] != Reach::Nothing).collect()
    }

    fn union(&self) -> Reach {
        let mut union = Reach::Nothing;
        self.reach.iter().for_each(|reach| union.join(reach));
        union
    }

    /// What the steps of bronze and silver, from `least` on, do with each source.
    fn source_reaches(&self, least: Layer) -> BTreeMap<&str, Reach> {
        let mut reaches: BTreeMap<&str, Reach> = BTreeMap::new();
        for (node, reach) in self.graph.nodes.iter().zip(&self.reach) {
            if let Some(source) = node.source.as_deref().filter(|_| node.stage >= least) {
                reaches.entry(source).or_default().join(reach);
            }
        }
        reaches
    }

    /// Of everything that was asked for and that the pipeline has.
    fn stages(&self) -> Vec<Layer> {
        let stages: BTreeSet<Layer> = self.open.iter().map(|place| self.graph.nodes[*place].stage).collect();
        stages.into_iter().collect()
    }

    fn steps(&self) -> Vec<PlannedStep> {
        let union = self.union();
        let chosen = self.chosen();
        let left_out = (0..self.graph.nodes.len()).filter(|place| !self.open.contains(place)).collect();
        let mut steps = self.graph.steps(&chosen, &left_out);
        for (step, place) in steps.iter_mut().zip(&chosen) {
            let reach = &self.reach[*place];
            step.scope = reach.scope().filter(|_| *reach != union);
            step.follows = *reach == Reach::Follows;
            let source = step.source.as_deref().filter(|_| step.stage == Layer::Bronze);
            // A bronze step always looks first: what comes goes along, whatever its dates.
            step.feeds = source.is_some_and(|source| self.feeds.contains(source));
        }
        steps
    }
}

/// Places of the stages and steps that were asked for.
fn open(graph: &StepGraph, steps: &StepsAsk, stages: &[Layer]) -> Result<BTreeSet<usize>, ConsoleError> {
    let of_stages = |place: &usize| stages.contains(&graph.nodes[*place].stage);
    let named = |id: &str| {
        let ids = || graph.nodes.iter().map(|node| node.id.clone()).collect();
        graph.from(id).ok_or_else(|| find::unknown("step", id, ids()))
    };
    Ok(match steps {
        StepsAsk::All => (0..graph.nodes.len()).filter(of_stages).collect(),
        StepsAsk::From(id) => named(id)?.into_iter().filter(of_stages).collect(),
        StepsAsk::Only(id) => named(id)?.into_iter().take(1).filter(of_stages).collect(),
    })
}

/// A table that is always built whole needs no dates to be built again.
fn undone(mark: &Pending, node: &Node) -> Reach {
    match mark.date {
        Some(date) => Reach::Dates(BTreeSet::from([date])),
        None if node.dated => Reach::All,
        None => Reach::Dates(BTreeSet::new()),
    }
}

fn nothing(draft: &Draft, ask: ScopeAsk, inputs: &PlanInputs<'_>, stages: &[Layer]) -> Result<Planned, Problem> {
    let name = &inputs.pipeline.name;
    let stages: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
    let because = match ask.word {
        ScopeWord::Failed => "the last try of no step failed or was cancelled",
        _ if draft.shelf.files.is_empty() => "its sources hold no files",
        _ => "no file is new, changed or gone, and no earlier run left a step undone",
    };
    let dates = ask.between.map(|(from, to)| format!(", {from} to {to}")).unwrap_or_default();
    let mut why =
        format!("Nothing to do for {name} in {}: {because} ({}{dates}).", inputs.environment.name, stages.join(", "));
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
