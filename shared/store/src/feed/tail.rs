//! The one reader of a process that follows the end of its feed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{BATCH, Feed, raise, read_table, wait_above};
use crate::Fault;

/// How long events that another process sequenced wait to be seen.
const POLL: Duration = Duration::from_millis(50);
/// Between two tries to reach the database again.
const RETRY: Duration = Duration::from_millis(500);

/// Follows the feed until `stopping`: reads what is new into memory and wakes the subscribers.
pub async fn follow(feed: Feed, stopping: CancellationToken) {
    let mut last = None;
    while !stopping.is_cancelled() {
        let announced = feed.head();
        let pause = match advance(&feed, &mut last).await {
            Ok(()) => POLL,
            Err(fault) => {
                tracing::warn!(service = feed.db.service(), %fault, "the feed cannot be read; trying again");
                RETRY
            }
        };
        // A head that was announced and yet could not be read does not make this a busy loop.
        let known = last.unwrap_or(0).max(announced);
        tokio::select! {
            // Announced by the sequencer of this process; other processes' events are found by the poll.
            () = wait_above(&feed.sequenced, known) => {}
            () = tokio::time::sleep(pause) => {}
            () = stopping.cancelled() => return,
        }
    }
}

/// Reads all that is new since `last`; the first time it only finds where the end is.
async fn advance(feed: &Feed, last: &mut Option<i64>) -> Result<(), Fault> {
    let Some(last) = last else {
        let head = feed.bounds().await?.head;
        *last = Some(head);
        feed.announce_head(head);
        raise(&feed.readable, head);
        return Ok(());
    };
    loop {
        let events = read_table(&feed.db, *last, BATCH * 5).await?;
        let Some(newest) = events.last().map(|event| event.feed_no) else { return Ok(()) };
        let full = events.len() == BATCH * 5;
        feed.keep(events);
        *last = newest;
        feed.announce_head(newest);
        raise(&feed.readable, newest);
        if !full {
            return Ok(());
        }
    }
}
