//! Hears what is told of tickets, and has those looked at to which something happened. So nothing is added to the calls that change them, and
//! what happens to a ticket within a moment is assessed once: by when it happened, never by how it was heard.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_proto::tickets::v1::TicketEvent;
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use seva_values::parse_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::stored::malformed;

/// The consumer's name for ever.
pub const NAME: &str = "risk";

const TICKET_TYPES: &str = "seva.tickets.ticket.";
const CREATED: &str = "seva.tickets.ticket.created.v1";
/// Of a ticket that a low score has opened.
const LOW_SCORE: &str = "low_score";
/// How long after something happened to a ticket it is looked at: most of what follows from a call has happened by then.
const SETTLES: SignedDuration = SignedDuration::from_secs(5);

/// Hears of tickets; wakes whoever looks at them.
#[derive(Debug, Clone)]
pub struct Listener {
    bell: Bell,
}

impl Listener {
    /// Rings `bell` when something is to be looked at.
    #[must_use]
    pub const fn new(bell: Bell) -> Self {
        Self { bell }
    }
}

#[async_trait]
impl Handler for Listener {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let mut looks: BTreeMap<Uuid, Timestamp> = BTreeMap::new();
        let mut low_scores = Vec::new();
        for event in events.iter().filter(|event| event.kind.starts_with(TICKET_TYPES)) {
            let ticket = parse_name("tickets", &event.subject).map_err(malformed)?;
            if event.kind == CREATED {
                let told: TicketEvent = event.payload()?;
                low_scores.extend(told.matter.filter(|matter| matter.kind == LOW_SCORE).map(|_| ticket));
            }
            first(&mut looks, ticket, event.occurred_at + SETTLES);
        }
        for (low_score, other) in store::touched(transaction, &low_scores).await? {
            if let Some(look_at) = looks.get(&low_score).copied() {
                first(&mut looks, other, look_at);
            }
        }
        store::have_looked_at(transaction, &looks).await
    }

    fn committed(&self) {
        self.bell.ring();
    }
}

/// The earlier of two looks at a ticket holds.
fn first(looks: &mut BTreeMap<Uuid, Timestamp>, ticket: Uuid, look_at: Timestamp) {
    looks.entry(ticket).and_modify(|earlier| *earlier = look_at.min(*earlier)).or_insert(look_at);
}
