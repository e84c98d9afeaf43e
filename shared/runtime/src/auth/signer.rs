//! Minting tokens: a service signs its own, and an installation's own issuer signs those of people.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ed25519_dalek::{SigningKey, pkcs8::DecodePrivateKey};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

use crate::{clock::machine_now, config::Secret};

use super::keys::KeyError;

/// How long a service's token lasts.
const SERVICE_TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// A cached token is renewed when no more than this is left of it.
const RENEW_BEFORE_END: Duration = Duration::from_secs(60);

/// A private Ed25519 key with the name under which others know its public half.
pub struct Signer {
    kid: String,
    issuer: String,
    key: EncodingKey,
    public_key: [u8; 32],
    minted: Mutex<HashMap<String, Minted>>,
}

struct Minted {
    token: Secret<String>,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'c> {
    iss: &'c str,
    sub: &'c str,
    aud: &'c str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roles: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Uuid>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Signer {
    /// The signer of a service: its key is known as `service:<name>`, and so is the service itself.
    ///
    /// # Errors
    /// The file cannot be read or holds no Ed25519 key in PKCS#8.
    pub fn for_service(name: &str, file: &Path) -> Result<Self, KeyError> {
        let kid = format!("service:{name}");
        Self::read(kid.clone(), kid, file)
    }

    /// The signer of an issuer of people's tokens; its key is known as `kid`.
    ///
    /// # Errors
    /// As [`Signer::for_service`].
    pub fn for_issuer(issuer: &str, kid: &str, file: &Path) -> Result<Self, KeyError> {
        Self::read(kid.to_owned(), issuer.to_owned(), file)
    }

    fn read(kid: String, issuer: String, file: &Path) -> Result<Self, KeyError> {
        let unusable = |detail: String| KeyError::new(file, detail);
        let pem = std::fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
        let signing =
            SigningKey::from_pkcs8_pem(&pem).map_err(|_| unusable("holds no Ed25519 key in PKCS#8 PEM".into()))?;
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { kid, issuer, key, public_key: signing.verifying_key().to_bytes(), minted: Mutex::default() })
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Who signs: the value of `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The public half, for the key set that verifiers read.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// A token with which this service calls `audience`, such as `service:customers`. Lasts five minutes; the same one is given again
    /// until a minute before its end.
    pub fn mint_service_token(&self, audience: &str) -> Secret<String> {
        let now = machine_now();
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = minted.get(audience)
            && known.expires_at.duration_since(now)
                > jiff::SignedDuration::try_from(RENEW_BEFORE_END).unwrap_or_default()
        {
            return known.token.clone();
        }
        let token = Secret::new(self.sign(&self.kid, audience, &[], None, now, SERVICE_TOKEN_LIFETIME));
        let expires_at = now + SERVICE_TOKEN_LIFETIME;
        minted.insert(audience.to_owned(), Minted { token: token.clone(), expires_at });
        token
    }

    /// A token for a person, as an installation's own issuer gives it; `customer` belongs to the role `customer`.
    pub fn mint_user_token(
        &self,
        subject: &str,
        roles: &[&str],
        customer: Option<Uuid>,
        lifetime: Duration,
    ) -> Secret<String> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        Secret::new(self.sign(subject, super::tokens::USER_AUDIENCE, &roles, customer, machine_now(), lifetime))
    }

    fn sign(
        &self,
        subject: &str,
        audience: &str,
        roles: &[String],
        customer: Option<Uuid>,
        now: Timestamp,
        lifetime: Duration,
    ) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        let claims = Claims {
            iss: &self.issuer,
            sub: subject,
            aud: audience,
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: (now + lifetime).as_second(),
            jti: seva_values::new_id(),
            roles,
            customer,
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .expect("a key that could be read signs claims that are plain JSON")
    }
}
