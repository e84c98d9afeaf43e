//! What every request passes.
//!
//! - [`trace`]: the span and the duration of each request; a panic is a fault of ours and not of the process
//! - [`limits`]: how many at once, how long, how large
//! - [`headers`]: what browsers are told about every answer
//! - [`form`]: reading what a form sends, and proving that it was ours
//! - [`link`]: the token in a path

pub mod form;
pub mod headers;
pub mod limits;
pub mod link;
pub mod trace;
