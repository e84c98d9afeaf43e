//! The service against a real PostgreSQL, with real feeds of the services that it follows.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod assignment;
mod automations;
mod bulk;
mod cases;
mod clocks;
mod compensation;
mod conversation;
mod deliveries;
mod desk;
mod details;
mod escalation;
mod floor;
mod guides;
mod handoffs;
mod imports;
mod inbound;
mod knowledge;
mod links;
mod macros;
mod matters;
mod merge;
mod open_work;
mod places;
mod problems;
mod promises;
mod recipients;
mod reports;
mod requests;
mod returns;
mod risk;
mod roster;
mod routing;
mod search;
mod solutions;
mod story;
mod verification;
mod views;
mod watch;
mod world;
