//! An invitation and its changes: pure.

use jiff::Timestamp;
use seva_runtime::call::Story;
use seva_values::Language;
use uuid::Uuid;

use super::state::{Happening, State, SuppressReason};
use crate::programme::{Programme, Trigger};

/// A customer's turn to be asked.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// Counts its events.
    pub version: i64,
    /// Which programme asks.
    pub programme: Uuid,
    /// After what.
    pub trigger: Trigger,
    /// Who is asked.
    pub customer: Uuid,
    /// What it is about, such as `orders/{id}`.
    pub subject: String,
    /// The sequence of the subject's event that triggered it; one invitation each and programme (SU11).
    pub triggered_by: i64,
    /// Survey and number; from the decision to ask on (SU4).
    pub survey_version: Option<(Uuid, i32)>,
    /// Where it stands.
    pub state: State,
    /// Why it was not asked.
    pub suppress_reason: Option<SuppressReason>,
    /// Who served, as it was when it was triggered (SU10).
    pub staff_member: Option<Uuid>,
    /// With what probability it was drawn (SU3).
    pub inclusion_probability: f64,
    /// The ticket came from a low score.
    pub from_low_score: bool,
    /// The customer's; once it was decided about a known customer.
    pub language: Option<Language>,
    /// Throttled: from when on the customer could be asked.
    pub next_eligible_at: Option<Timestamp>,
    /// When it is to be decided, then: when it was.
    pub decide_at: Timestamp,
    /// When the mail was handed over.
    pub sent_at: Option<Timestamp>,
    /// Until when it can be answered.
    pub expire_at: Option<Timestamp>,
    /// Of its link.
    pub link_generation: u32,
    /// What was answered.
    pub response: Option<Uuid>,
    /// Counts the saves of its response.
    pub revision: i32,
    /// What comes next: the decision, a look at what was answered low, or the end of the time to answer.
    pub due_at: Option<Timestamp>,
    /// Of the event that triggered it.
    pub story: Story,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a programme is triggered by.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Which programmes it concerns.
    pub trigger: Trigger,
    /// Whom.
    pub customer: Uuid,
    /// What it is about.
    pub subject: String,
    /// Of the subject's event.
    pub sequence: i64,
    /// Business time.
    pub at: Timestamp,
    /// Who served.
    pub staff_member: Option<Uuid>,
    /// It is a ticket that came from a low score.
    pub from_low_score: bool,
    /// The story that it belongs to.
    pub story: Story,
}

/// An invitation after something happened to it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The invitation.
    pub after: Invitation,
    /// What happened.
    pub happening: Happening,
    /// When, in business time.
    pub at: Timestamp,
    /// Why.
    pub story: Story,
}

impl Invitation {
    /// The turn that an occasion gives a customer, held until the programme's delay has passed.
    #[must_use]
    pub fn hold(id: Uuid, programme: &Programme, occasion: &Occasion, now: Timestamp) -> Change {
        let decide_at = occasion.at.saturating_add(programme.delay).unwrap_or(Timestamp::MAX);
        let after = Self {
            id,
            version: 1,
            programme: programme.id,
            trigger: occasion.trigger,
            customer: occasion.customer,
            subject: occasion.subject.clone(),
            triggered_by: occasion.sequence,
            survey_version: None,
            state: State::Held,
            suppress_reason: None,
            staff_member: occasion.staff_member,
            inclusion_probability: programme.sampling_rate,
            from_low_score: occasion.from_low_score,
            language: None,
            next_eligible_at: None,
            decide_at,
            sent_at: None,
            expire_at: None,
            link_generation: 1,
            response: None,
            revision: 0,
            due_at: Some(decide_at),
            story: occasion.story.clone(),
            created_at: now,
        };
        Change { after, happening: Happening::Held, at: now, story: occasion.story.clone() }
    }

    /// The invitation after something happened; `None`: it cannot happen in its state (SU12).
    #[must_use]
    pub fn happens(&self, happening: Happening, at: Timestamp, story: &Story) -> Option<Change> {
        let state = self.state.after(happening)?;
        let mut after = Self { version: self.version + 1, state, ..self.clone() };
        match happening {
            Happening::Sent if self.sent_at.is_some() => return None,
            Happening::Sent => after.sent_at = Some(at),
            Happening::Completed | Happening::Suppressed | Happening::Undeliverable | Happening::Expired => {
                after.due_at = None;
            }
            Happening::Held | Happening::Queued | Happening::Started => {}
        }
        Some(Change { after, happening, at, story: story.clone() })
    }

    /// The story of what comes of it without anybody's call.
    #[must_use]
    pub fn aftermath(&self) -> Story {
        Story { hops: self.story.hops + 1, ..self.story.clone() }
    }

    /// Decided: it is asked, in this version, until `expire_at`.
    #[must_use]
    pub fn queue(
        &self,
        survey_version: (Uuid, i32),
        language: Language,
        expire_at: Timestamp,
        now: Timestamp,
    ) -> Option<Change> {
        let mut change = self.happens(Happening::Queued, now, &self.story)?;
        change.after.survey_version = Some(survey_version);
        change.after.language = Some(language);
        change.after.decide_at = now;
        change.after.expire_at = Some(expire_at);
        change.after.due_at = Some(expire_at);
        Some(change)
    }

    /// Decided: it is not asked (SU3).
    #[must_use]
    pub fn suppress(&self, reason: SuppressReason, now: Timestamp, story: &Story) -> Option<Change> {
        let mut change = self.happens(Happening::Suppressed, now, story)?;
        change.after.suppress_reason = Some(reason);
        change.after.decide_at = now;
        Some(change)
    }
}
