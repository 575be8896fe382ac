//! Rulesets beside their tables, masked columns, retention.

use super::*;
use crate::{Layer, Reference, Retention};

const RULES: &str = "Rules = [ IsComplete \"id\" ]\n";

/// The small pipeline with rules of its silver table and of one model.
fn with_rules(silver: &str, daily: &str) -> TempDir {
    let silver = format!("partition = \"date\"\n{silver}\n\n[silver.sales.columns]");
    let daily = format!("[gold.daily]\n{daily}");
    let folder = write(&[("partition = \"date\"\n\n[silver.sales.columns]", &silver), ("[gold.daily]", &daily)]);
    std::fs::create_dir(folder.path().join("quality")).unwrap();
    std::fs::write(folder.path().join("quality/sales.dqdl"), RULES).unwrap();
    std::fs::write(folder.path().join("quality/daily.dqdl"), RULES).unwrap();
    folder
}

#[test]
fn a_ruleset_is_read_with_what_the_definition_says_of_it() {
    let quality = r#"quality = { rules = "quality/sales.dqdl", warn = ["IsComplete \"id\""] }"#;
    let daily = r#"quality = { rules = "quality/daily.dqdl", references = { sales = { table = "silver.sales", same_dates = true }, overall = "gold.overall" } }"#;
    let folder = with_rules(quality, daily);
    // The rules of `daily` look at `overall`, which reads it: that is a circle.
    insta::assert_snapshot!(shown(folder.path(), Pipeline::read(folder.path()).unwrap_err()), @r"pipeline.toml: models and their rules look at each other in a circle: daily looks at overall looks at daily");
    let folder = with_rules(quality, &daily.replace(", overall = \"gold.overall\"", ""));
    let pipeline = Pipeline::read(folder.path()).unwrap();
    let silver = pipeline.ruleset(Layer::Silver, "sales").unwrap();
    assert_eq!((silver.text.as_str(), silver.step().as_str()), (RULES, "silver.sales"));
    assert_eq!(silver.warn, ["IsComplete \"id\""]);
    let gold = pipeline.ruleset(Layer::Gold, "daily").unwrap();
    let expected = Reference { layer: Layer::Silver, table: "sales".into(), same_dates: true };
    assert_eq!(gold.references["sales"], expected);
    assert_eq!(pipeline.failing_rows, Retention { days: 30, runs: 50 });
    assert!(pipeline.ruleset(Layer::Gold, "overall").is_none());
    let digest = pipeline.digest;
    std::fs::write(folder.path().join("quality/daily.dqdl"), "Rules = [ IsComplete \"date\" ]\n").unwrap();
    assert_ne!(Pipeline::read(folder.path()).unwrap().digest, digest);
}

#[test]
fn models_are_built_after_those_that_their_rules_look_at() {
    let folder = write(&[
        ("[gold.overall]\nsql", "[gold.overall]\nquality = { rules = \"quality/o.dqdl\" }\nsql"),
        (
            "[gold.daily]",
            "[gold.first]\nsql = \"gold/first.sql\"\ngrain = [\"id\"]\nquality = { rules = \"quality/o.dqdl\", references = { days = \"gold.daily\" } }\n\n[gold.daily]",
        ),
    ]);
    std::fs::create_dir(folder.path().join("quality")).unwrap();
    std::fs::write(folder.path().join("quality/o.dqdl"), RULES).unwrap();
    std::fs::write(folder.path().join("gold/first.sql"), "select id from silver.sales").unwrap();
    let order: Vec<String> = Pipeline::read(folder.path()).unwrap().models.into_iter().map(|m| m.name).collect();
    assert_eq!(order, ["daily", "first", "overall"]);
}

#[test]
fn mistakes_of_rulesets_have_their_place() {
    let found: String = [
        (r#"quality = { warn = ["x"] }"#, ""),
        (r#"quality = { rules = "quality/sale.dqdl" }"#, ""),
        (r#"quality = { rules = "sales.dqdl", warm = [] }"#, ""),
        (r#"quality = { rules = "quality/sales.dqdl", references = { day = "gold.daily" } }"#, ""),
        (r#"quality = { rules = "quality/sales.dqdl", references = { Self = "silver.sales", primary = "silver.sale" } }"#, ""),
        ("", r#"quality = { rules = "quality/daily.dqdl", references = { s = { tabel = "silver.sales" } } }"#),
    ]
    .iter()
    .map(|(silver, daily)| brief_of(&with_rules(silver, daily), &[]))
    .collect();
    insta::assert_snapshot!(found, @r#"
    15:1 [quality] `rules` is missing
    15:21 ["quality/sale.dqdl"] this file does not exist in the pipeline's folder (quality/sales.dqdl?)
    15:21 ["sales.dqdl"] rules are a file `quality/<name>.dqdl` in the pipeline's folder
    15:35 [warm] the key `warm` is not known here; known are rules, references, warn (warn?)
    15:64 ["gold.daily"] `gold.daily` is filled after `silver.sales` is published, so rules cannot look at it
    15:58 [Self] `Self` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (self?)
    15:65 ["silver.sales"] a table is no reference of its own rules; they call it `primary`
    15:81 [primary] `primary` is the table that the rules judge
    15:91 ["silver.sale"] there is no table `silver.sale` in this pipeline (silver.sales?)
    27:58 [s] `table` is missing
    27:64 [tabel] the key `tabel` is not known here; known are table, same_dates (table?)
    "#);
}

#[test]
fn a_key_is_not_masked_and_retention_is_at_least_one() {
    insta::assert_snapshot!(
        brief(&[
            &[("amount = { type", "amount = { pii = true, type")],
            &[("id = { type", "id = { pii = true, type")],
            &[("date = { type", "date = { pii = true, type")],
            &[("[warehouse]\n", "[failing_rows]\ndays = 0\nruns = -1\nweeks = 2\n\n[warehouse]\n")],
        ]),
        @r#"
        accepted: [("amount = { type", "amount = { pii = true, type")]
        17:1 [id] `id` tells rows apart, so it cannot be masked; name no person in a key
        18:1 [date] `date` tells rows apart, so it cannot be masked; name no person in a key
        35:8 [0] `days` is a whole number of at least 1
        36:8 [-1] `runs` is a whole number of at least 1
        37:1 [weeks] the key `weeks` is not known here; known are days, runs
        "#
    );
}
