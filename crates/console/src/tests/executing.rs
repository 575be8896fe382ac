//! What an execution does and tells.

use super::world::{Act, World, day};
use crate::ScopeAsk;
use crate::journal::Journal;
use assay_contract::{Event, ProblemKind, Status};
use assay_pipeline::{Layer, Reference, Ruleset};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::time::Instant;

#[test]
fn a_whole_run_is_told_and_journalled() {
    let world = World::new();
    let (plan, status) = world.run();
    assert_eq!(status, Status::Succeeded);
    let detail = world.detail(&plan.run);
    assert_eq!((detail.run.status, detail.run.steps_done, detail.run.steps_total), (Status::Succeeded, 7, 7));
    assert!(detail.balanced);
    let events = world.events.lock().unwrap();
    let ran: Vec<Status> = events
        .iter()
        .filter_map(|event| match event {
            Event::Run { run } => Some(run.status),
            _ => None,
        })
        .collect();
    assert_eq!((ran[0], ran[ran.len() - 1]), (Status::Running, Status::Succeeded));
    for step in &plan.steps {
        let told = |wanted: Status| {
            events
                .iter()
                .any(|e| matches!(e, Event::Step { step: row, .. } if row.id == step.id && row.status == wanted))
        };
        assert!(told(Status::Running) && told(Status::Succeeded), "{}", step.id);
    }
    assert!(events.contains(&Event::Table { table: "shop.silver.sales".into() }));
    assert_eq!(world.log(&plan.run).last().unwrap(), "succeeded");
    let actions = world.journal.actions(9).unwrap();
    assert_eq!(actions.iter().map(|action| action.what.as_str()).collect::<Vec<_>>(), ["end", "run"]);
    assert_eq!((actions[0].before["status"].as_str(), actions[0].after["status"].as_str()), ("running", "succeeded"));
    assert_eq!(
        (actions[0].before["gold.daily"].as_str(), actions[0].after["gold.daily"].as_str()),
        ("none", "version 0")
    );
}

#[test]
fn a_failed_step_blocks_what_reads_it_and_nothing_else() {
    let world = World::new();
    world.runner.act("gold.products", Act::Fail);
    let (plan, status) = world.run();
    assert_eq!(status, Status::Failed);
    assert_eq!(
        world.statuses(&plan.run),
        [
            "bronze.sales succeeded",
            "silver.sales succeeded",
            "gold.enriched succeeded",
            "gold.daily succeeded",
            "gold.products failed",
            "warehouse.enriched succeeded",
            "warehouse.products skipped",
        ]
    );
    let detail = world.detail(&plan.run);
    assert_eq!(detail.run.note.as_deref(), Some("gold.products failed: products broke"));
    assert_eq!(detail.steps[6].note.as_deref(), Some("gold.products failed"));
}

#[test]
fn a_panic_is_a_failed_step_that_keeps_its_words_to_itself() {
    let world = World::new();
    world.runner.act("silver.sales", Act::Panic);
    let (plan, status) = world.run();
    assert_eq!(status, Status::Failed);
    let detail = world.detail(&plan.run);
    let problem = detail.steps[1].problem.clone().unwrap();
    assert!(problem.message.contains("stopped at a defect"), "{problem}");
    assert!(!format!("{detail:?}{:?}", world.log(&plan.run)).contains("a cell value"));
}

#[test]
fn the_worst_step_decides() {
    for (acts, status) in [
        (vec![("gold.daily", Act::Flag)], Status::Flagged),
        (vec![("gold.daily", Act::Flag), ("gold.products", Act::Fail)], Status::Failed),
        (vec![("gold.daily", Act::Skip)], Status::Succeeded),
    ] {
        let world = World::new();
        acts.iter().for_each(|(step, act)| world.runner.act(step, act.clone()));
        let (plan, ended) = world.run();
        assert_eq!(ended, status, "{acts:?}");
        assert_eq!(world.detail(&plan.run).run.status, status);
    }
    let world = World::new();
    let plan = world.plan(ScopeAsk::all(), &["bronze"]);
    world.runner.act("bronze.sales", Act::Skip);
    assert_eq!(world.carry_out(&plan), Ok(Status::Skipped));
}

#[test]
fn two_gold_steps_work_at_a_time() {
    let world = World::new();
    world.runner.act("gold.daily", Act::Meet);
    world.runner.act("gold.products", Act::Meet);
    assert_eq!(world.run().1, Status::Succeeded);
}

#[test]
fn progress_is_told_at_most_ten_times_a_second() {
    let world = World::new();
    world.runner.act("silver.sales", Act::Busy(400_000));
    let begin = Instant::now();
    let (plan, _) = world.run();
    let tenths = begin.elapsed().as_millis() / 100;
    let events = world.events.lock().unwrap();
    let moved = events.iter().filter(|e| matches!(e, Event::Step { step, .. } if step.progress.is_some())).count();
    assert!(moved as u128 <= tenths + 1, "{moved} in {tenths} tenths of a second");
    assert_eq!(world.detail(&plan.run).run.status, Status::Succeeded);
}

#[test]
fn another_definition_or_file_is_refused() {
    let mut world = World::new();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    world.pipeline.digest = "another".into();
    let problem = world.carry_out(&plan).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    let detail = world.detail(&plan.run);
    assert_eq!((detail.run.status, detail.run.note), (Status::Failed, Some(problem.message)));

    let world = World::new();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    world.put(Some(1), 5);
    world.remove(3);
    let problem = world.carry_out(&plan).unwrap_err();
    assert!(problem.message.contains("date=2026-11-01/a.csv has other content"), "{problem}");
    assert!(problem.message.contains("date=2026-11-03/a.csv is gone"), "{problem}");
    assert!(world.runner.effects.lock().unwrap().is_empty(), "nothing was done");
}

#[test]
fn a_file_that_another_run_found_records_in_is_not_left_out() {
    let world = World::new();
    world.run();
    let plan = world.plan(ScopeAsk::dates(day(1), day(1)), &[]);
    // Meanwhile a file of 4 November turns out to hold records of the 1st.
    world.put(Some(4), 44);
    world.runner.strays.lock().unwrap().insert("sales/date=2026-11-04/a.csv".into(), vec![day(1)]);
    assert_eq!(world.run().1, Status::Succeeded);
    let problem = world.carry_out(&plan).unwrap_err();
    assert!(problem.message.contains("date=2026-11-04/a.csv was read by another run"), "{problem}");
}

#[test]
fn a_run_of_a_foreign_workspace_in_between_is_noticed() {
    let world = World::new();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    let stranger = World { environment: world.environment.clone(), ..World::new() };
    let mut theirs = stranger.plan(ScopeAsk::missing(), &[]);
    theirs.run = "STRANGER".into();
    stranger.carry_out(&theirs).unwrap();
    let problem = world.carry_out(&plan).unwrap_err();
    assert!(problem.message.contains("run STRANGER of another workspace"), "{problem}");
    // A plan that was drawn after it knows of it.
    assert_eq!(world.run().1, Status::Succeeded);
}

#[test]
fn a_clock_that_jumps_back_ends_nothing_before_it_began() {
    let world = World::new();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    world.runner.act("silver.sales", Act::Hold);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| world.carry_out(&plan));
        world.runner.wait_held("silver.sales");
        world.clock.set_back(TimeDelta::hours(3));
        world.cancel.raise(crate::stop::Why::Asked);
        assert_eq!(run.join().unwrap(), Ok(Status::Cancelled));
    });
    let detail = world.detail(&plan.run);
    assert!(detail.run.started_at <= detail.run.ended_at);
    assert!(detail.steps.iter().all(|step| step.ended_at.is_none() || step.started_at <= step.ended_at));
}

#[test]
fn a_step_waits_for_tables_that_its_rules_look_at_and_works_when_they_fail() {
    let mut world = World::new();
    let products = Reference { layer: Layer::Gold, table: "products".into(), same_dates: false };
    world.pipeline.rulesets.push(Ruleset {
        layer: Layer::Gold,
        table: "daily".into(),
        file: "quality/daily.dqdl".into(),
        text: String::new(),
        references: BTreeMap::from([("products".to_owned(), products)]),
        warn: Vec::new(),
    });
    let began = |world: &World| {
        let events = world.events.lock().unwrap();
        let begun = events.iter().filter_map(|event| match event {
            Event::Step { step, .. } if step.status == Status::Running => Some(step.id.clone()),
            _ => None,
        });
        let mut ids: Vec<String> = begun.collect();
        ids.dedup();
        let place = |id: &str| ids.iter().position(|known| known == id).unwrap();
        (place("gold.products"), place("gold.daily"))
    };
    let (plan, status) = world.run();
    assert_eq!(status, Status::Succeeded);
    assert_eq!(plan.step("gold.daily").unwrap().waits, ["gold.products"]);
    assert!(plan.step("gold.daily").unwrap().after.iter().all(|id| id != "gold.products"));
    let (products, daily) = began(&world);
    assert!(products < daily, "the rules of daily look at products");

    world.events.lock().unwrap().clear();
    world.runner.act("gold.products", Act::Fail);
    let plan = world.plan(ScopeAsk::all(), &[]);
    assert_eq!(world.carry_out(&plan).unwrap(), Status::Failed);
    assert!(world.statuses(&plan.run).contains(&"gold.daily succeeded".to_owned()));
}
