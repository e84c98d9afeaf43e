//! What is done to a ticket by macros, bulk jobs and automations: the steps that a person's call takes, and no second path (TK120).

pub mod convert;
pub mod decide;
pub mod model;

pub use convert::Reading;
pub use decide::{By, Refusal, Refused, decide};
pub use model::{Action, Texts};

#[cfg(test)]
mod tests;
