//! What this service hears: the events of other services, read into what customers are told and what decisions need to know.
//!
//! - `customers`: orders, invoices and customers; [`tickets`]: a problem and where it stands; `returns`, `compensation` and `promises`: what
//!   belongs to one; `surveys`: who is asked how it went
//!
//! What it emits stands with the writes that emit it; the README lists it.

mod compensation;
mod customers;
mod promises;
mod returns;
mod surveys;
pub mod tickets;

use std::sync::Arc;

use jiff::Timestamp;
use seva_proto::{common::v1::Money as MoneyMessage, tickets::v1::TicketEvent};
use seva_runtime::{Error, call::Story};
use seva_store::{Event, Fault};
use seva_values::{Invalid, Money, parse_name};
use uuid::Uuid;

use crate::{
    notification::{
        milestone::{self, Milestone, Topic},
        model::Fact,
        plan::News,
        truth::{self, Matter, Standing},
    },
    recipient::Recipient,
    template::{Variable, Variables},
};

/// What some events say.
#[derive(Debug, Default)]
pub struct Heard {
    /// States of customers, in order.
    pub recipients: Vec<Recipient>,
    /// The names of new tickets, each with its number.
    pub numbers: Vec<(String, String)>,
    /// News of orders, invoices, customers, tickets, what belongs to them and invitations, in order.
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
            let state: TicketEvent = event.payload()?;
            if tickets::is_first(&event.kind) {
                heard.numbers.push((event.subject.clone(), state.number.clone()));
            }
            heard.news.push(tickets::hear(About::of(event), &state)?);
        } else if event.kind.starts_with(returns::PREFIX) {
            heard.news.push(returns::hear(&About::of(event), &event.payload()?)?);
        } else if event.kind.starts_with(compensation::PREFIX) {
            heard.news.push(compensation::hear(&About::of(event), event.payload()?)?);
        } else if event.kind.starts_with(promises::PREFIX) {
            heard.news.push(promises::hear(&About::of(event), &event.payload()?)?);
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
    /// That the subject belongs to.
    ticket: Option<String>,
    occasion: String,
    overtaken: bool,
    variables: Variables,
}

fn news(milestone: &'static Milestone, about: &About, told: Told) -> News {
    let Told { customer, subject, ticket, occasion, overtaken, variables } = told;
    let said = truth::said_by(milestone, customer, &subject, about.sequence).collect();
    let fact = Fact {
        milestone,
        customer,
        subject,
        ticket,
        occasion,
        sequence: about.sequence,
        occurred_at: about.occurred_at,
        overtaken,
        variables,
        story: about.story.clone(),
    };
    News { said, fact: Some(fact) }
}

/// What an event of something that belongs to a ticket tells.
fn news_of_ticket(
    key: &str,
    about: &About,
    [customer, ticket]: [&str; 2],
    occasion: String,
    variables: Variables,
) -> Result<News, Fault> {
    let milestone = milestone::find(key).expect("the table of milestones has each of these");
    let told = Told {
        customer: parse_name("customers", customer).map_err(malformed)?,
        subject: about.subject.clone(),
        ticket: Some(ticket.to_owned()),
        occasion,
        overtaken: false,
        variables,
    };
    Ok(news(milestone, about, told))
}

/// What an event says that tells nobody anything: nothing, or that what was said of this topic before is no longer true.
fn silent(about: &About, customer: &str, untrue: Option<Topic>) -> Result<News, Fault> {
    let customer = parse_name("customers", customer).map_err(malformed)?;
    Ok(News { said: about.settled(customer, untrue.as_slice()), fact: None })
}

fn money(amount: Option<MoneyMessage>) -> Option<Variable> {
    Money::try_from(amount?).ok().map(Variable::Money)
}

fn malformed(invalid: Invalid) -> Fault {
    let reason = seva_proto::common::v1::ErrorReason::EventDataMalformed;
    Fault::Decided(Error::invalid(reason, format!("{}: {}", invalid.reason, invalid.description)))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub const CUSTOMER: &str = "customers/01890a5d-ac96-774b-bcce-b302099a8057";

    /// An event of this type.
    pub fn about(kind: &str) -> About {
        About {
            kind: kind.to_owned(),
            subject: "tickets/one".to_owned(),
            sequence: 7,
            occurred_at: Timestamp::UNIX_EPOCH,
            story: Story { correlation_id: String::new(), causation_id: String::new(), hops: 0, traceparent: None },
        }
    }

    /// The milestone that is told, and the occasion.
    pub fn told_of(news: News) -> Option<(&'static str, String)> {
        news.fact.map(|fact| (fact.milestone.key, fact.occasion))
    }
}
