//! Surveys: questions in versions. A published version never changes, and an answer is checked against the version that was asked.

mod answer;
pub(crate) mod catalog;
mod check;
mod commands;
pub(crate) mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;
mod versions;

pub use answer::{Answer, Value};
pub use check::{MOST_QUESTIONS, REQUIRED_LANGUAGES};
pub use convert::{COLLECTION, name, parse_version_name, version_name};
pub use model::{Choice, Question, QuestionKind, State, Survey, SurveyVersion};
pub use rpc::SurveyRpc;
pub use versions::Versions;
