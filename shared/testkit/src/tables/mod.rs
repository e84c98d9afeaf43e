//! What an installation has come to, table by table, to be compared with another that went through the same.
//!
//! Every table of every database is compared, row by row, and every mail; what differs in every run is left out by name and reason.
//!
//! - [`at_rest`]: an installation that does not run, opened for looking at all of it
//! - [`left_out`]: which columns are not compared, and why; [`payload`]: bytes compared as the messages that they are
//! - [`catalog`]: tables and rows as text; [`mails`]: mails as text, and what must hold of them in any case
//! - [`text`]: ids and links in a text; [`likeness`]: ids are random, so they are compared by all that is said about them
//! - [`comparison`]: both sides laid beside each other

pub mod at_rest;
pub mod catalog;
pub mod comparison;
pub mod left_out;
pub mod likeness;
pub mod mails;
pub mod payload;
pub mod text;

pub use at_rest::AtRest;
pub use comparison::{Comparison, compare, differing};
