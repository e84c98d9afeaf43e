//! What customers are told, in their language: templates, their checking, and their rendering.
//!
//! Everything here is pure. A [`TemplateDraft`] holds one [`Variant`] per language; [`check()`] finds everything that is
//! wrong with it at once; a published [`TemplateVersion`] never changes, and its hash stands for every byte that shapes
//! its messages. [`render()`] picks one variant for a customer and makes the subject, the text and the html from the same
//! sentences, so that they say the same.
//!
//! What holds for every message:
//!
//! - One message speaks one language: a variant is used whole or not at all.
//! - A template inserts variables and nothing else: `{{ order_number }}`, `{{ order_count | number }}`,
//!   `{{ order_count | plural(zero="..", one="..", other="..") }}` where `#` stands for the number. There are no
//!   statements, includes or macros; what depends on a variable being known is a block with `when` or `unless`.
//! - The html is made by escaping the finished sentences, so neither a variable nor a template can bring in markup.
//! - Every variable stands between first-strong isolates (U+2068, U+2069), so that an order number in an Urdu sentence, or
//!   an Urdu name in an English one, cannot turn the words around it. Links are never touched.
//! - Counts and dates are written as the language writes them; money, order and tracking numbers keep Latin digits.
//!
//! The templates that Seva brings along are in [`catalog`].

pub mod catalog;
pub mod check;
pub mod model;
pub mod render;
pub mod variable;

mod layout;
mod placeholder;
mod sentence;
mod wording;

pub use check::{Fault, REQUIRED_LANGUAGES, check};
pub use model::{Block, Letter, TemplateDraft, TemplateVersion, Variant, VersionHash};
pub use render::{RenderError, Rendered, render};
pub use variable::{Schema, Variable, VariableKind, VariableSchema, Variables};
