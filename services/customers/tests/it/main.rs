//! The service against a real PostgreSQL, called as a server calls it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod api_key;
mod customer;
mod intake;
mod order;
mod own_place;
mod peers;
mod place;
mod promised_days;
mod recipient;
mod retention;
mod sender;
mod shop;
mod surveys;
mod tickets;
mod timeline;
mod world;
