//! Customers: writes, reads and what they leave behind.

pub mod consent;
mod contact_points;
mod lists;
mod requests;
mod traces;
pub mod updates;
