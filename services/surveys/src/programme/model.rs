//! What a programme is and how it changes: pure functions of the programme, the change and the time.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use seva_runtime::mask::replace;
use uuid::Uuid;

use crate::stored::stored_names;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long after its trigger a question may come: an hour at least, so that what calls it off is known by then and the programme of
/// higher priority wins (SU30).
pub const DELAYS: RangeInclusive<SignedDuration> = SignedDuration::from_hours(1)..=SignedDuration::from_hours(90 * 24);
/// How long a programme leaves a customer alone after it asked (SU30).
pub const PAUSES: RangeInclusive<SignedDuration> = DAY..=SignedDuration::from_hours(731 * 24);
/// How long an invitation can be answered (SU30).
pub const LIFETIMES: RangeInclusive<SignedDuration> = DAY..=SignedDuration::from_hours(90 * 24);
/// The lifetime of those who do not say.
pub const USUAL_LIFETIME: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Who is asked what, after what, and how often.
#[derive(Clone, PartialEq)]
pub struct Programme {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// What staff call it.
    pub display_name: String,
    /// What is asked; never changed.
    pub survey_id: Uuid,
    /// After what; never changed.
    pub trigger: Trigger,
    /// How long after it.
    pub delay: SignedDuration,
    /// The share of triggers that is asked, over 0 up to 1.
    pub sampling_rate: f64,
    /// How long a customer is left alone by this programme after it asked.
    pub pause_between: SignedDuration,
    /// How long an invitation can be answered.
    pub lifetime: SignedDuration,
    /// Low scores become tickets.
    pub follow_low_scores: bool,
    /// Of two programmes that would ask the same customer, the higher one does.
    pub priority: i32,
    /// Whether it asks.
    pub active: bool,
    /// Of the draw; never told.
    pub salt: Vec<u8>,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for Programme {
    /// Without the salt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Programme({}, v{}, {})", self.id, self.version, self.trigger.name())
    }
}

/// After what a customer is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// An order was delivered.
    OrderDelivered,
    /// A ticket was closed because the customer said that it is solved.
    TicketClosed,
}

/// It is to ask, and no version of its survey is published (SU31).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NothingToAsk;

/// What a new programme is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewProgramme {
    pub display_name: String,
    pub survey_id: Uuid,
    pub trigger: Trigger,
    pub delay: SignedDuration,
    pub sampling_rate: f64,
    pub pause_between: SignedDuration,
    pub lifetime: SignedDuration,
    pub follow_low_scores: bool,
    pub priority: i32,
    pub active: bool,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    pub display_name: Option<String>,
    pub delay: Option<SignedDuration>,
    pub sampling_rate: Option<f64>,
    pub pause_between: Option<SignedDuration>,
    pub lifetime: Option<SignedDuration>,
    pub follow_low_scores: Option<bool>,
    pub priority: Option<i32>,
    pub active: Option<bool>,
}

impl Programme {
    /// A new one. `is_published`: a version of its survey is asked.
    ///
    /// # Errors
    /// [`NothingToAsk`].
    pub fn create(
        id: Uuid,
        new: NewProgramme,
        salt: [u8; 32],
        is_published: bool,
        now: Timestamp,
    ) -> Result<Self, NothingToAsk> {
        let NewProgramme {
            display_name,
            survey_id,
            trigger,
            delay,
            sampling_rate,
            pause_between,
            lifetime,
            follow_low_scores,
            priority,
            active,
        } = new;
        if active && !is_published {
            return Err(NothingToAsk);
        }
        Ok(Self {
            id,
            version: 1,
            display_name,
            survey_id,
            trigger,
            delay,
            sampling_rate,
            pause_between,
            lifetime,
            follow_low_scores,
            priority,
            active,
            salt: salt.to_vec(),
            created_at: now,
            updated_at: now,
        })
    }

    /// The programme after a change, and the names of the fields that it touched. `is_published`: a version of its survey is asked.
    ///
    /// # Errors
    /// [`NothingToAsk`], when it did not ask before.
    pub fn update(
        &self,
        change: Change,
        is_published: bool,
        now: Timestamp,
    ) -> Result<(Self, Vec<&'static str>), NothingToAsk> {
        let Change { display_name, delay, sampling_rate, pause_between, lifetime, follow_low_scores, priority, active } =
            change;
        let mut next = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        let mut changed = Vec::new();
        replace(&mut next.display_name, display_name, "display_name", &mut changed);
        replace(&mut next.delay, delay, "delay", &mut changed);
        replace(&mut next.sampling_rate, sampling_rate, "sampling_rate", &mut changed);
        replace(&mut next.pause_between, pause_between, "pause_between", &mut changed);
        replace(&mut next.lifetime, lifetime, "lifetime", &mut changed);
        replace(&mut next.follow_low_scores, follow_low_scores, "follow_low_scores", &mut changed);
        replace(&mut next.priority, priority, "priority", &mut changed);
        replace(&mut next.active, active, "active", &mut changed);
        if next.active && !self.active && !is_published {
            return Err(NothingToAsk);
        }
        Ok((next, changed))
    }
}

stored_names!(Trigger, "trigger" { OrderDelivered = "order_delivered", TicketClosed = "ticket_closed" });
