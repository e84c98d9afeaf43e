//! What runs beside the calls: no logic of its own.

pub mod dispatch;
pub mod notices;
pub mod retention;
