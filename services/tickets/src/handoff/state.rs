//! The words of a hand-off's machine.

use crate::stored::stored_names;

/// Where a hand-off stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The department has to take or refuse it.
    Offered,
    /// The department is at it.
    Accepted,
    /// There is a result, which the sender has to confirm.
    Done,
    /// The sender has confirmed it.
    Confirmed,
    /// The department has refused it, or passed it on.
    Refused,
    /// The sender has taken it back.
    Withdrawn,
}

stored_names!(State, "state of a hand-off" {
    Offered = "offered",
    Accepted = "accepted",
    Done = "done",
    Confirmed = "confirmed",
    Refused = "refused",
    Withdrawn = "withdrawn",
});

/// What happened to a hand-off: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A department was asked.
    Offered,
    /// The department has taken it.
    Accepted,
    /// The department has refused it or passed it on.
    Refused,
    /// There is a result.
    Completed,
    /// The sender says that it is not done.
    Returned,
    /// The sender says that it is done.
    Confirmed,
    /// The sender has taken it back.
    Withdrawn,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Offered => "seva.tickets.handoff.offered.v1",
            Self::Accepted => "seva.tickets.handoff.accepted.v1",
            Self::Refused => "seva.tickets.handoff.refused.v1",
            Self::Completed => "seva.tickets.handoff.completed.v1",
            Self::Returned => "seva.tickets.handoff.returned.v1",
            Self::Confirmed => "seva.tickets.handoff.confirmed.v1",
            Self::Withdrawn => "seva.tickets.handoff.withdrawn.v1",
        }
    }

    /// The names of the fields that change with it, for the audit.
    #[must_use]
    pub const fn changed(self) -> &'static [&'static str] {
        match self {
            Self::Offered => &["*"],
            Self::Accepted => &["state", "member"],
            Self::Refused => &["state", "member", "answer"],
            Self::Completed => &["state", "answer"],
            Self::Returned => &["state", "answer", "bounces"],
            Self::Confirmed | Self::Withdrawn => &["state"],
        }
    }
}
