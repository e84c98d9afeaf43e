//! The words of a ticket's machine.

use serde::Deserialize;

use crate::stored::stored_names;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits in its department's queue.
    New,
    /// Somebody works on it.
    Open,
    /// The customer was asked something.
    PendingCustomer,
    /// Another department of ours has to do something first; that is our delay, and clocks go on.
    PendingDepartment,
    /// Somebody outside has to do something first, by a day that was told to the customer.
    PendingExternal,
    /// It goes on at a time that was agreed with the customer.
    Scheduled,
    /// We say that it is solved; the customer is asked.
    Resolved,
    /// It is over; final once the time to reopen it has passed.
    Closed,
    /// It was called off, for good.
    Canceled,
    /// It is carried on in another ticket.
    Merged,
}

stored_names!(State, "state of a ticket" {
    New = "new",
    Open = "open",
    PendingCustomer = "pending_customer",
    PendingDepartment = "pending_department",
    PendingExternal = "pending_external",
    Scheduled = "scheduled",
    Resolved = "resolved",
    Closed = "closed",
    Canceled = "canceled",
    Merged = "merged",
});

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::New,
        Self::Open,
        Self::PendingCustomer,
        Self::PendingDepartment,
        Self::PendingExternal,
        Self::Scheduled,
        Self::Resolved,
        Self::Closed,
        Self::Canceled,
        Self::Merged,
    ];
}

/// How it was closed; the two are counted apart (TK5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closure {
    /// The customer said that it is solved.
    Verified,
    /// The customer was asked and did not answer; [`Unverified`] says more.
    Unverified,
}

stored_names!(Closure, "closure" { Verified = "verified", Unverified = "unverified" });

/// Why a resolution was not verified (TK143).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unverified {
    /// The customer was asked on two channels at least, and did not answer.
    Unanswered,
    /// The customer did not answer, and there is no second channel to ask on.
    NoSecondChannel,
    /// There is no channel to ask on.
    NoChannel,
    /// The customer was to be called, and nobody of us did in time.
    NotCalled,
}

stored_names!(Unverified, "reason not to be verified" {
    Unanswered = "unanswered",
    NoSecondChannel = "no_second_channel",
    NoChannel = "no_channel",
    NotCalled = "not_called",
});

/// Why it was called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The customer wishes so.
    ByCustomer,
    /// Another ticket is about the same.
    Duplicate,
    /// It is no matter of a customer.
    Spam,
}

stored_names!(CancelReason, "reason to cancel" { ByCustomer = "by_customer", Duplicate = "duplicate", Spam = "spam" });

/// Whose doing a problem was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The product.
    Product,
    /// The carrier.
    Carrier,
    /// Our own preparation or stock.
    Fulfilment,
    /// The invoice or the payment.
    Payment,
    /// What we told, or did not tell.
    Information,
    /// Our own policy.
    Policy,
    /// How somebody of us behaved.
    Staff,
    /// Something at the customer's.
    Customer,
    /// Something else.
    Other,
}

stored_names!(Cause, "cause" {
    Product = "product",
    Carrier = "carrier",
    Fulfilment = "fulfilment",
    Payment = "payment",
    Information = "information",
    Policy = "policy",
    Staff = "staff",
    Customer = "customer",
    Other = "other",
});

/// What happened to a ticket: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It was opened.
    Created,
    /// Somebody has it.
    Assigned,
    /// It is back in the queue.
    Unassigned,
    /// Something about it changed that none of the others names.
    Updated,
    /// Something was said.
    Replied,
    /// It waits for the customer, another department, somebody outside, or a day.
    Pending,
    /// It goes on.
    Resumed,
    /// It is solved, we say.
    Resolved,
    /// The customer was asked again.
    VerificationRequested,
    /// What was to ask them did not reach them.
    VerificationUndelivered,
    /// It is not solved, the customer says.
    Rejected,
    /// It was opened again after it was closed.
    Reopened,
    /// It is over.
    Closed,
    /// It was called off.
    Canceled,
    /// Words of it were taken back.
    Redacted,
    /// It is carried on in another ticket.
    Merged,
    /// It was taken out of the other ticket again.
    Unmerged,
    /// It came from another system, with its history.
    Imported,
    /// Half or four fifths of a clock's time are over.
    ClockWarned,
    /// One of its clocks was due.
    ClockBreached,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Created => "seva.tickets.ticket.created.v1",
            Self::Assigned => "seva.tickets.ticket.assigned.v1",
            Self::Unassigned => "seva.tickets.ticket.unassigned.v1",
            Self::Updated => "seva.tickets.ticket.updated.v1",
            Self::Replied => "seva.tickets.ticket.replied.v1",
            Self::Pending => "seva.tickets.ticket.pending.v1",
            Self::Resumed => "seva.tickets.ticket.resumed.v1",
            Self::Resolved => "seva.tickets.ticket.resolved.v1",
            Self::VerificationRequested => "seva.tickets.ticket.verification_requested.v1",
            Self::VerificationUndelivered => "seva.tickets.ticket.verification_undelivered.v1",
            Self::Rejected => "seva.tickets.ticket.rejected.v1",
            Self::Reopened => "seva.tickets.ticket.reopened.v1",
            Self::Closed => "seva.tickets.ticket.closed.v1",
            Self::Canceled => "seva.tickets.ticket.canceled.v1",
            Self::Redacted => "seva.tickets.ticket.redacted.v1",
            Self::Merged => "seva.tickets.ticket.merged.v1",
            Self::Unmerged => "seva.tickets.ticket.unmerged.v1",
            Self::Imported => "seva.tickets.ticket.imported.v1",
            Self::ClockWarned => "seva.tickets.ticket.clock_warned.v1",
            Self::ClockBreached => "seva.tickets.ticket.clock_breached.v1",
        }
    }
}
