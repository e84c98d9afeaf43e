//! What a form sends, and the proof that it was a form of ours (PO2).
//!
//! A form carries a seal: a signature over the page and the link that it was made for, good for a day. Whoever makes a browser send
//! something to us from elsewhere has neither the link nor the seal, and browsers themselves say where it comes from.

use std::time::Duration;

use axum::body::Body;
use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
};
use jiff::SignedDuration;
use seva_runtime::{
    auth::{LinkSigner, links::Link},
    clock::machine_now,
};
use seva_values::Uuid;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::{
    Portal,
    edge::{limits, link::Token},
    fault::Fault,
};

/// The signer's purpose; links have other ones.
const PURPOSE: &str = "form";
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);
/// Fields of a form at most; a survey has twenty questions.
const MAX_FIELDS: usize = 200;

/// The hidden fields that every form of ours carries.
#[derive(Debug)]
pub struct Proof {
    /// See the module.
    pub seal: String,
    /// Another one each time a form is made, so that the same form sent twice counts once.
    pub nonce: String,
}

/// The fields of a form, in their order.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).take(MAX_FIELDS).map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether this field with this value is all that there is.
    pub fn is_only(&self, name: &str, value: &str) -> bool {
        matches!(self.0.as_slice(), [(known, of)] if known == name && of == value)
    }

    /// Every field of this name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The id of what this form asks for: the same form sent again asks for the same, anything else for something else.
    pub fn request_id(&self, about: &str) -> String {
        let mut hash = Sha256::new();
        for part in std::iter::once(about).chain(self.0.iter().flat_map(|(name, value)| [name.as_str(), value])) {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let (first, _) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
        uuid_of(*first).to_string()
    }
}

/// A UUID of these bytes, marked as made by a rule of our own (version 8).
fn uuid_of(mut bytes: [u8; 16]) -> Uuid {
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}

impl Proof {
    /// The proof for a form of `page` (such as `survey`) about the link `token`.
    pub fn new(signer: &LinkSigner, page: &str, token: &Token) -> Self {
        let expires_at = machine_now() + SignedDuration::try_from(GOOD_FOR).expect("a day is a duration");
        let link = Link { subject: subject(page, token), generation: 0, expires_at };
        Self { seal: signer.sign(PURPOSE, &link), nonce: seva_values::new_id().simple().to_string() }
    }
}

/// What a seal is about: the page and the link, without the link itself.
fn subject(page: &str, token: &Token) -> String {
    let digest = Sha256::digest(format!("{page} {}", token.reveal()));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a form of `page` about `token` and proves that it is ours.
///
/// # Errors
/// `FormRefused` when it is not, or too old; `TooLarge`, `Unreadable`.
pub async fn read(
    portal: &Portal,
    page: &str,
    token: &Token,
    headers: &HeaderMap,
    body: Body,
) -> Result<Fields, Fault> {
    // What is not read at all is refused before its body is waited for.
    readable(portal, headers)?;
    let body = limits::read(headers, body, portal.settings.limits.max_form_bytes).await?;
    proven(portal, page, token, headers, &body)
}

/// The fields of a form of `page` about `token`, whose body was read already.
///
/// # Errors
/// `FormRefused` when it is not ours, or too old; `Unreadable`.
pub fn proven(portal: &Portal, page: &str, token: &Token, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Fault> {
    readable(portal, headers)?;
    let fields = Fields::parse(body);
    let seal = fields.get("seal").unwrap_or_default();
    let proven = portal.settings.forms.verify(seal, PURPOSE, machine_now());
    match proven {
        Ok(link) if link.subject == subject(page, token) => Ok(fields),
        _ => Err(Fault::FormRefused),
    }
}

/// Whether a form is what it says and does not say that it comes from elsewhere.
fn readable(portal: &Portal, headers: &HeaderMap) -> Result<(), Fault> {
    if !comes_from_us(headers, &portal.settings.public_url) {
        return Err(Fault::FormRefused);
    }
    if is_urlencoded(headers) { Ok(()) } else { Err(Fault::Unreadable) }
}

/// Whether the body is what forms send.
pub fn is_urlencoded(headers: &HeaderMap) -> bool {
    media_type(headers).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The type of the body, without its parameters.
pub fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether the browser does not say that a request comes from another site.
///
/// As our pages ask for no referrer, browsers send `Origin: null` with our own forms too; that alone says nothing, and the seal decides.
fn comes_from_us(headers: &HeaderMap, public_url: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    let Some(origin) = text(ORIGIN.as_str()).filter(|origin| *origin != "null") else { return true };
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let is_public = origin.scheme() == public_url.scheme() && origin.authority() == public_url.authority();
    let host = text(HOST.as_str());
    is_public || origin.authority().is_some_and(|authority| Some(authority.as_str()) == host)
}

#[cfg(test)]
mod tests;
