//! Downloads from a server that behaves as Kaggle's API does.

use crate::http::{Reply, Request, Server};
use crate::support::{Script, World, moment, source};
use assay_extract::{ExtractError, Landed, Origin, Quiet, Watch};
use assay_pipeline::{Feed, Permit, Source};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `ann:s3cret`, as basic authentication has it.
const ACCOUNT: &str = "Basic YW5uOnMzY3JldA==";
const CSV: &str = "retail.csv";

pub fn world() -> World {
    World::new(&[("KAGGLE_USERNAME", "ann"), ("KAGGLE_KEY", "s3cret")])
}

pub fn feed() -> (Source, Feed) {
    source("retail", "raw-data", Feed::Kaggle { dataset: "ann/shop".to_owned(), file: CSV.to_owned() })
}

pub async fn land(world: &World, url: &str, refresh: bool, watch: &dyn Watch) -> Result<Landed, ExtractError> {
    world.land(&feed(), Origin::Kaggle { base: url }, "run-1", refresh, watch).await
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// The storage behind the API: a version, and ranges of it.
fn ranged(request: &Request, body: &[u8], etag: &str) -> Reply {
    let whole = || Reply::new(200, body).with("ETag", etag);
    if request.header("if-none-match") == Some(etag) {
        return Reply::new(304, "");
    }
    match request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()) {
        Some(from) if request.header("if-range") == Some(etag) => {
            let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            Reply::new(206, &body[from..]).with("ETag", etag).with("Content-Range", range)
        }
        _ => whole(),
    }
}

/// The API, which wants the account and redirects to the storage.
fn redirecting(storage: &Server) -> Server {
    let target = format!("{}/signed?token=t0ken", storage.url);
    Server::start(move |request| match request.header("authorization") {
        Some(ACCOUNT) => Reply::new(302, "").with("Location", target.clone()),
        _ => Reply::new(401, "no"),
    })
}

#[tokio::test]
async fn a_file_lands_unchanged_and_the_account_stays_with_the_api() {
    let body = content(100_000);
    let storage = Server::start({
        let body = body.clone();
        move |request| ranged(request, &body, "\"v1\"")
    });
    let (api, world) = (redirecting(&storage), world());
    let landed = land(&world, &api.url, false, &Quiet).await.unwrap();
    assert_eq!(fs::read(world.path("raw-data/retail.csv")).unwrap(), body);
    assert_eq!((&*landed.files[0].path, landed.files[0].bytes), ("raw-data/retail.csv", 100_000));
    assert_eq!(landed.note, "100,000 bytes of ann/shop landed as raw-data/retail.csv");
    assert_eq!(api.requests()[0].path, "/api/v1/datasets/download/ann/shop/retail.csv");
    assert_eq!(storage.requests().len(), 1);
    assert_eq!(storage.requests()[0].header("authorization"), None);
    let record = fs::read_to_string(world.path(".landed/retail/landed.json")).unwrap();
    let expected = format!("\"xxh3_128\": \"{:032x}\"", xxhash_rust::xxh3::xxh3_128(&body));
    assert!(record.contains(&expected) && record.contains("\\\"v1\\\""), "{record}");
    assert!(!record.contains("s3cret") && !record.contains("t0ken"), "{record}");
    assert_eq!(world.listed("raw-data"), [CSV]);

    // Without being asked, a folder that is filled is left alone.
    let landed = land(&world, &api.url, false, &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), api.requests().len()), (0, 1));
    // When asked, the version is compared first.
    let landed = land(&world, &api.url, true, &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), storage.requests().len()), (0, 2));
    assert_eq!(landed.note, "ann/shop has not changed; nothing was downloaded");
}

#[tokio::test]
async fn a_refresh_replaces_changed_content_and_nothing_else() {
    let version = Arc::new(AtomicUsize::new(1));
    let server = Server::start({
        let version = Arc::clone(&version);
        move |request| match version.load(Ordering::Relaxed) {
            1 => ranged(request, b"one", "\"v1\""),
            2 => ranged(request, b"one", "\"v2\""),
            _ => ranged(request, b"three", "\"v3\""),
        }
    });
    let world = world();
    land(&world, &server.url, false, &Quiet).await.unwrap();
    version.store(2, Ordering::Relaxed);
    let landed = land(&world, &server.url, true, &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*landed.note), (0, "raw-data/retail.csv holds the same 3 bytes already"));
    version.store(3, Ordering::Relaxed);
    let landed = land(&world, &server.url, true, &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*fs::read(world.path("raw-data/retail.csv")).unwrap()), (1, &b"three"[..]));
    // A file that somebody changed is not taken for the version that was landed.
    fs::write(world.path("raw-data/retail.csv"), "other").unwrap();
    let landed = land(&world, &server.url, true, &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*fs::read(world.path("raw-data/retail.csv")).unwrap()), (1, &b"three"[..]));
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_goes_on_where_it_stopped() {
    let body = content(300_000);
    let turn = AtomicUsize::new(0);
    let storage = Server::start({
        let body = body.clone();
        move |request| match turn.fetch_add(1, Ordering::Relaxed) {
            0 => ranged(request, &body, "\"v1\"").cut(100_000),
            1 => ranged(request, &body, "\"v1\"").cut(50_000),
            _ => ranged(request, &body, "\"v1\""),
        }
    });
    let (api, world, watch) = (redirecting(&storage), world(), Script::listening());
    land(&world, &api.url, false, &watch).await.unwrap();
    assert_eq!(fs::read(world.path("raw-data/retail.csv")).unwrap(), body);
    let asked: Vec<_> = storage.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect();
    assert_eq!(asked, [None, Some("bytes=100000-".to_owned()), Some("bytes=150000-".to_owned())]);
    assert!(storage.requests()[1..].iter().all(|request| request.header("if-range") == Some("\"v1\"")));
    assert_eq!(world.waited(), [1, 2]);
    assert!(watch.said().contains("broke off at byte 100,000; goes on in 1 s"), "{}", watch.said());
}

#[tokio::test]
async fn content_that_changed_meanwhile_is_never_mixed() {
    for second_honours_ranges in [false, true] {
        let (old, new) = (content(200_000), vec![b'n'; 150_000]);
        let turn = AtomicUsize::new(0);
        let server = Server::start({
            let new = new.clone();
            move |request| match (turn.fetch_add(1, Ordering::Relaxed), second_honours_ranges) {
                (0, _) => ranged(request, &old, "\"v1\"").cut(100_000),
                // A server that looks at the range alone and answers with another version.
                (1, true) => Reply::new(206, &new[100_000..])
                    .with("ETag", "\"v2\"")
                    .with("Content-Range", "bytes 100000-149999/150000"),
                _ => ranged(request, &new, "\"v2\""),
            }
        });
        let world = world();
        land(&world, &server.url, false, &Quiet).await.unwrap();
        assert_eq!(fs::read(world.path("raw-data/retail.csv")).unwrap(), new, "{second_honours_ranges}");
    }
}

#[tokio::test]
async fn a_line_that_never_holds_is_given_up_and_the_next_run_goes_on() {
    let body = content(300_000);
    let broken = Arc::new(AtomicUsize::new(1));
    let server = Server::start({
        let (body, broken) = (body.clone(), Arc::clone(&broken));
        move |request| match broken.load(Ordering::Relaxed) {
            1 => ranged(request, &body, "\"v1\"").cut(10_000),
            _ => ranged(request, &body, "\"v1\""),
        }
    });
    let mut world = world();
    world.limits.tries = 3;
    let error = land(&world, &server.url, false, &Quiet).await.unwrap_err();
    assert!(matches!(error, ExtractError::Download { .. }), "{error}");
    assert!(error.to_string().contains("broke off 3 times; what has arrived is kept"), "{error}");
    assert_eq!((server.requests().len(), world.listed("raw-data").len()), (3, 0));
    broken.store(0, Ordering::Relaxed);
    land(&world, &server.url, false, &Quiet).await.unwrap();
    assert_eq!(server.requests()[3].header("range"), Some("bytes=30000-"));
    assert_eq!(fs::read(world.path("raw-data/retail.csv")).unwrap(), body);
}

#[tokio::test]
async fn a_cancel_keeps_what_has_arrived() {
    let body = content(4_000_000);
    let server = Server::start({
        let body = body.clone();
        move |request| ranged(request, &body, "\"v1\"")
    });
    let (world, watch) = (world(), Script::cancelling());
    let error = land(&world, &server.url, false, &watch).await.unwrap_err();
    assert!(matches!(error, ExtractError::Cancelled), "{error}");
    assert_eq!(world.listed("raw-data"), Vec::<String>::new());
    let kept = fs::metadata(world.path(".landed/retail/download.part")).unwrap().len();
    assert!(kept > 0 && kept < 4_000_000, "{kept}");
    land(&world, &server.url, false, &Quiet).await.unwrap();
    assert_eq!(server.requests()[1].header("range"), Some(&*format!("bytes={kept}-")));
    assert_eq!(fs::read(world.path("raw-data/retail.csv")).unwrap(), body);
}

#[tokio::test]
async fn what_had_arrived_whole_is_not_downloaded_again() {
    let server = Server::start(|request| ranged(request, b"small", "\"v1\""));
    let world = world();
    let error = land(&world, &server.url, false, &Script::cancelling()).await.unwrap_err();
    assert!(matches!(error, ExtractError::Cancelled), "{error}");
    land(&world, &server.url, false, &Quiet).await.unwrap();
    let requests = server.requests();
    assert_eq!((requests.len(), requests[1].header("if-none-match")), (2, Some("\"v1\"")));
    assert_eq!(fs::read(world.path("raw-data/retail.csv")).unwrap(), b"small");
}

#[tokio::test]
async fn too_many_requests_are_waited_for_as_asked_and_not_for_ever() {
    let turn = AtomicUsize::new(0);
    let server = Server::start(move |request| match turn.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::new(429, "").with("Retry-After", "7"),
        1 => Reply::new(429, "").with("Retry-After", "Fri, 02 Jan 2026 03:05:05 GMT"),
        2 => Reply::new(429, ""),
        3 => ranged(request, b"a", "\"v1\""),
        _ => Reply::new(429, "").with("Retry-After", "86400"),
    });
    let (world, watch) = (world(), Script::listening());
    land(&world, &server.url, false, &watch).await.unwrap();
    assert_eq!(world.waited(), [7, 60, 8]);
    assert!(watch.said().contains("asks for patience; waits 7 s"), "{}", watch.said());
    let error = land(&world, &server.url, true, &Quiet).await.unwrap_err().to_string();
    assert!(error.contains("asks to wait 86,400 s, which is too long"), "{error}");
}

#[tokio::test]
async fn refusals_say_what_to_do_and_nothing_secret() {
    for (status, words) in [(401, "new key"), (403, "accept"), (404, "no file retail.csv"), (418, "status 418")] {
        let server = Server::start(move |_| Reply::new(status, "details"));
        let error = land(&world(), &server.url, false, &Quiet).await.unwrap_err();
        assert!(matches!(error, ExtractError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        assert_eq!(server.requests().len(), 1, "{status} is not tried again");
    }
}

#[tokio::test]
async fn a_redirect_out_of_reach_is_not_followed() {
    let server = Server::start(|request| match request.path.as_str() {
        "/loop" => Reply::new(302, "").with("Location", "/loop"),
        path if path.contains("/download/") => Reply::new(302, "").with("Location", "/loop"),
        _ => Reply::new(200, ""),
    });
    let error = land(&world(), &server.url, false, &Quiet).await.unwrap_err().to_string();
    assert!(error.contains("again and again"), "{error}");
    let server = Server::start(|_| Reply::new(302, "").with("Location", "http://storage.example/x?sig=s1gned"));
    let error = land(&world(), &server.url, false, &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("not https") && !format!("{error:?}").contains("s1gned"), "{error:?}");
}

#[tokio::test]
async fn a_download_has_a_bound() {
    let server = Server::start(|_| Reply::new(200, content(5000)).with("ETag", "\"v1\""));
    let mut world = world();
    world.limits.download = 4999;
    let error = land(&world, &server.url, false, &Quiet).await.unwrap_err().to_string();
    assert!(error.contains("larger than 4,999 bytes"), "{error}");
    world.limits.download = 5000;
    land(&world, &server.url, false, &Quiet).await.unwrap();
}

#[tokio::test]
async fn without_a_permit_nothing_is_asked_or_written() {
    let server = Server::start(|_| Reply::new(200, "a"));
    let mut world = world();
    for permit in [Permit::issue("local", "run", moment()), Permit::issue("other", "run", moment())] {
        world.permit = permit;
        let error = land(&world, &server.url, false, &Quiet).await.unwrap_err();
        assert!(matches!(error, ExtractError::Permit(_)), "{error}");
    }
    assert_eq!((server.requests().len(), world.listed("").len()), (0, 0));
    assert!(!world.path(".landed").exists());
}

#[tokio::test]
async fn two_landings_of_one_source_do_not_meet() {
    let server = Server::start(|request| ranged(request, &content(2_000_000), "\"v1\""));
    let world = world();
    let watch = Script::at_first_progress(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(land(&world, &server.url, true, &Quiet)).unwrap_err();
        assert!(matches!(error, ExtractError::Busy { .. }), "{error}");
    });
    land(&world, &server.url, false, &watch).await.unwrap();
    assert!(watch.first.lock().unwrap().is_none());
}

#[test]
fn a_landing_can_be_awaited_on_any_thread() {
    fn is_send<T: Send>(_: T) {}
    let world = world();
    is_send(async move { land(&world, "http://127.0.0.1:1", false, &Quiet).await.is_ok() });
}
