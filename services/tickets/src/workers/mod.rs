//! Loops beside the calls.

pub mod verification;
