//! The loop: to the next instant at which something happens, push, wait until all that follows from it is done.

use std::fs;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use seva_values::Zone;

use super::{SHOP_ZONE, cast::Cast, progress::Progress, timeline::Timeline};
use crate::{
    cast::{Office, Shift},
    data_dir::{Layout, write_private},
    failure::Failure,
    instance::Instance,
    shop::{Pushed, Shop},
    walk::Walk,
};

/// Business time goes on for so long after the last event, for what is due later.
const AFTER_THE_LAST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tickets that one person of the staff has at once.
const CAPACITY: i32 = 6;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// What became of the events that were pushed in this run.
    pub pushed: Pushed,
    /// The instants at which something happened.
    pub instants: u64,
    /// Business time at the beginning of this run, when it was not the first.
    pub resumed_at: Option<Timestamp>,
    /// Business time at the end.
    pub ended_at: Timestamp,
    /// Whether the end had been reached before this run.
    pub was_over: bool,
}

/// When the history of a table is over.
pub fn end_of(timeline: &Timeline) -> Option<Timestamp> {
    timeline.ends_at().map(|last| last + AFTER_THE_LAST)
}

/// Binds a data folder to a table: one that was begun with another is refused.
///
/// # Errors
/// `Usage` when the folder belongs to another table.
pub fn claim(layout: &Layout, timeline: &Timeline) -> Result<(), Failure> {
    let fingerprint = timeline.fingerprint();
    match fs::read_to_string(layout.replay()) {
        Ok(known) if known.trim() == fingerprint => Ok(()),
        Ok(_) => Err(Failure::Usage(format!(
            "{} was begun with another table of orders; name another folder with --data-dir, or delete it",
            layout.root().display()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let written = fs::create_dir_all(layout.root())
                .and_then(|()| write_private(&layout.replay(), format!("{fingerprint}\n").as_bytes()));
            written.map_err(|error| Failure::Unavailable(format!("{}: {error}", layout.replay().display())))
        }
        Err(error) => Err(Failure::Unavailable(format!("{}: {error}", layout.replay().display()))),
    }
}

/// Plays what is left of a timeline into an installation on manual time.
///
/// # Errors
/// The intake rejects an event; something did not come to rest.
pub async fn play(instance: &Instance, timeline: &Timeline) -> Result<Played, Failure> {
    let begins_at = timeline.begins_at().context("a table has events")?;
    let end = end_of(timeline).context("a table has events")?;
    let start = instance.clock.now();
    let resumed_at = (start > begins_at).then_some(start);
    let mut played =
        Played { pushed: Pushed::default(), instants: 0, resumed_at, ended_at: start, was_over: start >= end };
    if played.was_over {
        return Ok(played);
    }
    if let Some(at) = resumed_at {
        eprintln!("going on from {at}; work that a killed process had taken is waited for, some seconds at most");
    }
    let mut shop = Shop::open(instance).await?;
    let zone =
        Zone::parse(SHOP_ZONE).map_err(|fault| Failure::Unavailable(format!("{SHOP_ZONE}: {}", fault.description)))?;
    Office::open(instance, &zone, Shift::ByDay, CAPACITY).await?;
    let mut cast = Cast::new(instance)?;
    let mut walk = Walk::new(instance)?;
    let total = timeline.events().len() as u64;
    let mut progress = Progress::new(total, timeline.passed(start) as u64);
    let mut now = start;
    loop {
        // At the first instant of a resumed run these may be there already: they are answered as duplicates.
        let events = timeline.at(now).iter().map(|planned| timeline.cloud_event(planned)).collect();
        played.pushed += shop.push(events).await?;
        played.instants += 1;
        let next_due = loop {
            let next_due = walk.rest().await?;
            cast.listen(instance).await?;
            if !cast.act(now).await? {
                break next_due;
            }
        };
        progress.tell(timeline.passed(now) as u64, now);
        if now >= end {
            break;
        }
        let next = [timeline.next_after(now), next_due, cast.next(), Some(end)].into_iter().flatten().min();
        now = next.unwrap_or(end);
        walk.advance_to(now).await?;
    }
    progress.finish(now);
    played.ended_at = now;
    Ok(played)
}
