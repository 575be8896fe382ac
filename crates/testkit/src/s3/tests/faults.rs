//! Each fault does what it says, against the real server, and leaves the next request alone.

use super::{Scene, bytes, key, run};
use crate::s3::{Fault, Kind, Proxy, Rule};
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode};
use std::error::Error as _;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// The text of an error with all its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn put(scene: &Scene, name: &str, text: &'static str) -> Result<(), Error> {
    run(scene.store.put(&key(name), text.into())).map(|_| ())
}

fn get(scene: &Scene, name: &str) -> Result<Vec<u8>, Error> {
    run(async { Ok(scene.store.get(&key(name)).await?.bytes().await?.to_vec()) })
}

#[test]
fn without_rules_everything_passes_and_is_counted() {
    let (scene, proxy) = Scene::behind_proxy();
    let whole = bytes(11 << 20);
    run(async {
        let mut upload = scene.store.put_multipart(&key("a b/Ö=1+%.bin")).await.unwrap();
        for part in whole.chunks(6 << 20) {
            upload.put_part(part.to_vec().into()).await.unwrap();
        }
        upload.complete().await.unwrap();
        scene.store.put(&key("small"), "four".into()).await.unwrap();
        assert_eq!(scene.store.get_range(&key("small"), 1..3).await.unwrap(), "ou");
        scene.store.head(&key("small")).await.unwrap();
        scene.store.list_with_delimiter(None).await.unwrap();
        scene.store.delete(&key("small")).await.unwrap();
    });
    assert_eq!(get(&scene, "a b/Ö=1+%.bin").unwrap(), whole);
    assert!(proxy.is_quiet_within(PATIENCE));
    let counts = proxy.counts();
    let requests = |kind: Kind| counts.get(&kind).map_or(0, |count| count.requests);
    let kinds = [Kind::Begin, Kind::Part, Kind::Complete, Kind::Put, Kind::Get, Kind::Head, Kind::List];
    assert_eq!(kinds.map(requests), [1, 2, 1, 1, 2, 1, 1]);
    assert_eq!(requests(Kind::Delete) + requests(Kind::DeleteMany), 1);
    assert_eq!((counts[&Kind::Part].sent, counts[&Kind::Put].sent), (whole.len() as u64, 4));
    assert_eq!(counts[&Kind::Get].received, whole.len() as u64 + 2);
    assert!(proxy.struck().is_empty());
    proxy.forget();
    assert!(proxy.counts().is_empty());
}

#[test]
fn a_refused_put_never_reaches_the_server() {
    let (scene, proxy) = Scene::behind_proxy();
    for (fault, words) in [(Fault::InternalError, "InternalError"), (Fault::SlowDown, "SlowDown")] {
        proxy.set(vec![Rule::new(&[Kind::Put], &scene.at("log/*.json"), fault)]);
        put(&scene, "log/other", "passes").unwrap();
        let said = chain(&put(&scene, "log/1.json", "text").unwrap_err());
        assert!(said.contains(words) && said.contains(if words == "SlowDown" { "503" } else { "500" }), "{said}");
        assert_eq!(scene.bucket.list("log").unwrap().len(), 1);
        put(&scene, "log/1.json", "text").unwrap();
        scene.bucket.delete("log/1.json").unwrap();
        assert_eq!(proxy.struck().last().unwrap().0.key, scene.at("log/1.json"));
    }
}

#[test]
fn a_reset_comes_before_the_server_hears_of_it() {
    let (scene, proxy) = Scene::behind_proxy();
    proxy.set(vec![Rule::new(&[Kind::Put], "*", Fault::Reset).after(1).times(2)]);
    put(&scene, "a", "1").unwrap();
    for _ in 0..2 {
        let said = chain(&put(&scene, "b", "2").unwrap_err());
        assert!(said.contains("reset") || said.contains("closed"), "{said}");
    }
    assert_eq!(scene.bucket.list("").unwrap().len(), 1);
    put(&scene, "b", "2").unwrap();
    assert_eq!(proxy.count(Kind::Put).struck, 2);
}

#[test]
fn a_lost_answer_and_a_false_500_leave_the_object_there() {
    let (scene, proxy) = Scene::behind_proxy();
    for (name, fault) in [("a", Fault::LostAnswer), ("b", Fault::DoneAndError)] {
        proxy.set(vec![Rule::new(&[Kind::Put], "*", fault)]);
        let create = |text: &'static str| run(scene.store.put_opts(&key(name), text.into(), PutMode::Create.into()));
        create("first").unwrap_err();
        assert_eq!(scene.bucket.get(name).unwrap(), b"first");
        let again = create("second").unwrap_err();
        assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
        assert_eq!(get(&scene, name).unwrap(), b"first");
    }
}

#[test]
fn parts_and_the_end_of_an_object_in_parts_can_be_struck() {
    let (scene, proxy) = Scene::behind_proxy();
    let whole = bytes(5 << 20);
    let faults = [(Kind::Begin, false), (Kind::Part, false), (Kind::Complete, true)];
    for (kind, done) in faults {
        proxy.set(vec![Rule::new(&[kind], "*", Fault::LostAnswer)]);
        let name = format!("{kind:?}");
        run(async {
            let upload = async {
                let mut upload = scene.store.put_multipart(&key(&name)).await?;
                upload.put_part(whole.clone().into()).await?;
                upload.complete().await
            };
            upload.await.unwrap_err();
        });
        let there = scene.bucket.get(&name).ok();
        assert_eq!(there.as_ref() == Some(&whole), done, "{kind:?}");
        assert_eq!(there.is_some(), done, "{kind:?}");
    }
}

#[test]
fn a_cut_answer_is_not_taken_for_a_whole_one() {
    let (scene, proxy) = Scene::behind_proxy();
    let whole = bytes(100_000);
    scene.bucket.put("file", &whole).unwrap();
    proxy.set(vec![Rule::new(&[Kind::Get], &scene.at("file"), Fault::Cut)]);
    get(&scene, "file").unwrap_err();
    assert!(proxy.is_quiet_within(PATIENCE));
    assert_eq!(proxy.count(Kind::Get).received, 50_000);
    assert_eq!(get(&scene, "file").unwrap(), whole);
}

#[test]
fn a_slow_body_takes_its_time_both_ways() {
    let (scene, proxy) = Scene::behind_proxy();
    let whole = bytes(50_000);
    proxy.set(vec![Rule::new(&[Kind::Put, Kind::Get], "*", Fault::Slow(200_000)).always()]);
    let begin = Instant::now();
    run(scene.store.put(&key("file"), whole.clone().into())).unwrap();
    let put = begin.elapsed();
    assert_eq!(get(&scene, "file").unwrap(), whole);
    let get = begin.elapsed() - put;
    // A quarter of a second each, but for the steps.
    assert!(put > Duration::from_millis(180) && get > Duration::from_millis(180), "{put:?} {get:?}");
}

/// Holds a put, does something with the proxy, and gives how the put ended.
fn hold(scene: &Scene, proxy: &Proxy, name: &str, act: impl FnOnce()) -> Result<(), Error> {
    proxy.set(vec![Rule::new(&[Kind::Put], &scene.at(name), Fault::Hold)]);
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| put(scene, name, "held"));
        assert!(proxy.held(1, PATIENCE));
        assert!(!waiting.is_finished() && scene.bucket.get(name).is_err());
        act();
        waiting.join().unwrap()
    })
}

#[test]
fn a_held_request_waits_for_its_verdict() {
    let (scene, proxy) = Scene::behind_proxy();
    assert!(!proxy.held(1, Duration::ZERO));
    assert!(proxy.is_quiet_within(Duration::ZERO));
    hold(&scene, &proxy, "kept", || {
        assert!(!proxy.is_quiet_within(Duration::ZERO));
        proxy.release();
    })
    .unwrap();
    assert!(proxy.is_quiet_within(PATIENCE));
    assert_eq!(scene.bucket.get("kept").unwrap(), b"held");
    hold(&scene, &proxy, "dropped", || proxy.drop_held()).unwrap_err();
    assert!(scene.bucket.get("dropped").is_err());
    assert!(!proxy.held(1, Duration::ZERO));
}

#[test]
fn a_listing_and_a_head_can_be_struck() {
    let (scene, proxy) = Scene::behind_proxy();
    scene.bucket.put("t/_delta_log/1.json", b"x").unwrap();
    let list = || run(scene.store.list_with_delimiter(Some(&key("t/_delta_log"))));
    for fault in [Fault::InternalError, Fault::SlowDown, Fault::Reset, Fault::LostAnswer, Fault::Cut] {
        proxy.set(vec![
            Rule::new(&[Kind::List], &scene.at("*_delta_log*"), fault),
            Rule::new(&[Kind::Head], "*", fault),
        ]);
        list().unwrap_err();
        assert_eq!(list().unwrap().objects.len(), 1, "{fault:?}");
        let head = || run(scene.store.head(&key("t/_delta_log/1.json")));
        // The answer to a HEAD has no body that could be cut.
        assert_eq!(head().is_err(), fault != Fault::Cut, "{fault:?}");
        assert_eq!(head().unwrap().size, 1, "{fault:?}");
    }
}
