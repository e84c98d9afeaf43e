//! The body that mail programs send when a customer presses their "unsubscribe" (RFC 8058, 3.1): `List-Unsubscribe=One-Click` as a form of
//! either type, and nothing beside it.
//!
//! A form with one field is all that is read, so that nothing else passes for it; a body with more is no request of a mail program.

use http::{HeaderMap, header::CONTENT_TYPE};

use crate::edge::form::{Fields, is_urlencoded, media_type};

const NAME: &str = "List-Unsubscribe";
const VALUE: &str = "One-Click";
/// Of a boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;

/// Whether a request is exactly this one.
pub fn is_asked(headers: &HeaderMap, body: &[u8]) -> bool {
    if is_urlencoded(headers) {
        return Fields::parse(body).is_only(NAME, VALUE);
    }
    media_type(headers).eq_ignore_ascii_case("multipart/form-data")
        && boundary(headers).is_some_and(|boundary| only_part(body, boundary) == Some((NAME, VALUE)))
}

/// The boundary that the type of the body names.
fn boundary(headers: &HeaderMap) -> Option<&str> {
    let parameters = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.trim().split_once('='));
    let (_, value) = named.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let boundary = unquoted(value);
    (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()).then_some(boundary)
}

/// The name and the text of the only part of a body: one that has none or several, holds a file, or has anything around it has none.
fn only_part<'b>(body: &'b [u8], boundary: &str) -> Option<(&'b str, &'b str)> {
    let body = std::str::from_utf8(body).ok()?;
    let body = body.strip_prefix("--")?.strip_prefix(boundary)?.strip_prefix("\r\n")?;
    let (head, rest) = body.split_once("\r\n\r\n")?;
    let (text, end) = rest.split_once(&format!("\r\n--{boundary}"))?;
    if !matches!(end, "--" | "--\r\n") {
        return None;
    }
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, disposition) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))?;
    let mut parameters = disposition.split(';').map(str::trim);
    if !parameters.next()?.eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (name, value) = parameters.next()?.split_once('=')?;
    let is_only_named = name.eq_ignore_ascii_case("name") && parameters.next().is_none();
    is_only_named.then_some((unquoted(value), text))
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}
