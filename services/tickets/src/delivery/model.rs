//! A mail, as far as it says whether the customer has heard of something.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::stored::stored_names;

/// Collection of notifications' names.
pub const COLLECTION: &str = "notifications";
/// Of a resolution that the customer is told of, which is the first attempt to have it confirmed.
pub const RESOLVED: &str = "ticket_resolved";
/// Of every further attempt.
pub const ASKED_AGAIN: &str = "ticket_asked_again";
/// Of what staff say.
pub const REPLIED: &str = "ticket_replied";
/// Of a question of theirs.
pub const QUESTION: &str = "ticket_question";
/// Of what gives a promise another day.
pub const RENEWED: &str = "promise_renewed";
/// It is not known whether it was sent.
const AMBIGUOUS: &str = "ambiguous";

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Which one, of notifications.
    pub notification: Uuid,
    /// What became of it.
    pub state: State,
    /// Why, in notifications' word, such as `bad_address`: there may be more of them one day.
    pub reason: String,
    /// When that was decided, in business time.
    pub at: Timestamp,
}

/// What became of a mail, in notifications' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits to be sent.
    Queued,
    /// Waits for the customer's hours.
    Deferred,
    /// Is being handed over.
    Sending,
    /// Was sent.
    Sent,
    /// Was not sent: something stood against it.
    Skipped,
    /// Was not sent: something newer took its place.
    Superseded,
    /// Was not sent in time.
    Expired,
    /// Was called off.
    Canceled,
    /// Was refused for good, or it is not known whether it was sent.
    Failed,
}

stored_names!(State, "state of a delivery" {
    Queued = "queued",
    Deferred = "deferred",
    Sending = "sending",
    Sent = "sent",
    Skipped = "skipped",
    Superseded = "superseded",
    Expired = "expired",
    Canceled = "canceled",
    Failed = "failed",
});

impl Delivery {
    /// Whether nobody was asked what it was to ask (TK148). What something newer took the place of is asked by that; and what may have been sent
    /// counts.
    #[must_use]
    pub fn asked_nobody(&self) -> bool {
        match self.state {
            State::Skipped | State::Expired | State::Canceled => true,
            State::Failed => self.reason != AMBIGUOUS,
            State::Queued | State::Deferred | State::Sending | State::Sent | State::Superseded => false,
        }
    }
}

/// What notifications has said of a mail about a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Counts the decisions about it.
    pub sequence: i64,
    /// What became of it.
    pub delivery: Delivery,
    /// The message that it tells of, if it does.
    pub told: Option<Told>,
    /// The attempt to have a resolution confirmed that it is, if it is one.
    pub asked: Option<Asked>,
}

/// A message, as its mail knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// By its id.
    Message(Uuid),
    /// By the reason for which a customer is told once: see [`told_as`].
    As(String),
}

/// An attempt to have a resolution confirmed, as its mail knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Of which ticket.
    pub ticket: Uuid,
    /// Which resolution it is about.
    pub resolution: i32,
    /// Which attempt about it, from 1; `None`: the one that came with the resolution.
    pub number: Option<usize>,
}

/// The reason for which a customer is told of something once, in one word.
#[must_use]
pub fn told_as(subject: &str, milestone: &str, occasion: impl std::fmt::Display) -> String {
    format!("{subject}/{milestone}/{occasion}")
}
