//! The service-level policy: how long what may take, in working time, by kind, tier and priority.

pub mod model;
pub mod store;

pub use model::{Policy, Row, Targets};
pub use store::Policies;

#[cfg(test)]
mod tests;
