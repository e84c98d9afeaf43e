//! Senders: whose address a message comes from. Somebody whom nobody knows becomes a provisional customer, one for each address (CU29).

mod convert;
mod directory;
mod model;
mod rpc;

pub use rpc::SenderRpc;
