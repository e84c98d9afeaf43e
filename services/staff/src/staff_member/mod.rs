//! Somebody who serves: skills, languages, shifts, presence, capacity, authority.

mod commands;
mod convert;
mod model;
mod queries;
mod rpc;
mod store;
#[cfg(test)]
mod tests;

pub use rpc::StaffMemberRpc;
