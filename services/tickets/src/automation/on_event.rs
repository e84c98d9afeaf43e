//! Rules about what happens: a consumer of the service's own feed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use seva_proto::tickets::v1::{
    TicketEvent,
    message::{Author, Visibility},
};
use seva_runtime::BusinessClock;
use seva_store::{Event, Fault, consumer::Handler};
use seva_values::parse_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::clock_kind,
    fire::Fire,
    firing::Occasion,
    model::{Automation, Happening},
    store,
};
use crate::{
    clock,
    stored::malformed,
    ticket::{self, Ticket, model::COLLECTION},
};

/// Beginning of the types that it reads.
const TYPES: &str = "seva.tickets.ticket.";

/// Carries out rules about events, each at most once for one event.
#[derive(Debug, Clone)]
pub struct OnEvents {
    clock: BusinessClock,
    fire: Fire,
}

impl OnEvents {
    /// With what `tickets` does.
    #[must_use]
    pub const fn new(clock: BusinessClock, tickets: ticket::Commands) -> Self {
        Self { clock, fire: Fire { tickets } }
    }
}

/// Something that happened, and the rules about it.
struct Heard<'a> {
    event: &'a Event,
    ticket: Uuid,
    rules: Vec<&'a Automation>,
}

#[async_trait]
impl Handler for OnEvents {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let enabled = store::enabled(&mut *transaction).await?;
        let mut heard = Vec::new();
        for event in events.iter().filter(|event| event.kind.starts_with(TYPES) && !enabled.is_empty()) {
            heard.extend(hear(event, &enabled)?);
        }
        if heard.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<Uuid> = heard.iter().map(|one| one.ticket).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        // The clocks of two processes may differ a little: what is heard lies in no future.
        let latest = heard.iter().map(|one| one.event.occurred_at).max();
        let now = latest.map_or_else(|| self.clock.now(), |latest| latest.max(self.clock.now()));
        let tickets = ticket::store::lock_at(&mut *transaction, &ids, now).await?;
        let mut tickets: BTreeMap<Uuid, Ticket> = tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        for Heard { event, ticket, rules } in heard {
            let Some(ticket) = tickets.get_mut(&ticket) else { continue };
            for automation in rules {
                let occasion = (Occasion::Event(event.event_id), event.story());
                self.fire.at(&mut *transaction, automation, ticket, occasion, now).await?;
            }
        }
        Ok(())
    }

    fn committed(&self) {
        self.fire.tickets.ring_routing();
    }
}

/// What an event says, if a rule is about it. None is about what it did itself (TK125), nor about what was before it.
fn hear<'a>(event: &'a Event, enabled: &'a [Automation]) -> Result<Option<Heard<'a>>, Fault> {
    let payload: TicketEvent = event.payload()?;
    let Some((happening, of_clock)) = happening(event, &payload) else { return Ok(None) };
    let is_about = |automation: &&Automation| {
        automation.rule.trigger.is_about(happening, of_clock)
            && automation.actor() != event.actor
            && automation.enabled_at <= event.occurred_at
    };
    let rules: Vec<&Automation> = enabled.iter().filter(is_about).collect();
    if rules.is_empty() {
        return Ok(None);
    }
    let ticket = parse_name(COLLECTION, &payload.ticket).map_err(malformed)?;
    Ok(Some(Heard { event, ticket, rules }))
}

fn happening(event: &Event, payload: &TicketEvent) -> Option<(Happening, Option<clock::Kind>)> {
    let is_public = payload.message_visibility() == Visibility::Public;
    let happening = match event.kind.strip_prefix(TYPES)? {
        "created.v1" => Happening::Created,
        "assigned.v1" => Happening::Assigned,
        "unassigned.v1" => Happening::Unassigned,
        "updated.v1" => Happening::Updated,
        "replied.v1" | "pending.v1" => match payload.message_author() {
            Author::Customer => Happening::CustomerReplied,
            Author::Staff if is_public => Happening::StaffReplied,
            _ => return None,
        },
        "resolved.v1" => Happening::Resolved,
        "rejected.v1" => Happening::Rejected,
        "reopened.v1" => Happening::Reopened,
        "closed.v1" => Happening::Closed,
        "clock_warned.v1" => return Some((Happening::ClockWarned, clock_kind(payload.warned_clock).ok())),
        "clock_breached.v1" => return Some((Happening::ClockBreached, clock_kind(payload.breached_clock).ok())),
        _ => return None,
    };
    Some((happening, None))
}
