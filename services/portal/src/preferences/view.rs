//! The page of wishes as its template shows it.

use askama::Template;
use seva_proto::notifications::v1::Preference;

use crate::{edge::form::Proof, page::Frame, texts::Texts};

/// Every category.
#[derive(Debug, Template)]
#[template(path = "preferences.html")]
pub struct PreferencesPage<'p> {
    pub frame: Frame<'p>,
    pub note: Option<&'p String>,
    pub alert: Option<&'p String>,
    /// What can be chosen, when there is anything.
    pub form: Option<FormView<'p>>,
    /// What is always sent.
    pub mandatory: Vec<CategoryView<'p>>,
}

/// The form.
#[derive(Debug)]
pub struct FormView<'p> {
    pub action: String,
    pub proof: Proof,
    pub categories: Vec<CategoryView<'p>>,
}

/// One category, in words that people understand.
#[derive(Debug, PartialEq)]
pub struct CategoryView<'p> {
    /// `categories/{key}`.
    pub category: &'p str,
    /// What it is called.
    pub title: String,
    /// What its messages say; of a category that is newer than our words nothing is known.
    pub hint: Option<&'p str>,
    /// Whether it is wanted.
    pub wanted: bool,
}

impl<'p> CategoryView<'p> {
    /// The category of a wish.
    pub fn new(preference: &'p Preference, texts: &'p Texts) -> Self {
        let words = &texts.preferences;
        let category = preference.category.as_str();
        let key = category.strip_prefix("categories/").unwrap_or(category);
        let known = words.categories.get(key).cloned();
        Self {
            category,
            // Its key at least tells it from other ones.
            title: known.unwrap_or_else(|| texts.filled(&words.other, "name", &key.replace('_', " "))),
            hint: words.hints.get(key).map(String::as_str),
            wanted: preference.wanted,
        }
    }
}
