//! What customers think, asked for rarely, measured honestly, and what was done about it.

/// The service's name.
pub const NAME: &str = "surveys";
