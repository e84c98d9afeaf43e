//! Hears what is told of tickets, and assesses those to which something happened. So nothing is added to the calls that change them, and what
//! happens to a ticket within a moment is assessed once.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use seva_proto::tickets::v1::TicketEvent;
use seva_runtime::{BusinessClock, Write};
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use seva_values::parse_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{assess, store};
use crate::stored::malformed;

/// The consumer's name for ever.
pub const NAME: &str = "risk";

const TICKET_TYPES: &str = "seva.tickets.ticket.";
const CREATED: &str = "seva.tickets.ticket.created.v1";
/// Of a ticket that a low score has opened.
const LOW_SCORE: &str = "low_score";
/// Tickets that are locked together at most.
const TOGETHER: usize = 200;

/// Hears of tickets; wakes what has to be looked at later, and what waits to be acknowledged.
#[derive(Debug, Clone)]
pub struct Listener {
    clock: BusinessClock,
    bells: [Bell; 2],
}

impl Listener {
    /// Assesses at the time of `clock`, and rings `bells`.
    #[must_use]
    pub const fn new(clock: BusinessClock, bells: [Bell; 2]) -> Self {
        Self { clock, bells }
    }
}

#[async_trait]
impl Handler for Listener {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let mut now = self.clock.now();
        let mut asked: BTreeMap<Uuid, Write> = BTreeMap::new();
        let mut low_scores = Vec::new();
        for event in events.iter().filter(|event| event.kind.starts_with(TICKET_TYPES)) {
            let ticket = parse_name("tickets", &event.subject).map_err(malformed)?;
            if event.kind == CREATED {
                let told: TicketEvent = event.payload()?;
                low_scores.extend(told.matter.filter(|matter| matter.kind == LOW_SCORE).map(|_| ticket));
            }
            now = now.max(event.occurred_at);
            asked.insert(ticket, write_of(event));
        }
        for (low_score, other) in store::touched(transaction, &low_scores).await? {
            if let Some(write) = asked.get(&low_score).cloned() {
                asked.entry(other).or_insert(write);
            }
        }
        // One after the other in the order of ids: locks are taken in that order by everybody.
        let mut left: Vec<(Uuid, Write)> = asked.into_iter().collect();
        while !left.is_empty() {
            let together: BTreeMap<Uuid, Write> = left.drain(..left.len().min(TOGETHER)).collect();
            assess::carry_out(transaction, &together, now).await?;
        }
        Ok(())
    }

    fn committed(&self) {
        self.bells.iter().for_each(Bell::ring);
    }
}

fn write_of(event: &Event) -> Write {
    Write {
        actor: format!("consumer:{NAME}"),
        on_behalf_of: None,
        method: event.kind.clone(),
        request: None,
        story: event.story(),
    }
}
