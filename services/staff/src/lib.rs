//! The people who serve: departments, members, shifts, presence, authority.

/// The service's name.
pub const NAME: &str = "staff";
