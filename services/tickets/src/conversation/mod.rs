//! A ticket as its customer sees it, by link: what was said in public, and whether it is solved.

mod rpc;

pub use rpc::{ConversationRpc, LinkRpc};

/// What the links of tickets are for.
const PURPOSE: &str = "ticket";
