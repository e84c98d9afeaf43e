//! API keys from and to the contract.

use jiff::Timestamp;
use seva_proto::customers::v1::{self as pb, ApiKeyEvent};
use seva_runtime::{Error, Violations, auth::StoredApiKey};
use seva_store::{
    event::{proto_timestamp, timestamp},
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::model::{ApiKey, MAX_SOURCES, NewApiKey, SCOPES, Source};
use crate::customer::convert::required_text;

/// Collection of keys' names.
const COLLECTION: &str = "apiKeys";

/// The resource name of a key.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

impl TryFrom<pb::CreateApiKeyRequest> for NewApiKey {
    type Error = Error;

    fn try_from(request: pb::CreateApiKeyRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(key) = violations.required("api_key", request.api_key) else { return Err(violations.into()) };
        let display_name = violations.take("api_key.display_name", required_text(&key.display_name));
        let sources = parse_sources(&key.sources, &mut violations);
        let scopes = parse_scopes(&key.scopes, &mut violations);
        let expires_at = violations.take("api_key.expire_time", parse_expiry(key.expire_time));
        let new = || {
            let (display_name, sources, scopes, expires_at) = (display_name?, sources?, scopes?, expires_at?);
            Some(Self { display_name, sources, scopes, expires_at })
        };
        let new = new();
        violations.finish(new)
    }
}

fn parse_scopes(scopes: &[String], violations: &mut Violations) -> Option<Vec<String>> {
    if scopes.is_empty() {
        return Some(vec![SCOPES[0].to_owned()]);
    }
    for (at, scope) in scopes.iter().enumerate() {
        let field = format!("api_key.scopes[{at}]");
        if !SCOPES.contains(&scope.as_str()) {
            violations.add(field, Invalid::new("SCOPE_UNKNOWN", format!("a key has of these: {}", SCOPES.join(", "))));
        } else if scopes[..at].contains(scope) {
            violations.add(field, Invalid::new("SCOPE_REPEATED", "stands in the list before"));
        }
    }
    Some(scopes.to_vec())
}

/// Reads when a key is to end; whether that lies in the future is asked when it is made, so that a late repetition is answered.
fn parse_expiry(expire_time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Invalid> {
    if expire_time.is_none() {
        return Ok(None);
    }
    let out_of_range = || Invalid::new("TIME_MALFORMED", "is out of range");
    let expires_at = timestamp(expire_time).ok_or_else(out_of_range)?;
    // As PostgreSQL keeps it, so that what is answered equals what is read.
    Timestamp::from_microsecond(expires_at.as_microsecond()).map(Some).map_err(|_| out_of_range())
}

fn parse_sources(sources: &[String], violations: &mut Violations) -> Option<Vec<Source>> {
    let field = "api_key.sources";
    if sources.is_empty() {
        violations.add(field, Invalid::new("FIELD_REQUIRED", "needs one source at least"));
        return None;
    }
    if sources.len() > MAX_SOURCES {
        violations.add(field, Invalid::new("SOURCES_TOO_MANY", format!("a key has {MAX_SOURCES} at most")));
        return None;
    }
    let mut parsed = Vec::with_capacity(sources.len());
    for (at, source) in sources.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(source) = violations.take(&field, Source::parse(source)) else { continue };
        if parsed.contains(&source) {
            violations.add(field, Invalid::new("SOURCE_REPEATED", "stands in the list before"));
        }
        parsed.push(source);
    }
    (parsed.len() == sources.len()).then_some(parsed)
}

/// Reads which key.
pub fn wanted(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListApiKeysRequest, key: &PageKey) -> Result<PageRequest, Error> {
    let pb::ListApiKeysRequest { page_size, page_token } = request;
    PageRequest::parse(key, "apiKeys", "", page_size, &page_token)
}

impl From<&ApiKey> for pb::ApiKey {
    fn from(key: &ApiKey) -> Self {
        let ApiKey { id, version: _, display_name, sources, scopes, expires_at, revoked_at, created_at } = key;
        Self {
            name: name(*id),
            display_name: display_name.clone(),
            sources: source_texts(sources),
            scopes: scopes.clone(),
            expire_time: expires_at.map(proto_timestamp),
            revoke_time: revoked_at.map(proto_timestamp),
            create_time: Some(proto_timestamp(*created_at)),
        }
    }
}

/// What it takes to prove a key.
pub fn proof(key: StoredApiKey) -> pb::GetApiKeyProofResponse {
    let StoredApiKey { id: _, secret_sha256, scopes, sources, expires_at, revoked } = key;
    pb::GetApiKeyProofResponse {
        secret_sha256: secret_sha256.to_vec(),
        scopes,
        sources,
        expire_time: expires_at.map(proto_timestamp),
        revoked,
    }
}

/// What events tell of a key: without its display name, which is free text.
pub fn event_of(key: &ApiKey) -> ApiKeyEvent {
    ApiKeyEvent { api_key: name(key.id), sources: source_texts(&key.sources), revoked: key.revoked_at.is_some() }
}

fn source_texts(sources: &[Source]) -> Vec<String> {
    sources.iter().map(|source| source.as_str().to_owned()).collect()
}
