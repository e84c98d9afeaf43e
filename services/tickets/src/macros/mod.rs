//! Macros: what staff do again and again, under one name. All of it is done to a ticket or nothing (TK121).

mod commands;
mod convert;
mod model;
mod queries;
mod rpc;
mod store;

pub use rpc::MacroRpc;
