//! Cancelling, waiting for a turn, and what is left when something dies.

use super::world::{Act, World};
use crate::folder::Part;
use crate::journal::Journal;
use crate::stop::Why;
use crate::{RunFolder, ScopeAsk, queue_run, recover, settle};
use assay_contract::{Event, ProblemKind, Status};
use std::time::{Duration, Instant};

#[test]
fn cancel_ends_a_run_and_what_had_not_begun_is_skipped() {
    let world = World::new();
    world.runner.act("gold.enriched", Act::Hold);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| world.carry_out(&plan));
        world.runner.wait_held("gold.enriched");
        let begin = Instant::now();
        world.cancel.raise(Why::Asked);
        assert_eq!(run.join().unwrap(), Ok(Status::Cancelled));
        assert!(begin.elapsed() < Duration::from_secs(1));
    });
    let words = world.statuses(&plan.run);
    assert_eq!(words[1..4], ["silver.sales succeeded", "gold.enriched cancelled", "gold.daily skipped"]);
}

#[test]
fn a_run_whose_asker_died_was_not_cancelled_on_request() {
    for (why, note) in [(Why::Asked, "cancelled on request"), (Why::Alone, "the program that waited for the run ended")]
    {
        let world = World::new();
        world.runner.act("gold.enriched", Act::Hold);
        let plan = world.plan(ScopeAsk::missing(), &[]);
        std::thread::scope(|scope| {
            let run = scope.spawn(|| world.carry_out(&plan));
            world.runner.wait_held("gold.enriched");
            world.cancel.raise(why);
            assert_eq!(run.join().unwrap(), Ok(Status::Cancelled));
        });
        assert_eq!(world.detail(&plan.run).run.note.as_deref(), Some(note));
    }
}

#[test]
fn a_second_run_waits_for_its_turn_and_says_for_whom() {
    let world = World::new();
    world.runner.act("silver.sales", Act::Hold);
    let other = World { environment: world.environment.clone(), ..World::new() };
    let (first, second) = (world.plan(ScopeAsk::missing(), &[]), other.plan(ScopeAsk::all(), &[]));
    std::thread::scope(|scope| {
        let one = scope.spawn(|| world.carry_out(&first));
        world.runner.wait_held("silver.sales");
        let two = scope.spawn(|| other.carry_out(&second));
        while other.events.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        let Event::Run { run } = other.events.lock().unwrap()[0].clone() else { panic!() };
        assert_eq!(run.status, Status::Queued);
        assert!(run.note.unwrap().contains(&format!("waits for run {}", first.run)));
        assert!(other.runner.effects.lock().unwrap().is_empty());
        world.cancel.raise(Why::Asked);
        assert_eq!(one.join().unwrap(), Ok(Status::Cancelled));
        // Its journal has a run of that name, so what became of the sources decides.
        assert_eq!(two.join().unwrap(), Ok(Status::Succeeded));
    });
}

#[test]
fn a_run_that_waits_can_be_cancelled() {
    let world = World::new();
    let turn = crate::folder::try_lock(&{
        let folder = world.environment.lake.join("shop");
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(".assay-run.lock")
    });
    let plan = world.plan(ScopeAsk::missing(), &[]);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| world.carry_out(&plan));
        while world.events.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        world.cancel.raise(Why::Asked);
        assert_eq!(run.join().unwrap(), Ok(Status::Cancelled));
    });
    drop(turn);
    let detail = world.detail(&plan.run);
    assert_eq!(detail.run.note.as_deref(), Some("cancelled while it waited for its turn"));
    assert!(world.runner.effects.lock().unwrap().is_empty());
}

#[test]
fn recover_ends_the_dead_and_leaves_the_living() {
    let world = World::new();
    let dead = world.plan(ScopeAsk::missing(), &[]);
    drop(queue_run(&dead, None, &world.journal, &world.state()).unwrap());
    let asked = world.plan(ScopeAsk::missing(), &[]);
    let claim = queue_run(&asked, None, &world.journal, &world.state()).unwrap();
    let worked = world.plan(ScopeAsk::missing(), &[]);
    drop(queue_run(&worked, None, &world.journal, &world.state()).unwrap());
    let worker = RunFolder::new(&world.state(), &worked.run).claim(Part::Worker).unwrap();
    assert_eq!(recover(&world.journal, &world.clock, &world.state()), Ok(vec![dead.run.clone()]));
    let detail = world.detail(&dead.run);
    assert_eq!(detail.run.status, Status::Failed);
    assert!(detail.run.note.unwrap().starts_with("interrupted"));
    assert!(detail.steps.iter().all(|step| step.status == Status::Skipped));
    assert_eq!(world.detail(&asked.run).run.status, Status::Queued);
    // A worker that was slow to start finds its run ended and does nothing.
    assert_eq!(world.execute(&dead).unwrap_err().kind, ProblemKind::Conflict);
    assert!(world.runner.effects.lock().unwrap().is_empty());
    drop((claim, worker));
    assert_eq!(recover(&world.journal, &world.clock, &world.state()).unwrap().len(), 2);
    assert_eq!(recover(&world.journal, &world.clock, &world.state()), Ok(vec![]));
}

#[test]
fn settle_ends_what_the_worker_could_not() {
    let world = World::new();
    for (cancelled, status) in [(true, Status::Cancelled), (false, Status::Failed)] {
        let plan = world.plan(ScopeAsk::missing(), &[]);
        queue_run(&plan, None, &world.journal, &world.state()).unwrap();
        world.journal.start_attempt(&plan.run, plan.queued_at).unwrap();
        assert_eq!(settle(&plan.run, cancelled, &world.journal, &world.clock), Ok(Some(status)));
        assert_eq!(settle(&plan.run, !cancelled, &world.journal, &world.clock), Ok(Some(status)), "once");
    }
}

#[test]
fn one_run_is_executed_by_one_process() {
    let world = World::new();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    queue_run(&plan, None, &world.journal, &world.state()).unwrap();
    let worker = RunFolder::new(&world.state(), &plan.run).claim(Part::Worker).unwrap();
    assert_eq!(world.execute(&plan).unwrap_err().kind, ProblemKind::Conflict);
    assert_eq!(world.detail(&plan.run).run.status, Status::Queued, "the other process goes on");
    drop(worker);
    assert_eq!(world.execute(&plan), Ok(Status::Succeeded));
}
