//! Tells what followed from a step: the events of all services since the step before, under the trace that they carry.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use prost::Message;
use seva_proto::{
    notifications::v1::{DecisionReason, NotificationEvent, notification::State},
    surveys::v1::InvitationEvent,
    tickets::v1::{Ticket, TicketEvent},
};
use seva_store::{Event, dead_letter};

use crate::{failure::Failure, instance::Instance, walk::Walk};

/// Where the tour is in every feed, and what was heard at the last step.
pub struct Narrator<'i> {
    instance: &'i Instance,
    cursors: BTreeMap<&'static str, i64>,
    heard: Vec<Arc<Event>>,
    step: usize,
}

impl<'i> Narrator<'i> {
    /// Begins at the present heads: what came before is another story.
    ///
    /// # Errors
    /// A database cannot be asked.
    pub async fn begin(instance: &'i Instance) -> Result<Self, Failure> {
        let mut cursors = BTreeMap::new();
        for service in &instance.services {
            let bounds = service.feed.bounds().await.context("asking for the head of a feed")?;
            cursors.insert(service.name, bounds.head);
        }
        Ok(Self { instance, cursors, heard: Vec::new(), step: 0 })
    }

    /// Waits for rest, tells the step and what followed from it, and makes sure of what should have: the last words of events' types, or
    /// milestones that the customer was told of.
    ///
    /// # Errors
    /// It does not come to rest; something that should have followed did not.
    pub async fn step(&mut self, walk: &Walk<'_>, title: &str, expected: &[&str]) -> Result<(), Failure> {
        walk.rest().await?;
        self.step += 1;
        self.listen().await?;
        let now = self.instance.clock.now();
        let local = now.to_zoned(super::zone().time_zone().clone());
        println!("{:>2}. {}  {title}", self.step, local.strftime("%a %d %b %H:%M"));
        for trace in self.traces() {
            println!("     trace {trace}");
            for event in self.heard.iter().filter(|event| trace_of(event) == trace) {
                println!("       {:<15}{}", event.source.trim_start_matches('/'), in_words(event));
            }
        }
        println!();
        let seen: BTreeSet<String> = self.heard.iter().flat_map(|event| names_of(event)).collect();
        let missing: Vec<_> = expected.iter().filter(|name| !seen.contains(**name)).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(anyhow!("{title}: {missing:?} should have followed, and did not").into())
        }
    }

    /// The newest event of a type among those of the last step.
    ///
    /// # Errors
    /// There was none.
    pub fn last<M: Message + Default>(&self, kind: &str) -> Result<M, Failure> {
        let event = self.heard.iter().rev().find(|event| event.kind == kind);
        let event = event.with_context(|| format!("there was no {kind}"))?;
        Ok(event.payload().context("reading an event")?)
    }

    /// Makes sure that no event was given up.
    ///
    /// # Errors
    /// One was.
    pub async fn nothing_left(&self) -> Result<(), Failure> {
        for service in &self.instance.services {
            let counts = dead_letter::counts(&service.foundation.db).await.context("counting dead letters")?;
            if let Some((consumer, source, _, count)) = counts.iter().find(|(.., count)| *count > 0) {
                return Err(anyhow!("{consumer} of {source} has given up {count} events").into());
            }
        }
        Ok(())
    }

    async fn listen(&mut self) -> Result<(), Failure> {
        self.heard.clear();
        for service in &self.instance.services {
            let cursor = self.cursors.entry(service.name).or_default();
            loop {
                let events = service.feed.read_after(*cursor).await.context("reading a feed")?;
                let Some(last) = events.last() else { break };
                *cursor = last.feed_no;
                self.heard.extend(events);
            }
        }
        self.heard.sort_by_key(|event| event.recorded_at);
        Ok(())
    }

    /// The traces of the last step, in the order in which they began.
    fn traces(&self) -> Vec<&str> {
        let mut traces = Vec::new();
        for trace in self.heard.iter().map(|event| trace_of(event)) {
            if !traces.contains(&trace) {
                traces.push(trace);
            }
        }
        traces
    }
}

/// The trace id in the context that an event carries.
fn trace_of(event: &Event) -> &str {
    event.traceparent.as_deref().and_then(|context| context.split('-').nth(1)).unwrap_or("(none)")
}

/// What an event can be expected by: the last word of its type, and the milestone that a customer was told of.
fn names_of(event: &Event) -> Vec<String> {
    let word = event.kind.rsplit('.').nth(1).unwrap_or_default().to_owned();
    let sent = event.kind == "seva.notifications.notification.sent.v1";
    let milestone = sent.then(|| event.payload::<NotificationEvent>().ok()?.notification).flatten();
    milestone.map(|notification| notification.milestone).into_iter().chain([word]).collect()
}

fn in_words(event: &Event) -> String {
    let kind = event.kind.trim_start_matches("seva.").trim_end_matches(".v1");
    let kind = kind.split_once('.').map_or(kind, |(_, kind)| kind).replace(['.', '_'], " ");
    if let Some(more) = details(event) { format!("{kind}: {more}") } else { kind }
}

fn details(event: &Event) -> Option<String> {
    let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase().replace('_', " ");
    if event.kind.starts_with("seva.notifications.notification.") {
        let notification = event.payload::<NotificationEvent>().ok()?.notification?;
        return Some(match notification.state() {
            State::Sent => {
                let id = notification.name.trim_start_matches("notifications/");
                format!("{} in {} (mail {id}.eml)", notification.milestone, notification.language)
            }
            _ => format!(
                "{}, {}",
                notification.milestone,
                word(DecisionReason::as_str_name(&notification.reason()), "DECISION_REASON_")
            ),
        });
    }
    if event.kind.starts_with("seva.tickets.ticket.") {
        let ticket: TicketEvent = event.payload().ok()?;
        let state = Ticket { state: ticket.state, ..Ticket::default() };
        return Some(format!("{} is {}", ticket.number, word(state.state().as_str_name(), "STATE_")));
    }
    if event.kind.starts_with("seva.surveys.invitation.") {
        let invitation = event.payload::<InvitationEvent>().ok()?.invitation?;
        return Some(format!("about {}", invitation.subject.split('/').next().unwrap_or_default()));
    }
    None
}
