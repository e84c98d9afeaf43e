//! The service with its database, its feed and its providers.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod assembled;
mod calls;
mod drain;
mod handing_over;
mod links;
mod mail;
mod neighbours;
mod notices;
mod own_preferences;
mod preferences;
mod retention;
mod smtp_sink;
mod surveys;
mod templates;
mod tickets;
mod told;
mod town;
mod waiting;
