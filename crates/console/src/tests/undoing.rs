//! Undoing runs, and what the ledger and the marks are afterwards.

use super::world::{Act, Commit, World, day, reads};
use crate::journal::{Journal, Pending};
use crate::plan::RunPlan;
use crate::ports::LedgerEntry;
use crate::{ScopeAsk, UndoAsk, Work, plan_undo};
use assay_contract::{Problem, ProblemKind, Status};
use chrono::NaiveDate;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Picture = (BTreeMap<String, BTreeMap<Option<NaiveDate>, String>>, Vec<LedgerEntry>, Vec<Pending>);

/// What the tables hold, what the ledger knows and what is pending.
fn picture(world: &World) -> Picture {
    let tables = world.runner.lake.tables.lock().unwrap();
    let held = tables.iter().filter_map(|(id, commits)| Some((id.clone(), commits.last()?.content.clone())));
    let held = held.filter(|(id, content)| !content.is_empty() && !id.starts_with("warehouse.")).collect();
    (held, world.journal.ledger("shop", "local").unwrap(), world.journal.pending("shop", "local").unwrap())
}

fn undo(world: &World, run: &str, cascade: bool) -> Result<RunPlan, Problem> {
    let ask = UndoAsk { run, cascade, confirmed: None, reason: "wrong", asked_by: "tester", looking: false };
    plan_undo(&ask, &world.inputs(&reads))
}

fn undone(world: &World, run: &str, cascade: bool) -> RunPlan {
    let plan = undo(world, run, cascade).unwrap();
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    plan
}

#[test]
fn an_undo_brings_back_tables_ledger_and_marks() {
    let world = World::new();
    world.run();
    let before = picture(&world);
    world.put(Some(2), 2222);
    world.put(Some(4), 4);
    let (run, _) = world.run();
    assert_ne!(picture(&world), before);
    let plan = undone(&world, &run.run, false);
    assert_eq!(plan.words(), format!("undo of {}", run.run));
    assert_eq!(picture(&world), before);
    assert_eq!(
        plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
        ["silver.sales", "gold.enriched", "gold.daily", "gold.products", "warehouse.enriched", "warehouse.products"]
    );
    let effects = world.runner.effects.lock().unwrap();
    assert!(effects.iter().any(|(step, scope)| step == "warehouse.enriched"
        && *scope == crate::RunScope::Dates(vec![day(2), day(4)])));
    drop(effects);
    // The files are new and changed again.
    assert_eq!(world.plan(ScopeAsk::missing(), &[]).scope, crate::RunScope::Dates(vec![day(2), day(4)]));
    let actions = world.journal.actions(2).unwrap();
    assert_eq!((actions[1].what.as_str(), actions[1].reason.as_str()), ("undo", "wrong"));
    assert_eq!(
        (actions[0].before["silver.sales"].as_str(), actions[0].after["silver.sales"].as_str()),
        ("version 1", "version 2")
    );
}

#[test]
fn the_first_run_undone_leaves_empty_tables_and_new_files() {
    let world = World::new();
    let (run, _) = world.run();
    undone(&world, &run.run, false);
    let (tables, ledger, pending) = picture(&world);
    assert_eq!((tables.len(), ledger.len(), pending.len()), (0, 0, 0));
    assert_eq!(world.plan(ScopeAsk::missing(), &[]).files.len(), 3);
    assert_eq!(world.run().1, Status::Succeeded);
    world.nothing();
}

#[test]
fn a_run_of_one_stage_gives_back_the_marks_that_it_made_and_settled() {
    let world = World::new();
    world.run();
    world.put(Some(2), 2222);
    let before = picture(&world);
    let silver = world.plan(ScopeAsk::missing(), &["bronze", "silver"]);
    world.carry_out(&silver).unwrap();
    let between = picture(&world);
    assert!(!between.2.is_empty(), "gold is pending");
    let gold = world.plan(ScopeAsk::missing(), &["gold"]);
    world.carry_out(&gold).unwrap();
    let problem = undo(&world, &silver.run, false).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    assert!(problem.message.contains(&gold.run), "{problem}");
    undone(&world, &gold.run, false);
    assert_eq!(picture(&world), between);
    undone(&world, &silver.run, false);
    assert_eq!(picture(&world), before);
}

#[test]
fn later_runs_are_undone_with_it_when_that_is_asked_for() {
    let world = World::new();
    world.run();
    let before = picture(&world);
    let mut runs = Vec::new();
    for size in [10, 11, 12] {
        world.put(Some(2), size);
        runs.push(world.run().0.run);
    }
    let problem = undo(&world, &runs[0], false).unwrap_err();
    assert!(problem.message.contains(&runs[1]) && problem.message.contains(&runs[2]), "{problem}");
    assert!(problem.advice.unwrap().contains("--cascade"));
    let plan = undone(&world, &runs[0], true);
    let Work::Undo(reversal) = &plan.work else { panic!() };
    assert_eq!(reversal.of, [runs[2].clone(), runs[1].clone(), runs[0].clone()]);
    assert_eq!(picture(&world), before);
    let again = undo(&world, &runs[1], false).unwrap_err();
    assert!(again.message.contains(&format!("was undone by run {}", plan.run)), "{again}");
    // Nothing that counts came after the first run, so it can be undone alone.
    undone(&world, "RUN1", false);
    assert!(picture(&world).0.is_empty());
}

#[test]
fn an_undo_can_be_undone() {
    let world = World::new();
    world.run();
    world.put(Some(2), 2222);
    let (run, _) = world.run();
    let after = picture(&world);
    let plan = undone(&world, &run.run, false);
    undone(&world, &plan.run, false);
    assert_eq!(picture(&world), after);
    world.nothing();
    undone(&world, &run.run, false);
    assert_ne!(picture(&world), after);
}

#[test]
fn a_failed_run_whose_commit_was_never_journalled_is_undone_too() {
    let world = World::new();
    world.run();
    let before = picture(&world);
    world.put(Some(2), 2222);
    world.runner.act("gold.enriched", Act::FailAfterEffect);
    let (run, status) = world.run();
    assert_eq!(status, Status::Failed);
    world.runner.acts.lock().unwrap().clear();
    undone(&world, &run.run, false);
    let (tables, ledger, pending) = picture(&world);
    assert_eq!((tables, ledger, pending), before);
}

#[test]
fn an_undo_that_dies_is_finished_by_resuming_it() {
    let world = World::new();
    world.run();
    let before = picture(&world);
    world.put(Some(2), 2222);
    let (run, _) = world.run();
    for step in ["silver.sales", "gold.products", "warehouse.enriched"] {
        let now = picture(&world);
        let plan = undo(&world, &run.run, false).unwrap();
        world.runner.act(step, Act::Fail);
        assert_eq!(world.carry_out(&plan), Ok(Status::Failed), "{step}");
        world.runner.acts.lock().unwrap().clear();
        let ask = crate::resume::ResumeAsk { run: Some(&plan.run), confirmed: None, asked_by: "tester" };
        let resumed = crate::resume(&ask, &world.inputs(&reads), &world.state()).unwrap();
        assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded), "{step}");
        assert_eq!(picture(&world), before, "{step}");
        drop(resumed);
        undone(&world, &plan.run, false);
        assert_eq!(picture(&world).0, now.0, "{step}");
        assert_eq!(picture(&world).1, now.1, "{step}");
    }
}

#[test]
fn a_table_that_another_program_changed_since_is_left_alone() {
    let world = World::new();
    world.run();
    world.put(Some(2), 2222);
    let (run, _) = world.run();
    let stranger = Commit { run: None, content: BTreeMap::new() };
    world.runner.lake.tables.lock().unwrap().get_mut("gold.daily").unwrap().push(stranger);
    let problem = undo(&world, &run.run, true).unwrap_err();
    assert!(problem.message.contains("gold.daily was changed by another program since (version 2)"), "{problem}");
}

#[test]
fn an_undo_is_refused_when_a_run_worked_since_it_was_planned() {
    let world = World::new();
    world.run();
    world.put(Some(2), 2222);
    let (run, _) = world.run();
    let plan = undo(&world, &run.run, false).unwrap();
    world.put(Some(3), 3333);
    let (other, _) = world.run();
    let problem = world.carry_out(&plan).unwrap_err();
    assert!(problem.message.contains(&format!("run {} worked on shop", other.run)), "{problem}");
}

#[test]
fn what_changed_nothing_cannot_be_undone() {
    let world = World::new();
    assert!(undo(&world, "NONE", false).unwrap_err().message.contains("no run NONE"));
    let plan = world.plan(ScopeAsk::missing(), &["bronze"]);
    world.carry_out(&plan).unwrap();
    assert!(undo(&world, &plan.run, false).unwrap_err().message.contains("changed no table"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    /// Whatever ran before and after, undoing a run with everything on it brings back the picture before it.
    #[test]
    fn an_undo_is_the_inverse_of_what_it_undoes(
        runs in prop::collection::vec((1u32..6, 0u8..4, 0u8..7), 1..7),
        asked in 0usize..6,
    ) {
        let world = World::new();
        world.run();
        let mut pictures = Vec::new();
        for (number, (date, stages, broken)) in runs.iter().enumerate() {
            let before = picture(&world);
            world.put(Some(*date), 5000 + number as u64);
            let stages: &[&str] = match stages {
                0 => &["bronze", "silver"],
                1 => &["gold"],
                2 => &["gold", "warehouse"],
                _ => &[],
            };
            match broken {
                0 => world.runner.act("gold.enriched", Act::Fail),
                1 => world.runner.act("gold.products", Act::FailAfterEffect),
                _ => {}
            }
            if let crate::Planned::Run(plan) = world.ask(&World::request(ScopeAsk::missing(), stages)).unwrap() {
                world.carry_out(&plan).unwrap();
                pictures.push((plan.run.clone(), before));
            }
            world.runner.acts.lock().unwrap().clear();
        }
        let asked = asked % pictures.len().max(1);
        if let Some((run, before)) = pictures.get(asked) {
            match undo(&world, run, true) {
                Ok(plan) => {
                    prop_assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
                    let after = picture(&world);
                    for step in &plan.steps {
                        prop_assert_eq!(after.0.get(&step.id), before.0.get(&step.id), "{}", step.id);
                    }
                    let Work::Undo(reversal) = &plan.work else { panic!() };
                    // A later run that did not build on it stays, and what it did with it.
                    if pictures[asked..].iter().all(|(later, _)| reversal.of.contains(later)) {
                        prop_assert_eq!(&after, before);
                    }
                }
                Err(problem) => prop_assert!(problem.message.contains("changed no table"), "{}", problem),
            }
        }
    }
}
