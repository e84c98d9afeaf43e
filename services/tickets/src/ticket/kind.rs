//! What sort of matter a ticket is, and how soon it has to be served.

use crate::stored::stored_names;

/// What sort of matter it is; it decides the department and the skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Somebody wants to know something.
    Question,
    /// Something does not work as it should.
    Problem,
    /// The service was bad.
    ComplaintService,
    /// Somebody behaved badly.
    ComplaintStaff,
    /// Something comes back.
    Return,
    /// Something is mended.
    Repair,
    /// An invoice or a payment.
    Billing,
    /// Something has not come.
    Delivery,
    /// A customer proposes something.
    IdeaFromCustomer,
    /// Opened by us before the customer asked.
    Proactive,
    /// Somebody who has bought nothing yet wants to know something.
    Presale,
}

stored_names!(Kind, "kind of ticket" {
    Question = "question",
    Problem = "problem",
    ComplaintService = "complaint_service",
    ComplaintStaff = "complaint_staff",
    Return = "return",
    Repair = "repair",
    Billing = "billing",
    Delivery = "delivery",
    IdeaFromCustomer = "idea_from_customer",
    Proactive = "proactive",
    Presale = "presale",
});

impl Kind {
    /// The skill that serving it takes, such as `complaint-service`.
    #[must_use]
    pub fn skill(self) -> String {
        self.name().replace('_', "-")
    }
}

/// How soon it has to be served; the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// When there is time.
    Low,
    /// The usual one.
    Normal,
    /// Before the usual ones.
    High,
    /// At once.
    Urgent,
}

impl Priority {
    /// One step sooner, as far as there is one.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::Low => Self::Normal,
            Self::Normal => Self::High,
            Self::High | Self::Urgent => Self::Urgent,
        }
    }
}

stored_names!(Priority, "priority" {
    Low = "low",
    Normal = "normal",
    High = "high",
    Urgent = "urgent",
});
