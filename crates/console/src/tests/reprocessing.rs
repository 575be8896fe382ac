//! Scope words, steps, feeds, and plans that someone looked at.

use super::world::{Act, Commit, World, contract, day, reads};
use crate::journal::Journal;
use crate::plan::detail::detail;
use crate::plan::{PlannedFile, RunPlan, RunScope};
use crate::{Planned, RunRequest, ScopeAsk, StepsAsk, plan_run};
use assay_contract::{PlanLoad, Problem, ProblemKind, ScopeWord, Status};
use assay_pipeline::{Feed, FileDates, Guard, SilverMode, Source};
use chrono::{NaiveDate, TimeDelta};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

fn dates(numbers: &[u32]) -> RunScope {
    RunScope::Dates(numbers.iter().copied().map(day).collect())
}

fn ids(plan: &RunPlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

fn planned(world: &World, request: &RunRequest) -> RunPlan {
    match world.ask(request).unwrap() {
        Planned::Run(plan) => *plan,
        other => panic!("{other:?}"),
    }
}

fn fed() -> World {
    let mut world = World::new();
    let feed = Feed::Kaggle { dataset: "a/b".into(), file: "f.csv".into() };
    world.pipeline.sources.push(Source {
        name: "events".into(),
        path: "events/*".into(),
        dates: FileDates::Folder,
        feed: Some(feed),
        ..world.pipeline.sources[0].clone()
    });
    let mut events = contract("events");
    events.source = "events".into();
    events.mode = SilverMode::Upsert { version: "at".into() };
    world.pipeline.contracts.push(events);
    world
}

fn landed(name: &str) -> PlannedFile {
    PlannedFile {
        source: "events".into(),
        path: format!("events/{name}.parquet"),
        size: 5,
        modified_ns: 1,
        folder_date: None,
        known_dates: Vec::new(),
    }
}

fn land(world: &World, file: &PlannedFile, found: u32) {
    world.runner.strays.lock().unwrap().insert(file.path.clone(), vec![day(found)]);
    world.runner.landing.lock().unwrap().push(file.clone());
    world.shelf.0.lock().unwrap().push(file.clone());
}

#[test]
fn failed_takes_the_steps_whose_last_try_failed_and_what_reads_them() {
    let world = World::new();
    world.run();
    world.runner.act("gold.enriched", Act::Fail);
    world.carry_out(&world.plan(ScopeAsk::dates(day(2), day(2)), &[])).unwrap();
    world.runner.acts.lock().unwrap().clear();
    world.put(Some(3), 3333);
    let plan = world.plan(ScopeAsk::failed(), &[]);
    assert_eq!(
        ids(&plan),
        ["gold.enriched", "gold.daily", "gold.products", "warehouse.enriched", "warehouse.products"]
    );
    assert_eq!((plan.scope.clone(), plan.files.len()), (dates(&[2]), 0), "the changed file is another word's");
    let elsewhere = ScopeAsk { between: Some((day(3), day(3))), ..ScopeAsk::failed() };
    assert!(
        matches!(world.ask(&World::request(elsewhere, &[])).unwrap(), Planned::Nothing(why) if why.contains("no step failed"))
    );
    world.carry_out(&plan).unwrap();
    assert!(matches!(world.ask(&World::request(ScopeAsk::failed(), &[])).unwrap(), Planned::Nothing(_)));
    assert_eq!(world.plan(ScopeAsk::missing(), &[]).scope, dates(&[3]));
}

#[test]
fn missing_can_be_cut_to_dates() {
    let world = World::new();
    let some = ScopeAsk { word: ScopeWord::Missing, between: Some((day(2), day(3))) };
    assert_eq!(world.plan(some, &[]).scope, dates(&[2, 3]));
    world.run();
    assert!(
        matches!(world.ask(&World::request(some, &[])).unwrap(), Planned::Nothing(why) if why.contains("2026-11-02 to"))
    );
}

#[test]
fn a_step_alone_and_from_a_step_on() {
    let world = World::new();
    world.run();
    let ask = |steps| RunRequest { steps, ..World::request(ScopeAsk::dates(day(2), day(2)), &[]) };
    let only = planned(&world, &ask(StepsAsk::Only("gold.enriched".into())));
    assert_eq!((ids(&only), only.stages.len()), (vec!["gold.enriched"], 1));
    let from = planned(&world, &ask(StepsAsk::From("gold.daily".into())));
    assert_eq!(ids(&from), ["gold.daily"]);
    let from = planned(&world, &ask(StepsAsk::From("gold.enriched".into())));
    assert_eq!(
        ids(&from),
        ["gold.enriched", "gold.daily", "gold.products", "warehouse.enriched", "warehouse.products"]
    );
    let problem = world.ask(&ask(StepsAsk::Only("gold.enrich".into()))).unwrap_err();
    assert!(problem.advice.unwrap().contains("gold.enriched"));
    world.carry_out(&only).unwrap();
    let left = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(ids(&left), ["gold.daily", "gold.products", "warehouse.enriched", "warehouse.products"]);
}

#[test]
fn a_silver_table_alone_leaves_its_sister_of_the_same_source_pending() {
    let mut world = World::new();
    world.pipeline.contracts.push(contract("refunds"));
    world.run();
    world.put(Some(2), 2222);
    let ask = RunRequest { steps: StepsAsk::Only("silver.sales".into()), ..World::request(ScopeAsk::missing(), &[]) };
    world.carry_out(&planned(&world, &ask)).unwrap();
    let left = world.plan(ScopeAsk::missing(), &["silver"]);
    assert_eq!((ids(&left), left.scope.clone()), (vec!["silver.refunds"], dates(&[2])));
}

#[test]
fn a_feed_is_always_looked_at_and_nothing_new_goes_no_further() {
    let world = fed();
    let (first, second) = (landed("one"), landed("two"));
    land(&world, &first, 1);
    // The files are there before the first run, so that it reads everything.
    assert_eq!(world.run().1, Status::Succeeded);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert!(plan.steps.iter().all(|step| step.follows), "{plan:?}");
    assert_eq!(ids(&plan), ["bronze.events", "silver.events"]);
    assert_eq!(plan.dates_words(), "dates of what the feeds bring");
    world.runner.effects.lock().unwrap().clear();
    assert_eq!(world.carry_out(&plan), Ok(Status::Skipped));
    assert_eq!(world.statuses(&plan.run), ["bronze.events skipped", "silver.events skipped"]);
    let effects = || world.runner.effects.lock().unwrap().iter().map(|(step, _)| step.clone()).collect::<Vec<_>>();
    assert_eq!(effects(), ["bronze.events"]);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    land(&world, &second, 6);
    world.runner.read.lock().unwrap().clear();
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    assert_eq!(*world.runner.read.lock().unwrap(), std::slice::from_ref(&second.path));
    assert!(
        world
            .plan(ScopeAsk::dates(day(6), day(6)), &[])
            .files
            .contains(&PlannedFile { known_dates: vec![day(6)], ..second })
    );
}

#[test]
fn the_first_run_of_a_feed_makes_its_table_whatever_comes() {
    let world = fed();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    let scope = |id: &str| plan.scope_of(plan.step(id).unwrap()).clone();
    assert_eq!((scope("bronze.events"), scope("silver.events")), (dates(&[]), RunScope::All));
    land(&world, &landed("one"), 4);
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    assert!(world.runner.read.lock().unwrap().contains(&"events/one.parquet".to_owned()));
    assert!(world.plan(ScopeAsk::missing(), &[]).steps.iter().all(|step| step.follows));
}

#[test]
fn a_bronze_step_of_asked_dates_looks_at_its_feed_too_and_what_comes_goes_along() {
    let world = fed();
    land(&world, &landed("one"), 2);
    world.run();
    let plan = world.plan(ScopeAsk::dates(day(2), day(2)), &[]);
    assert_eq!(
        plan.steps.iter().filter(|step| step.feeds).map(|step| step.id.as_str()).collect::<Vec<_>>(),
        ["bronze.events"]
    );
    let told = detail(&plan, &world.inputs(&reads)).unwrap();
    assert!(told.steps.iter().any(|step| step.id == "bronze.events" && step.feeds));
    land(&world, &landed("two"), 6);
    world.runner.read.lock().unwrap().clear();
    world.carry_out(&plan).unwrap();
    let read = world.runner.read.lock().unwrap().clone();
    assert!(
        read.contains(&"events/one.parquet".to_owned()) && read.contains(&"events/two.parquet".to_owned()),
        "{read:?}"
    );
    let silver = world.plan(ScopeAsk::dates(day(2), day(2)), &["silver"]);
    assert!(silver.steps.iter().all(|step| !step.feeds), "without bronze nothing is fetched");
}

#[test]
fn what_a_feed_brought_is_read_by_the_attempt_that_finishes_the_run() {
    let world = fed();
    land(&world, &landed("one"), 1);
    world.run();
    world.runner.act("silver.events", Act::Fail);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    land(&world, &landed("two"), 6);
    assert_eq!(world.carry_out(&plan), Ok(Status::Failed));
    world.runner.acts.lock().unwrap().clear();
    world.runner.read.lock().unwrap().clear();
    let ask = crate::resume::ResumeAsk { run: None, confirmed: None, asked_by: "tester" };
    let resumed = crate::resume(&ask, &world.inputs(&reads), &world.state()).unwrap();
    assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
    assert_eq!(*world.runner.read.lock().unwrap(), ["events/two.parquet"]);
}

#[test]
fn a_first_run_that_fails_behind_its_feed_is_finished() {
    let world = fed();
    world.runner.act("gold.daily", Act::Fail);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    land(&world, &landed("one"), 4);
    assert_eq!(world.carry_out(&plan), Ok(Status::Failed));
    world.runner.acts.lock().unwrap().clear();
    let ask = crate::resume::ResumeAsk { run: None, confirmed: None, asked_by: "tester" };
    let resumed = crate::resume(&ask, &world.inputs(&reads), &world.state()).unwrap();
    assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
    // What another run found there since is still none of this run's.
    world.runner.act("gold.daily", Act::Fail);
    let plan = world.plan(ScopeAsk::all(), &[]);
    assert_eq!(world.carry_out(&plan), Ok(Status::Failed));
    world.runner.acts.lock().unwrap().clear();
    land(&world, &landed("two"), 5);
    world.run();
    let problem =
        crate::resume(&crate::resume::ResumeAsk { run: Some(&plan.run), ..ask }, &world.inputs(&reads), &world.state());
    let text = problem.unwrap_err().message;
    assert!(text.contains("events/two.parquet was read by another run") && !text.contains("one.parquet"), "{text}");
}

#[test]
fn a_new_file_of_an_upsert_source_takes_no_other_file_along() {
    let mut world = World::new();
    world.pipeline.contracts[0].mode = SilverMode::Upsert { version: "at".into() };
    assert_eq!(world.plan(ScopeAsk::missing(), &[]).scope, RunScope::All, "the first time");
    world.run();
    let beside = world.shelf.0.lock().unwrap()[1].clone();
    world.shelf.0.lock().unwrap().push(PlannedFile { path: "sales/date=2026-11-02/b.csv".into(), ..beside });
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!((plan.scope.clone(), plan.files.len()), (dates(&[]), 1));
    world.carry_out(&plan).unwrap();
    // A changed one needs everything that contributed to its dates.
    world.put(Some(2), 2222);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!((plan.scope.clone(), plan.files.len()), (dates(&[2]), 2));
    world.carry_out(&plan).unwrap();
    world.remove(3);
    assert_eq!(world.plan(ScopeAsk::missing(), &[]).scope, RunScope::All);
}

#[test]
fn a_plan_that_someone_looked_at_is_refused_when_a_table_moved() {
    let world = World::new();
    world.run();
    let exact = RunRequest { exact: true, ..World::request(ScopeAsk::dates(day(1), day(1)), &["gold"]) };
    let plan = planned(&world, &exact);
    assert_eq!(plan.versions["gold.daily"], Some(0));
    let other = world.plan(ScopeAsk::dates(day(2), day(2)), &["gold"]);
    world.carry_out(&other).unwrap();
    world.runner.effects.lock().unwrap().clear();
    let problem = world.carry_out(&plan).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    assert!(
        problem.message.contains(&format!("gold.daily is at version 1 and was at 0 (run {})", other.run)),
        "{problem}"
    );
    assert!(world.runner.effects.lock().unwrap().is_empty());
    let again = planned(&world, &exact);
    world.runner.act("gold.products", Act::Fail);
    assert_eq!(world.carry_out(&again), Ok(Status::Failed));
    world.runner.acts.lock().unwrap().clear();
    // What the run itself committed before is no change of the world.
    let ask = crate::resume::ResumeAsk { run: None, confirmed: None, asked_by: "tester" };
    let resumed = crate::resume(&ask, &world.inputs(&reads), &world.state()).unwrap();
    assert_eq!(world.execute(&resumed.plan), Ok(Status::Succeeded));
}

#[test]
fn looking_at_a_plan_asks_no_guard_and_allows_nothing() {
    let mut world = World::new();
    world.environment.guard = Guard::Confirm;
    world.environment.needs_reason = true;
    let mut request = World::request(ScopeAsk::missing(), &[]);
    request.reason = String::new();
    assert!(world.ask(&request).is_err());
    request.looking = true;
    let plan = planned(&world, &request);
    assert!(plan.permit.check("local", plan.queued_at).is_err());
    assert!(world.journal.actions(9).unwrap().is_empty(), "a look is no action");
}

#[test]
fn a_detail_tells_what_is_replaced_and_how_long_it_may_take() {
    let world = World::new();
    world.run();
    let request = RunRequest { exact: true, ..World::request(ScopeAsk::dates(day(2), day(3)), &[]) };
    let told = detail(&planned(&world, &request), &world.inputs(&reads)).unwrap();
    let gold = told.steps.iter().find(|step| step.id == "gold.daily").unwrap().table.clone().unwrap();
    assert_eq!((gold.rows_replaced, gold.rows_kept, gold.partitions_total, gold.whole), (20, 10, 2, false));
    assert_eq!(gold.partitions.iter().map(|part| part.date.as_str()).collect::<Vec<_>>(), ["2026-11-02", "2026-11-03"]);
    let whole = told.steps.iter().find(|step| step.id == "gold.products").unwrap().table.clone().unwrap();
    assert_eq!((whole.rows_replaced, whole.whole), (10, true));
    assert_eq!((told.files_total, told.bytes), (2, 2005));
    assert_eq!((told.definition.same, told.definition.original_run.as_deref()), (Some(true), Some("RUN1")));
    assert_eq!((told.estimate.milliseconds, told.estimate.runs), (Some(0), 1));
    assert!(told.estimate.unknown.is_empty());
    assert_eq!(told.dates, "2 dates, 2026-11-02 to 2026-11-03");
}

#[test]
fn a_detail_tells_what_is_replaced_of_refused_records_and_in_the_warehouse() {
    let world = World::new();
    world.run();
    let refused = [Some(day(1)), Some(day(2)), None].map(|date| (date, "refused".to_owned()));
    let newest = |tables: &mut BTreeMap<String, Vec<Commit>>| {
        tables.get_mut("quarantine.sales").unwrap().last_mut().unwrap().content.extend(refused);
    };
    newest(&mut world.runner.lake.tables.lock().unwrap());
    let request = RunRequest { exact: true, ..World::request(ScopeAsk::dates(day(2), day(3)), &[]) };
    let plan = planned(&world, &request);
    let step =
        |id: &str| detail(&plan, &world.inputs(&reads)).unwrap().steps.into_iter().find(|step| step.id == id).unwrap();
    let sales = step("silver.sales").quarantine.unwrap();
    assert_eq!((sales.rows_replaced, sales.rows_kept, sales.rows_undated, sales.partitions_total), (10, 10, 10, 1));
    assert_eq!((step("silver.sales").loaded, step("gold.daily").quarantine), (None, None));
    let load = |replaced, kept, source: &str| {
        Some(PlanLoad { rows_replaced: replaced, rows_kept: kept, source: source.into() })
    };
    assert_eq!(step("warehouse.enriched").loaded, load(Some(20), Some(30), "as last loaded"));
    assert_eq!(step("warehouse.products").loaded, load(Some(50), Some(0), "counted now"));
    *world.runner.lake.warehouse.lock().unwrap() = Err(Problem::new(ProblemKind::Failed, "it is down"));
    assert_eq!(step("warehouse.enriched").loaded, load(None, None, "not known: it is down"));
    assert_eq!(step("warehouse.products").loaded, load(None, None, "not known: it is down"));
}

/// Ten years and fifty tables: what is asked of the ports does not grow with either.
#[test]
fn a_plan_asks_each_port_a_few_times_whatever_it_covers() {
    let ask = |tables: usize, days: i64| {
        let mut world = World::new();
        let model = world.pipeline.models[1].clone();
        world.pipeline.models.truncate(1);
        for number in 0..tables {
            let name = format!("model_{number}");
            world.pipeline.models.push(assay_pipeline::Model { name, ..model.clone() });
        }
        world.pipeline.warehouse = None;
        let first = NaiveDate::from_ymd_opt(2016, 1, 1).unwrap();
        *world.shelf.0.lock().unwrap() = (0..days)
            .map(|number| {
                let date = first + TimeDelta::days(number);
                PlannedFile {
                    source: "sales".into(),
                    path: format!("sales/date={date}/a.csv"),
                    size: 1,
                    modified_ns: 1,
                    folder_date: Some(date),
                    known_dates: Vec::new(),
                }
            })
            .collect();
        let simple = |model: &str| if model == "enriched" { vec!["sales".into()] } else { vec!["enriched".into()] };
        let last = first + TimeDelta::days(days - 1);
        let request = RunRequest { exact: true, ..World::request(ScopeAsk::dates(first, last), &[]) };
        let inputs = world.inputs(&simple);
        let Planned::Run(plan) = plan_run(&request, &inputs).unwrap() else { panic!() };
        let told = detail(&plan, &inputs).unwrap();
        assert_eq!((told.files_total as i64, told.steps.len()), (days, tables + 3));
        // A plan is kept in the journal: its size must not be tables times dates.
        let size = serde_json::to_string(&*plan).unwrap().len() as i64;
        (world.runner.lake.asked.load(Ordering::Relaxed), size / (days + tables as i64))
    };
    let (few, _) = ask(2, 10);
    let (many, size) = ask(50, 3650);
    assert_eq!((few, many), (2, 2), "calls");
    assert!(size < 600, "{size} bytes for each date and table");
}
