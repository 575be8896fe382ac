//! Putting refused records through again: plans, refusals, and what a stop leaves behind.

use super::world::{Act, Commit, World, day, reads};
use crate::journal::{Journal, Pending};
use crate::plan::detail::detail;
use crate::plan::{Replay, RunPlan};
use crate::ports::{Refused, RefusedGroup};
use crate::resume::{ResumeAsk, resume};
use crate::{ReplayAsk, RunScope, ScopeAsk, Work, plan_replay};
use assay_contract::{Problem, ProblemKind, Status};
use chrono::NaiveDate;
use std::collections::BTreeMap;

fn file(number: u32) -> String {
    format!("sales/date={}/a.csv", day(number))
}

/// A world after its first run, with refused records.
fn world() -> World {
    let world = World::new();
    world.run();
    let group = |date: Option<u32>, reason: &str, records| RefusedGroup {
        date: date.map(day),
        reason: reason.into(),
        path: file(date.unwrap_or(3)),
        records,
    };
    let groups = vec![
        group(None, "type.date", 1),
        group(Some(1), "range.n", 3),
        group(Some(1), "type.x", 2),
        group(Some(2), "range.n", 4),
    ];
    *world.runner.lake.refused.lock().unwrap() = Some(Refused { version: 0, groups });
    world
}

fn ask(world: &World, between: Option<(NaiveDate, NaiveDate)>, reasons: &[&str]) -> Result<RunPlan, Problem> {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    let ask = ReplayAsk {
        table: "sales",
        between,
        reasons: &reasons,
        confirmed: None,
        reason: "corrected",
        asked_by: "tester",
        looking: false,
    };
    plan_replay(&ask, &world.inputs(&reads))
}

fn of(plan: &RunPlan) -> &Replay {
    let Work::Replay(replay) = &plan.work else { panic!("{:?}", plan.work) };
    replay
}

#[test]
fn a_plan_names_records_files_versions_and_what_follows() {
    let world = world();
    let plan = ask(&world, Some((day(1), day(2))), &["range.n"]).unwrap();
    assert_eq!(
        plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
        ["silver.sales", "gold.enriched", "gold.daily", "gold.products", "warehouse.enriched", "warehouse.products"]
    );
    assert_eq!(plan.scope, RunScope::Dates(vec![day(1), day(2)]));
    let replay = of(&plan);
    assert_eq!(replay.records, BTreeMap::from([("range.n".to_owned(), 7)]));
    assert_eq!((replay.quarantine, &replay.dates), (0, &Some(vec![day(1), day(2)])));
    assert_eq!(replay.ledger.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>(), [file(1), file(2)]);
    assert_eq!(plan.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), [file(1), file(2)]);
    assert_eq!(plan.versions["silver.sales"], Some(0));
    assert_eq!(plan.versions["quarantine.sales"], Some(0));
    assert_eq!(plan.versions["gold.daily"], Some(0));
    assert!(plan.step("silver.sales").unwrap().downstream.contains(&"silver.sales".to_owned()));
    // The quarantine has four partitions of ten records: those of the replay leave, the others stay.
    let newest = |tables: &mut BTreeMap<String, Vec<Commit>>| {
        let content = [Some(day(1)), Some(day(2)), Some(day(3)), None].map(|date| (date, "refused".to_owned()));
        tables.get_mut("quarantine.sales").unwrap().last_mut().unwrap().content.extend(content);
    };
    newest(&mut world.runner.lake.tables.lock().unwrap());
    let told = detail(&plan, &world.inputs(&reads)).unwrap().steps.remove(0).quarantine.unwrap();
    assert_eq!((told.rows_replaced, told.rows_kept, told.rows_undated), (7, 33, 0));
    // Without dates those that have none go along; a file that changed since is not there as it was read.
    world.put(Some(3), 7777);
    let plan = ask(&world, None, &[]).unwrap();
    assert_eq!((of(&plan).dates.clone(), of(&plan).records.values().sum::<u64>()), (None, 10));
    assert_eq!(of(&plan).ledger.len(), 3);
    assert_eq!(plan.files.len(), 2);
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    let actions = world.journal.actions(2).unwrap();
    assert_eq!((actions[1].what.as_str(), actions[1].reason.as_str()), ("replay", "corrected"));
    assert_eq!(world.journal.pending("shop", "local").unwrap(), []);
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let world = world();
    let refused = |between, reasons: &[&str]| ask(&world, between, reasons).unwrap_err().message;
    assert!(refused(Some((day(5), day(6))), &[]).contains("no refused records"));
    assert!(refused(Some((day(2), day(2))), &["type.x"]).contains("no refused records"));
    assert!(refused(None, &["range.m"]).contains("reason code"));
    assert!(refused(Some((day(2), day(1))), &[]).contains("begins at"));
    *world.runner.lake.refused.lock().unwrap() = None;
    assert!(refused(None, &[]).contains("no refused records"));
}

#[test]
fn a_table_that_moved_on_refuses_the_plan() {
    let world = world();
    let plan = ask(&world, None, &["range.n"]).unwrap();
    world.put(Some(2), 2222);
    world.run();
    let refusal = world.carry_out(&plan).unwrap_err();
    assert_eq!(refusal.kind, ProblemKind::Conflict, "{refusal:?}");
}

#[test]
fn a_replay_that_stopped_half_way_is_resumed_or_mended_by_a_plain_run() {
    for mend in [true, false] {
        let world = world();
        let plan = ask(&world, Some((day(1), day(1))), &[]).unwrap();
        world.runner.act("silver.sales", Act::FailAfterEffect);
        assert_eq!(world.carry_out(&plan), Ok(Status::Failed));
        world.runner.acts.lock().unwrap().clear();
        let mark = Pending { step: "silver.sales".into(), date: Some(day(1)) };
        assert!(world.journal.pending("shop", "local").unwrap().contains(&mark));
        let refused = ask(&world, None, &[]).unwrap_err();
        assert!(refused.message.contains("left dates of silver.sales undone"), "{refused:?}");
        if mend {
            let plan = world.plan(ScopeAsk::missing(), &[]);
            assert_eq!(plan.scope, RunScope::Dates(vec![day(1)]));
            assert_eq!(plan.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), [file(1)]);
            assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
        } else {
            let ask = ResumeAsk { run: None, confirmed: None, asked_by: "tester" };
            let resumed = resume(&ask, &world.inputs(&reads), &world.state()).unwrap();
            assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
        }
        assert_eq!(world.journal.pending("shop", "local").unwrap(), []);
    }
}
