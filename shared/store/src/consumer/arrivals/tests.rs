use std::sync::Arc;

use futures::stream;
use seva_proto::common::v1::ErrorReason;
use seva_values::id::new_id;
use tonic::Code;

use super::*;
use crate::Event;

fn event(feed_no: i64) -> Arc<Event> {
    let at = "2026-03-02T09:00:00Z".parse().unwrap();
    Arc::new(Event {
        event_id: new_id(),
        kind: "seva.toy.moved.v1".to_owned(),
        source: "//toy".to_owned(),
        subject: "toys/1".to_owned(),
        sequence: feed_no,
        occurred_at: at,
        recorded_at: at,
        actor: "a test".to_owned(),
        correlation_id: String::new(),
        causation_id: String::new(),
        hops: 0,
        schema_version: 1,
        traceparent: None,
        payload: Vec::new().into(),
        feed_no,
    })
}

/// The events from `first` to `last`; the feed ends where they do.
fn batch(first: i64, last: i64, epoch: &str) -> Result<Batch, Error> {
    let events = (first..=last).map(event).collect();
    Ok(Batch { events, last_feed_no: last, head: last, epoch: epoch.to_owned() })
}

/// Numbers of the events of each batch, its cursor and its epoch.
async fn taken(arrived: Vec<Result<Batch, Error>>) -> Vec<Result<(Vec<i64>, i64, String), ErrorReason>> {
    let chunks = together(stream::iter(arrived).boxed()).collect::<Vec<_>>().await;
    let numbers = |batch: Batch| {
        assert_eq!(batch.head, batch.last_feed_no);
        (batch.events.iter().map(|event| event.feed_no).collect(), batch.last_feed_no, batch.epoch)
    };
    chunks.into_iter().flatten().map(|batch| batch.map(numbers).map_err(|error| error.reason())).collect()
}

#[tokio::test]
async fn what_waits_is_taken_together_in_order_with_the_last_cursor() {
    let arrived = vec![batch(1, 2, "a"), batch(3, 2, "a"), batch(3, 3, "a"), batch(4, 7, "a")];
    assert_eq!(taken(arrived).await, [Ok((vec![1, 2, 3, 4, 5, 6, 7], 7, "a".to_owned()))]);
}

#[tokio::test]
async fn another_epoch_and_a_fault_keep_their_places() {
    let lost = Error::new(Code::Unavailable, ErrorReason::ServiceUnavailable, "gone");
    let arrived = vec![batch(1, 1, "a"), batch(2, 2, "b"), Err(lost), batch(3, 3, "b")];
    let expected = [
        Ok((vec![1], 1, "a".to_owned())),
        Ok((vec![2], 2, "b".to_owned())),
        Err(ErrorReason::ServiceUnavailable),
        Ok((vec![3], 3, "b".to_owned())),
    ];
    assert_eq!(taken(arrived).await, expected);
}

#[tokio::test]
async fn a_transaction_stays_of_a_size() {
    let arrived = (0..20).map(|number| batch(number * 200 + 1, (number + 1) * 200, "a")).collect();
    let taken = taken(arrived).await;
    assert_eq!(taken.iter().map(|batch| batch.as_ref().unwrap().0.len()).collect::<Vec<_>>(), [1000; 4]);
}
