//! Who serves: departments with their calendars, and staff members, kept from the staff service's events.

pub mod consumer;
pub mod model;
pub mod store;

pub use consumer::{NAME, Roster};
pub use model::{Department, Presence, Role, Shifts, StaffMember, State};

#[cfg(test)]
mod tests;
