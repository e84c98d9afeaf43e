//! The public keys of a JWKS file, each with the one algorithm it may be used with.

use std::{collections::HashMap, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};

use crate::auth::keys::KeyError;

/// A public key with its algorithm.
#[derive(Debug, Clone)]
pub(super) struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Public keys by their names.
#[derive(Debug)]
pub(super) struct KeySet(HashMap<String, VerifyingKey>);

impl KeySet {
    pub(super) fn read(file: &Path) -> Result<Self, KeyError> {
        let failed = |detail: String| KeyError::new(file, detail);
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let set: JwkSet = serde_json::from_str(&text).map_err(|error| failed(format!("is not a JWKS: {error}")))?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            // Keys for encryption and of kinds that we do not use stand in many issuers' sets.
            let Some((kid, algorithm)) = jwk.common.key_id.clone().zip(algorithm_of(jwk)) else { continue };
            let key = DecodingKey::from_jwk(jwk).map_err(|error| failed(format!("key {kid}: {error}")))?;
            if keys.insert(kid.clone(), VerifyingKey { algorithm, key }).is_some() {
                return Err(failed(format!("key {kid} stands twice")));
            }
        }
        if keys.is_empty() {
            return Err(failed("holds no key that can be used: Ed25519, EC P-256 or RSA, with a kid".into()));
        }
        Ok(Self(keys))
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }
}

/// The one algorithm of a key; `None` for keys that do not sign or whose kind is not used here, secrets among them.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    match &jwk.algorithm {
        // The length is looked at here, as a shorter key would make the verifier panic.
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            BASE64_URL_SAFE_NO_PAD.decode(&key.x).is_ok_and(|bytes| bytes.len() == 32).then_some(Algorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        _ => None,
    }
}
