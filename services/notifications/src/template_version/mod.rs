//! Versions of templates as they are kept: drafts, the one that is sent from, and those that were.

mod catalog;
mod commands;
mod convert;
pub mod model;
mod queries;
mod rpc;
pub(crate) mod store;
mod texts;

pub use catalog::ensure_catalog;
pub use rpc::TemplateRpc;
pub use texts::Texts;
