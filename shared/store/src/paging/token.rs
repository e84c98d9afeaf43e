//! Page tokens: the last row's keys, sealed together with the query they belong to.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::SortKey;

const SEAL_BYTES: usize = 16;

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(rename = "k")]
    pub key: SortKey,
    #[serde(rename = "i")]
    pub id: Uuid,
}

/// The refusal of a token.
pub(super) fn invalid() -> Error {
    let message = "the page token is damaged or belongs to another query; start again without one";
    Error::invalid(ErrorReason::PageTokenInvalid, message)
}

/// The secret that seals page tokens; the same in all replicas of a service.
#[derive(Clone)]
pub struct PageKey(Arc<[u8]>);

impl std::fmt::Debug for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageKey(***)")
    }
}

impl PageKey {
    /// A key from secret bytes of any length.
    pub fn new(secret: &[u8]) -> Self {
        Self(secret.into())
    }

    /// What identifies a query within its tokens.
    pub(super) fn fingerprint(&self, list: &str, query: &str) -> [u8; 8] {
        let digest = Sha256::new().chain_update(list).chain_update([0]).chain_update(query).finalize();
        digest[..8].try_into().expect("a digest is longer than eight bytes")
    }

    /// A token that goes on in a feed, for what a query follows of it.
    pub fn seal_cursor(&self, list: &str, query: &str, feed_no: i64, epoch: Uuid) -> String {
        self.seal(self.fingerprint(list, query), &Position { key: SortKey::Number(feed_no), id: epoch })
    }

    /// Where a token goes on: the feed's number and its epoch.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID` for one that is damaged or of another query.
    pub fn open_cursor(&self, list: &str, query: &str, token: &str) -> Result<(i64, Uuid), Error> {
        match self.open(self.fingerprint(list, query), token) {
            Some(Position { key: SortKey::Number(feed_no), id }) => Ok((feed_no, id)),
            _ => Err(invalid()),
        }
    }

    pub(super) fn seal(&self, fingerprint: [u8; 8], position: &Position) -> String {
        let mut sealed = serde_json::to_vec(position).expect("a position has no maps and no failing parts");
        let seal = self.mac(fingerprint, &sealed).finalize().into_bytes();
        sealed.extend_from_slice(&seal[..SEAL_BYTES]);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    pub(super) fn open(&self, fingerprint: [u8; 8], token: &str) -> Option<Position> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (position, seal) = sealed.split_at_checked(sealed.len().checked_sub(SEAL_BYTES)?)?;
        self.mac(fingerprint, position).verify_truncated_left(seal).ok()?;
        serde_json::from_slice(position).ok()
    }

    fn mac(&self, fingerprint: [u8; 8], position: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"seva page token v1");
        mac.update(&fingerprint);
        mac.update(position);
        mac
    }
}
