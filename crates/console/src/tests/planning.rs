//! What a plan holds.

use super::world::{Act, Shelf, World, contract, day, reads};
use crate::plan::{PlannedFile, RunPlan, RunScope};
use crate::ports::Sources;
use crate::{PlanInputs, Planned, ScopeAsk, plan_run};
use assay_contract::{Problem, ProblemKind, Status};
use assay_pipeline::{Environment, Guard, Pipeline};
use std::sync::atomic::Ordering;

fn dates(numbers: &[u32]) -> RunScope {
    RunScope::Dates(numbers.iter().copied().map(day).collect())
}

fn ids(plan: &RunPlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

fn paths(plan: &RunPlan) -> Vec<&str> {
    plan.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn the_first_plain_run_does_everything() {
    let plan = World::new().plan(ScopeAsk::missing(), &[]);
    insta::assert_snapshot!(plan.describe().join("\n"), @r"
    Run of shop in local: bronze, silver, gold, warehouse
    Dates: 3 dates, 2026-11-01 to 2026-11-03, inclusive
    Files: 3, 3.0 kB
      sales/date=2026-11-01/a.csv  1.0 kB
      sales/date=2026-11-02/a.csv  1.0 kB
      sales/date=2026-11-03/a.csv  1.0 kB
    Steps: 7
      bronze.sales
      silver.sales  after bronze.sales
      gold.enriched  after silver.sales
      gold.daily  after silver.sales, gold.enriched
      gold.products  after gold.enriched
      warehouse.enriched  after gold.enriched
      warehouse.products  after gold.products
    ");
}

#[test]
fn after_a_whole_run_nothing_is_left() {
    let world = World::new();
    assert_eq!(world.run().1, Status::Succeeded);
    assert!(world.nothing().contains("no file is new, changed or gone"));
    let mut world = world;
    world.pipeline.digest = "another".into();
    assert!(world.nothing().contains("The definition changed since run RUN1"));
}

#[test]
fn a_changed_file_brings_its_dates_and_all_that_it_touched_before() {
    let world = World::new();
    world.runner.strays.lock().unwrap().insert("sales/date=2026-11-02/a.csv".into(), vec![day(7)]);
    world.run();
    world.put(Some(2), 2222);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(plan.scope, dates(&[2, 7]));
    assert_eq!(paths(&plan), ["sales/date=2026-11-02/a.csv"]);
    assert_eq!(plan.files[0].known_dates, [day(2), day(7)]);
    // A file that strays into an asked date belongs to it too.
    world.put(Some(2), 1002);
    let plan = world.plan(ScopeAsk::dates(day(7), day(7)), &[]);
    assert_eq!((plan.scope.clone(), paths(&plan)), (dates(&[7]), vec!["sales/date=2026-11-02/a.csv"]));
    assert!(plan.widened.is_empty());
}

#[test]
fn asked_dates_widen_by_what_a_changed_file_leaves_behind() {
    let world = World::new();
    world.runner.strays.lock().unwrap().insert("sales/date=2026-11-02/a.csv".into(), vec![day(3)]);
    world.run();
    world.put(Some(2), 2222);
    let plan = world.plan(ScopeAsk::dates(day(2), day(2)), &[]);
    assert_eq!((plan.scope.clone(), plan.widened.clone()), (dates(&[2, 3]), vec![day(3)]));
    assert_eq!(paths(&plan), ["sales/date=2026-11-02/a.csv", "sales/date=2026-11-03/a.csv"]);
    assert!(plan.describe().iter().any(|line| line.ends_with("contributed to them before: 2026-11-03")));
    let gold = world.plan(ScopeAsk::dates(day(2), day(2)), &["gold"]);
    assert_eq!((gold.scope, gold.files), (dates(&[2]), vec![]), "without silver nothing widens");
}

#[test]
fn a_vanished_file_takes_its_dates_with_it_once() {
    let world = World::new();
    world.run();
    world.remove(2);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!((plan.scope.clone(), plan.files.len(), plan.vanished.len()), (dates(&[2]), 0, 1));
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    world.nothing();
}

#[test]
fn a_vanished_file_is_not_forgotten_while_a_date_of_it_is_left() {
    let world = World::new();
    world.runner.strays.lock().unwrap().insert("sales/date=2026-11-02/a.csv".into(), vec![day(7)]);
    world.run();
    world.remove(2);
    let plan = world.plan(ScopeAsk::dates(day(2), day(2)), &[]);
    assert!(plan.vanished.is_empty());
    world.carry_out(&plan).unwrap();
    assert_eq!(world.plan(ScopeAsk::missing(), &[]).scope, dates(&[2, 7]));
}

#[test]
fn what_failed_in_gold_is_picked_up_without_silver() {
    let world = World::new();
    world.runner.act("gold.daily", Act::Fail);
    world.runner.act("warehouse.products", Act::Fail);
    assert_eq!(world.run().1, Status::Failed);
    world.runner.acts.lock().unwrap().clear();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(ids(&plan), ["gold.daily", "warehouse.products"]);
    assert_eq!((plan.scope.clone(), plan.files.len()), (dates(&[1, 2, 3]), 0));
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    world.nothing();
}

#[test]
fn a_new_date_does_not_drag_old_dates_through_silver() {
    let world = World::new();
    world.runner.act("warehouse.enriched", Act::Fail);
    world.run();
    world.runner.acts.lock().unwrap().clear();
    world.put(Some(4), 4);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(plan.scope, dates(&[1, 2, 3, 4]));
    assert_eq!(paths(&plan), ["sales/date=2026-11-04/a.csv"]);
    world.runner.effects.lock().unwrap().clear();
    assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded));
    let effects = world.runner.effects.lock().unwrap().clone();
    let scope = |id: &str| effects.iter().find(|(step, _)| step == id).map(|(_, scope)| scope.clone());
    assert_eq!(scope("silver.sales"), Some(dates(&[4])));
    assert_eq!(scope("gold.enriched"), Some(dates(&[4])));
    assert_eq!(scope("warehouse.enriched"), Some(dates(&[1, 2, 3, 4])));
    world.nothing();
}

#[test]
fn a_run_of_one_stage_leaves_the_others_pending() {
    let world = World::new();
    world.carry_out(&world.plan(ScopeAsk::missing(), &["bronze", "silver"])).unwrap();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(
        ids(&plan),
        ["gold.enriched", "gold.daily", "gold.products", "warehouse.enriched", "warehouse.products"]
    );
    world.carry_out(&world.plan(ScopeAsk::all(), &["gold"])).unwrap();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(ids(&plan), ["warehouse.enriched", "warehouse.products"]);
    assert!(plan.steps.iter().all(|step| step.after.is_empty()));
    assert_eq!(plan.scope, RunScope::All, "gold was done for every date");
    world.carry_out(&plan).unwrap();
    world.nothing();
}

#[test]
fn a_step_waits_across_a_stage_that_is_left_out() {
    let plan = World::new().plan(ScopeAsk::all(), &["silver", "warehouse"]);
    let after: Vec<&[String]> = plan.steps.iter().map(|step| step.after.as_slice()).collect();
    assert_eq!(after, [&[] as &[String], &["silver.sales".into()], &["silver.sales".into()]]);
}

#[test]
fn stray_dates_go_on_through_every_layer() {
    let world = World::new();
    world.runner.strays.lock().unwrap().insert("sales/date=2026-11-02/a.csv".into(), vec![day(9)]);
    world.run();
    let effects = world.runner.effects.lock().unwrap().clone();
    for (step, scope) in effects.iter().filter(|(step, _)| step.starts_with("gold") || step.starts_with("ware")) {
        assert_eq!(*scope, dates(&[1, 2, 3, 9]), "{step}");
    }
    world.nothing();
}

#[test]
fn a_first_file_without_a_date_asks_for_everything_and_a_later_one_for_itself() {
    let world = World::new();
    world.put(None, 7);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!((plan.scope.clone(), plan.files.len()), (RunScope::All, 4));
    world.runner.strays.lock().unwrap().insert("sales/late.csv".into(), vec![day(2), day(5)]);
    world.carry_out(&plan).unwrap();
    world.nothing();
    // Its content changed: the dates that it held, all of their files, and what reading it will tell.
    world.put(None, 8);
    world.runner.strays.lock().unwrap().insert("sales/late.csv".into(), vec![day(6)]);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!(plan.scope, dates(&[2, 5]));
    assert_eq!(paths(&plan), ["sales/date=2026-11-02/a.csv", "sales/late.csv"]);
    world.runner.effects.lock().unwrap().clear();
    world.carry_out(&plan).unwrap();
    let effects = world.runner.effects.lock().unwrap().clone();
    let gold = effects.iter().find(|(step, _)| step == "gold.enriched").unwrap();
    assert_eq!(gold.1, dates(&[2, 5, 6]), "the date that was found follows");
    world.nothing();
}

#[test]
fn a_later_file_without_a_date_takes_no_other_file_along() {
    let world = World::new();
    world.run();
    world.put(None, 7);
    world.runner.strays.lock().unwrap().insert("sales/late.csv".into(), vec![day(2)]);
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert_eq!((plan.scope.clone(), paths(&plan)), (dates(&[]), vec!["sales/late.csv"]));
    assert_eq!(plan.dates_words(), "dates found in 1 file");
    world.carry_out(&plan).unwrap();
    world.nothing();
}

#[test]
fn a_table_that_failed_beside_one_of_the_same_source_is_picked_up() {
    let mut world = World::new();
    world.pipeline.contracts.push(contract("refunds"));
    world.runner.act("silver.sales", Act::Fail);
    assert_eq!(world.run().1, Status::Failed);
    world.runner.acts.lock().unwrap().clear();
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert!(ids(&plan).contains(&"silver.sales") && !ids(&plan).contains(&"silver.refunds"), "{:?}", ids(&plan));
    assert_eq!(plan.files.len(), 3);
    world.carry_out(&plan).unwrap();
    world.nothing();
}

#[test]
fn senseless_requests_are_misuse() {
    let world = World::new();
    let check = |scope: ScopeAsk, stages: &[&str], says: &str| {
        let problem = world.ask(&World::request(scope, stages)).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Misuse, "{problem:?}");
        let text = format!("{} {}", problem.message, problem.advice.unwrap_or_default());
        assert!(text.contains(says), "{text}");
    };
    check(ScopeAsk::dates(day(3), day(1)), &[], "after its end 2026-11-01");
    check(ScopeAsk::dates(day(20), day(29)), &[], "hold dates from 2026-11-01 to 2026-11-03");
    check(ScopeAsk::missing(), &["sliver"], "Did you mean `silver`?");
}

#[test]
fn a_guard_stands_before_the_plan() {
    let mut world = World::new();
    world.environment.guard = Guard::Confirm;
    let mut request = World::request(ScopeAsk::missing(), &[]);
    assert_eq!(world.ask(&request).unwrap_err().kind, ProblemKind::Misuse);
    request.confirmed = Some("local".into());
    assert!(matches!(world.ask(&request).unwrap(), Planned::Run(_)));
    world.environment.guard = Guard::Locked;
    assert!(world.ask(&request).unwrap_err().message.contains("is locked"));
}

#[test]
fn models_that_cannot_be_ordered_are_named() {
    let world = World::new();
    let request = World::request(ScopeAsk::missing(), &[]);
    let circle = |model: &str| match model {
        "enriched" => vec!["gold.daily".to_owned()],
        _ => reads(model),
    };
    let problem = plan_run(&request, &world.inputs(&circle)).unwrap_err();
    assert_eq!(problem.message, "the models enriched, daily, products read each other in a circle");
    let unknown = |_: &str| vec!["salse".to_owned()];
    let problem = plan_run(&request, &world.inputs(&unknown)).unwrap_err();
    assert!(problem.message.contains("reads salse"), "{problem}");
    assert_eq!(problem.kind, ProblemKind::Definition);
}

#[test]
fn an_effect_that_was_never_journalled_still_reaches_the_steps_behind_it() {
    let world = World::new();
    world.run();
    world.runner.act("gold.products", Act::FailAfterEffect);
    let plan = world.plan(ScopeAsk::dates(day(2), day(2)), &["gold"]);
    assert_eq!(world.carry_out(&plan), Ok(Status::Failed));
    world.runner.acts.lock().unwrap().clear();
    // `enriched` and `daily` ended well; the failed table may have changed, and its load must follow either way.
    let plan = world.plan(ScopeAsk::missing(), &[]);
    assert!(ids(&plan).contains(&"warehouse.products"), "{:?}", ids(&plan));
    world.carry_out(&plan).unwrap();
    world.nothing();
}

#[test]
fn a_dated_plan_and_its_run_look_at_no_other_files() {
    let world = World::new();
    let stray = |date: u32, strays: &[u32]| {
        let path = format!("sales/date={}/a.csv", day(date));
        world.runner.strays.lock().unwrap().insert(path, strays.iter().copied().map(day).collect());
    };
    stray(4, &[2]);
    stray(2, &[3]);
    world.run();
    world.put(Some(2), 2222);
    world.remove(3);
    // As wide a look as there is, and a narrow one: the same plan.
    let ask = ScopeAsk::dates(day(2), day(2));
    struct Wide<'a>(&'a Shelf);
    impl Sources for Wide<'_> {
        fn files(&self, p: &Pipeline, e: &Environment) -> Result<Vec<PlannedFile>, Problem> {
            self.0.files(p, e)
        }
    }
    let wide =
        plan_run(&World::request(ask, &[]), &PlanInputs { sources: &Wide(&world.shelf), ..world.inputs(&reads) });
    world.shelf.1.store(0, Ordering::Relaxed);
    let narrow = world.plan(ask, &[]);
    let Planned::Run(wide) = wide.unwrap() else { panic!("nothing to do") };
    assert_eq!((&narrow.files, &narrow.vanished, &narrow.scope), (&wide.files, &wide.vanished, &wide.scope));
    assert_eq!(narrow.widened, [day(3)]);
    world.carry_out(&narrow).unwrap();
    assert_eq!(world.shelf.1.load(Ordering::Relaxed), 0);
}
