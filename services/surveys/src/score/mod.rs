//! Scores: what answers say, how sure that is, how many answered, and who was not asked and why.
//!
//! - [`statistics`]: a proportion and a net score, each with its interval
//! - [`model`]: counts by week, added up, and what is hidden

mod convert;
pub(crate) mod model;
mod queries;
pub(crate) mod statistics;
mod store;
#[cfg(test)]
mod tests;

pub use convert::query;
pub use queries::scores;
