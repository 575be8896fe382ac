//! The connection against real processes: shell scripts that speak frames.
#![allow(clippy::unwrap_used)]

use super::*;
use assay_contract::{PageAsk, RunTicket};
use std::time::{Duration, Instant};
use tokio::time::timeout;

#[derive(Debug, PartialEq)]
struct Body(Vec<u8>);

impl FromAnswer for Body {
    fn from_answer(answer: Answer, body: Vec<u8>) -> Option<Self> {
        matches!(answer, Answer::Bytes).then_some(Self(body))
    }
}

fn engine(script: &str) -> Arc<Engine> {
    Arc::new(Engine::new(Launch {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        workspace: std::env::temp_dir(),
    }))
}

fn page() -> Ask {
    Ask::Page(PageAsk { table: "p.silver.t".into(), version: None, offset: 0, limit: 1, columns: vec![], filter: None })
}

fn cancel() -> Ask {
    Ask::CancelRun { request_id: "1".into(), run: "r".into() }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what).await.expect("it hangs")
}

#[tokio::test]
async fn answers_find_their_question_in_any_order() {
    let engine = engine(
        r#"read -r a; read -r b
           one=$(printf '%s' "$a" | sed 's/.*"id":\([0-9]*\).*/\1/'); two=$(printf '%s' "$b" | sed 's/.*"id":\([0-9]*\).*/\1/')
           case "$a" in *page*) p=$one; c=$two;; *) p=$two; c=$one;; esac
           printf '{"frame":"answer","id":%s,"answer":"done"}\n' "$c"
           printf '{"frame":"answer","id":%s,"answer":"bytes","bytes":3}\nabc' "$p"
           read -r end"#,
    );
    engine.connect().await;
    let (body, done) = soon(async { tokio::join!(engine.ask::<Body>(page()), engine.ask::<()>(cancel())) }).await;
    assert_eq!(body.unwrap(), Body(b"abc".to_vec()));
    done.unwrap();
    soon(engine.close()).await;
}

#[tokio::test]
async fn a_lost_engine_answers_all_who_wait_tells_the_window_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let flag = folder.path().join("second");
    let engine = engine(&format!(
        r#"answer() {{ read -r line; id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
           printf '{{"frame":"answer","id":%s,"answer":"done"}}\n' "$id"; }}
           answer
           if [ -e {0} ]; then answer; read -r end; exit 0; fi
           read -r b; : > {0}; echo 'disk is full' >&2; exit 7"#,
        flag.display()
    ));
    let (told, mut heard) = mpsc::unbounded_channel();
    soon(engine.watch(Box::new(move |events| drop(told.send(events))))).await.unwrap();

    let problem = soon(engine.ask::<()>(cancel())).await.unwrap_err();
    assert!(problem.causes.iter().any(|cause| cause.contains('7')), "{problem:?}");
    assert!(problem.causes.iter().any(|cause| cause == "disk is full"), "{problem:?}");
    let events = soon(heard.recv()).await.unwrap();
    assert!(matches!(&events[..], [Event::Lost { reason }] if reason.contains("disk is full")), "{events:?}");
    let again = soon(engine.ask::<()>(cancel())).await.unwrap_err();
    assert_eq!(again, problem, "an ask after the loss says the same");

    soon(engine.reconnect()).await.unwrap();
    soon(engine.ask::<()>(cancel())).await.unwrap();
    soon(engine.close()).await;
    assert!(soon(engine.ask::<()>(cancel())).await.is_err());
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let engine = Arc::new(Engine::new(Launch {
        program: "/nowhere/assay".into(),
        arguments: vec![],
        workspace: std::env::temp_dir(),
    }));
    let problem = soon(engine.reconnect()).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Missing);
    assert!(problem.causes[0].contains("/nowhere/assay"), "{problem:?}");
    soon(engine.close()).await;
}

#[tokio::test]
async fn another_answer_than_asked_is_a_problem_and_not_a_panic() {
    let engine = engine(r#"read -r a; printf '{"frame":"answer","id":1,"answer":"done"}\n'; read -r end"#);
    engine.connect().await;
    let problem = soon(engine.ask::<RunTicket>(cancel())).await.unwrap_err();
    assert_eq!(problem.message, EngineError::OtherAnswer.to_string());
    soon(engine.close()).await;
}

#[tokio::test]
async fn closing_ends_an_engine_that_does_not_listen_and_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let engine = engine(&format!(
        r#"trap '' TERM; sleep 300 & echo $! > {0}.part; mv {0}.part {0}
           printf '{{"frame":"events","events":[]}}\n'; while :; do sleep 300; done"#,
        pids.display()
    ));
    let (told, mut heard) = mpsc::unbounded_channel();
    *hold(&engine.sink) = Some(Box::new(move |events| drop(told.send(events))));
    engine.connect().await;
    soon(heard.recv()).await.unwrap();
    let child: i32 = std::fs::read_to_string(&pids).unwrap().trim().parse().unwrap();

    let begun = Instant::now();
    soon(engine.close()).await;
    assert!(begun.elapsed() < Duration::from_secs(15));
    let deadline = Instant::now() + Duration::from_secs(10);
    while runs(child) {
        assert!(Instant::now() < deadline, "the engine's child outlives the window");
        tokio::task::yield_now().await;
    }
}

/// A zombie that init has not collected yet has ended, too.
fn runs(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
