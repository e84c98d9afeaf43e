//! What has come while a batch was applied, taken together.

use futures::{Stream, StreamExt, stream::BoxStream};
use seva_runtime::Error;

use crate::feed::Batch;

/// Batches that are looked at together at most.
const AT_ONCE: usize = 32;
/// Events that are applied together at most.
const TOGETHER: usize = 1000;

#[cfg(test)]
mod tests;

/// The batches of a stream, those that wait together as one: a feed that is read as it grows comes in batches of a few events, and a consumer
/// that applied each by itself would fall behind for want of transactions, not of time.
pub fn together(
    batches: BoxStream<'static, Result<Batch, Error>>,
) -> impl Stream<Item = Vec<Result<Batch, Error>>> + Unpin {
    batches.ready_chunks(AT_ONCE).map(|arrived| arrived.into_iter().fold(Vec::new(), join))
}

fn join(mut joined: Vec<Result<Batch, Error>>, next: Result<Batch, Error>) -> Vec<Result<Batch, Error>> {
    match (joined.last_mut(), next) {
        (Some(Ok(last)), Ok(next)) if last.epoch == next.epoch && last.events.len() + next.events.len() <= TOGETHER => {
            last.events.extend(next.events);
            (last.last_feed_no, last.head) = (next.last_feed_no, next.head);
        }
        (_, next) => joined.push(next),
    }
    joined
}
