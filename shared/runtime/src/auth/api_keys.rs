//! The keys of systems that push events: `sk_<id>_<secret>` in the metadata `x-api-key`.
//!
//! The secret is 32 random bytes, so its SHA-256 can be stored as it is: there is nothing to guess, and a slow hash on every call would
//! only be a way to keep the processor busy.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{Error, clock::machine_now, config::Secret};

use super::{Principal, PrincipalKind, tokens::Refusal};

#[cfg(test)]
mod tests;

/// The metadata key.
pub const HEADER: &str = "x-api-key";

/// A found or missing key is believed for this long: the longest time a revoked key goes on working.
const CACHED_FOR: Duration = Duration::from_secs(10);
/// Beyond this number the cache starts anew; ids that somebody makes up cannot fill the memory.
const MAX_CACHED: usize = 4096;
const SECRET_CHARACTERS: usize = 43;

/// Where the keys are: given by the service that owns them.
#[async_trait::async_trait]
pub trait ApiKeys: Send + Sync {
    /// The key with this id; `None` when there is none.
    ///
    /// # Errors
    /// When the keys cannot be read just now.
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error>;
}

/// A key as it is stored: without its secret.
#[derive(Debug, Clone)]
pub struct StoredApiKey {
    /// The part of the key that is no secret.
    pub id: Uuid,
    /// SHA-256 of the secret's text.
    pub secret_sha256: [u8; 32],
    /// What the key may do.
    pub scopes: Vec<String>,
    /// The event sources it may push for.
    pub sources: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// A new key: shown once, and then only its hash is known.
#[derive(Debug)]
pub struct ApiKeySecret {
    /// The part of the key that is no secret.
    pub id: Uuid,
    /// The whole key, to be shown once.
    pub text: Secret<String>,
    /// SHA-256 of the secret's text, to be stored.
    pub sha256: [u8; 32],
}

impl ApiKeySecret {
    /// A new key.
    pub fn generate() -> Self {
        let id = seva_values::new_id();
        let secret = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        Self { id, text: Secret::new(format!("sk_{}_{secret}", id.simple())), sha256: hash(&secret) }
    }
}

/// Looks keys up and remembers them for a few seconds.
pub(crate) struct ApiKeyVerifier {
    keys: Arc<dyn ApiKeys>,
    seen: Mutex<HashMap<Uuid, Seen>>,
}

/// What was found under an id, and when.
struct Seen {
    at: Instant,
    key: Option<Arc<StoredApiKey>>,
}

impl ApiKeyVerifier {
    pub(crate) fn new(keys: Arc<dyn ApiKeys>) -> Self {
        Self { keys, seen: Mutex::default() }
    }

    /// The principal of a key as it came in.
    pub(crate) async fn verify(&self, key: &str) -> Result<Principal, Refusal> {
        let (id, secret) = parse(key).ok_or(Refusal::Invalid("the API key is malformed"))?;
        let stored = self.find(id).await.map_err(Refusal::Unknown)?;
        let stored = stored.ok_or(Refusal::Invalid("no API key has this id"))?;
        if !bool::from(hash(secret).ct_eq(&stored.secret_sha256)) {
            return Err(Refusal::Invalid("the API key's secret is another"));
        }
        if stored.revoked {
            return Err(Refusal::Invalid("the API key was revoked"));
        }
        if stored.expires_at.is_some_and(|end| end <= machine_now()) {
            return Err(Refusal::Expired("the API key has ended"));
        }
        Ok(Principal {
            subject: format!("key:{id}"),
            kind: PrincipalKind::ApiKey,
            roles: Arc::default(),
            scopes: Arc::new(stored.scopes.iter().cloned().collect::<BTreeSet<_>>()),
            sources: stored.sources.clone(),
            customer: None,
            on_behalf_of: None,
            expires_at: stored.expires_at,
        })
    }

    async fn find(&self, id: Uuid) -> Result<Option<Arc<StoredApiKey>>, Error> {
        if let Some(seen) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&id)
            && seen.at.elapsed() < CACHED_FOR
        {
            return Ok(seen.key.clone());
        }
        let found = self.keys.find(id).await?.map(Arc::new);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_CACHED {
            seen.clear();
        }
        seen.insert(id, Seen { at: Instant::now(), key: found.clone() });
        Ok(found)
    }
}

/// Id and secret of `sk_<32 hexadecimal digits>_<43 characters>`.
fn parse(key: &str) -> Option<(Uuid, &str)> {
    let (id, secret) = key.strip_prefix("sk_")?.split_once('_')?;
    if id.len() != 32 || secret.len() != SECRET_CHARACTERS {
        return None;
    }
    Some((Uuid::try_parse(id).ok()?, secret))
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
