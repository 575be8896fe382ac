//! Tables and values that cannot be landed are refused by name, and never with a value.

use crate::cluster::{Cluster, shared};
use crate::postgres::{feed, land};
use crate::support::World;
use assay_extract::{ExtractError, Origin, Quiet};
use assay_postgres::{Ambient, Server};

async fn refusal(cluster: &Cluster, setup: &str, table: &str, key: &[&str], watermark: Option<&str>) -> String {
    let world = World::new(&[]);
    cluster.client().await.batch_execute(setup).await.unwrap();
    let error = land(&world, cluster, &feed(table, key, watermark, 10), "r1", &Quiet).await.unwrap_err();
    assert!(world.listed("bronze").is_empty());
    assert!(!matches!(error, ExtractError::Query { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn types_without_an_exact_place_are_named_all_at_once() {
    let cluster = shared().await;
    let setup = "CREATE SCHEMA odd_types; CREATE DOMAIN odd_types.email AS text; CREATE TYPE odd_types.mood AS ENUM ('x'); \
                 CREATE TABLE odd_types.t (id int PRIMARY KEY, raw bytea, list int[], mail odd_types.email, \
                 feeling odd_types.mood, at time, fine text)";
    let text = refusal(&cluster, setup, "odd_types.t", &["id"], None).await;
    for named in
        ["raw has the type bytea", "list has the type integer[]", "mail has the type odd_types.email", "feeling", "at"]
    {
        assert!(text.contains(named), "{named}: {text}");
    }
    assert!(!text.contains("fine"), "{text}");
}

#[tokio::test]
async fn a_key_must_identify_a_row() {
    let cluster = shared().await;
    let setup = "CREATE SCHEMA keys; CREATE TABLE keys.t (a int NOT NULL, b int NOT NULL, c int, d float8 NOT NULL UNIQUE, \
                 UNIQUE (a, b), UNIQUE (c)); CREATE UNIQUE INDEX ON keys.t (b) WHERE a > 0; \
                 CREATE TABLE keys.parent (id int PRIMARY KEY); CREATE TABLE keys.child () INHERITS (keys.parent)";
    let text = refusal(&cluster, setup, "keys.t", &["a"], None).await;
    assert!(text.contains("its key a may hold a value twice"), "{text}");
    for (key, words) in [
        (&["b"][..], "may hold a value twice"),
        (&["c"], "may hold a value twice or none"),
        (&["x"], "it has no columns x"),
        (&[], "it has no columns"),
        (&["d"], "cannot be part of the key"),
    ] {
        let text = refusal(&cluster, "", "keys.t", key, None).await;
        assert!(text.contains(words), "{text}");
    }
    let text = refusal(&cluster, "", "keys.parent", &["id"], None).await;
    assert!(text.contains("inherit"), "{text}");
    let world = World::new(&[]);
    // In any order.
    for key in [["a", "b"], ["b", "a"]] {
        land(&world, &cluster, &feed("keys.t", &key, None, 10), "r1", &Quiet).await.unwrap();
    }
}

#[tokio::test]
async fn names_that_are_not_there_are_said() {
    let cluster = shared().await;
    let setup = "CREATE SCHEMA names; CREATE TABLE names.t (id int PRIMARY KEY, note text)";
    let text = refusal(&cluster, setup, "names.other", &["id"], None).await;
    assert!(text.contains("there is no such table"), "{text}");
    assert!(refusal(&cluster, "", "t", &["id"], None).await.contains("schema.table"));
    assert!(refusal(&cluster, "", "names.t", &["id"], Some("x")).await.contains("no column x, which is the watermark"));
    assert!(refusal(&cluster, "", "names.t", &["id"], Some("note")).await.contains("note cannot be the watermark"));
}

#[tokio::test]
async fn values_without_an_exact_place_are_told_by_row_and_column() {
    let setup = "CREATE SCHEMA no_place; CREATE TABLE no_place.t (id int PRIMARY KEY, d date, at timestamptz, n numeric(5,2), free numeric); \
                 INSERT INTO no_place.t (id) SELECT i FROM generate_series(1001, 1025) i";
    let (cluster, world) = (shared().await, World::new(&[]));
    let client = cluster.client().await;
    client.batch_execute(setup).await.unwrap();
    for (column, value, what) in [
        ("d", "infinity", "an infinite date"),
        ("at", "-infinity", "an infinite date or time"),
        ("n", "NaN", "a NaN"),
        ("free", "NaN", "a NaN"),
        ("free", "-Infinity", "an infinite number"),
    ] {
        client.batch_execute(&format!("UPDATE no_place.t SET {column} = '{value}' WHERE id = 1012")).await.unwrap();
        let error = land(&world, &cluster, &feed("no_place.t", &["id"], None, 5), "r1", &Quiet).await.unwrap_err();
        let text = error.to_string();
        let place = format!("the column {column} of no_place.t holds {what}");
        assert!(text.starts_with(&place) || text.contains(what), "{text}");
        assert!(text.contains("in row 12 of this landing in the order of id"), "{text}");
        assert!(!text.contains("1012"), "{text}");
        client.batch_execute(&format!("UPDATE no_place.t SET {column} = NULL WHERE id = 1012")).await.unwrap();
        world.pass(1);
    }
    // The pages before it are kept, and the corrected row comes.
    let landed = land(&world, &cluster, &feed("no_place.t", &["id"], None, 5), "r1", &Quiet).await.unwrap();
    assert_eq!(world.rows(&landed).len(), 25);
}

#[tokio::test]
async fn rows_that_a_policy_hides_do_not_go_missing_unsaid() {
    let (cluster, world) = (shared().await, World::new(&[]));
    let setup = "CREATE SCHEMA hidden; CREATE TABLE hidden.t (id int PRIMARY KEY); INSERT INTO hidden.t VALUES (1), (2); \
                 CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA hidden TO reader; GRANT SELECT ON hidden.t TO reader; \
                 ALTER TABLE hidden.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hidden.t USING (id = 1)";
    cluster.client().await.batch_execute(setup).await.unwrap();
    let server = cluster.server("reader");
    let origin = Origin::Postgres { server: &server, snapshot: None };
    let error = world.land(&feed("hidden.t", &["id"], None, 10), origin, "r1", false, &Quiet).await.unwrap_err();
    assert!(matches!(error, ExtractError::Query { .. }), "{error}");
    assert!(error.to_string().contains("row-level security"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_without_the_password() {
    let world = World::new(&[]);
    let server = Server::url("postgresql://ann:s3cret@127.0.0.1:1/shop", &Ambient::default()).unwrap();
    let origin = Origin::Postgres { server: &server, snapshot: None };
    let error = world.land(&feed("a.t", &["id"], None, 10), origin, "r1", false, &Quiet).await.unwrap_err();
    assert!(matches!(error, ExtractError::Connect(_)), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1/shop") && !format!("{error:?}").contains("s3cret"), "{error:?}");
}
