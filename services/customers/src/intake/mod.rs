//! The front door for events of other systems: read, checked, and applied in batches, each event once.
//!
//! From outside in:
//! 1. [`envelope`]: the attributes of a `CloudEvent`, its canonical bytes and their hash
//! 2. [`data`]: its data as the message that its type names; [`parse`]: that as facts, with every fault at once
//! 3. [`load`]: what is known of all that a batch speaks of, in a handful of queries under locks
//! 4. [`fold`]: what the batch changes, in memory, event by event in its order; [`reporter`]: customers as systems know them
//! 5. [`store`]: everything written at once, the events last; [`batch`]: the transaction around it, its tries, and the answer

mod batch;
mod data;
mod envelope;
mod fold;
mod load;
mod parse;
mod reporter;
mod rpc;
mod store;
#[cfg(test)]
mod tests;

pub use batch::Intake;
pub(crate) use fold::Changes;
pub use rpc::IntakeRpc;
pub(crate) use store::write;
