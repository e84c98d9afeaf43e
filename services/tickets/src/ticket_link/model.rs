//! What is said of one ticket with another.

use jiff::Timestamp;
use uuid::Uuid;

use crate::stored::stored_names;

/// What is said of the one ticket with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is about the same.
    DuplicateOf,
    /// It came after it.
    FollowUpOf,
    /// It is a part of it.
    ChildOf,
    /// It came from it.
    CausedBy,
    /// Both have to do with each other.
    Relates,
}

stored_names!(Kind, "kind of link" {
    DuplicateOf = "duplicate_of",
    FollowUpOf = "follow_up_of",
    ChildOf = "child_of",
    CausedBy = "caused_by",
    Relates = "relates",
});

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketLink {
    /// `None` for what a ticket follows since it was opened.
    pub id: Option<Uuid>,
    pub from: Uuid,
    pub kind: Kind,
    pub to: Uuid,
    pub created_at: Timestamp,
}

impl TicketLink {
    /// What relates has no direction: the lesser id comes first.
    pub fn new(id: Uuid, from: Uuid, kind: Kind, to: Uuid, at: Timestamp) -> Self {
        let (from, to) = if kind == Kind::Relates { (from.min(to), from.max(to)) } else { (from, to) };
        Self { id: Some(id), from, kind, to, created_at: at }
    }
}
