//! Signed links for customers: `purpose.subject.generation.expiry.kid.HMAC`.
//!
//! A link is derived when a message is rendered and stored nowhere. It proves only what it says; whether it may still be used (the
//! generation in the row, single use) is for the service that owns the purpose.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use sha2::Sha256;
use tonic::Code;

use crate::{Error, config::Secret};

use super::keys::KeyError;

#[cfg(test)]
mod tests;

/// A token longer than this is not looked at.
const MAX_LENGTH: usize = 512;

/// The secrets that links are signed with. Links of an older key stay good until that key is taken out.
#[derive(Debug, Clone)]
pub struct LinkKeys {
    active: String,
    keys: BTreeMap<String, Secret<[u8; 32]>>,
}

/// Signs links, and verifies what comes back.
#[derive(Debug, Clone)]
pub struct LinkSigner {
    keys: LinkKeys,
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whom or what it is about: letters, digits, `-`, `_` and `:`.
    pub subject: String,
    /// Which generation of links of this subject: raising the row's generation ends all earlier ones.
    pub generation: u32,
    /// When it ends, in whole seconds.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    active: String,
    keys: BTreeMap<String, String>,
}

impl LinkKeys {
    /// A ring of one new key.
    pub fn generate() -> Self {
        let kid = "k1".to_owned();
        Self { active: kid.clone(), keys: BTreeMap::from([(kid, Secret::new(rand::random()))]) }
    }

    /// Adds a key under which links are signed from now on.
    ///
    /// # Panics
    /// When `kid` is not made of letters, digits, `-` and `_`.
    #[must_use]
    pub fn rotated(mut self, kid: &str, key: [u8; 32]) -> Self {
        assert!(is_plain(kid), "the name of a key is letters, digits, - and _");
        self.keys.insert(kid.to_owned(), Secret::new(key));
        self.active = kid.to_owned();
        self
    }

    /// Reads a ring from its file: `{"active": kid, "keys": {kid: 32 bytes in base64url}}`.
    ///
    /// # Errors
    /// The file cannot be read or is not of that form.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let failed = |detail: String| KeyError::new(file, detail);
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        // The parser's message may quote the text, and with it a key.
        let read: KeyFile = serde_json::from_str(&text).map_err(|_| failed("is not a ring of link keys".into()))?;
        let mut keys = BTreeMap::new();
        for (kid, key) in read.keys {
            let key = BASE64_URL_SAFE_NO_PAD.decode(key).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
            match key {
                Some(key) if is_plain(&kid) => keys.insert(kid, Secret::new(key)),
                _ => return Err(failed(format!("key {kid} is not 32 bytes in base64url under a plain name"))),
            };
        }
        if !keys.contains_key(&read.active) {
            return Err(failed(format!("the active key {} is missing", read.active)));
        }
        Ok(Self { active: read.active, keys })
    }

    /// The content of the file.
    pub fn to_json(&self) -> String {
        let keys =
            self.keys.iter().map(|(kid, key)| (kid.clone(), BASE64_URL_SAFE_NO_PAD.encode(key.reveal()))).collect();
        serde_json::to_string_pretty(&KeyFile { active: self.active.clone(), keys })
            .expect("two texts and a map are JSON")
    }
}

impl LinkSigner {
    /// Signs with the ring's active key, verifies with all of its keys.
    pub fn new(keys: LinkKeys) -> Self {
        Self { keys }
    }

    /// The token of a link for `purpose`, such as `survey`.
    ///
    /// # Panics
    /// When purpose or subject hold other characters than letters, digits, `-`, `_` and (subject) `:`; both come from our own code.
    pub fn sign(&self, purpose: &str, link: &Link) -> String {
        assert!(is_plain(purpose), "a purpose is letters, digits, - and _");
        assert!(link.subject.split(':').all(is_plain), "a subject is letters, digits, -, _ and :");
        let active = &self.keys.active;
        let Link { subject, generation, expires_at } = link;
        let signed = format!("{purpose}.{subject}.{generation}.{}.{active}", expires_at.as_second());
        let key = self.keys.keys.get(active).expect("the active key is in the ring");
        let signature = mac(key.reveal(), &signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a link says, when it was signed by us for `purpose` and has not ended at `now`.
    ///
    /// # Errors
    /// `CREDENTIAL_EXPIRED` for a link of ours that has ended; `CREDENTIAL_INVALID` for anything else, without saying what is wrong.
    pub fn verify(&self, token: &str, purpose: &str, now: Timestamp) -> Result<Link, Error> {
        let link = self.verified(token, purpose).ok_or_else(|| {
            Error::new(Code::Unauthenticated, ErrorReason::CredentialInvalid, "the link is not valid")
        })?;
        if link.expires_at <= now {
            return Err(Error::new(Code::Unauthenticated, ErrorReason::CredentialExpired, "the link has ended"));
        }
        Ok(link)
    }

    fn verified(&self, token: &str, expected_purpose: &str) -> Option<Link> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let mut parts = signed.split('.');
        let (purpose, subject, generation, expiry, kid) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        // Strict decoding: a signature has one spelling only, so that no bit of the text can be changed.
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = self.keys.keys.get(kid)?;
        // Compares in constant time.
        mac(key.reveal(), signed).verify_slice(&signature).ok()?;
        if purpose != expected_purpose {
            return None;
        }
        Some(Link {
            subject: subject.to_owned(),
            generation: generation.parse().ok()?,
            expires_at: Timestamp::from_second(expiry.parse().ok()?).ok()?,
        })
    }
}

fn mac(key: &[u8; 32], signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
