//! Reads of a search.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Listing, Order, Page, PageKey, PageRequest},
};
use uuid::Uuid;

use super::{
    number, snippet,
    store::{self, Worded},
};
use crate::ticket::{
    filter::TicketFilter,
    store::listed::{SELECT_BASIC, Summary},
};

/// Newest first: ids begin with the time.
const NEWEST: Order = Order { name: "create_time desc", column: "id", descending: true };
/// Tickets with the words that are looked through for one page of those that a filter matches.
const LOOKED_THROUGH: i64 = 1000;

/// A search as it is asked for.
pub struct Asked {
    pub query: String,
    pub filter: TicketFilter,
    pub page_size: i32,
    pub page_token: String,
}

/// What was found.
pub struct Found {
    pub tickets: Vec<FoundTicket>,
    pub next_page_token: String,
    pub truncated: bool,
}

/// A ticket that was found.
pub struct FoundTicket {
    pub ticket: Summary,
    pub by_number: bool,
    pub snippet: String,
}

/// A page of a search.
///
/// Two steps, both bounded: the newest tickets that have the words, and of those the ones that the filter matches. A page that the filter leaves
/// short goes on after the last one that was looked at (TK104).
pub async fn search(db: &Database, key: &PageKey, asked: Asked, now: Timestamp) -> Result<Found, Error> {
    let Asked { query, filter, page_size, page_token } = asked;
    let request = PageRequest::parse(key, "search", &format!("{query}/{filter:?}"), page_size, &page_token)?;
    let numbers = number::meant(&query);
    let numbered = if numbers.is_empty() { Vec::new() } else { store::numbered(db, &numbers).await? };
    // All that have the words are shown, but those that were found by number.
    let shown = request.limit() + i64::try_from(numbered.len()).unwrap_or(0);
    let most = if filter == TicketFilter::default() { shown } else { LOOKED_THROUGH };
    let Worded { mut tickets, beyond } = match filter.customer {
        Some(customer) => store::worded_of_customer(db, &query, customer, request.after_id()).await?,
        None => store::worded(db, &query, request.after_id(), most).await?,
    };
    tickets.retain(|id| !numbered.contains(id));
    let Page { items, mut next_page_token } = page(db, &request, &filter, tickets, now).await?;
    let beyond = beyond.filter(|_| next_page_token.is_empty());
    if let Some(last) = beyond {
        next_page_token = request.token_after_id(last);
    }
    let mut tickets = Vec::new();
    if request.after_id().is_none() && !numbered.is_empty() {
        let whole = PageRequest::parse(key, "search", "", 0, "")?;
        let by_number = page(db, &whole, &filter, numbered, now).await?.items.into_iter();
        tickets.extend(by_number.map(|ticket| FoundTicket { ticket, by_number: true, snippet: String::new() }));
    }
    let mut snippets = snippets(db, &query, &items).await?;
    tickets.extend(items.into_iter().map(|ticket| {
        let snippet = snippets.remove(&ticket.id).unwrap_or_default();
        FoundTicket { ticket, by_number: false, snippet }
    }));
    Ok(Found { tickets, next_page_token, truncated: beyond.is_some() })
}

/// Of these tickets a page of those that the filter matches.
async fn page(
    db: &Database,
    request: &PageRequest,
    filter: &TicketFilter,
    ids: Vec<Uuid>,
    now: Timestamp,
) -> Result<Page<Summary>, Error> {
    let listing = Listing::new(SELECT_BASIC, &NEWEST, request).with(filter.conditions(now));
    listing.and_around("id = any(", ids, ")").fetch(db.calls()).await
}

/// Where the words stand in each of these tickets.
async fn snippets(db: &Database, query: &str, found: &[Summary]) -> Result<HashMap<Uuid, String>, Error> {
    let words: Vec<String> = query.split(' ').map(|word| word.trim_end_matches('*').to_lowercase()).collect();
    let ids: HashSet<Uuid> = found.iter().map(|ticket| ticket.id).collect();
    let mut snippets = HashMap::new();
    for (ticket, text) in store::texts(db, &ids.into_iter().collect::<Vec<_>>()).await? {
        if !snippets.contains_key(&ticket)
            && let Some(snippet) = snippet::around(&text, &words)
        {
            snippets.insert(ticket, snippet);
        }
    }
    Ok(snippets)
}
