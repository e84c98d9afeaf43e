use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use http_body_util::{BodyExt, StreamBody as Frames};
use jiff::Timestamp;
use tokio::time::Instant;

use super::*;
use crate::{auth::PrincipalKind, telemetry::rpc::code_in};

fn principal(expires_at: Option<Timestamp>) -> Principal {
    Principal {
        subject: "user:asha".into(),
        kind: PrincipalKind::User,
        roles: Arc::default(),
        scopes: Arc::default(),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at,
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_about_ten_minutes() {
    let begun = Instant::now();

    end_of_stream(&Tasks::new(), &principal(None)).await;

    let age = begun.elapsed();
    assert!(age >= Duration::from_secs(570) && age <= Duration::from_secs(631), "{age:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_callers_credential() {
    let begun = Instant::now();

    end_of_stream(&Tasks::new(), &principal(Some(machine_now() + Duration::from_secs(20)))).await;
    assert!(begun.elapsed() <= Duration::from_secs(21), "{:?}", begun.elapsed());

    let ended = principal(Some(machine_now() - Duration::from_secs(20)));
    let begun = Instant::now();
    end_of_stream(&Tasks::new(), &ended).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_the_process_drains() {
    let tasks = Tasks::new();
    let mut end = Box::pin(end_of_stream(&tasks, &principal(None)));
    assert!((&mut end).now_or_never().is_none());

    tasks.drain(Duration::ZERO).await;

    assert!(end.now_or_never().is_some());
}

#[tokio::test]
async fn a_panic_inside_a_stream_ends_it_as_internal_and_lets_go_of_what_was_held() {
    let held = Arc::new(());
    let frames = futures::stream::iter([1, 2]).map(|number| {
        assert_eq!(number, 1, "a planted panic");
        Ok::<_, Status>(Frame::data(Bytes::from_static(b"one")))
    });
    let mut body = StreamBody::holding(Body::new(Frames::new(frames)), Arc::clone(&held));

    assert!(body.frame().await.unwrap().unwrap().is_data());
    let last = body.frame().await.unwrap().unwrap();

    assert_eq!(code_in(last.trailers_ref().unwrap()), Some(tonic::Code::Internal));
    assert!(body.frame().await.is_none());
    assert_eq!(Arc::strong_count(&held), 1);
}
