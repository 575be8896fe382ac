//! Resuming.

use super::world::{Act, World, day, reads};
use crate::ScopeAsk;
use crate::journal::Journal;
use crate::resume::{ResumeAsk, Resumed, resume};
use assay_contract::{Problem, ProblemKind, Status};
use chrono::TimeDelta;

fn ask(world: &World, run: Option<&str>) -> Result<Resumed, Problem> {
    let ask = ResumeAsk { run, confirmed: None, asked_by: "tester" };
    resume(&ask, &world.inputs(&reads), &world.state())
}

fn broken(step: &str, act: Act) -> World {
    let world = World::new();
    world.runner.act(step, act);
    assert_eq!(world.run().1, Status::Failed);
    world.runner.acts.lock().unwrap().clear();
    world.runner.effects.lock().unwrap().clear();
    world
}

#[test]
fn finished_steps_are_not_done_again() {
    let world = broken("gold.enriched", Act::FailAfterEffect);
    world.clock.advance(TimeDelta::hours(30));
    let resumed = ask(&world, None).unwrap();
    assert_eq!(resumed.plan.run, "RUN1");
    resumed.plan.permit.check("local", world.inputs(&reads).clock.now()).unwrap();
    assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
    let mut done: Vec<String> = world.runner.effects.lock().unwrap().iter().map(|(step, _)| step.clone()).collect();
    done.sort();
    assert_eq!(done, ["gold.daily", "gold.enriched", "gold.products", "warehouse.enriched", "warehouse.products"]);
    let detail = world.detail("RUN1");
    assert_eq!((detail.run.status, detail.run.attempt, detail.attempts.len()), (Status::Succeeded, 2, 2));
    assert_eq!(detail.steps.iter().map(|step| step.attempt).collect::<Vec<_>>(), [1, 1, 2, 2, 2, 2, 2]);
    world.nothing();
}

#[test]
fn an_all_run_that_died_is_finished_by_the_next_plain_run_too() {
    let world = World::new();
    world.run();
    world.runner.act("gold.daily", Act::Fail);
    assert_eq!(world.carry_out(&world.plan(ScopeAsk::all(), &[])), Ok(Status::Failed));
    world.runner.acts.lock().unwrap().clear();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["gold.daily"]);
    world.carry_out(&plan).unwrap();
    world.nothing();
}

#[test]
fn a_file_that_the_run_itself_moved_to_the_dead_letters_is_no_change() {
    let world = broken("silver.sales", Act::Fail);
    world.remove(2);
    let path = format!("sales/date={}/a.csv", day(2));
    assert!(ask(&world, None).unwrap_err().message.contains(&format!("{path} is gone")));
    let letter = |run: &str| (run.to_owned(), "sales".to_owned(), path.clone());
    world.shelf.2.lock().unwrap().insert(letter("OTHER"));
    assert!(ask(&world, None).unwrap_err().message.contains("is gone"), "another run moved it");
    world.shelf.2.lock().unwrap().insert(letter("RUN1"));
    let resumed = ask(&world, None).unwrap();
    assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
}

#[test]
fn only_what_is_unfinished_and_unchanged_can_be_resumed() {
    let mut world = broken("silver.sales", Act::Fail);
    let check = |world: &World, run: Option<&str>, kind: ProblemKind, says: &str| {
        let problem = ask(world, run).unwrap_err();
        assert_eq!(problem.kind, kind, "{problem:?}");
        assert!(problem.message.contains(says), "{problem}");
        assert_eq!(world.journal.run("RUN1").unwrap().unwrap().run.status, Status::Failed);
    };
    check(&world, Some("NONE"), ProblemKind::Misuse, "no run NONE");
    world.put(Some(2), 9);
    check(&world, None, ProblemKind::Conflict, "date=2026-11-02/a.csv has other content");
    world.put(Some(2), 1002);
    world.pipeline.digest = "another".into();
    check(&world, None, ProblemKind::Conflict, "the definition of shop changed");
    world.pipeline.digest = "0123456789abcdef".into();
    world.environment.warehouse_url = Some("postgresql://elsewhere".into());
    check(&world, None, ProblemKind::Conflict, "the environment local was changed");
    world.environment.warehouse_url = None;

    let resumed = ask(&world, Some("RUN1")).unwrap();
    let again = ask(&world, Some("RUN1")).unwrap_err();
    assert!(again.message.contains("still going on"), "{again}");
    assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
    drop(resumed);
    assert!(ask(&world, Some("RUN1")).unwrap_err().message.contains("ended as succeeded"));
    assert!(ask(&world, None).unwrap_err().message.contains("no run of shop is unfinished"));
}
