//! The steps of a definition and what each reads.

use crate::plan::PlannedStep;
use crate::problem::ConsoleError;
use assay_pipeline::{Layer, LoadMode, Pipeline};
use std::collections::BTreeSet;

/// Steps in an order in which each comes after those that it reads.
#[derive(Debug)]
pub(crate) struct StepGraph {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) stage: Layer,
    pub(crate) table: String,
    /// Earlier places in the graph.
    pub(crate) reads: Vec<usize>,
    /// Tables that its rules look at.
    pub(crate) judged_by: Vec<usize>,
    /// Whether dates can be done one by one.
    pub(crate) dated: bool,
    /// Bronze source, for bronze and silver.
    pub(crate) source: Option<String>,
}

impl StepGraph {
    /// `reads` gives the tables that a model's SELECT names, with or without their layer.
    pub(crate) fn of(pipeline: &Pipeline, reads: &dyn Fn(&str) -> Vec<String>) -> Result<Self, ConsoleError> {
        let mut graph = Self { nodes: Vec::new() };
        for source in &pipeline.sources {
            graph.push(Layer::Bronze, &source.name, vec![], true, Some(source.name.clone()));
        }
        for contract in &pipeline.contracts {
            let read = graph.find(Layer::Bronze, &contract.source).into_iter().collect();
            graph.push(Layer::Silver, &contract.table, read, true, Some(contract.source.clone()));
        }
        graph.push_models(pipeline, reads)?;
        for load in pipeline.warehouse.iter().flat_map(|warehouse| &warehouse.loads) {
            let read = graph.find(Layer::Gold, &load.table).into_iter().collect();
            graph.push(Layer::Warehouse, &load.table, read, load.mode == LoadMode::ReplaceDates, None);
        }
        graph.look(pipeline);
        Ok(graph)
    }

    /// Chosen nodes as the steps of a plan. A step waits for what it reads, also across steps that were not chosen.
    /// `left_out` are places that were not to be chosen, whatever they had to do.
    pub(crate) fn steps(&self, chosen: &BTreeSet<usize>, left_out: &BTreeSet<usize>) -> Vec<PlannedStep> {
        chosen
            .iter()
            .map(|&place| {
                let node = &self.nodes[place];
                PlannedStep {
                    id: node.id.clone(),
                    stage: node.stage,
                    table: node.table.clone(),
                    source: node.source.clone(),
                    after: self.nearest(place, chosen).into_iter().map(|p| self.nodes[p].id.clone()).collect(),
                    waits: self.waits(place, chosen),
                    scope: None,
                    downstream: self.downstream(place, chosen, left_out),
                    feeds: false,
                    follows: false,
                    restore: None,
                }
            })
            .collect()
    }

    fn push(&mut self, stage: Layer, table: &str, reads: Vec<usize>, dated: bool, source: Option<String>) {
        let id = format!("{stage}.{table}");
        let judged_by = Vec::new();
        self.nodes.push(Node { id, stage, table: table.to_owned(), reads, judged_by, dated, source });
    }

    /// The definition's reader refuses rules that look at each other's tables in a circle.
    fn look(&mut self, pipeline: &Pipeline) {
        for ruleset in &pipeline.rulesets {
            let seen = ruleset.references.values().filter_map(|seen| self.find(seen.layer, &seen.table)).collect();
            if let Some(place) = self.find(ruleset.layer, &ruleset.table) {
                self.nodes[place].judged_by = seen;
            }
        }
    }

    fn waits(&self, place: usize, chosen: &BTreeSet<usize>) -> Vec<String> {
        let seen = self.nodes[place].judged_by.iter().filter(|seen| chosen.contains(seen));
        seen.map(|seen| self.nodes[*seen].id.clone()).collect()
    }

    fn find(&self, stage: Layer, table: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.stage == stage && node.table == table)
    }

    /// Keeps the declared order where the reads allow it.
    fn push_models(&mut self, pipeline: &Pipeline, reads: &dyn Fn(&str) -> Vec<String>) -> Result<(), ConsoleError> {
        let mut waiting = Vec::new();
        for model in &pipeline.models {
            let tables = reads(&model.name);
            let read =
                tables.iter().map(|table| resolve(pipeline, &model.name, table)).collect::<Result<Vec<_>, _>>()?;
            waiting.push((model, read));
        }
        while !waiting.is_empty() {
            let ready = waiting
                .iter()
                .position(|(_, reads)| reads.iter().all(|(layer, table)| self.find(*layer, table).is_some()));
            let Some(ready) = ready else {
                return Err(ConsoleError::Circle {
                    models: waiting.iter().map(|(model, _)| model.name.clone()).collect(),
                });
            };
            let (model, read) = waiting.remove(ready);
            let places: BTreeSet<usize> = read.iter().filter_map(|(layer, table)| self.find(*layer, table)).collect();
            self.push(Layer::Gold, &model.name, places.into_iter().collect(), model.partition.is_some(), None);
        }
        Ok(())
    }

    fn nearest(&self, place: usize, chosen: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = self.nodes[place].reads.clone();
        while let Some(read) = open.pop() {
            if chosen.contains(&read) {
                found.insert(read);
            } else {
                open.extend(&self.nodes[read].reads);
            }
        }
        found
    }

    /// The step of that id, and every step that reads it, directly or not.
    pub(crate) fn from(&self, id: &str) -> Option<BTreeSet<usize>> {
        let place = self.nodes.iter().position(|node| node.id == id)?;
        let mut reached = BTreeSet::from([place]);
        for (at, other) in self.nodes.iter().enumerate().skip(place + 1) {
            if other.reads.iter().any(|read| reached.contains(read)) {
                reached.insert(at);
            }
        }
        Some(reached)
    }

    /// A bronze step changes no table, so nothing must follow it. Silver tables of one source share its ledger:
    /// what one of them reads is undone for the others, and for itself, until each has ended.
    fn downstream(&self, place: usize, chosen: &BTreeSet<usize>, left_out: &BTreeSet<usize>) -> Vec<String> {
        let node = &self.nodes[place];
        if node.stage == Layer::Bronze {
            return Vec::new();
        }
        let mut reached = BTreeSet::from([place]);
        for (at, other) in self.nodes.iter().enumerate().skip(place + 1) {
            if other.reads.iter().any(|read| other.stage > Layer::Silver && reached.contains(read)) {
                reached.insert(at);
            }
        }
        reached.remove(&place);
        let same = |other: &Node| other.stage == Layer::Silver && other.source == node.source;
        let family: Vec<usize> = (0..self.nodes.len()).filter(|at| same(&self.nodes[*at])).collect();
        if node.stage == Layer::Silver && family.len() > 1 {
            let follows = |at: &usize| (*at >= place && chosen.contains(at)) || left_out.contains(at);
            reached.extend(family.into_iter().filter(follows));
        }
        reached.into_iter().map(|p| self.nodes[p].id.clone()).collect()
    }
}

/// Without a layer a name is a silver table first, since a model may carry the name of what it refines.
fn resolve(pipeline: &Pipeline, model: &str, table: &str) -> Result<(Layer, String), ConsoleError> {
    let silver = |name: &str| pipeline.contracts.iter().any(|contract| contract.table == name);
    let gold = |name: &str| pipeline.models.iter().any(|other| other.name == name);
    let found = match table.split_once('.') {
        Some(("silver", name)) if silver(name) => Some((Layer::Silver, name)),
        Some(("gold", name)) if gold(name) => Some((Layer::Gold, name)),
        None if silver(table) => Some((Layer::Silver, table)),
        None if gold(table) => Some((Layer::Gold, table)),
        _ => None,
    };
    found.map(|(layer, name)| (layer, name.to_owned())).ok_or_else(|| ConsoleError::UnknownRead {
        pipeline: pipeline.name.clone(),
        model: model.to_owned(),
        table: table.to_owned(),
    })
}
