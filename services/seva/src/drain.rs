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
            match look(services, clock.now()).await? {
                Look::Rest { next_due } => return Ok(next_due),
                Look::Unrest { left: found } => left = found,
            }
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

/// What was found at one look.
enum Look {
    Rest { next_due: Option<Timestamp> },
    Unrest { left: Vec<String> },
}

/// Asks the databases: for feeds, then for work, so that what a consumer's effect makes due is seen, then for feeds again: between the questions
/// something may have moved, and the same heads mean that nothing did.
async fn look(services: &[Service], now: Timestamp) -> Result<Look, Error> {
    let (heads, left) = heads(services).await?;
    if !left.is_empty() {
        return Ok(Look::Unrest { left });
    }
    let (next_due, left) = next_due(services, now).await?;
    if !left.is_empty() {
        return Ok(Look::Unrest { left });
    }
    let (again, mut left) = self::heads(services).await?;
    if left.is_empty() && again != heads {
        left.push("feeds are growing".to_owned());
    }
    Ok(if left.is_empty() { Look::Rest { next_due } } else { Look::Unrest { left } })
}

/// Where the feeds end; and what is not in them, or not applied yet.
async fn heads(services: &[Service]) -> Result<(Vec<i64>, Vec<String>), Error> {
    let asked = services.iter().map(|service| async {
        let drained = sequencer::is_drained(&service.foundation.db).await?;
        Ok::<_, Error>((drained, service.feed.bounds().await?.head))
    });
    let found = try_join_all(asked).await?;
    let undrained = services.iter().zip(&found).filter(|(_, (drained, _))| !drained);
    let mut left: Vec<String> =
        undrained.map(|(service, _)| format!("{} has events that are not in its feed yet", service.name)).collect();
    let heads: Vec<i64> = found.into_iter().map(|(_, head)| head).collect();
    left.extend(behind(services, &heads));
    Ok((heads, left))
}

/// When the earliest work to come is due; and what is due already.
async fn next_due(services: &[Service], now: Timestamp) -> Result<(Option<Timestamp>, Vec<String>), Error> {
    let asked = services
        .iter()
        .flat_map(|service| service.due.iter().map(move |due| (service.name, due)))
        .map(|(service, due)| async move { Ok::<_, Error>((service, due.name(), due.next_due().await?)) });
    let found = try_join_all(asked).await?;
    let work = || found.iter().filter_map(|(service, name, at)| at.map(|at| (service, name, at)));
    let left = work().filter(|(.., at)| *at <= now);
    let left = left.map(|(service, name, at)| format!("{service} has {name} due since {at}")).collect();
    Ok((work().map(|(.., at)| at).min(), left))
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
