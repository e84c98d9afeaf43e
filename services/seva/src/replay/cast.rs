//! Those who act in a replay beside the shop: staff who resolve tickets, customers who say whether it is solved and answer surveys.
//!
//! What somebody does follows from the number of the order that it is about and from a fixed seed, so that it is the same in every replay
//! of a table. It is read from the feeds of the services whenever a replay begins or goes on: nothing is kept here that a kill could lose,
//! and every act is a request whose id follows from what it does.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use seva_proto::{
    customers::v1::{InvoiceEvent, OrderEvent},
    surveys::v1::{InvitationEvent, ResponseEvent},
    tickets::v1::{TicketEvent, root_problem::Cause},
};
use seva_store::Event;

use super::{SEED, dice::Dice};
use crate::{
    cast::{Agent, Patron},
    failure::Failure,
    instance::Instance,
};

#[cfg(test)]
mod tests;

/// Of a hundred customers who are asked whether it is solved: so many say at first that it is not, and so many never answer.
const REJECT: usize = 10;
const NEVER_ANSWER: usize = 25;
/// Of a hundred customers who are asked how it was: so many answer.
const ANSWER_SURVEYS: usize = 40;
/// The scores that they give, out of a hundred.
const SCORES: [(i32, usize); 5] = [(5, 50), (4, 27), (3, 9), (2, 8), (1, 6)];

/// Something that somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    /// Staff resolve a ticket for the so-manieth time.
    Resolve { ticket: String, resolution: i32, cause: Cause },
    /// The customer answers whether that solved it.
    Answer { ticket: String, resolution: i32, solved: bool },
    /// The customer answers a survey.
    Respond { invitation: String, score: i32 },
}

/// Everybody who acts, and what they will do.
pub struct Cast {
    agent: Agent,
    patron: Patron,
    plans: Plans,
    cursors: BTreeMap<&'static str, i64>,
}

/// What will be done, by what it is done to: one thing at a time.
#[derive(Debug, Default)]
struct Plans {
    acts: BTreeMap<String, (Timestamp, Act)>,
    /// What each resource that tickets and surveys are about is called.
    names: HashMap<String, Name>,
}

/// A name that is the same in every replay.
#[derive(Debug)]
enum Name {
    /// Its own: the order's number.
    Own(String),
    /// What it is, and the resource that it is about.
    Of(String, String),
}

impl Cast {
    /// The cast of an installation, which has read nothing yet.
    ///
    /// # Errors
    /// A service is missing.
    pub fn new(instance: &Instance) -> Result<Self, Failure> {
        let (agent, patron) = (Agent::new(instance)?, Patron::new(instance)?);
        Ok(Self { agent, patron, plans: Plans::default(), cursors: BTreeMap::new() })
    }

    /// Reads what has happened since it read last.
    ///
    /// # Errors
    /// A feed cannot be read.
    pub async fn listen(&mut self, instance: &Instance) -> Result<(), Failure> {
        let mut news = Vec::new();
        for name in [seva_customers::NAME, seva_surveys::NAME, seva_tickets::NAME] {
            let service = instance.services.iter().find(|service| service.name == name);
            let feed = &service.with_context(|| format!("there is no service {name}"))?.feed;
            let cursor = self.cursors.entry(name).or_default();
            loop {
                let events = feed.read_after(*cursor).await.context("reading a feed")?;
                let Some(last) = events.last() else { break };
                *cursor = last.feed_no;
                news.extend(events);
            }
        }
        // Tickets come of answers to surveys, and surveys ask about tickets: what all of them are called is known before anything is planned,
        // however much is read at once.
        for event in &news {
            self.plans.learn(event).context("reading an event")?;
        }
        for event in &news {
            self.plans.hear(event).context("reading an event")?;
        }
        Ok(())
    }

    /// When somebody acts next.
    pub fn next(&self) -> Option<Timestamp> {
        self.plans.acts.values().map(|(at, _)| *at).min()
    }

    /// Does everything that is due at `now`; answers whether there was anything.
    ///
    /// # Errors
    /// An act is refused.
    pub async fn act(&mut self, now: Timestamp) -> Result<bool, Failure> {
        let due = self.plans.take_due(now);
        for act in &due {
            match act {
                Act::Resolve { ticket, resolution, cause } => {
                    self.agent
                        .resolve(ticket, *resolution, *cause, "We found out what it was, and put it right.")
                        .await?;
                }
                Act::Answer { ticket, resolution, solved } => {
                    let text = if *solved { "" } else { "It is still as it was." };
                    self.patron.answers_resolution(ticket, *resolution, *solved, text).await?;
                }
                Act::Respond { invitation, score } => {
                    self.patron.answers_survey(invitation, *score).await?;
                }
            }
        }
        Ok(!due.is_empty())
    }
}

impl Plans {
    /// Keeps what the event's subject is called.
    fn learn(&mut self, event: &Event) -> Result<(), seva_runtime::Error> {
        let kind = event.kind.as_str();
        if self.names.contains_key(&event.subject) {
            return Ok(());
        }
        let name = if kind.starts_with("seva.customers.order.") {
            Name::Own(event.payload::<OrderEvent>()?.order.unwrap_or_default().order_number)
        } else if kind.starts_with("seva.customers.invoice.") {
            Name::Own(event.payload::<InvoiceEvent>()?.invoice.unwrap_or_default().invoice_number)
        } else if kind.starts_with("seva.tickets.ticket.") {
            let matter = event.payload::<TicketEvent>()?.matter.unwrap_or_default();
            Name::Of(format!("the ticket {}", matter.kind), matter.subject)
        } else if kind.starts_with("seva.surveys.response.") {
            Name::Of("the answer about".to_owned(), event.payload::<ResponseEvent>()?.subject)
        } else {
            return Ok(());
        };
        self.names.insert(event.subject.clone(), name);
        Ok(())
    }

    /// Plans what somebody does because of an event.
    fn hear(&mut self, event: &Event) -> Result<(), seva_runtime::Error> {
        let kind = event.kind.as_str();
        if kind.starts_with("seva.tickets.ticket.") {
            self.hear_ticket(kind, event.occurred_at, &event.payload()?);
        } else if kind.starts_with("seva.surveys.invitation.") {
            let invitation = event.payload::<InvitationEvent>()?.invitation.unwrap_or_default();
            self.hear_invitation(kind, event.occurred_at, invitation.name, &invitation.subject);
        }
        Ok(())
    }

    fn name_of(&self, subject: &str) -> String {
        match self.names.get(subject) {
            None => String::new(),
            Some(Name::Own(name)) => name.clone(),
            Some(Name::Of(what, about)) => format!("{what} {}", self.name_of(about)),
        }
    }

    fn hear_ticket(&mut self, kind: &str, at: Timestamp, event: &TicketEvent) {
        let matter = event.matter.clone().unwrap_or_default();
        let about = format!("{} {}", matter.kind, self.name_of(&matter.subject));
        let ticket = event.ticket.clone();
        match kind {
            "seva.tickets.ticket.assigned.v1" => {
                let resolution = event.resolution + 1;
                let mut dice = Dice::of(SEED, &format!("resolve {about} {resolution}"));
                let cause = if matter.kind == "promised_day_missed" { Cause::Carrier } else { Cause::Information };
                let at = at + minutes(60 + 10 * dice.index(43));
                self.acts.insert(ticket.clone(), (at, Act::Resolve { ticket, resolution, cause }));
            }
            "seva.tickets.ticket.resolved.v1" => {
                let resolution = event.resolution;
                let mut dice = Dice::of(SEED, &format!("confirm {about} {resolution}"));
                let drawn = dice.index(100);
                let rejects = resolution == 1 && drawn < REJECT;
                let at = at + minutes(30 + 10 * dice.index(200));
                if rejects || drawn < 100 - NEVER_ANSWER {
                    let solved = !rejects;
                    self.acts.insert(ticket.clone(), (at, Act::Answer { ticket, resolution, solved }));
                } else {
                    self.acts.remove(&ticket);
                }
            }
            "seva.tickets.ticket.unassigned.v1"
            | "seva.tickets.ticket.rejected.v1"
            | "seva.tickets.ticket.closed.v1"
            | "seva.tickets.ticket.canceled.v1" => {
                self.acts.remove(&ticket);
            }
            _ => {}
        }
    }

    fn hear_invitation(&mut self, kind: &str, at: Timestamp, invitation: String, subject: &str) {
        match kind {
            "seva.surveys.invitation.sent.v1" => {
                let mut dice = Dice::of(SEED, &format!("survey {}", self.name_of(subject)));
                if dice.index(100) < ANSWER_SURVEYS {
                    let score = score(dice.index(100));
                    let at = at + minutes(20 + 10 * dice.index(400));
                    self.acts.insert(invitation.clone(), (at, Act::Respond { invitation, score }));
                }
            }
            "seva.surveys.invitation.completed.v1"
            | "seva.surveys.invitation.expired.v1"
            | "seva.surveys.invitation.suppressed.v1" => {
                self.acts.remove(&invitation);
            }
            _ => {}
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Vec<Act> {
        let (due, later) = std::mem::take(&mut self.acts).into_iter().partition(|(_, (at, _))| *at <= now);
        self.acts = later;
        let mut due: Vec<(Timestamp, Act)> = BTreeMap::into_values(due).collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, act)| act).collect()
    }
}

fn minutes(count: usize) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(count).unwrap_or_default())
}

/// The score at a place from 0 to 99.
fn score(place: usize) -> i32 {
    let mut below = 0;
    for (score, share) in SCORES {
        below += share;
        if place < below {
            return score;
        }
    }
    SCORES[0].0
}
