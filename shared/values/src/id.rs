//! Identifiers: time-ordered UUIDs (version 7) inside, resource names such as `customers/{uuid}` outside.

use jiff::Timestamp;
use uuid::Uuid;

use crate::Invalid;

/// A new identifier, ordered by the time it was made. The only place of the suite where identifiers are made.
#[must_use]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A new identifier that sorts with the identifiers of `at`, for records of another time (replay, import, tests).
///
/// Two calls with the same instant still give two identifiers. An instant before 1970 counts as 1970.
#[must_use]
pub fn new_id_at(at: Timestamp) -> Uuid {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds))
}

/// The resource name of `id` in `collection`: `customers/01890a5d-ac96-774b-bcce-b302099a8057`.
#[must_use]
pub fn format_name(collection: &str, id: Uuid) -> String {
    // One allocation: a page of a list has hundreds of names.
    let mut text = Uuid::encode_buffer();
    [collection, "/", id.hyphenated().encode_lower(&mut text)].concat()
}

/// The id inside a resource name of `collection`.
///
/// # Errors
///
/// `NAME_MALFORMED` unless the name is the collection, a slash and a UUID in its canonical form (lower case, with
/// hyphens): one resource has one name, so that names can be compared as text.
pub fn parse_name(collection: &str, name: &str) -> Result<Uuid, Invalid> {
    let refused =
        || Invalid::new("NAME_MALFORMED", format!("name must be {collection}/ and a lower-case UUID with hyphens"));
    let id = name.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).ok_or_else(refused)?;
    let parsed = Uuid::try_parse(id).map_err(|_| refused())?;
    if parsed.hyphenated().to_string() == id { Ok(parsed) } else { Err(refused()) }
}

#[cfg(test)]
mod tests;
