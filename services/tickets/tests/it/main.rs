//! The service against a real PostgreSQL, with real feeds of the services that it follows.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod assignment;
mod automations;
mod bulk;
mod clocks;
mod compensation;
mod conversation;
mod desk;
mod details;
mod escalation;
mod floor;
mod guides;
mod handoffs;
mod imports;
mod inbound;
mod knowledge;
mod macros;
mod matters;
mod open_work;
mod places;
mod promises;
mod recipients;
mod requests;
mod risk;
mod returns;
mod roster;
mod routing;
mod search;
mod solutions;
mod story;
mod verification;
mod views;
mod watch;
mod world;
