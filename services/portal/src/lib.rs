//! The public web edge: what customers open from their mails, and where other systems post their events.

/// The service's name.
pub const NAME: &str = "portal";
