//! What this service hears: the events of other services, read into what customers are told and what decisions need to know.
//!
//! - `customers`: orders, invoices and customers; [`tickets`]: a problem and where it stands; `surveys`: who is asked how it went
//!
//! What it emits stands with the writes that emit it; the README lists it.

mod customers;
mod surveys;
pub mod tickets;

use std::sync::Arc;

use jiff::Timestamp;
use seva_runtime::{Error, call::Story};
use seva_store::{Event, Fault};
use seva_values::Invalid;
use uuid::Uuid;

use crate::{
    notification::{
        milestone::{Milestone, Topic},
        model::Fact,
        plan::News,
        truth::{self, Matter, Standing},
    },
    recipient::Recipient,
    template::Variables,
};

/// What some events say.
#[derive(Debug, Default)]
pub struct Heard {
    /// States of customers, in order.
    pub recipients: Vec<Recipient>,
    /// News of orders, invoices, customers, tickets and invitations, in order.
    pub news: Vec<News>,
}

/// Reads events of any source; those of unknown types say nothing.
///
/// # Errors
/// A payload that is not what the contract says: the event can never be applied.
pub fn hear(events: &[Arc<Event>]) -> Result<Heard, Fault> {
    let mut heard = Heard::default();
    for event in events {
        if event.kind.starts_with(customers::PREFIX) {
            customers::hear(event, &mut heard)?;
        } else if event.kind.starts_with(tickets::PREFIX) {
            heard.news.push(tickets::hear(About::of(event), &event.payload()?)?);
        } else if event.kind.starts_with(surveys::PREFIX) {
            heard.news.extend(surveys::hear(&About::of(event), event.payload()?)?);
        }
    }
    Ok(heard)
}

/// What every event says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Its type.
    pub kind: String,
    /// What it is about, such as `orders/{id}`.
    pub subject: String,
    /// Counts the subject's events.
    pub sequence: i64,
    /// Business time.
    pub occurred_at: Timestamp,
    /// The story of what it causes.
    pub story: Story,
}

impl About {
    fn of(event: &Event) -> Self {
        Self {
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            sequence: event.sequence,
            occurred_at: event.occurred_at,
            story: event.story(),
        }
    }

    /// That what was said before about these topics of its subject is no longer true.
    fn settled(&self, customer: Uuid, topics: &[Topic]) -> Vec<(Matter, Standing)> {
        let matter = |topic: &Topic| Matter { customer, subject: self.subject.clone(), topic: *topic };
        let standing = Standing { rank: 0, sequence: self.sequence };
        topics.iter().map(|topic| (matter(topic), standing)).collect()
    }
}

/// What an event tells of its milestone.
struct Told {
    customer: Uuid,
    subject: String,
    occasion: String,
    overtaken: bool,
    variables: Variables,
}

fn news(milestone: &'static Milestone, about: &About, told: Told) -> News {
    let Told { customer, subject, occasion, overtaken, variables } = told;
    let said = truth::said_by(milestone, customer, &subject, about.sequence).collect();
    let fact = Fact {
        milestone,
        customer,
        subject,
        occasion,
        sequence: about.sequence,
        occurred_at: about.occurred_at,
        overtaken,
        variables,
        story: about.story.clone(),
    };
    News { said, fact: Some(fact) }
}

fn malformed(invalid: Invalid) -> Fault {
    let reason = seva_proto::common::v1::ErrorReason::EventDataMalformed;
    Fault::Decided(Error::invalid(reason, format!("{}: {}", invalid.reason, invalid.description)))
}
