//! How the customer is asked whether it is solved, on which channel and when, and when nobody asks any more (TK140 to TK148).
//!
//! [`next`] decides: of the attempts so far, of how the customer can be reached, and of the time alone.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use seva_runtime::Error;
use seva_values::{AvailabilityWindows, Zone};
use uuid::Uuid;

use super::{Change, Ticket};
use crate::{
    delivery::{Delivery, model::Asked},
    message::Message,
    recipient::Recipient,
    ticket::state::{Act, Closure, State, Unverified},
};

/// Between two attempts, and after the last.
pub const VERIFY_EVERY: SignedDuration = SignedDuration::from_hours(48);
/// How often the customer is asked without a person; and how often that is tried in vain.
pub const VERIFICATION_ATTEMPTS: usize = 3;
/// Nobody's ticket is closed sooner, however few ways there are to ask.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 48);
/// How long after the last attempt, or after the time that was agreed, a customer is still to be called.
pub const CALL_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Between two calls that nobody answers.
pub const BETWEEN_CALLS: SignedDuration = SignedDuration::from_hours(4);
/// Attempts for one resolution, calls that nobody answers among them.
pub const MOST_ATTEMPTS: usize = 10;

/// How a customer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By mail.
    Email,
    /// By text message.
    Sms,
    /// By a person who calls.
    Phone,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was sent; no answer yet.
    Sent,
    /// Nobody answered.
    NoAnswer,
    /// It is solved, the customer says.
    Confirmed,
    /// It is not solved, the customer says.
    Rejected,
    /// They are to be called again.
    CallAgain,
    /// It did not reach them: it counts as no attempt (TK148).
    NotDelivered,
}

/// One attempt to have a resolution confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Which resolution it was about.
    pub resolution: i32,
    pub channel: Channel,
    /// Business time.
    pub at: Timestamp,
    /// Who called, if it was a member that is known here.
    pub member: Option<Uuid>,
    pub outcome: Outcome,
    /// When the customer wants to be called again.
    pub call_again_at: Option<Timestamp>,
    /// What became of its message, if that did not reach the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

impl Attempt {
    /// Whether the customer was asked by it (TK148).
    pub fn counts(&self) -> bool {
        self.outcome != Outcome::NotDelivered
    }

    /// When it became known that it did not reach the customer, if so.
    fn lost_at(&self) -> Option<Timestamp> {
        self.delivery.as_ref().filter(|_| !self.counts()).map(|delivery| delivery.at)
    }
}

/// How and when a customer can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// When they may be interrupted.
    pub hours: AvailabilityWindows,
    /// Channels that need no person, the preferred one first; what notifications can send by.
    pub by_itself: Vec<Channel>,
    /// Whether a person can call.
    pub by_phone: bool,
}

impl Reach {
    /// Of a customer as far as they are known; somebody of whom nothing was heard yet is written to.
    pub fn of(recipient: Option<&Recipient>) -> Self {
        let Some(Recipient { zone, availability, has_email, has_phone, .. }) = recipient else {
            return Self::by_mail();
        };
        let hours = availability.clone().unwrap_or_else(|| AvailabilityWindows::always(zone.clone()));
        Self { hours, by_itself: has_email.then_some(Channel::Email).into_iter().collect(), by_phone: *has_phone }
    }

    /// By mail alone, at any time.
    pub fn by_mail() -> Self {
        Self { hours: AvailabilityWindows::always(Zone::utc()), by_itself: vec![Channel::Email], by_phone: false }
    }

    /// The channel whose turn it is: of those that were used least the first, whether or not what was sent by them has come.
    fn turn(&self, attempts: &[Attempt]) -> Option<Channel> {
        let used = |channel: &&Channel| attempts.iter().filter(|attempt| attempt.channel == **channel).count();
        self.by_itself.iter().min_by_key(used).copied()
    }
}

/// What is next for a resolution that nobody has answered about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The customer is asked on this channel, then.
    Ask(Channel, Timestamp),
    /// A person has to call them.
    Call { from: Timestamp, until: Timestamp },
    /// It is closed, then, for this reason.
    Close(Unverified, Timestamp),
}

/// What is next, seen from `now`.
pub fn next(attempts: &[Attempt], resolved_at: Timestamp, reach: &Reach, now: Timestamp) -> Next {
    let last = attempts.iter().map(|attempt| attempt.at).fold(resolved_at, Timestamp::max);
    let rested = last + VERIFY_EVERY;
    // What was agreed goes before everything else.
    let agreed = attempts.last().and_then(|attempt| attempt.call_again_at);
    if let Some(from) = agreed.filter(|from| now < *from + CALL_WITHIN) {
        return Next::Call { from, until: from + CALL_WITHIN };
    }
    // TK148: what did not reach them is no attempt, and when it was to ask them last a person does, at once.
    let (counted, lost): (Vec<&Attempt>, Vec<&Attempt>) = attempts.iter().partition(|attempt| attempt.counts());
    let lost_at = attempts.last().and_then(Attempt::lost_at);
    let at_once = lost_at.filter(|_| reach.by_phone).and_then(|lost_at| reach.hours.next_allowed(lost_at));
    let (called, asked): (Vec<&Attempt>, Vec<&Attempt>) =
        counted.iter().copied().partition(|attempt| attempt.channel == Channel::Phone);
    // TK140, TK141
    let goes_on = asked.len() < VERIFICATION_ATTEMPTS && lost.len() < VERIFICATION_ATTEMPTS;
    if at_once.is_none()
        && goes_on
        && let Some(channel) = reach.turn(attempts)
        && let Some(at) = reach.hours.next_allowed(rested.max(now))
    {
        return Next::Ask(channel, at);
    }
    // TK142
    let needs_call = reach.by_phone && (called.is_empty() || counted.len() < VERIFICATION_ATTEMPTS);
    let since = if attempts.is_empty() { resolved_at } else { rested };
    let call_from = match at_once {
        None if needs_call => reach.hours.next_allowed(since),
        at_once => at_once,
    };
    if let Some(from) = call_from {
        let until = (lost_at.unwrap_or(last).max(last) + CALL_WITHIN).max(from + VERIFY_EVERY);
        if now < until {
            return Next::Call { from, until };
        }
    }
    // TK143
    let is_on_two = counted.iter().any(|attempt| attempt.channel != counted[0].channel);
    let why = match counted.len() {
        _ if call_from.is_some() || agreed.is_some() => Unverified::NotCalled,
        0 => Unverified::NoChannel,
        _ if is_on_two => Unverified::Unanswered,
        _ => Unverified::NoSecondChannel,
    };
    Next::Close(why, rested.max(resolved_at + PATIENCE))
}

/// A call about a resolution.
pub struct Call {
    pub at: Timestamp,
    pub member: Option<Uuid>,
    pub answer: Answer,
}

/// What came of a call, with what is recorded of it.
pub enum Answer {
    Nobody,
    Confirmed(Message),
    Rejected(Message),
    Again(Timestamp, Message),
}

impl Answer {
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Nobody => Outcome::NoAnswer,
            Self::Confirmed(_) => Outcome::Confirmed,
            Self::Rejected(_) => Outcome::Rejected,
            Self::Again(..) => Outcome::CallAgain,
        }
    }
}

impl Ticket {
    /// The attempts for the last resolution.
    pub fn attempts(&self) -> &[Attempt] {
        let first = self.verification.partition_point(|attempt| attempt.resolution < self.resolution);
        &self.verification[first..]
    }

    /// The time to answer is over: the customer is asked again, is to be called, or it is closed (TK5). `None` while there is time.
    pub fn verify(&mut self, reach: &Reach, now: Timestamp) -> Option<Change> {
        self.verification_due_at.filter(|due| *due <= now)?;
        let mut next = self.next(now);
        match self.what_is_next(reach, now) {
            Next::Ask(channel, at) if at <= now => {
                next.settle(Outcome::NoAnswer);
                next.ask(channel, now);
                next.plan(reach, now);
                Some(self.become_(next, Act::VerificationRequested, &["verification_attempts"]))
            }
            Next::Close(why, at) if at <= now => {
                next.settle(Outcome::NoAnswer);
                next.unverified = Some(why);
                next.close(Closure::Unverified, now);
                Some(self.become_(next, Act::Closed, &["state", "closure"]))
            }
            // Their hours have changed, or how they can be reached.
            Next::Ask(..) | Next::Call { .. } | Next::Close(..) => {
                next.plan(reach, now);
                Some(self.become_(next, Act::Updated, &["verification_due_time"]))
            }
        }
    }

    /// What was to ask the customer did not reach them: it is no attempt, and a person calls; whom nobody can call is asked again in time (TK148).
    /// `None` when that is known already, or when there is nothing to confirm any more.
    pub fn lose_attempt(&mut self, asked: Asked, delivery: &Delivery, reach: &Reach, now: Timestamp) -> Option<Change> {
        if self.state != State::Resolved || asked.resolution != self.resolution {
            return None;
        }
        let attempts = self.attempts();
        let first = self.verification.len() - attempts.len();
        let at = asked.number.map_or(Some(0), |number| number.checked_sub(1))?;
        // A resolution that is told outside the customer's hours is no attempt: the first one came later then.
        let came_with_it = |attempt: &&Attempt| Some(attempt.at) == self.resolved_at;
        let is_meant = |attempt: &&Attempt| asked.number.is_some() || came_with_it(attempt);
        let attempt = attempts.get(at).filter(|attempt| attempt.channel != Channel::Phone).filter(is_meant)?;
        if !matches!(attempt.outcome, Outcome::Sent | Outcome::NoAnswer) {
            return None;
        }
        let mut next = self.next(now);
        let lost = next.verification.get_mut(first + at)?;
        (lost.outcome, lost.delivery) = (Outcome::NotDelivered, Some(delivery.clone()));
        next.verification_attempts -= 1;
        next.plan(reach, now);
        Some(self.become_(next, Act::VerificationUndelivered, &["verification", "verification_attempts"]))
    }

    /// Somebody has called the customer about the resolution.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4, TK144, TK145, TK146).
    pub fn call(&self, call: Call, reach: &Reach, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_resolved()?;
        self.call_fits(&call, reach, now)?;
        let called = self.called(&call);
        match call.answer {
            Answer::Confirmed(record) => called.confirm(false, Some(record), now),
            Answer::Rejected(record) => called.reject(false, Some(record), now),
            Answer::Nobody => Ok(called.planned(None, reach, now)),
            Answer::Again(_, record) => Ok(called.planned(Some(record), reach, now)),
        }
    }

    /// TK144, TK145, TK146
    fn call_fits(&self, call: &Call, reach: &Reach, now: Timestamp) -> Result<(), Error> {
        if call.at > now || self.resolved_at.is_some_and(|resolved_at| call.at < resolved_at) {
            return Err(self.refusal("TK144", "the call lies between the resolution and now"));
        }
        let attempts = self.attempts();
        match call.answer {
            Answer::Nobody if attempts.iter().filter(|attempt| attempt.counts()).count() >= MOST_ATTEMPTS => Err(self
                .refusal("TK145", "ten attempts for a resolution at most: what more there is is the customer's word")),
            Answer::Nobody if !reach.hours.contains(call.at) => {
                Err(self.refusal("TK145", "a call that nobody answers is made within the customer's hours"))
            }
            Answer::Nobody if attempts.iter().any(|before| is_too_close(before, call.at)) => {
                Err(self.refusal("TK145", "between two calls that nobody answers lie four hours at least"))
            }
            Answer::Again(at, _) if at <= now || at > now + CALL_WITHIN => {
                Err(self.refusal("TK146", "the time to call again lies ahead, within seven days"))
            }
            Answer::Again(at, _) if !reach.hours.contains(at) => {
                Err(self.refusal("TK146", "the time to call again lies within the customer's hours"))
            }
            _ => Ok(()),
        }
    }

    /// As it is with a call on record.
    pub fn called(&self, call: &Call) -> Self {
        let mut next = self.clone();
        if !matches!(call.answer, Answer::Nobody) {
            next.settle(Outcome::NoAnswer);
        }
        let call_again_at = if let Answer::Again(at, _) = call.answer { Some(at) } else { None };
        let (channel, outcome) = (Channel::Phone, call.answer.outcome());
        next.keep(Attempt {
            resolution: self.resolution,
            channel,
            at: call.at,
            member: call.member,
            outcome,
            call_again_at,
            delivery: None,
        });
        next
    }

    fn planned(&self, message: Option<Message>, reach: &Reach, now: Timestamp) -> Change {
        let mut next = self.next(now);
        next.plan(reach, now);
        Change { message, ..next.with(Act::Updated, &["verification"]) }
    }

    /// The customer is asked with the news of a resolution, if that comes within their hours (TK140).
    pub(super) fn ask_first(&mut self, reach: &Reach, now: Timestamp) {
        if let Some(channel) = reach.turn(&[]).filter(|_| reach.hours.contains(now)) {
            self.ask(channel, now);
        }
        self.plan(reach, now);
    }

    fn ask(&mut self, channel: Channel, now: Timestamp) {
        let (resolution, outcome) = (self.resolution, Outcome::Sent);
        self.keep(Attempt { resolution, channel, at: now, member: None, outcome, call_again_at: None, delivery: None });
    }

    fn keep(&mut self, attempt: Attempt) {
        self.verification.push(attempt);
        self.verification_attempts += 1;
    }

    /// What comes of what was sent last, if nothing did so far (TK147).
    pub(super) fn settle(&mut self, outcome: Outcome) {
        let (resolution, is_sent) = (self.resolution, Outcome::Sent);
        let open = |attempt: &&mut Attempt| attempt.resolution == resolution && attempt.outcome == is_sent;
        if let Some(attempt) = self.verification.iter_mut().rev().find(open) {
            attempt.outcome = outcome;
        }
    }

    fn what_is_next(&self, reach: &Reach, now: Timestamp) -> Next {
        next(self.attempts(), self.resolved_at.unwrap_or(now), reach, now)
    }

    /// Sets when it is looked at again, and from when on a person has to call.
    fn plan(&mut self, reach: &Reach, now: Timestamp) {
        debug_assert!(self.state == State::Resolved, "only of a resolution there is something to confirm");
        (self.verification_due_at, self.call_from) = match self.what_is_next(reach, now) {
            Next::Ask(_, at) | Next::Close(_, at) => (Some(at), None),
            Next::Call { from, until } => (Some(until), Some(from)),
        };
    }
}

/// Whether a call that nobody answered lies too close to another one.
fn is_too_close(before: &Attempt, at: Timestamp) -> bool {
    (before.channel, before.outcome) == (Channel::Phone, Outcome::NoAnswer)
        && before.at.duration_since(at).abs() < BETWEEN_CALLS
}
