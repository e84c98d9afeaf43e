//! Categories and wishes.

use jiff::{SignedDuration, Timestamp};

use crate::{recipient::Purpose, stored::stored_names};

/// A sort of messages that customers can want or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its name.
    pub key: String,
    /// Counts its changes.
    pub version: i64,
    /// What the messages are.
    pub class: Class,
    /// Waits for the customer's hours.
    pub interruptive: bool,
    /// What happens when it cannot be known whether a message went out.
    pub duplicate_policy: DuplicatePolicy,
    /// How long a message is worth sending.
    pub time_to_live: SignedDuration,
}

/// What messages are; it decides whether they can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// About the customer's own order or money; always sent.
    Transactional,
    /// Service around it; sent unless refused.
    Service,
    /// Questions how it went; sent unless refused.
    Survey,
    /// Offers; sent only when wanted.
    Marketing,
}

/// What happens when it cannot be known whether a message went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicatePolicy {
    /// Never a second time.
    AtMostOnce,
    /// Again under the same Message-ID.
    AtLeastOnce,
}

stored_names!(Class, "class" {
    Transactional = "transactional",
    Service = "service",
    Survey = "survey",
    Marketing = "marketing",
});
stored_names!(DuplicatePolicy, "duplicate policy" { AtMostOnce = "at_most_once", AtLeastOnce = "at_least_once" });

/// A customer's wish for a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Whether messages of it are wanted.
    pub wanted: bool,
    /// When the customer said so.
    pub set_at: Timestamp,
}

impl Category {
    /// Whether it cannot be refused (NO5).
    #[must_use]
    pub const fn is_mandatory(&self) -> bool {
        matches!(self.class, Class::Transactional)
    }

    /// Whether messages go to a customer with this wish, if there is one.
    #[must_use]
    pub fn is_wanted(&self, wish: Option<bool>) -> bool {
        match self.class {
            Class::Transactional => true,
            Class::Service | Class::Survey => wish.unwrap_or(true),
            Class::Marketing => wish.unwrap_or(false),
        }
    }

    /// What consent is asked for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self.class {
            Class::Transactional | Class::Service => Purpose::Service,
            Class::Survey => Purpose::Survey,
            Class::Marketing => Purpose::Marketing,
        }
    }
}
