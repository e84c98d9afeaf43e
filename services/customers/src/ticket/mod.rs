//! Customers' tickets as the tickets service tells of them: a read model of the place, and lines of the timeline. Nobody's words are in it.

mod consumer;
pub(crate) mod convert;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use consumer::Tickets;
