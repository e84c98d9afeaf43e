//! The ticket page as its template shows it.

use askama::Template;

use crate::{edge::form::Proof, page::Frame};

/// The conversation.
#[derive(Debug, Template)]
#[template(path = "ticket.html")]
pub struct TicketPage<'p> {
    pub frame: Frame<'p>,
    pub about: &'p str,
    pub state: &'p str,
    pub opened: Option<String>,
    pub note: Option<&'p String>,
    pub alert: Option<&'p String>,
    pub closing: Option<&'p String>,
    /// Which request carries on what is over.
    pub carried_on: Option<String>,
    pub messages: Vec<MessageView<'p>>,
    /// What the customer wrote and no form of the page can hold.
    pub unsent: String,
    /// Whether it is solved is asked.
    pub asked: Option<AskedView<'p>>,
    /// Something can be said, which may open again what is over.
    pub writing: Option<WritingView<'p>>,
}

/// One message.
#[derive(Debug)]
pub struct MessageView<'p> {
    pub author: &'p str,
    pub by_phone: Option<&'p String>,
    pub time: Option<String>,
    pub text: &'p str,
}

/// The question whether it is solved, with what was answered and refused.
#[derive(Debug)]
pub struct AskedView<'p> {
    pub action: String,
    pub proof: Proof,
    pub resolution: i32,
    pub wrong: Option<&'p str>,
    pub text: String,
}

/// Where the customer writes, with what was written and refused.
#[derive(Debug)]
pub struct WritingView<'p> {
    pub action: String,
    pub proof: Proof,
    pub label: &'p str,
    /// What the button says, which is what it does.
    pub button: &'p str,
    pub wrong: Option<&'p str>,
    pub text: String,
}
