//! How departments serve what is handed to them, side by side: the same columns for all (TK49). Pure.

use jiff::Timestamp;
use uuid::Uuid;

/// What was offered in which period, as it is known at a moment.
#[derive(Debug, Clone, Copy)]
pub struct ParityQuery {
    pub from: Timestamp,
    pub until: Timestamp,
    pub now: Timestamp,
}

/// How a department has served what was offered to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub department: Uuid,
    pub offered: i64,
    pub accepted: i64,
    pub refused: i64,
    /// Passed on, or returned as not done.
    pub bounced: i64,
    pub withdrawn: i64,
    /// Offered or accepted as yet.
    pub under_way: i64,
    pub ack: Spread,
    pub done: Spread,
}

/// How long something took, in the department's working time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Of how many it is known how long it took.
    pub counted: i64,
    /// How many were not in time, those that are not answered or done yet among them.
    pub breached: i64,
    /// In microseconds; `None` of none.
    pub median: Option<i64>,
    /// Nine of ten took no longer.
    pub p90: Option<i64>,
}
