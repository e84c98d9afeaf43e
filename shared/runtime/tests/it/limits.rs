//! Overload, connections, shutdown.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use seva_proto::events::v1::{AdvanceToRequest, GetTimeRequest, SubscribeRequest};
use seva_runtime::{
    client::Identity,
    server::Limits,
    shutdown::{Bounds, Sequence},
};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::Semaphore};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;

use crate::harness::{Setup, does, eventually, reason};

#[tokio::test]
async fn overload_is_unavailable_with_a_pause_while_probes_are_answered() {
    let open = Arc::new(Semaphore::new(0));
    let entered = Arc::new(AtomicUsize::new(0));
    let waits = {
        let (open, entered) = (Arc::clone(&open), Arc::clone(&entered));
        does(move |_| {
            entered.fetch_add(1, Ordering::SeqCst);
            let open = Arc::clone(&open);
            async move {
                open.acquire().await.unwrap().forget();
                Ok(())
            }
        })
    };
    let limits = Limits { max_calls: 2, ..Limits::default() };
    let server = Setup { writes: waits, limits, ..Setup::default() }.start().await;
    server.health.set_ready(true).await;
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let mut client = server.ops();
            server.tasks.spawn_call(async move { client.advance_to(AdvanceToRequest { time: None }).await })
        })
        .collect();
    eventually(|| entered.load(Ordering::SeqCst) == 2).await;

    let refused = server.ops().advance_to(AdvanceToRequest { time: None }).await.unwrap_err();
    let mut health = HealthClient::new(server.peer(Identity::Anonymous));
    let probe = health.check(HealthCheckRequest { service: "readiness".into() }).await;

    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "OVERLOADED"));
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    assert_eq!(probe.unwrap().into_inner().status, 1);

    open.add_permits(2);
    for call in busy {
        call.await.unwrap().unwrap();
    }
    open.add_permits(1);
    assert!(server.ops().advance_to(AdvanceToRequest { time: None }).await.is_ok());
}

#[tokio::test]
async fn a_write_that_outlives_its_caller_still_counts() {
    let open = Arc::new(Semaphore::new(0));
    let entered = Arc::new(AtomicBool::new(false));
    let waits = {
        let (open, entered) = (Arc::clone(&open), Arc::clone(&entered));
        does(move |_| {
            entered.store(true, Ordering::SeqCst);
            let open = Arc::clone(&open);
            async move {
                open.acquire().await.unwrap().forget();
                Ok(())
            }
        })
    };
    let limits = Limits { max_calls: 1, ..Limits::default() };
    let server = Setup { writes: waits, limits, ..Setup::default() }.start().await;
    let mut leaving = server.ops();
    tokio::select! {
        _ = leaving.advance_to(AdvanceToRequest { time: None }) => unreachable!("nobody opened"),
        () = eventually(|| entered.load(Ordering::SeqCst)) => {}
    }

    let second = server.ops().advance_to(AdvanceToRequest { time: None }).await.unwrap_err();
    assert_eq!(reason(&second), "OVERLOADED");

    open.add_permits(2);
    let mut third = server.ops();
    for _ in 0..100 {
        if third.advance_to(AdvanceToRequest { time: None }).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the permit never came back");
}

#[tokio::test]
async fn streams_are_counted_for_as_long_as_they_are_open() {
    let limits = Limits { max_streams: 1, max_calls: 1, ..Limits::default() };
    let server = Setup { limits, ..Setup::default() }.start().await;
    let mut first = server.feed().subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
    first.message().await.unwrap().unwrap();

    let second = server.feed().subscribe(SubscribeRequest::default()).await.unwrap_err();
    assert_eq!(reason(&second), "OVERLOADED");
    assert!(server.ops().get_time(GetTimeRequest {}).await.is_ok(), "calls have their own number");

    drop(first);
    for _ in 0..100 {
        if server.feed().subscribe(SubscribeRequest::default()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the stream's permit never came back");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let server = Setup { limits, ..Setup::default() }.start().await;
    let mut client = server.ops();
    client.get_time(GetTimeRequest {}).await.unwrap();

    let mut second = TcpStream::connect(server.address).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(2), second.read(&mut [0; 8])).await.unwrap();

    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(client.get_time(GetTimeRequest {}).await.is_ok());
}

#[tokio::test]
async fn a_connection_that_never_speaks_is_closed() {
    let limits = Limits { first_byte_within: Duration::from_millis(50), ..Limits::default() };
    let server = Setup { limits, ..Setup::default() }.start().await;

    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(2), async {
        let mut bytes = Vec::new();
        silent.read_to_end(&mut bytes).await
    });

    assert!(read.await.is_ok());
    assert!(server.ops().get_time(GetTimeRequest {}).await.is_ok());
}

#[tokio::test]
async fn a_stopping_server_ends_streams_finishes_writes_and_accepts_nothing() {
    let open = Arc::new(Semaphore::new(0));
    let entered = Arc::new(AtomicBool::new(false));
    let waits = {
        let (open, entered) = (Arc::clone(&open), Arc::clone(&entered));
        does(move |_| {
            entered.store(true, Ordering::SeqCst);
            let open = Arc::clone(&open);
            async move {
                open.acquire().await.unwrap().forget();
                Ok(())
            }
        })
    };
    let server = Setup { writes: waits, ..Setup::default() }.start().await;
    server.health.set_ready(true).await;
    let mut stream = server.feed().subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let mut client = server.ops();
    #[expect(clippy::disallowed_methods, reason = "a caller outside the server's tasks")]
    let write = tokio::spawn(async move { client.advance_to(AdvanceToRequest { time: None }).await });
    eventually(|| entered.load(Ordering::SeqCst)).await;

    let sequence = Sequence::new(server.tasks.clone()).with_health(server.health.clone());
    #[expect(clippy::disallowed_methods, reason = "runs beside what the test looks at")]
    let stopping = tokio::spawn(sequence.run());

    assert_eq!(stream.message().await.unwrap().unwrap().last_feed_no, 2, "the stream ends with its last message");
    assert!(stream.message().await.unwrap().is_none());
    for _ in 0..200 {
        if TcpStream::connect(server.address).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing is accepted");
    assert!(!stopping.is_finished(), "the write is waited for");
    open.add_permits(1);
    assert!(write.await.unwrap().is_ok());
    assert!(stopping.await.unwrap(), "every step ended in time");
    assert!(server.serving.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_up_the_end() {
    let limits = Limits { drain: Duration::from_millis(100), ..Limits::default() };
    let server = Setup { limits, ..Setup::default() }.start().await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;

    let bounds = Bounds { calls: Duration::from_secs(3), ..Bounds::default() };
    let in_time = Sequence::new(server.tasks.clone()).within(bounds).run().await;

    assert!(in_time);
    assert!(server.serving.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_health_watch_does_not_hold_up_the_end() {
    let server = Setup::default().start().await;
    let mut health = HealthClient::new(server.peer(Identity::Anonymous));
    let mut watch = health.watch(HealthCheckRequest { service: "readiness".into() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2);

    assert!(Sequence::new(server.tasks.clone()).run().await);

    let status = watch.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SHUTTING_DOWN"));
}
