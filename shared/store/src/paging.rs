//! Lists in pages: keyset, never OFFSET; a token is bound to its query and cannot be made up.

mod query;
#[cfg(test)]
mod tests;
mod token;

pub use query::{Conditions, Keyed, Listing, Order, SortKey};
pub use token::PageKey;

use seva_runtime::Error;
use seva_values::Invalid;
use uuid::Uuid;

use token::Position;

/// Items of a page when the caller does not say.
const DEFAULT_SIZE: i32 = 50;
/// Items of a page at most.
const MAX_SIZE: i32 = 1000;

/// One page and the token of the next; an empty token: this was the last.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// For the next page.
    pub next_page_token: String,
}

impl<T> Page<T> {
    /// The same page of other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next_page_token: self.next_page_token }
    }
}

/// Which page of which query.
#[derive(Debug, Clone)]
pub struct PageRequest {
    key: PageKey,
    fingerprint: [u8; 8],
    size: i64,
    after: Option<Position>,
}

impl PageRequest {
    /// Reads the paging fields of a request. `list` names the list and `query` holds everything else that decides what it contains.
    ///
    /// # Errors
    /// `FIELDS_INVALID` for a negative size and `PAGE_TOKEN_INVALID` for a token that is damaged or of another query.
    pub fn parse(key: &PageKey, list: &str, query: &str, page_size: i32, page_token: &str) -> Result<Self, Error> {
        let size = match page_size {
            0 => DEFAULT_SIZE,
            1.. => page_size.min(MAX_SIZE),
            _ => {
                let invalid = Invalid::new("PAGE_SIZE_NEGATIVE", "has to be 0 (the default of 50) to 1000");
                return Err(Error::invalid_field("page_size", invalid));
            }
        };
        let fingerprint = key.fingerprint(list, query);
        let after = if page_token.is_empty() {
            None
        } else {
            Some(key.open(fingerprint, page_token).ok_or_else(token::invalid)?)
        };
        Ok(Self { key: key.clone(), fingerprint, size: size.into(), after })
    }

    /// Rows to ask for: one more than the page holds, which tells whether there is a next.
    pub fn limit(&self) -> i64 {
        self.size + 1
    }

    /// The id after which a list ordered by id alone goes on.
    pub fn after_id(&self) -> Option<Uuid> {
        self.after.as_ref().map(|position| position.id)
    }

    /// Cuts what was found to the page and makes the next token, for a list ordered by id alone.
    pub fn cut_by_id<T>(&self, found: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        self.cut(found, |item| Position { key: SortKey::None, id: id(item) })
    }

    /// The token of a page that goes on after this id, for a list ordered by id alone whose page ended before it was full.
    pub fn token_after_id(&self, id: Uuid) -> String {
        self.key.seal(self.fingerprint, &Position { key: SortKey::None, id })
    }

    fn cut<T>(&self, mut found: Vec<T>, position: impl Fn(&T) -> Position) -> Page<T> {
        let size = usize::try_from(self.size).expect("a page size is small and positive");
        let more = found.len() > size;
        found.truncate(size);
        let next_page_token = match found.last() {
            Some(last) if more => self.key.seal(self.fingerprint, &position(last)),
            _ => String::new(),
        };
        Page { items: found, next_page_token }
    }
}
