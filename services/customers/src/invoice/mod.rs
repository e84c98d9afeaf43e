//! An invoice as the billing system reports it: what is to be paid, what was paid, what was paid back.

pub(crate) mod convert;
pub(crate) mod model;
pub(crate) mod store;
#[cfg(test)]
mod tests;
