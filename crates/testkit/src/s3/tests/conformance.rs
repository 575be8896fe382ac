//! What a lake on S3 relies on: conditional puts, ranges, long listings, parts, and any key.

use super::{Scene, bytes, key, run};
use crate::s3::Server;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    Error, GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion,
};
use std::collections::BTreeSet;

#[test]
fn a_put_on_condition_never_replaces_what_is_there() {
    let scene = Scene::new();
    let place = key("t/_delta_log/00000000000000000001.json");
    let put = |text: &'static str, mode: PutMode| scene.store.put_opts(&place, text.into(), mode.into());
    run(async {
        let first = put("first", PutMode::Create).await.unwrap();
        let refused = put("second", PutMode::Create).await.unwrap_err();
        assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
        let version = UpdateVersion { e_tag: first.e_tag, version: None };
        let third = put("third", PutMode::Update(version.clone())).await.unwrap();
        let refused = put("fourth", PutMode::Update(version.clone())).await.unwrap_err();
        assert!(matches!(refused, Error::Precondition { .. }), "{refused}");
        assert_ne!(third.e_tag, version.e_tag);
    });
    assert_eq!(scene.bucket.get(place.as_ref()).unwrap(), b"third");
}

#[test]
fn of_many_puts_on_condition_at_once_one_wins() {
    let scene = Scene::new();
    // The server takes seconds for each such crowd.
    for round in 0..3 {
        let place = key(&format!("log/{round}.json"));
        let put = |writer: u32| {
            let (store, place) = (&scene.store, &place);
            async move { store.put_opts(place, writer.to_string().into(), PutMode::Create.into()).await.map(|_| writer) }
        };
        let outcomes = run(futures::future::join_all((0..4).map(put)));
        let winners: Vec<u32> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok().copied()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        assert_eq!(scene.bucket.get(place.as_ref()).unwrap(), winners[0].to_string().as_bytes());
    }
}

#[test]
fn ranges_and_conditions_of_a_get_hold() {
    let scene = Scene::new();
    let whole = bytes(300_000);
    let place = key("file");
    run(async {
        let old = scene.store.put(&place, whole.clone().into()).await.unwrap().e_tag;
        let ranges = [0..1, 0..300_000, 65_535..65_537, 299_999..300_000];
        for (range, part) in ranges.iter().zip(scene.store.get_ranges(&place, &ranges).await.unwrap()) {
            assert_eq!(part, whole[range.start as usize..range.end as usize], "{range:?}");
        }
        let last = GetOptions { range: Some(GetRange::Suffix(7)), ..GetOptions::default() };
        let last = scene.store.get_opts(&place, last).await.unwrap().bytes().await.unwrap();
        assert_eq!(last, whole[whole.len() - 7..]);
        let beyond = GetOptions { range: Some((400_000..400_001).into()), ..GetOptions::default() };
        assert!(scene.store.get_opts(&place, beyond).await.is_err());

        // The same size, within the same second: the tag tells it apart.
        let other: Vec<u8> = whole.iter().map(|byte| !byte).collect();
        scene.store.put(&place, other.into()).await.unwrap();
        let meta = scene.store.head(&place).await.unwrap();
        assert_eq!(meta.size, 300_000);
        assert_ne!(meta.e_tag, old);
        let listed: Vec<ObjectMeta> = scene.store.list(None).try_collect().await.unwrap();
        assert_eq!(listed, [ObjectMeta { last_modified: listed[0].last_modified, ..meta }]);
        let unchanged = GetOptions { if_match: old, ..GetOptions::default() };
        let refused = scene.store.get_opts(&place, unchanged).await.unwrap_err();
        assert!(matches!(refused, Error::Precondition { .. }), "{refused}");
    });
}

#[test]
fn a_listing_has_every_key_once_and_in_order() {
    let scene = Scene::new();
    let names: Vec<String> = (0..2_345).map(|number| format!("many/date={:03}/{number:05}", number % 7)).collect();
    run(async {
        let put = |name: &String| {
            let (store, place) = (&scene.store, key(name));
            async move { store.put(&place, "x".into()).await.unwrap() }
        };
        let puts = futures::stream::iter(names.iter().map(put)).buffer_unordered(16);
        puts.collect::<Vec<_>>().await;
        scene.store.put(&key("many-more/a"), "x".into()).await.unwrap();
        let place = |meta: ObjectMeta| meta.location.as_ref().to_owned();
        let there: Vec<String> = scene.store.list(Some(&key("many"))).map_ok(place).try_collect().await.unwrap();
        let mut expected = names.clone();
        expected.sort();
        assert_eq!(there, expected);

        let offset = key("many/date=003/01000");
        let behind: Vec<String> =
            scene.store.list_with_offset(Some(&key("many")), &offset).map_ok(place).try_collect().await.unwrap();
        expected.retain(|name| name.as_str() > offset.as_ref());
        assert_eq!(behind, expected);

        let below = scene.store.list_with_delimiter(Some(&key("many"))).await.unwrap();
        let folders: Vec<String> = below.common_prefixes.iter().map(|folder| folder.as_ref().to_owned()).collect();
        assert_eq!(folders, (0..7).map(|date| format!("many/date={date:03}")).collect::<Vec<_>>());
        assert!(below.objects.is_empty());
        let none: Vec<ObjectMeta> = scene.store.list(Some(&key("nothing"))).try_collect().await.unwrap();
        assert!(none.is_empty());
    });
}

#[test]
fn an_object_in_parts_is_there_when_it_is_complete() {
    let scene = Scene::new();
    let whole = bytes(13 << 20);
    let place = key("big.parquet");
    run(async {
        let mut upload = scene.store.put_multipart(&place).await.unwrap();
        for part in whole.chunks(5 << 20) {
            upload.put_part(part.to_vec().into()).await.unwrap();
        }
        assert!(matches!(scene.store.head(&place).await.unwrap_err(), Error::NotFound { .. }));
        upload.complete().await.unwrap();
        assert_eq!(scene.store.head(&place).await.unwrap().size, whole.len() as u64);
        let range = (5 << 20) - 3..(5 << 20) + 3;
        let part = scene.store.get_range(&place, range.clone()).await.unwrap();
        assert_eq!(part, whole[range.start as usize..range.end as usize]);

        let mut given_up = scene.store.put_multipart(&key("other")).await.unwrap();
        given_up.put_part(whole[..5 << 20].to_vec().into()).await.unwrap();
        given_up.abort().await.unwrap();
    });
    assert_eq!(scene.bucket.get("big.parquet").unwrap(), whole);
    let keys: BTreeSet<String> = scene.bucket.list("").unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(keys, BTreeSet::from(["big.parquet".to_owned()]));
}

#[test]
fn any_key_can_be_put_listed_read_and_deleted() {
    let scene = Scene::new();
    let keys = [
        "t/date=2026-01-05/part-0.parquet",
        "t/a b/c  d",
        "t/100%/%41",
        "t/1+1=2&3;4,5:6@7$8'9(0)!",
        "t/Größe/日本語.json",
        "t/_delta_log/_last_checkpoint",
        "t/.published.json",
    ];
    for (number, name) in keys.iter().enumerate() {
        scene.bucket.put(name, number.to_string().as_bytes()).unwrap();
    }
    let there: BTreeSet<String> = scene.bucket.list("t").unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(there, keys.iter().map(|name| (*name).to_owned()).collect());
    let folder = tempfile::tempdir().unwrap();
    scene.bucket.copy_to("t", folder.path()).unwrap();
    for (number, name) in keys.iter().enumerate() {
        assert_eq!(scene.bucket.get(name).unwrap(), number.to_string().as_bytes(), "{name}");
        let copy = folder.path().join(name.strip_prefix("t/").unwrap());
        assert_eq!(std::fs::read(copy).unwrap(), number.to_string().as_bytes(), "{name}");
        scene.bucket.delete(name).unwrap();
    }
    assert!(scene.bucket.list("t").unwrap().is_empty());
    scene.bucket.copy_to("t", folder.path()).unwrap();
    assert!(!folder.path().join(".published.json").exists());
}

#[test]
fn a_wrong_secret_and_no_secret_are_refused() {
    let scene = Scene::new();
    scene.bucket.put("k", b"v").unwrap();
    let builder = || {
        let builder = object_store::aws::AmazonS3Builder::new().with_bucket_name(scene.bucket.name());
        let builder = builder.with_endpoint(scene.server.endpoint()).with_allow_http(true);
        builder.with_region(crate::s3::REGION)
    };
    let id = &scene.server.keys().id;
    let wrong = builder().with_access_key_id(id).with_secret_access_key("wrong").build().unwrap();
    let none = builder().with_skip_signature(true).build().unwrap();
    for store in [wrong, none] {
        let refused = run(store.get(&key("k"))).unwrap_err();
        assert!(matches!(refused, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }), "{refused}");
    }
    let other = Server::start().unwrap();
    assert_ne!(other.keys(), scene.server.keys());
    assert_ne!(other.address(), scene.server.address());
}
