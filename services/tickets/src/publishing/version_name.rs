//! Names of versions: `articles/{id}/versions/{number}`.

use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

const VERSIONS: &str = "/versions/";

/// The name of a version.
pub fn format_version(collection: &str, id: Uuid, number: i32) -> String {
    format!("{}{VERSIONS}{number}", format_name(collection, id))
}

/// Reads the name of a version.
///
/// # Errors
/// `NAME_MALFORMED`.
pub fn parse_version(collection: &str, name: &str) -> Result<(Uuid, i32), Invalid> {
    let malformed = || Invalid::new("NAME_MALFORMED", format!("has to be {collection}/{{id}}{VERSIONS}{{number}}"));
    let (parent, number) = name.split_once(VERSIONS).ok_or_else(malformed)?;
    let id = parse_name(collection, parent)?;
    let number = number.parse().ok().filter(|parsed: &i32| *parsed > 0 && parsed.to_string() == number);
    Ok((id, number.ok_or_else(malformed)?))
}

/// Reads the name of a version, or that of what it is a version of, which stands for the published one.
///
/// # Errors
/// `NAME_MALFORMED`.
pub fn parse_latest_or_version(collection: &str, name: &str) -> Result<(Uuid, Option<i32>), Invalid> {
    if name.contains(VERSIONS) {
        return parse_version(collection, name).map(|(id, number)| (id, Some(number)));
    }
    parse_name(collection, name).map(|id| (id, None))
}
