//! The service against a real PostgreSQL, called as a server calls it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod asked;
mod catalog;
mod office;
mod programmes;
mod scores;
mod served;
mod surveys;
