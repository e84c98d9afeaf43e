//! Servers and clients over real connections, with an implementation of the clock and the feed that the tests direct.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod authorization;
mod calls;
mod harness;
mod limits;
mod offers;
mod traces;
