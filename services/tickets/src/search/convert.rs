//! Searches from and to the contract.

use seva_proto::tickets::v1::{self as pb, search_result::Match};
use seva_runtime::{Error, Violations};
use seva_values::Invalid;

use super::queries::{Asked, FoundTicket};
use crate::ticket::convert::parse_filter;

/// Results of a page, unless asked otherwise and at most.
const USUAL_PAGE: i32 = 20;
const LARGEST_PAGE: i32 = 50;
/// Longest query, in characters and words.
const MAX_QUERY_CHARS: usize = 200;
const MAX_WORDS: usize = 10;
/// Letters before a `*` at least.
const SHORTEST_BEGINNING: usize = 2;

/// Reads a search.
pub fn asked(request: pb::SearchTicketsRequest) -> Result<Asked, Error> {
    let pb::SearchTicketsRequest { query, filter, page_size, page_token } = request;
    let mut violations = Violations::default();
    let query = violations.take("query", parse_query(&query));
    let filter = parse_filter(filter.unwrap_or_default(), "filter", &mut violations);
    let page_size = if page_size == 0 { USUAL_PAGE } else { page_size.min(LARGEST_PAGE) };
    let asked = query.zip(filter).map(|(query, filter)| Asked { query, filter, page_size, page_token });
    violations.finish(asked)
}

fn parse_query(given: &str) -> Result<String, Invalid> {
    let words: Vec<&str> = given.split_whitespace().collect();
    if words.is_empty() {
        return Err(Invalid::new("FIELD_REQUIRED", "is required"));
    }
    if given.chars().count() > MAX_QUERY_CHARS || words.len() > MAX_WORDS {
        let most = format!("has {MAX_WORDS} words and {MAX_QUERY_CHARS} characters at most");
        return Err(Invalid::new("QUERY_TOO_LONG", most));
    }
    if given.contains('\0') {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold control characters"));
    }
    let is_too_short =
        |word: &&&str| word.ends_with('*') && word.trim_end_matches('*').chars().count() < SHORTEST_BEGINNING;
    if words.iter().any(|word| is_too_short(&word)) {
        let least = format!("a beginning of a word has {SHORTEST_BEGINNING} letters at least");
        return Err(Invalid::new("BEGINNING_TOO_SHORT", least));
    }
    Ok(words.join(" "))
}

impl From<FoundTicket> for pb::SearchResult {
    fn from(found: FoundTicket) -> Self {
        let FoundTicket { ticket, by_number, snippet } = found;
        let r#match = if by_number { Match::Number } else { Match::Words };
        Self { ticket: Some(ticket.into()), r#match: r#match.into(), snippet }
    }
}
