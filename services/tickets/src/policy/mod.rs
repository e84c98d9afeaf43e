//! The service-level policy: how long what may take, in working time, by kind, department, tier and priority.

pub mod model;
pub mod store;

pub use model::{Matched, Policy, Row, Targets};
pub use store::Policies;

#[cfg(test)]
mod tests;
