use tonic::Code;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn advance_to(time: Timestamp) -> Request<AdvanceToRequest> {
    Request::new(AdvanceToRequest { time: Some(proto_time(time)) })
}

#[tokio::test]
async fn the_time_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    let clock = StoredClock::open(&file, at("2018-01-01T00:00:00Z")).unwrap();
    clock.advance_to(at("2018-03-01T12:00:00Z")).await.unwrap();

    let again = StoredClock::open(&file, at("2016-01-01T00:00:00Z")).unwrap();
    assert_eq!(again.clock().now(), at("2018-03-01T12:00:00Z"));
    assert!(again.clock().is_manual());
}

#[tokio::test]
async fn time_never_runs_backwards_and_may_stand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    let rpc = ClockRpc::new(Arc::new(StoredClock::open(&file, at("2018-01-01T00:00:00Z")).unwrap()));

    rpc.advance_to(advance_to(at("2018-01-01T00:00:00Z"))).await.unwrap();
    let refused = rpc.advance_to(advance_to(at("2017-12-31T23:59:59Z"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let time = rpc.get_time(Request::new(GetTimeRequest {})).await.unwrap().into_inner().time;
    assert_eq!(time, Some(proto_time(at("2018-01-01T00:00:00Z"))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "2018-01-01T00:00:00Z\n");
}

#[tokio::test]
async fn a_time_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rpc =
        ClockRpc::new(Arc::new(StoredClock::open(&folder.path().join("clock"), at("2018-01-01T00:00:00Z")).unwrap()));
    let times = [
        None,
        Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        Some(prost_types::Timestamp { seconds: 1_600_000_000, nanos: -1 }),
    ];

    for time in times {
        let refused = rpc.advance_to(Request::new(AdvanceToRequest { time })).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_stored_is_not_reached() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("below").join("clock");
    std::fs::create_dir(folder.path().join("below")).unwrap();
    let clock = StoredClock::open(&file, at("2018-01-01T00:00:00Z")).unwrap();
    std::fs::remove_dir_all(folder.path().join("below")).unwrap();

    assert!(clock.advance_to(at("2018-01-02T00:00:00Z")).await.is_err());
    assert_eq!(clock.clock().now(), at("2018-01-01T00:00:00Z"));
}

#[test]
fn a_file_that_holds_no_time_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    std::fs::write(&file, "yesterday").unwrap();

    let refused = StoredClock::open(&file, at("2018-01-01T00:00:00Z")).unwrap_err();
    assert!(refused.to_string().contains("holds no business time"), "{refused}");
}
