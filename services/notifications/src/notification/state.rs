//! The states of a notification and which may follow which.

use crate::stored::stored_names;

/// What has become of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for dispatch.
    Queued,
    /// Waits for the customer's hours.
    Deferred,
    /// Is being handed over.
    Sending,
    /// The provider has taken it.
    Sent,
    /// It was decided not to send it.
    Skipped,
    /// Something newer about the same subject made it untrue.
    Superseded,
    /// It could not be sent while it was worth sending.
    Expired,
    /// It was called off.
    Canceled,
    /// The provider refused it for good, or whether it was sent cannot be known.
    Failed,
}

stored_names!(State, "state" {
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

impl State {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Deferred,
        Self::Sending,
        Self::Sent,
        Self::Skipped,
        Self::Superseded,
        Self::Expired,
        Self::Canceled,
        Self::Failed,
    ];

    /// Whether it waits for its time; only then it can be called off or superseded.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred)
    }

    /// Whether nothing follows it (NO2).
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Deferred | Self::Sending)
    }

    /// Whether a notification can begin so.
    #[must_use]
    pub const fn may_begin(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred | Self::Skipped | Self::Expired)
    }

    /// Whether `next` may follow (NO2): the table of the README.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued | Self::Deferred => matches!(next, Self::Sending | Self::Superseded | Self::Canceled),
            Self::Sending => !matches!(next, Self::Sending | Self::Canceled),
            Self::Sent | Self::Skipped | Self::Superseded | Self::Expired | Self::Canceled | Self::Failed => false,
        }
    }

    /// The type of the event that tells of a decision for this state.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Queued | Self::Deferred | Self::Skipped | Self::Sending => {
                "seva.notifications.notification.decided.v1"
            }
            Self::Sent => "seva.notifications.notification.sent.v1",
            Self::Superseded => "seva.notifications.notification.superseded.v1",
            Self::Expired => "seva.notifications.notification.expired.v1",
            Self::Canceled => "seva.notifications.notification.canceled.v1",
            Self::Failed => "seva.notifications.notification.failed.v1",
        }
    }
}

/// Why a decision fell as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing stands against it.
    Accepted,
    /// Something newer about the same subject is known.
    Stale,
    /// The customer is not known.
    UnknownCustomer,
    /// No contact point for the channel.
    NoContactPoint,
    /// The customer does not want this category.
    Preference,
    /// The customer has not agreed.
    NoConsent,
    /// No published template.
    NoTemplate,
    /// Outside the customer's hours.
    OutsideHours,
    /// No longer worth sending.
    TooLate,
    /// The fact came after a later step was known.
    Overtaken,
    /// A variable of the template is missing, or the text cannot be written.
    RenderingFailed,
    /// The provider took it.
    HandedOver,
    /// The provider had a passing fault.
    ProviderBusy,
    /// The provider refused the address.
    BadAddress,
    /// The provider refused the content.
    BadContent,
    /// The provider refused our account.
    BadAccount,
    /// Whether the provider took it cannot be known.
    Ambiguous,
    /// Every attempt was used up.
    AttemptsExhausted,
    /// The customer's own hours never allow it.
    NeverInHours,
    /// Who the recipient is, or where a link leads, could not be asked.
    RecipientUnavailable,
    /// Called off by a person.
    Canceled,
    /// The page that it is about is no longer there.
    LinkEnded,
}

stored_names!(Reason, "reason" {
    Accepted = "accepted",
    Stale = "stale",
    UnknownCustomer = "unknown_customer",
    NoContactPoint = "no_contact_point",
    Preference = "preference",
    NoConsent = "no_consent",
    NoTemplate = "no_template",
    OutsideHours = "outside_hours",
    TooLate = "too_late",
    Overtaken = "overtaken",
    RenderingFailed = "rendering_failed",
    HandedOver = "handed_over",
    ProviderBusy = "provider_busy",
    BadAddress = "bad_address",
    BadContent = "bad_content",
    BadAccount = "bad_account",
    Ambiguous = "ambiguous",
    AttemptsExhausted = "attempts_exhausted",
    NeverInHours = "never_in_hours",
    RecipientUnavailable = "recipient_unavailable",
    Canceled = "canceled",
    LinkEnded = "link_ended",
});
