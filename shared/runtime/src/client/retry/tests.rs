use http::HeaderMap;

use super::*;

fn answer_of(status: Status) -> Result<Response<Body>, Status> {
    Ok(status.into_http())
}

#[test]
fn only_what_is_unavailable_is_tried_again_and_only_three_times() {
    let budget = Budget::default();

    assert!(pause_before_next(1, &Err(Status::unavailable("")), &budget).is_some());
    assert!(pause_before_next(2, &answer_of(Status::unavailable("")), &budget).is_some());
    assert!(pause_before_next(3, &Err(Status::unavailable("")), &budget).is_none());
    for code in [Code::DeadlineExceeded, Code::Aborted, Code::Internal, Code::Cancelled, Code::ResourceExhausted] {
        assert!(pause_before_next(1, &Err(Status::new(code, "")), &budget).is_none(), "{code:?}");
    }
    assert!(pause_before_next(1, &Ok(Response::new(Body::empty())), &budget).is_none());
}

#[test]
fn the_budget_ends_repetitions_and_calls_fill_it_again() {
    let budget = Budget::default();

    let repeated = (0..100).filter(|_| pause_before_next(1, &Err(Status::unavailable("")), &budget).is_some()).count();
    assert_eq!(repeated, 20);

    (0..30).for_each(|_| budget.note_call(1));
    let repeated = (0..100).filter(|_| pause_before_next(1, &Err(Status::unavailable("")), &budget).is_some()).count();
    assert!((2..=3).contains(&repeated), "{repeated}");
}

#[test]
fn the_pause_that_the_server_asks_for_is_kept_unless_it_is_too_long() {
    let asking = |after| crate::Error::unavailable(seva_proto::common::v1::ErrorReason::Overloaded, "", after);
    let budget = Budget::default();

    let pause = pause_before_next(1, &answer_of(asking(Duration::from_millis(400)).into()), &budget).unwrap();
    assert!(pause >= Duration::from_millis(300), "{pause:?}");
    assert!(pause_before_next(1, &answer_of(asking(Duration::from_secs(60)).into()), &budget).is_none());
}

#[test]
fn details_that_are_no_base64_are_ignored() {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status-details-bin", "!!".parse().unwrap());

    assert_eq!(retry_delay(&headers), None);
}
