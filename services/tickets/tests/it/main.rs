//! The service against a real PostgreSQL, with real feeds of the services that it follows.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod assignment;
mod clocks;
mod conversation;
mod details;
mod floor;
mod guides;
mod handoffs;
mod knowledge;
mod matters;
mod open_work;
mod places;
mod promises;
mod recipients;
mod requests;
mod roster;
mod routing;
mod solutions;
mod search;
mod story;
mod verification;
mod views;
mod watch;
mod world;
