//! The portal as browsers, mail programs and other systems see it.
//!
//! The services behind it are small gRPC servers with the suite's own layers, keys and rules, whose answers each test writes: the contract
//! in `proto/` is the portal's boundary, and what it asks for and what it makes of an answer is what is looked at here. That the real
//! services answer so is shown by their own tests and by the stories over all of them.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod behind;
mod dev_mail;
mod edge;
mod events;
mod links;
mod place;
mod preferences;
mod privacy;
mod scripted;
mod survey;
mod ticket;
mod unsubscribe;
mod web;
mod written;
