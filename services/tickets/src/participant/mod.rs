//! Who takes part in a ticket besides the customer and the assignee.

mod commands;
mod convert;
mod rpc;
pub(crate) mod store;

pub use rpc::ParticipantRpc;

use jiff::Timestamp;
use uuid::Uuid;

/// Participants of one ticket at most (TK15).
pub const MAX_PARTICIPANTS: i64 = 50;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// A customer whose words count as the customer's.
    Customer(Uuid),
    /// Somebody of staff who follows.
    StaffMember(Uuid),
}

/// Somebody who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Participant {
    pub who: Who,
    /// Business time.
    pub added_at: Timestamp,
}
