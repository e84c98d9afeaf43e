//! Loops of this service; none has rules of its own.

pub mod promised_days;
pub mod retention;
