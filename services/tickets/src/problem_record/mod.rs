//! Problem records: one cause that many customers suffer from. When it is fixed each of them is told and asked, and nothing is closed (TK58, TK59).

mod commands;
mod convert;
mod fixes;
mod model;
mod queries;
mod rpc;
mod store;

pub use fixes::Fixes;
pub use rpc::ProblemRecordRpc;

#[cfg(test)]
mod tests;
