//! Deadlines, leaving callers, panics, retries.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use seva_proto::events::v1::{AdvanceToRequest, GetFeedHeadRequest, GetTimeRequest, SubscribeRequest};
use seva_runtime::{
    client::{Identity, Peer},
    deadline,
    server::Limits,
};
use tokio::{io::AsyncReadExt, net::TcpListener, sync::Semaphore};
use tonic::{Code, Request, Status};

use crate::harness::{Behaviour, Setup, does, eventually, reason};

/// A handler that waits to be let on, and notes when it ended or was dropped.
struct Gate {
    open: Arc<Semaphore>,
    entered: Arc<AtomicUsize>,
    finished: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

/// Notes when it is dropped, unless that was made good before.
struct NotesDrop(Option<Arc<AtomicUsize>>);

impl Drop for NotesDrop {
    fn drop(&mut self) {
        if let Some(dropped) = &self.0 {
            dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Gate {
    fn new() -> Self {
        Self {
            open: Arc::new(Semaphore::new(0)),
            entered: Arc::default(),
            finished: Arc::default(),
            dropped: Arc::default(),
        }
    }

    fn behaviour(&self) -> Behaviour {
        let (open, entered) = (Arc::clone(&self.open), Arc::clone(&self.entered));
        let (finished, dropped) = (Arc::clone(&self.finished), Arc::clone(&self.dropped));
        does(move |_| {
            let (open, finished) = (Arc::clone(&open), Arc::clone(&finished));
            entered.fetch_add(1, Ordering::SeqCst);
            let notes = NotesDrop(Some(Arc::clone(&dropped)));
            async move {
                let mut notes = notes;
                let _permit = open.acquire().await.unwrap();
                finished.fetch_add(1, Ordering::SeqCst);
                notes.0 = None;
                Ok(())
            }
        })
    }
}

fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_passed_deadline_is_told_as_such_and_the_write_is_finished_all_the_same() {
    let gate = Gate::new();
    // The server's deadline is the earlier one: when its answer is here, it has let go of the call.
    let limits = Limits { max_deadline: Duration::from_millis(200), ..Limits::default() };
    let server = Setup { writes: gate.behaviour(), limits, ..Setup::default() }.start().await;

    let status = server.ops().advance_to(AdvanceToRequest { time: None }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    assert_eq!((count(&gate.finished), count(&gate.dropped)), (0, 0));

    gate.open.add_permits(1);
    eventually(|| count(&gate.finished) == 1).await;
    assert_eq!(count(&gate.dropped), 0);
}

#[tokio::test]
async fn the_server_itself_says_deadline_exceeded_to_callers_who_do_not_watch_the_time() {
    let gate = Gate::new();
    let server = Setup { reads: gate.behaviour(), writes: gate.behaviour(), ..Setup::default() }.start().await;
    let Identity::Bearer(token) = server.token(&["ops"]) else { unreachable!() };
    let connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(connection).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "drives the raw connection")]
    tokio::spawn(connection);

    for method in ["GetTime", "AdvanceTo"] {
        let request = http::Request::post(format!("{}/seva.events.v1.ClockService/{method}", server.url()))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", format!("Bearer {}", token.reveal()))
            .header("grpc-timeout", "60m")
            .body(())
            .unwrap();
        client = client.ready().await.unwrap();
        let (answer, mut message) = client.send_request(request, false).unwrap();
        message.send_data(bytes::Bytes::from_static(&[0; 5]), true).unwrap();

        let answer = answer.await.unwrap();

        assert_eq!(answer.headers()["grpc-status"], "4", "{method}");
        assert!(answer.headers().contains_key("grpc-status-details-bin"), "{method}");
    }
}

#[tokio::test]
async fn a_caller_without_a_deadline_gets_the_servers() {
    let gate = Gate::new();
    let limits = Limits { default_deadline: Duration::from_millis(60), ..Limits::default() };
    let server = Setup { reads: gate.behaviour(), limits, ..Setup::default() }.start().await;
    let channel = tonic::transport::Endpoint::from_shared(server.url()).unwrap().connect_lazy();
    let Identity::Bearer(token) = server.token(&["ops"]) else { unreachable!() };
    let mut bare = seva_proto::events::v1::clock_service_client::ClockServiceClient::new(channel);
    let mut request = Request::new(GetTimeRequest {});
    request.metadata_mut().insert("authorization", format!("Bearer {}", token.reveal()).parse().unwrap());

    let status = bare.get_time(request).await.unwrap_err();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    eventually(|| count(&gate.dropped) == 1).await;
}

#[tokio::test]
async fn the_deadline_goes_on_to_the_handler_and_from_there_to_the_next_server() {
    let left = Arc::new(Mutex::new(Vec::new()));
    let noting = {
        let left = Arc::clone(&left);
        does(move |_| {
            left.lock().unwrap().push(deadline::remaining().unwrap());
            async { Ok(()) }
        })
    };
    let inner = Setup { reads: noting, ..Setup::default() }.start().await;
    let onward = inner.ops();
    let forwards = does(move |_| {
        let mut onward = onward.clone();
        async move {
            // Without a deadline of its own.
            onward.get_time(GetTimeRequest {}).await.map(|_| ())
        }
    });
    let outer = Setup { writes: forwards, ..Setup::default() }.start().await;
    let mut request = Request::new(AdvanceToRequest { time: None });
    request.set_timeout(Duration::from_secs(5));

    outer.ops().advance_to(request).await.unwrap();

    let left = left.lock().unwrap()[0];
    assert!(left > Duration::from_secs(1) && left < Duration::from_secs(5), "{left:?}");
}

#[tokio::test]
async fn a_read_is_dropped_when_its_caller_leaves_and_a_write_is_not() {
    let (reads, writes) = (Gate::new(), Gate::new());
    let server = Setup { reads: reads.behaviour(), writes: writes.behaviour(), ..Setup::default() }.start().await;
    let mut client = server.ops();
    let mut other = server.ops();

    let read = client.get_time(GetTimeRequest {});
    let write = other.advance_to(AdvanceToRequest { time: None });
    tokio::select! {
        _ = read => unreachable!("the gate is closed"),
        _ = write => unreachable!("the gate is closed"),
        () = eventually(|| count(&reads.entered) == 1 && count(&writes.entered) == 1) => {}
    }

    eventually(|| count(&reads.dropped) == 1).await;
    assert_eq!(count(&writes.dropped), 0);
    writes.open.add_permits(1);
    eventually(|| count(&writes.finished) == 1).await;
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_connection_lives_on() {
    let panics = does(|_| async { panic!("a planted panic") });
    let server = Setup { writes: panics, ..Setup::default() }.start().await;
    let mut clock = server.ops();
    let mut feed = server.feed();

    let write = clock.advance_to(AdvanceToRequest { time: None }).await.unwrap_err();
    let read = feed.get_feed_head(GetFeedHeadRequest {}).await.unwrap_err();

    for status in [write, read] {
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
        assert_eq!(reason(&status), "INTERNAL");
    }
    assert!(clock.get_time(GetTimeRequest {}).await.is_ok());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let limits = Limits { max_message: 4, ..Limits::default() };
    let server = Setup { limits, ..Setup::default() }.start().await;
    let time = prost_types::Timestamp { seconds: i64::MAX, nanos: 1 };

    let status = server.ops().advance_to(AdvanceToRequest { time: Some(time) }).await.unwrap_err();

    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
}

#[tokio::test]
async fn a_stream_ends_by_the_callers_deadline() {
    let server = Setup { polite: false, ..Setup::default() }.start().await;
    let mut feed = server.feed();
    // So that the deadline is not spent on connecting.
    drop(feed.subscribe(SubscribeRequest::default()).await.unwrap());
    let mut request = Request::new(SubscribeRequest::default());
    request.set_timeout(Duration::from_secs(1));

    let mut stream = feed.subscribe(request).await.unwrap().into_inner();

    assert_eq!(stream.message().await.unwrap().unwrap().last_feed_no, 1);
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_has_no_deadline_unless_it_is_asked_for() {
    let limits = Limits { default_deadline: Duration::from_millis(30), ..Limits::default() };
    let server = Setup { polite: false, limits, ..Setup::default() }.start().await;
    let peer = server.peer(server.token(&["ops"])).with_default_deadline(Duration::from_millis(30));
    let mut feed = seva_proto::events::v1::event_feed_service_client::EventFeedServiceClient::new(peer);

    let mut stream = feed.subscribe(SubscribeRequest::default()).await.unwrap().into_inner();

    stream.message().await.unwrap().unwrap();
    let next = tokio::time::timeout(Duration::from_millis(150), stream.message()).await;
    assert!(next.is_err(), "{next:?}");
}

#[tokio::test]
async fn a_read_is_tried_again_and_a_write_is_not() {
    let (reads, writes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let fails_twice = |counter: &Arc<AtomicUsize>| {
        let counter = Arc::clone(counter);
        does(move |_| {
            let attempt = counter.fetch_add(1, Ordering::SeqCst);
            async move { if attempt < 2 { Err(Status::unavailable("for a moment")) } else { Ok(()) } }
        })
    };
    let server = Setup { reads: fails_twice(&reads), writes: fails_twice(&writes), ..Setup::default() }.start().await;

    assert!(server.ops().get_time(GetTimeRequest {}).await.is_ok());
    assert_eq!(server.ops().advance_to(AdvanceToRequest { time: None }).await.unwrap_err().code(), Code::Unavailable);

    assert_eq!((count(&reads), count(&writes)), (3, 1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let peer = Peer::connect_lazy(&url, Identity::Anonymous).unwrap();
    let mut clock = seva_proto::events::v1::clock_service_client::ClockServiceClient::new(peer);

    let write = clock.advance_to(AdvanceToRequest { time: None }).await.unwrap_err();
    let read = clock.get_time(GetTimeRequest {}).await.unwrap_err();

    for status in [write, read] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SERVICE_UNAVAILABLE"));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let broke = Arc::new(AtomicBool::new(false));
    let breaking = Arc::clone(&broke);
    #[expect(clippy::disallowed_methods, reason = "a peer that misbehaves")]
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut bytes = [0; 64];
            let _ = connection.read(&mut bytes).await;
            breaking.store(true, Ordering::SeqCst);
        }
    });
    let peer = Peer::connect_lazy(&url, Identity::Anonymous).unwrap();
    let mut clock = seva_proto::events::v1::clock_service_client::ClockServiceClient::new(peer);

    let status = clock.advance_to(AdvanceToRequest { time: None }).await.unwrap_err();

    assert!(broke.load(Ordering::SeqCst));
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SERVICE_UNAVAILABLE"));
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_given_up_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let peer = Peer::connect_lazy(&url, Identity::Anonymous).unwrap().with_default_deadline(Duration::from_millis(100));
    let mut clock = seva_proto::events::v1::clock_service_client::ClockServiceClient::new(peer);
    let started = Instant::now();

    let status = clock.advance_to(AdvanceToRequest { time: None }).await.unwrap_err();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(started.elapsed() < Duration::from_secs(2));
}
