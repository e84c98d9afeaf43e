//! Waiting until an installation has nothing left to do at its present business time.
//!
//! Drained means: every committed event has its place in its feed, every consumer has applied all of them, and no work is due. What is parked
//! behind a dead letter counts as done, as it waits for a person.

use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error};
use seva_store::{sequencer, service::Service};
use tokio::time::{Instant, sleep};

/// The first and the longest pause between two looks at what this process knows.
const FIRST_PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// Why an installation did not come to rest.
#[derive(Debug, thiserror::Error)]
pub enum Unrest {
    /// Something was still to be done when patience ended.
    #[error("not everything was done after {}: {left}", humanly(*.patience))]
    Patience {
        /// How long was waited.
        patience: Duration,
        /// What was left.
        left: String,
    },
    /// A database could not be asked.
    #[error("whether everything is done could not be asked: {0}")]
    Database(#[from] Error),
}

fn humanly(patience: Duration) -> String {
    format!("{} s", patience.as_secs())
}

/// What was found at one look.
struct Look {
    heads: Vec<i64>,
    next_due: Option<Timestamp>,
    left: Vec<String>,
}

/// Waits until all is done, and answers when the earliest work to come is due.
///
/// # Errors
/// [`Unrest`].
pub async fn until_drained(
    services: &[Service],
    clock: &BusinessClock,
    patience: Duration,
) -> Result<Option<Timestamp>, Unrest> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        // What this process knows costs nothing to look at; the databases are asked when it looks like rest.
        let mut left = behind(services, &known_heads(services));
        if left.is_empty() {
            let found = look(services, clock.now()).await?;
            if found.left.is_empty() {
                // Between the questions something may have moved: the same answers again mean that nothing did.
                let again = look(services, clock.now()).await?;
                if again.left.is_empty() && again.heads == found.heads {
                    return Ok(again.next_due);
                }
            }
            left = found.left;
        }
        if started.elapsed() > patience && !left.is_empty() {
            return Err(Unrest::Patience { patience, left: left.join("; ") });
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn known_heads(services: &[Service]) -> Vec<i64> {
    services.iter().map(|service| service.feed.head()).collect()
}

/// Asks the databases: first for feeds, then for work, so that what a consumer's effect makes due is seen.
async fn look(services: &[Service], now: Timestamp) -> Result<Look, Error> {
    let heads = try_join_all(services.iter().map(|service| async {
        let drained = sequencer::is_drained(&service.foundation.db).await?;
        Ok::<_, Error>((drained, service.feed.bounds().await?.head))
    }))
    .await?;
    let mut left: Vec<String> = services
        .iter()
        .zip(&heads)
        .filter(|(_, (drained, _))| !drained)
        .map(|(service, _)| format!("{} has events that are not in its feed yet", service.name))
        .collect();
    let heads: Vec<i64> = heads.into_iter().map(|(_, head)| head).collect();
    left.extend(behind(services, &heads));

    let mut next_due = None;
    for service in services {
        for due in
            try_join_all(service.due.iter().map(|due| async { Ok::<_, Error>((due.name(), due.next_due().await?)) }))
                .await?
        {
            let (name, Some(at)) = due else { continue };
            if at <= now {
                left.push(format!("{} has {name} due since {at}", service.name));
            }
            next_due = Some(next_due.map_or(at, |earliest: Timestamp| earliest.min(at)));
        }
    }
    Ok(Look { heads, next_due, left })
}

/// Consumers that have not applied everything up to these heads of the services' feeds.
fn behind(services: &[Service], heads: &[i64]) -> Vec<String> {
    let mut behind = Vec::new();
    for consumer in services.iter().flat_map(|service| &service.consumers) {
        let standing = consumer.standing();
        let source = services.iter().position(|service| service.feed.source() == standing.source);
        if let Some(head) = source.and_then(|source| heads.get(source))
            && standing.feed_no < *head
        {
            behind.push(format!("{} is at {} of {} in {}", standing.consumer, standing.feed_no, head, standing.source));
        }
    }
    behind
}
