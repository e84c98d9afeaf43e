//! The service against a real PostgreSQL, called as a server calls it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod asked;
mod called_off;
mod catalog;
mod links;
mod lists;
mod low_scores;
mod office;
mod programmes;
mod replay;
mod sampling;
mod scores;
mod served;
mod states;
mod story;
mod surveys;
mod throttle;
mod with_tickets;
mod world;
