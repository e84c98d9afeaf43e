//! What a key is and how it ends: pure functions of the key and the time.

use jiff::Timestamp;
use seva_values::Invalid;
use uuid::Uuid;

/// What a key may do, and nothing else; the first unless another is asked for.
pub const SCOPES: [&str; 2] = ["events.publish", "messages.publish"];
/// Sources of one key at most.
pub const MAX_SOURCES: usize = 20;
/// Longest source, in bytes.
const MAX_SOURCE_BYTES: usize = 255;

/// A key without its secret. All its times are machine time, as those of all credentials are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: Uuid,
    pub version: i64,
    pub display_name: String,
    /// Never empty.
    pub sources: Vec<Source>,
    /// Never empty; of [`SCOPES`].
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// What a new key is made of.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub display_name: String,
    pub sources: Vec<Source>,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    /// `EXPIRY_PAST` when it would have ended before it began.
    pub fn create(id: Uuid, new: NewApiKey, now: Timestamp) -> Result<Self, Invalid> {
        let NewApiKey { display_name, sources, scopes, expires_at } = new;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Invalid::new("EXPIRY_PAST", "has to lie in the future"));
        }
        Ok(Self { id, version: 1, display_name, sources, scopes, expires_at, revoked_at: None, created_at: now })
    }

    /// The key after its end; `None` when it was ended before, which stays as it is.
    pub fn revoke(&self, now: Timestamp) -> Option<Self> {
        match self.revoked_at {
            Some(_) => None,
            None => Some(Self { version: self.version + 1, revoked_at: Some(now), ..self.clone() }),
        }
    }
}

/// The source of events, such as `//shop.example` or `//shop.example/eu`: a URI reference with a host and without a scheme.
///
/// Sources are compared as text, so the host is in lower case and nothing is escaped that need not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// The source of a text.
    ///
    /// # Errors
    /// `SOURCE_MALFORMED`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("SOURCE_MALFORMED", "a source looks like //shop.example or //shop.example/eu");
        let rest = text.strip_prefix("//").filter(|_| text.len() <= MAX_SOURCE_BYTES).ok_or_else(malformed)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
        let is_host_part = |part: &str| {
            let has_plain_ends = !part.starts_with('-') && !part.ends_with('-');
            !part.is_empty()
                && has_plain_ends
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let is_host = host.split('.').all(is_host_part);
        let is_port = port.parse::<u16>().is_ok();
        let is_path = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%:@!$&'()*+,;=".contains(&b));
        if is_host && is_port && is_path { Ok(Self(text.to_owned())) } else { Err(malformed()) }
    }

    /// The source as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
