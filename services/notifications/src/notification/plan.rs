//! The decisions about many events in their order, and what they supersede: pure.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    milestone::Topic,
    model::{Change, Fact, Known, Notification, Verdict, decide},
    truth::{Matter, Standing, Truths},
};
use crate::{preference::Category, recipient::Recipient};

/// What one event says.
#[derive(Debug, Clone)]
pub struct News {
    /// What it says about its subject, whoever is told of it.
    pub said: Vec<(Matter, Standing)>,
    /// The milestone that it reports, if customers are told of it.
    pub fact: Option<Fact>,
}

/// For what a customer is told once: customer, milestone, subject, occasion.
pub type ReasonKey = (Uuid, String, String, String);

/// What is known before the events.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The customers.
    pub recipients: HashMap<Uuid, Recipient>,
    /// Their wishes by category.
    pub wishes: HashMap<(Uuid, String), bool>,
    /// The categories by key.
    pub categories: HashMap<String, Category>,
    /// The number of the version that is sent from, by key.
    pub published: HashMap<String, i32>,
    /// What is known to be true.
    pub truths: Truths,
    /// For what customers were told, or decided not to be.
    pub told: HashSet<ReasonKey>,
    /// What waits.
    pub waiting: Vec<Notification>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Plan {
    /// The decisions of each new notification, in order.
    pub created: Vec<Vec<Change>>,
    /// Notifications of before that are no longer true.
    pub superseded: Vec<Change>,
    /// What became known.
    pub truths: Truths,
}

impl Surroundings {
    /// What is known for a decision about one message.
    #[must_use]
    pub fn known<'a>(
        &'a self,
        now: Timestamp,
        customer: Uuid,
        milestone: &str,
        category: &'a Category,
        is_stale: bool,
    ) -> Known<'a> {
        Known {
            now,
            recipient: self.recipients.get(&customer),
            category,
            wish: self.wishes.get(&(customer, category.key.clone())).copied(),
            has_template: self.published.contains_key(milestone),
            is_stale,
        }
    }
}

/// Decides about news in their order. Categories that the table of milestones names have to be known.
#[must_use]
pub fn plan(news: Vec<News>, mut surroundings: Surroundings, now: Timestamp, new_id: impl Fn() -> Uuid) -> Plan {
    let mut plan = Plan::default();
    let mut waiting: Vec<Waiting> = surroundings.waiting.drain(..).map(Waiting::of_before).collect();
    for News { said, fact } in news {
        let is_stale = fact.as_ref().and_then(own_matter).is_some_and(|(m, s)| surroundings.truths.is_stale(&m, s));
        let is_overtaken = fact.as_ref().is_some_and(|fact| fact.overtaken);
        if !is_stale && !is_overtaken {
            for (matter, standing) in said {
                surroundings.truths.learn(matter.clone(), standing);
                plan.truths.learn(matter.clone(), standing);
                supersede(&mut waiting, &matter, &surroundings.truths, &mut plan, now);
            }
        }
        let Some(fact) = fact else { continue };
        let key = (fact.customer, fact.milestone.key.to_owned(), fact.subject.clone(), fact.occasion.clone());
        // NO1
        if !surroundings.told.insert(key) {
            continue;
        }
        let category = surroundings.categories.get(fact.milestone.category).expect("every category is seeded");
        let expire_at = fact.occurred_at.checked_add(category.time_to_live).unwrap_or(Timestamp::MAX);
        let known = surroundings.known(now, fact.customer, fact.milestone.key, category, is_stale);
        let change = Notification::begin(new_id(), &fact, expire_at, decide(&fact, expire_at, &known), now);
        if change.after.state.waits() {
            waiting.push(Waiting { notification: change.after.clone(), created: Some(plan.created.len()) });
        }
        plan.created.push(vec![change]);
    }
    plan
}

fn own_matter(fact: &Fact) -> Option<(Matter, Standing)> {
    let topic: Topic = fact.milestone.topic?;
    let matter = Matter { customer: fact.customer, subject: fact.subject.clone(), topic };
    Some((matter, Standing { rank: fact.milestone.rank, sequence: fact.sequence }))
}

/// A notification that waits, and where among the new ones it stands if it is new.
struct Waiting {
    notification: Notification,
    created: Option<usize>,
}

impl Waiting {
    const fn of_before(notification: Notification) -> Self {
        Self { notification, created: None }
    }
}

/// Takes out what waits and is no longer true of a matter (NO4).
fn supersede(waiting: &mut Vec<Waiting>, matter: &Matter, truths: &Truths, plan: &mut Plan, now: Timestamp) {
    let stale = waiting.extract_if(.., |waiting| {
        waiting.notification.matter().is_some_and(|(of, standing)| of == *matter && truths.is_stale(&of, standing))
    });
    for Waiting { notification, created } in stale {
        let change = notification.decided(Verdict::superseded(), now).expect("what waits can be superseded");
        match created {
            Some(at) => plan.created[at].push(change),
            None => plan.superseded.push(change),
        }
    }
}
