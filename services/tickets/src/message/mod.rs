//! What was said about a ticket: an answer, a note, a call that was written down. It is never changed (TK6).

pub mod model;
pub mod store;

pub use model::{Attachment, Author, Medium, Message, Visibility};
pub use store::Spoken;
