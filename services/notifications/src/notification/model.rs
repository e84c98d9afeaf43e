//! The decision: pure functions of what happened, what is known and the time.

use jiff::{SignedDuration, Timestamp};
use seva_runtime::call::Story;
use uuid::Uuid;

use super::{
    milestone::{Milestone, Source, Topic},
    retry,
    state::{Reason, State},
    truth::{Matter, Standing},
};
use crate::{
    preference::{Category, DuplicatePolicy},
    provider::Fault,
    recipient::Recipient,
    template::Variables,
};

/// When the customer's hours are looked for again, where they were not known yet.
const HOURS_UNKNOWN: SignedDuration = SignedDuration::from_secs(30);

/// A message to one customer, or the record of why there is none.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// Counts its decisions.
    pub version: i64,
    /// Whom it is for.
    pub customer: Uuid,
    /// What is told; the key of a [`Milestone`].
    pub milestone: String,
    /// What it is about, such as `orders/{id}`.
    pub subject: String,
    /// `tickets/{id}` that the subject belongs to.
    pub ticket: Option<String>,
    /// What makes it another reason for the same milestone and subject.
    pub occasion: String,
    /// The key of its category.
    pub category: String,
    /// What has become of it.
    pub state: State,
    /// Why, of the last decision.
    pub reason: Reason,
    /// What it was written from, once it was.
    pub written: Option<Written>,
    /// Which newer facts make it untrue.
    pub topic: Option<Topic>,
    /// How far it lies within its topic.
    pub rank: i32,
    /// Of the subject's event that caused it.
    pub sequence: i64,
    /// What the event brought for the template.
    pub variables: Variables,
    /// The story it belongs to; its cause is the event.
    pub story: Story,
    /// Hand-overs that were tried.
    pub handovers: i32,
    /// When it is tried next; while it waits or is being sent.
    pub due_at: Option<Timestamp>,
    /// Not sent from then on.
    pub expire_at: Timestamp,
    /// When the provider took it.
    pub sent_at: Option<Timestamp>,
    /// When it was decided upon first.
    pub created_at: Timestamp,
}

/// From which text a message was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The language that was taken.
    pub language: String,
    /// It is none that the customer chose.
    pub fell_back: bool,
    /// Number of the template's version.
    pub template_number: i32,
    /// SHA-256 of that version.
    pub template_hash: [u8; 32],
}

/// How a decision falls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state it leads to.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// When it is looked at next, for states that wait.
    pub due_at: Option<Timestamp>,
    /// More about it, without personal data.
    pub detail: String,
}

/// A decision as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// 1 for the first; the notification's version after it.
    pub number: i64,
    /// The state it led to.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// More about it.
    pub detail: String,
    /// Business time.
    pub decided_at: Timestamp,
}

/// A notification after a decision, and the decision.
#[derive(Debug, Clone)]
pub struct Change {
    /// The notification after it.
    pub after: Notification,
    /// The decision.
    pub decision: Decision,
}

/// A milestone that was reached.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Which.
    pub milestone: &'static Milestone,
    /// Whose.
    pub customer: Uuid,
    /// What it is about.
    pub subject: String,
    /// `tickets/{id}` that the subject belongs to.
    pub ticket: Option<String>,
    /// What makes it another reason for the same milestone and subject; empty: nothing does.
    pub occasion: String,
    /// Of the subject's event.
    pub sequence: i64,
    /// When it became true, in business time.
    pub occurred_at: Timestamp,
    /// It came after a later step was known.
    pub overtaken: bool,
    /// For the template.
    pub variables: Variables,
    /// The story of what it causes.
    pub story: Story,
}

/// What a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Business time.
    pub now: Timestamp,
    /// The customer, if known.
    pub recipient: Option<&'a Recipient>,
    /// The category of the message.
    pub category: &'a Category,
    /// The customer's wish for it, if there is one.
    pub wish: Option<bool>,
    /// Whether there is a text to write it from.
    pub has_template: bool,
    /// Whether something newer is known.
    pub is_stale: bool,
}

impl Verdict {
    fn of(state: State, reason: Reason) -> Self {
        Self { state, reason, due_at: None, detail: String::new() }
    }

    /// It is not sent, for this reason.
    #[must_use]
    pub fn skipped(reason: Reason) -> Self {
        Self::of(State::Skipped, reason)
    }

    /// Something newer made it untrue.
    #[must_use]
    pub fn superseded() -> Self {
        Self::of(State::Superseded, Reason::Stale)
    }

    /// It waits again, until then; or it expires, when that is too late.
    #[must_use]
    pub fn queued_again(reason: Reason, due_at: Timestamp, expire_at: Timestamp) -> Self {
        if due_at >= expire_at {
            return Self::of(State::Expired, Reason::TooLate).with_detail(reason.name());
        }
        Self { due_at: Some(due_at), ..Self::of(State::Queued, reason) }.with_detail(format!("next at {due_at}"))
    }

    /// The same with more about it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// The first decision about a fact, in the order of its questions.
#[must_use]
pub fn decide(fact: &Fact, expire_at: Timestamp, known: &Known) -> Verdict {
    if fact.overtaken {
        return Verdict::skipped(Reason::Overtaken);
    }
    // Another source may be ahead of the one that tells who is a customer: then that is asked when it is sent.
    if known.recipient.is_none() && fact.milestone.source == Source::Customers {
        return Verdict::skipped(Reason::UnknownCustomer);
    }
    if !known.category.is_wanted(known.wish) {
        return Verdict::skipped(Reason::Preference);
    }
    if known.recipient.is_some_and(|recipient| !recipient.has_email) {
        return Verdict::skipped(Reason::NoContactPoint);
    }
    if known.recipient.is_some_and(|recipient| !recipient.consents_to_mail(known.category.purpose())) {
        return Verdict::skipped(Reason::NoConsent);
    }
    if known.is_stale {
        return Verdict::skipped(Reason::Stale);
    }
    if !known.has_template {
        return Verdict::skipped(Reason::NoTemplate);
    }
    wait_for_time(expire_at, known)
        .unwrap_or_else(|| Verdict { due_at: Some(known.now), ..Verdict::of(State::Queued, Reason::Accepted) })
}

/// The decision when its time has come; `None`: it may go out, as far as is known here. Address and consent are asked for after it.
#[must_use]
pub fn decide_again(notification: &Notification, known: &Known) -> Option<Verdict> {
    if !known.category.is_wanted(known.wish) {
        return Some(Verdict::skipped(Reason::Preference));
    }
    // NO4
    if known.is_stale {
        return Some(Verdict::superseded());
    }
    if !known.has_template {
        return Some(Verdict::skipped(Reason::NoTemplate));
    }
    wait_for_time(notification.expire_at, known)
}

/// Too late, or too early in the customer's day; `None`: now is right.
fn wait_for_time(expire_at: Timestamp, known: &Known) -> Option<Verdict> {
    let too_late = || Verdict::of(State::Expired, Reason::TooLate);
    if known.now >= expire_at {
        return Some(too_late());
    }
    if !known.category.interruptive {
        return None;
    }
    // NO6
    let Some(recipient) = known.recipient else {
        // The hours are not known yet; the word on them is on its way.
        let again = known.now + HOURS_UNKNOWN;
        return Some(Verdict::queued_again(Reason::RecipientUnavailable, again, expire_at));
    };
    match recipient.availability.next_allowed(known.now) {
        Some(allowed) if allowed <= known.now => None,
        Some(allowed) if allowed >= expire_at => Some(too_late().with_detail("the customer's hours begin after that")),
        Some(allowed) => Some(
            Verdict { due_at: Some(allowed), ..Verdict::of(State::Deferred, Reason::OutsideHours) }
                .with_detail(format!("until {allowed}")),
        ),
        None => Some(Verdict::skipped(Reason::NeverInHours)),
    }
}

/// The decision after an attempt to hand over, or after one of which nothing was heard. `handovers` counts this one.
#[must_use]
pub fn decide_after_handover(
    notification: &Notification,
    handovers: i32,
    duplicates: DuplicatePolicy,
    outcome: &Result<(), Fault>,
    now: Timestamp,
) -> Verdict {
    let fault = match outcome {
        Ok(()) => return Verdict::of(State::Sent, Reason::HandedOver),
        Err(fault) => fault,
    };
    let failed = |reason| Verdict::of(State::Failed, reason).with_detail(fault.code());
    let reason = match fault {
        Fault::BadAddress { .. } => return failed(Reason::BadAddress),
        Fault::BadContent { .. } => return failed(Reason::BadContent),
        // NO7
        Fault::Ambiguous { .. } if duplicates == DuplicatePolicy::AtMostOnce => return failed(Reason::Ambiguous),
        Fault::Ambiguous { .. } => Reason::Ambiguous,
        Fault::Transient { .. } => Reason::ProviderBusy,
        Fault::BadAccount { .. } => Reason::BadAccount,
    };
    match retry::after_fault(notification.id, handovers, now) {
        None => failed(Reason::AttemptsExhausted),
        Some(next) => {
            let verdict = Verdict::queued_again(reason, next, notification.expire_at);
            let detail = format!("{}; {}", fault.code(), verdict.detail);
            verdict.with_detail(detail)
        }
    }
}

impl Notification {
    /// The first decision about a fact, carried out (NO1: callers have made sure that it is the first for its reason).
    #[must_use]
    pub fn begin(id: Uuid, fact: &Fact, expire_at: Timestamp, verdict: Verdict, now: Timestamp) -> Change {
        let Verdict { state, reason, due_at, detail } = verdict;
        debug_assert!(state.may_begin(), "a notification cannot begin {}", state.name());
        let after = Self {
            id,
            version: 1,
            customer: fact.customer,
            milestone: fact.milestone.key.to_owned(),
            subject: fact.subject.clone(),
            ticket: fact.ticket.clone(),
            occasion: fact.occasion.clone(),
            category: fact.milestone.category.to_owned(),
            state,
            reason,
            written: None,
            topic: fact.milestone.topic,
            rank: fact.milestone.rank,
            sequence: fact.sequence,
            variables: fact.variables.clone(),
            story: fact.story.clone(),
            handovers: 0,
            due_at,
            expire_at,
            sent_at: None,
            created_at: now,
        };
        Change { decision: Decision { number: 1, state, reason, detail, decided_at: now }, after }
    }

    /// The notification after a verdict; `None` when its state does not allow that (NO2).
    #[must_use]
    pub fn decided(&self, verdict: Verdict, now: Timestamp) -> Option<Change> {
        let Verdict { state, reason, due_at, detail } = verdict;
        if !self.state.may_become(state) {
            return None;
        }
        let version = self.version + 1;
        let sent_at = if state == State::Sent { Some(now) } else { self.sent_at };
        let after = Self { version, state, reason, due_at, sent_at, ..self.clone() };
        Some(Change { after, decision: Decision { number: version, state, reason, detail, decided_at: now } })
    }

    /// What the page is about that it leads to: its ticket, or its subject itself.
    #[must_use]
    pub fn page_subject(&self) -> &str {
        self.ticket.as_deref().unwrap_or(&self.subject)
    }

    /// What newer facts could make it untrue.
    #[must_use]
    pub fn matter(&self) -> Option<(Matter, Standing)> {
        let topic = self.topic?;
        let matter = Matter { customer: self.customer, subject: self.subject.clone(), topic };
        Some((matter, Standing { rank: self.rank, sequence: self.sequence }))
    }
}
