//! The pages of unsubscribing as their templates show them.

use askama::Template;

use crate::{edge::form::Proof, page::Frame, preferences::CategoryView};

/// What would end.
#[derive(Debug, Template)]
#[template(path = "unsubscribe.html")]
pub struct UnsubscribePage<'p> {
    pub frame: Frame<'p>,
    pub action: String,
    pub proof: Proof,
    pub category: CategoryView<'p>,
}

/// What has ended.
#[derive(Debug, Template)]
#[template(path = "unsubscribe_done.html")]
pub struct DonePage<'p> {
    pub frame: Frame<'p>,
    pub category: CategoryView<'p>,
}
