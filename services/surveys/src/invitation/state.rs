//! The machine of invitations.

use crate::stored::stored_names;

/// Where an invitation stands. Completed, Suppressed, Undeliverable and Expired are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for its decision.
    Held,
    /// Given to notifications.
    Queued,
    /// Handed over.
    Sent,
    /// An answer is there.
    Started,
    /// Answered.
    Completed,
    /// Not asked, for a reason.
    Suppressed,
    /// It could not be delivered.
    Undeliverable,
    /// Not answered in time.
    Expired,
}

stored_names!(State, "state of an invitation" {
    Held = "held",
    Queued = "queued",
    Sent = "sent",
    Started = "started",
    Completed = "completed",
    Suppressed = "suppressed",
    Undeliverable = "undeliverable",
    Expired = "expired",
});

/// Why a customer was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuppressReason {
    /// Not drawn.
    SampledOut,
    /// Asked too lately, or too often in a year.
    Throttled,
    /// The customer does not want to be asked.
    NoConsent,
    /// The customer has an open ticket.
    OpenTicket,
    /// Customer and staff have just heard of each other about something else.
    RecentContact,
    /// The matter is no longer as it was, or long past.
    CalledOff,
    /// No address.
    NoContactPoint,
    /// The programme was not active, or has no published version.
    NotActive,
    /// The customer is not known here.
    UnknownCustomer,
    /// The ticket came from a low score.
    FromLowScore,
}

stored_names!(SuppressReason, "reason of a suppressed invitation" {
    SampledOut = "sampled_out",
    Throttled = "throttled",
    NoConsent = "no_consent",
    OpenTicket = "open_ticket",
    RecentContact = "recent_contact",
    CalledOff = "called_off",
    NoContactPoint = "no_contact_point",
    NotActive = "not_active",
    UnknownCustomer = "unknown_customer",
    FromLowScore = "from_low_score",
});

/// What happens to an invitation; each is an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happening {
    /// Its matter came to pass.
    Held,
    /// It was decided to ask.
    Queued,
    /// Notifications has handed the mail over.
    Sent,
    /// The first answer came.
    Started,
    /// The last answer came.
    Completed,
    /// It was decided not to ask.
    Suppressed,
    /// Notifications could not hand the mail over.
    Undeliverable,
    /// The time to answer has ended.
    Expired,
}

impl Happening {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Held => "seva.surveys.invitation.held.v1",
            Self::Queued => "seva.surveys.invitation.queued.v1",
            Self::Sent => "seva.surveys.invitation.sent.v1",
            Self::Started => "seva.surveys.invitation.started.v1",
            Self::Completed => "seva.surveys.invitation.completed.v1",
            Self::Suppressed => "seva.surveys.invitation.suppressed.v1",
            Self::Undeliverable => "seva.surveys.invitation.undeliverable.v1",
            Self::Expired => "seva.surveys.invitation.expired.v1",
        }
    }
}

impl State {
    /// Where it stands after something happened; `None`: it cannot happen there (SU12).
    #[must_use]
    pub const fn after(self, happening: Happening) -> Option<Self> {
        match (self, happening) {
            (Self::Held, Happening::Queued) => Some(Self::Queued),
            (Self::Held, Happening::Suppressed) => Some(Self::Suppressed),
            (Self::Queued, Happening::Sent) => Some(Self::Sent),
            (Self::Queued, Happening::Undeliverable) => Some(Self::Undeliverable),
            (Self::Queued | Self::Sent, Happening::Started) => Some(Self::Started),
            (Self::Queued | Self::Sent | Self::Started, Happening::Completed) => Some(Self::Completed),
            (Self::Queued | Self::Sent | Self::Started, Happening::Expired) => Some(Self::Expired),
            // A customer may be quicker than the word that the mail was handed over.
            (Self::Started | Self::Completed, Happening::Sent) => Some(self),
            _ => None,
        }
    }

    /// Whether an answer can be begun or go on.
    #[must_use]
    pub const fn can_be_answered(self) -> bool {
        matches!(self, Self::Queued | Self::Sent | Self::Started)
    }
}
