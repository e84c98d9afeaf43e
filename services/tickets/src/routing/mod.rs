//! Who takes a ticket: somebody on shift and present, with the skill, the language and a free place; or why nobody does.
//!
//! | invariant | says |
//! |---|---|
//! | TK2 | whoever is given a ticket serves, has signed the handbook, is on shift and present, has the skill, the language and a free place |
//! | TK30 | the weight of a member's tickets is counted with the tickets, and routing never gives more than the capacity |
//! | TK31 | of many who want a free place one has it, and a ticket goes to one member |
//! | TK32 | who has left, is on leave or suspended has no ticket: theirs go back to the queue at once |
//! | TK33 | a ticket in a language that nobody of its department speaks is served in English; one that somebody speaks waits for them |
//! | TK34 | the most urgent ticket goes first, of equally urgent ones that of the higher tier, and then the oldest that somebody can take |
//! | TK35 | a ticket takes as much of a member's capacity as its policy says |
//! | TK36 | who has a ticket and says nothing until its return time loses it, once for each assignment, and others come first for it |

pub mod board;
pub mod check;
pub mod model;
mod store;
pub mod work;

pub use board::Board;
pub use check::check_assignment;
pub use model::{Decision, Question, Unavailable, WaitReason};
pub use work::Routing;

#[cfg(test)]
mod tests;
