//! What is searched for, taken apart: words, which the database compares by its index of words, and identifiers, which its parser would tear.

use std::collections::BTreeSet;

use seva_values::Language;

use super::model::Audience;

/// Fewest characters of an identifier: what is shorter is found as a word.
const SHORTEST_IDENTIFIER: usize = 3;

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchArticles {
    /// All that is no identifier.
    pub words: String,
    /// As [`identifiers`].
    pub identifiers: BTreeSet<String>,
    /// The best first; empty: all.
    pub languages: Vec<Language>,
    pub audience: Option<Audience>,
    pub product: Option<String>,
    /// Hits at most.
    pub limit: i64,
}

/// The words of a text that are numbers of parts, errors, orders and the like: `E-17` and `e17` are both `e17`.
pub fn identifiers(text: &str) -> BTreeSet<String> {
    pieces(text).filter_map(identifier).collect()
}

/// The words of a query that are no identifiers.
pub fn words(query: &str) -> String {
    pieces(query).filter(|piece| identifier(piece).is_none()).collect::<Vec<_>>().join(" ")
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let divides =
        |char: char| char.is_whitespace() || matches!(char, '/' | ',' | ';' | ':' | '(' | ')' | '[' | ']' | '|');
    text.split(divides).filter(|piece| !piece.is_empty())
}

/// Anything with a digit in it, without the marks inside.
fn identifier(piece: &str) -> Option<String> {
    if !piece.contains(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let letters = piece.chars().filter(|char| char.is_alphanumeric());
    let identifier: String = letters.flat_map(char::to_lowercase).collect();
    (identifier.chars().count() >= SHORTEST_IDENTIFIER).then_some(identifier)
}
