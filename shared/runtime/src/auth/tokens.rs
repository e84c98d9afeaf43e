//! Verifying tokens: of people, signed by the issuer, and of services, signed by themselves.
//!
//! Which kind a token is follows from the key that signed it, never from what it says: a key named `service:<name>` signs for that service
//! and nobody else, every other key signs for people. Algorithms belong to keys and are pinned; a token's own `alg` only has to agree.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use jsonwebtoken::{Validation, errors::ErrorKind};
use serde::Deserialize;
use seva_proto::common::v1::ErrorReason;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tonic::Code;
use uuid::Uuid;

use crate::{Error, clock::machine_now};

use super::{Principal, PrincipalKind, keys::KeyError, roles};

mod key_set;
#[cfg(test)]
mod tests;

use key_set::{KeySet, VerifyingKey};

/// The audience of people's tokens: the whole suite.
pub const USER_AUDIENCE: &str = "seva";

/// What clocks may differ by.
const LEEWAY: Duration = Duration::from_secs(30);
/// Verified tokens that are remembered; each takes about half a kilobyte.
const MAX_CACHED: usize = 8192;
/// An unknown key may be a new one: the file is read again, but not more often than this.
const REREAD_AT_MOST_EVERY: Duration = Duration::from_secs(30);
/// The file is read again after this time, so that a key that was taken out ends.
const REREAD_AFTER: Duration = Duration::from_secs(600);

/// Why a credential is refused; the texts are for developers and name no secret.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No credential.
    Missing,
    /// Not a credential of ours.
    Invalid(&'static str),
    /// Was good once.
    Expired(&'static str),
    /// Could not be found out.
    Unknown(Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => Error::new(
                Code::Unauthenticated,
                ErrorReason::CredentialMissing,
                "a token in `authorization` or an API key in `x-api-key` is required",
            ),
            Refusal::Invalid(why) => Error::new(Code::Unauthenticated, ErrorReason::CredentialInvalid, why),
            Refusal::Expired(why) => Error::new(Code::Unauthenticated, ErrorReason::CredentialExpired, why),
            Refusal::Unknown(error) => error,
        }
    }
}

/// Verifies tokens against a file of public keys.
#[derive(Debug)]
pub struct Verifier {
    own_audience: String,
    issuer: String,
    file: PathBuf,
    keys: RwLock<Arc<KeySet>>,
    read_at: Mutex<Instant>,
    verified: Mutex<HashMap<[u8; 32], Principal>>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    customer: Option<Uuid>,
}

impl Verifier {
    /// Verifies for the service `own_name`: people's tokens of `issuer`, and tokens other services minted for this one, with the keys of
    /// the JWKS file.
    ///
    /// # Errors
    /// The file cannot be read, holds no usable key, or a key that must not be used.
    pub fn open(own_name: &str, issuer: &str, jwks: impl Into<PathBuf>) -> Result<Self, KeyError> {
        let file = jwks.into();
        let keys = KeySet::read(&file)?;
        Ok(Self {
            own_audience: format!("service:{own_name}"),
            issuer: issuer.to_owned(),
            file,
            keys: RwLock::new(Arc::new(keys)),
            read_at: Mutex::new(Instant::now()),
            verified: Mutex::default(),
        })
    }

    /// Whom a token proves to call.
    ///
    /// # Errors
    /// `CREDENTIAL_INVALID` or `CREDENTIAL_EXPIRED`.
    pub fn verify(&self, token: &str) -> Result<Principal, Error> {
        self.check(token).map_err(Error::from)
    }

    /// The person whom a forwarded token proves.
    pub(crate) fn check_person(&self, token: &str) -> Result<Principal, Refusal> {
        let principal = self.check(token)?;
        if principal.kind == PrincipalKind::User {
            Ok(principal)
        } else {
            Err(Refusal::Invalid("the forwarded token is not a person's"))
        }
    }

    pub(crate) fn check(&self, token: &str) -> Result<Principal, Refusal> {
        self.reread(REREAD_AFTER);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.cached(&hash) {
            return known;
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid("the token is malformed"))?;
        let kid = header.kid.ok_or(Refusal::Invalid("the token names no key"))?;
        let key = self.key(&kid).ok_or(Refusal::Invalid("the token's key is unknown"))?;
        let claims = self.decode(token, &kid, &key)?;
        let principal = match kid.strip_prefix("service:") {
            Some(name) => service(name, &claims)?,
            None => person(claims)?,
        };
        self.remember(hash, &principal);
        Ok(principal)
    }

    fn decode(&self, token: &str, kid: &str, key: &VerifyingKey) -> Result<Claims, Refusal> {
        let mut validation = Validation::new(key.algorithm);
        if kid.starts_with("service:") {
            // A service is its own issuer; that key and subject agree is checked with the claims.
            validation.set_issuer(&[kid]);
            validation.set_audience(&[&self.own_audience]);
        } else {
            validation.set_issuer(&[&self.issuer]);
            validation.set_audience(&[USER_AUDIENCE]);
        }
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY.as_secs();
        jsonwebtoken::decode::<Claims>(token, &key.key, &validation).map(|decoded| decoded.claims).map_err(|error| {
            match error.kind() {
                ErrorKind::ExpiredSignature => Refusal::Expired("the token has ended"),
                ErrorKind::ImmatureSignature => Refusal::Invalid("the token is not valid yet"),
                ErrorKind::InvalidAudience => Refusal::Invalid("the token is meant for another audience"),
                ErrorKind::InvalidIssuer => Refusal::Invalid("the token is of another issuer"),
                ErrorKind::InvalidAlgorithm => Refusal::Invalid("the token's algorithm is not its key's"),
                ErrorKind::InvalidSignature => Refusal::Invalid("the token's signature is wrong"),
                ErrorKind::MissingRequiredClaim(_) => Refusal::Invalid("the token lacks a required claim"),
                _ => Refusal::Invalid("the token is malformed"),
            }
        })
    }

    fn key(&self, kid: &str) -> Option<VerifyingKey> {
        self.known_key(kid).or_else(|| {
            self.reread(REREAD_AT_MOST_EVERY);
            self.known_key(kid)
        })
    }

    fn known_key(&self, kid: &str) -> Option<VerifyingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).find(kid).cloned()
    }

    /// Reads the file again when the last time is long enough ago. A file that cannot be read leaves the keys as they are.
    fn reread(&self, after: Duration) {
        {
            let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
            if read_at.elapsed() < after {
                return;
            }
            *read_at = Instant::now();
        }
        match KeySet::read(&self.file) {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                // A remembered token may be signed by a key that is gone.
                self.verified.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            Err(error) => tracing::warn!(%error, "the key set cannot be read again; the keys read before are used"),
        }
    }

    fn cached(&self, hash: &[u8; 32]) -> Option<Result<Principal, Refusal>> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let principal = verified.get(hash)?;
        if has_ended(principal, machine_now()) {
            return Some(Err(Refusal::Expired("the token has ended")));
        }
        Some(Ok(principal.clone()))
    }

    fn remember(&self, hash: [u8; 32], principal: &Principal) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_CACHED {
            let now = machine_now();
            verified.retain(|_, known| !has_ended(known, now));
            if verified.len() >= MAX_CACHED {
                verified.clear();
            }
        }
        verified.insert(hash, principal.clone());
    }
}

fn has_ended(principal: &Principal, now: Timestamp) -> bool {
    principal.expires_at.is_none_or(|end| end + LEEWAY <= now)
}

fn end_of(claims: &Claims) -> Result<Timestamp, Refusal> {
    Timestamp::from_second(claims.exp).map_err(|_| Refusal::Invalid("the token is malformed"))
}

fn service(name: &str, claims: &Claims) -> Result<Principal, Refusal> {
    let subject = format!("service:{name}");
    if claims.sub != subject {
        return Err(Refusal::Invalid("a service's key signs for that service only"));
    }
    Ok(Principal {
        subject,
        kind: PrincipalKind::Service,
        roles: Arc::default(),
        scopes: Arc::new(roles::scopes_of_service(name).iter().map(|scope| (*scope).to_owned()).collect()),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: Some(end_of(claims)?),
    })
}

fn person(claims: Claims) -> Result<Principal, Refusal> {
    let expires_at = Some(end_of(&claims)?);
    let is_customer = claims.roles.iter().any(|role| role == roles::CUSTOMER);
    // A customer's token that names nobody would reach everybody, and a customer with a second role more than the own data.
    if is_customer != claims.customer.is_some() || (is_customer && claims.roles.len() > 1) {
        return Err(Refusal::Invalid("the role customer stands alone and names one customer"));
    }
    Ok(Principal {
        subject: format!("user:{}", claims.sub),
        kind: PrincipalKind::User,
        scopes: Arc::new(roles::scopes_of_roles(claims.roles.iter().map(String::as_str))),
        roles: Arc::new(claims.roles.into_iter().collect::<BTreeSet<_>>()),
        sources: Vec::new(),
        customer: claims.customer,
        on_behalf_of: None,
        expires_at,
    })
}
