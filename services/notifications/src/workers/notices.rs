//! Reads the events of other services and decides who is told what: one consumer for each source, which do the same. No network.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use seva_runtime::BusinessClock;
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use seva_values::new_id;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    events::{self, Heard},
    notification::{
        plan::{self, News, Plan},
        store,
    },
    recipient,
    template::Variable,
};

/// The name for ever of the consumer of `//customers`.
pub const NAME: &str = "notices";
/// The name for ever of the consumer of `//tickets`.
pub const OF_TICKETS: &str = "ticket_notices";
/// The name for ever of the consumer of `//surveys`.
pub const OF_SURVEYS: &str = "survey_notices";

/// Decides about events.
#[derive(Debug, Clone)]
pub struct Notices {
    actor: String,
    clock: BusinessClock,
    dispatch: Bell,
}

impl Notices {
    /// The handler of the consumer of this name: decides at the time of `clock` and rings `dispatch` when something may be due.
    #[must_use]
    pub fn new(consumer: &'static str, clock: BusinessClock, dispatch: Bell) -> Self {
        Self { actor: format!("worker:{consumer}"), clock, dispatch }
    }
}

#[async_trait]
impl Handler for Notices {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let Heard { recipients, numbers, mut news } = events::hear(events)?;
        recipient::store::save(transaction, &recipients).await?;
        store::save_numbers(transaction, &numbers).await?;
        name_tickets(transaction, &mut news).await?;
        if news.is_empty() {
            return Ok(());
        }
        let facts = || news.iter().filter_map(|news| news.fact.as_ref());
        let matters = || news.iter().flat_map(|news| news.said.iter().map(|(matter, _)| matter));
        let customers: BTreeSet<Uuid> = facts().map(|fact| fact.customer).collect();
        let subjects: BTreeSet<&str> =
            facts().map(|fact| fact.subject.as_str()).chain(matters().map(|matter| matter.subject.as_str())).collect();
        let (customers, subjects): (Vec<_>, Vec<_>) = (customers.into_iter().collect(), subjects.into_iter().collect());
        let mut known = store::load_surroundings(transaction, &customers, &subjects).await?;
        store::load_told(transaction, &subjects, &mut known).await?;
        let Plan { created, superseded, truths } = plan::plan(news.clone(), known, self.clock.now(), new_id);
        store::save_created(transaction, &self.actor, &created).await?;
        store::save_superseded(transaction, &self.actor, &superseded).await?;
        store::save_truths(transaction, &truths).await
    }

    fn committed(&self) {
        self.dispatch.ring();
    }
}

/// Gives what is told of something that belongs to a ticket that ticket's number.
async fn name_tickets(connection: &mut PgConnection, news: &mut [News]) -> Result<(), Fault> {
    let tickets: BTreeSet<&str> = news.iter().filter_map(|news| news.fact.as_ref()?.ticket.as_deref()).collect();
    let tickets: Vec<&str> = tickets.into_iter().collect();
    let numbers = store::load_numbers(connection, &tickets).await?;
    for fact in news.iter_mut().filter_map(|news| news.fact.as_mut()) {
        let number = fact.ticket.as_ref().and_then(|ticket| numbers.get(ticket));
        if let Some(number) = number {
            fact.variables.insert("ticket_number", Variable::Code(number.clone()));
        }
    }
    Ok(())
}
