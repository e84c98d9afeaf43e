//! The words of a return.

use crate::{compensation::Kind, stored::stored_names};

/// Where a return stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The customer asks for it.
    Requested,
    /// Somebody looks at it.
    UnderReview,
    /// All of it is taken back.
    Approved,
    /// Some of it is.
    PartlyApproved,
    /// None of it is.
    Declined,
    /// The customer has a label for the way back.
    LabelSent,
    /// It is on its way.
    InTransit,
    /// It is here.
    Received,
    /// Somebody has looked at what came.
    Inspected,
    /// Billing has been told what to give for it.
    Settling,
    /// The customer has what was given for it.
    Settled,
    /// It is over.
    Closed,
    /// The customer keeps it and wants nothing.
    Canceled,
}

stored_names!(State, "state of a return" {
    Requested = "requested",
    UnderReview = "under_review",
    Approved = "approved",
    PartlyApproved = "partly_approved",
    Declined = "declined",
    LabelSent = "label_sent",
    InTransit = "in_transit",
    Received = "received",
    Inspected = "inspected",
    Settling = "settling",
    Settled = "settled",
    Closed = "closed",
    Canceled = "canceled",
});

/// What is given for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Money back.
    Refund,
    /// Another one.
    Exchange,
    /// It is mended.
    Repair,
    /// Money for the next order.
    Credit,
    /// The customer keeps it.
    KeepItem,
}

stored_names!(Way, "way to settle a return" {
    Refund = "refund",
    Exchange = "exchange",
    Repair = "repair",
    Credit = "credit",
    KeepItem = "keep_item",
});

impl Way {
    /// What billing carries out; `None`: nothing.
    #[must_use]
    pub const fn money(self) -> Option<Kind> {
        match self {
            Self::Refund => Some(Kind::Refund),
            Self::Credit => Some(Kind::Credit),
            Self::Exchange | Self::Repair | Self::KeepItem => None,
        }
    }
}

/// What of it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All.
    Approved,
    /// Some.
    PartlyApproved,
    /// Nothing.
    Declined,
}

stored_names!(Outcome, "decision about a return" {
    Approved = "approved",
    PartlyApproved = "partly_approved",
    Declined = "declined",
});

impl Outcome {
    /// The state that it leads to.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Approved => State::Approved,
            Self::PartlyApproved => State::PartlyApproved,
            Self::Declined => State::Declined,
        }
    }
}

/// In which state it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// As it was sent out.
    AsNew,
    /// It was used, and can be sold as such.
    Used,
    /// It does not work as it should.
    Defective,
    /// It was broken.
    Damaged,
    /// Something of it is missing, or it is something else.
    Incomplete,
}

stored_names!(Condition, "condition of a return" {
    AsNew = "as_new",
    Used = "used",
    Defective = "defective",
    Damaged = "damaged",
    Incomplete = "incomplete",
});

/// What happened to a return: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The customer asks for it.
    Requested,
    /// Somebody looks at it.
    UnderReview,
    /// All of it is taken back.
    Approved,
    /// Some of it is.
    PartlyApproved,
    /// None of it is.
    Declined,
    /// The customer does not agree; somebody else looks at it.
    Appealed,
    /// The customer has a label.
    LabelSent,
    /// It is on its way.
    InTransit,
    /// It is here.
    Received,
    /// Somebody has looked at what came.
    Inspected,
    /// Billing has been told.
    Settling,
    /// Billing cannot do it.
    SettlementFailed,
    /// The customer has what was given for it.
    Settled,
    /// It is over.
    Closed,
    /// The customer keeps it and wants nothing.
    Canceled,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Requested => "seva.tickets.return_case.requested.v1",
            Self::UnderReview => "seva.tickets.return_case.under_review.v1",
            Self::Approved => "seva.tickets.return_case.approved.v1",
            Self::PartlyApproved => "seva.tickets.return_case.partly_approved.v1",
            Self::Declined => "seva.tickets.return_case.declined.v1",
            Self::Appealed => "seva.tickets.return_case.appealed.v1",
            Self::LabelSent => "seva.tickets.return_case.label_sent.v1",
            Self::InTransit => "seva.tickets.return_case.in_transit.v1",
            Self::Received => "seva.tickets.return_case.received.v1",
            Self::Inspected => "seva.tickets.return_case.inspected.v1",
            Self::Settling => "seva.tickets.return_case.settling.v1",
            Self::SettlementFailed => "seva.tickets.return_case.settlement_failed.v1",
            Self::Settled => "seva.tickets.return_case.settled.v1",
            Self::Closed => "seva.tickets.return_case.closed.v1",
            Self::Canceled => "seva.tickets.return_case.canceled.v1",
        }
    }
}
