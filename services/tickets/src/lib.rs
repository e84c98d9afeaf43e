//! A problem is carried until the customer says that it is solved.

/// The service's name.
pub const NAME: &str = "tickets";
