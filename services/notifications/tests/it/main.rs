//! The service with its database, its feed and its providers.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod calls;
mod drain;
mod handing_over;
mod mail;
mod notices;
mod preferences;
mod smtp_sink;
mod templates;
mod town;
mod waiting;
