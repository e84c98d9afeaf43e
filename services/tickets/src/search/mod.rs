//! Tickets by what is known of them: a number, or words.
//!
//! What can be found of a ticket is one row of words with an index (`ticket_document`), written as the feed tells of the ticket. All words of a
//! ticket stand together, so a query's words may lie in its title and in what was said. In what way a word is written does not matter
//! (`plain`); an identifier is found whole and in parts.
//!
//! | id | what |
//! |---|---|
//! | TK103 | once the feed has told of it, a ticket is found by every word that it has, and by none that it has no more |
//! | TK104 | pages together show each ticket that matches once, however common the words are |

mod consumer;
mod convert;
mod number;
mod queries;
mod rpc;
mod snippet;
mod store;

pub use consumer::{Index, NAME};
pub use rpc::SearchRpc;
