//! The pages that links lead to.

/// A page that a customer opens by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A ticket's conversation, and whether it is solved.
    Ticket,
    /// The questions of an invitation.
    Survey,
    /// The customer's own place.
    Place,
    /// What the customer wants to be told.
    Preferences,
    /// No more messages of one category.
    Unsubscribe,
}

impl Page {
    /// The word for it in a link's path and, for those of this service, in its token.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Survey => "survey",
            Self::Place => "place",
            Self::Preferences => "preferences",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    /// The variable by which templates show the link.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Ticket => "ticket_link",
            Self::Survey => "survey_link",
            Self::Place => "place_link",
            Self::Preferences => "preferences_link",
            Self::Unsubscribe => "unsubscribe_link",
        }
    }
}
