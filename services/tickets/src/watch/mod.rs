//! Queues as they change: a snapshot, and then what the feed tells of the tickets that a filter matches.
//!
//! The feed is dense and has every change once, so its number is where a watcher stands. What a watcher costs is bounded: the tickets that it has
//! been told of, and the answers that it has not taken yet.
//!
//! | id | what |
//! |---|---|
//! | TK105 | a watcher is told every change of what its filter matches once and in order, across any resumptions, and of every ticket that the filter matches no more |

mod convert;
mod known;
mod rpc;
mod stream;
#[cfg(test)]
mod tests;

pub use rpc::WatchRpc;
