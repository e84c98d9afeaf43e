//! Names of mailboxes: whoever follows the feed can tell that two customers read the same one, and cannot tell its address (CU28).

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use seva_store::{Database, Fault};
use seva_values::format_name;
use sha2::Sha256;
use tokio::sync::OnceCell;

use super::model::{Address, Customer};

/// Collection of the names of mailboxes.
const COLLECTION: &str = "mailboxes";

/// Gives names with the key of this database, which is read once.
#[derive(Debug, Clone)]
pub struct Mailboxes {
    db: Database,
    key: Arc<OnceCell<MailboxKey>>,
}

/// What mailboxes are named with.
#[derive(Clone)]
pub struct MailboxKey(Arc<[u8]>);

impl std::fmt::Debug for MailboxKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailboxKey(***)")
    }
}

impl Mailboxes {
    /// Of this database.
    pub fn new(db: Database) -> Self {
        Self { db, key: Arc::default() }
    }

    /// The key. Callers take it before their transaction begins: it is read over a connection of its own.
    pub async fn key(&self) -> Result<MailboxKey, Fault> {
        let read = || async {
            let key = sqlx::query_scalar!("select key from mailbox_key").fetch_one(self.db.calls()).await?;
            Ok(MailboxKey::new(key.as_bytes()))
        };
        self.key.get_or_try_init(read).await.cloned()
    }
}

impl MailboxKey {
    /// From secret bytes of any length.
    pub fn new(secret: &[u8]) -> Self {
        Self(secret.into())
    }

    /// The name of the mailbox that mail to this customer goes to: `mailboxes/{id}`, or empty when there is none. Upper and lower case name one
    /// mailbox: hardly a provider tells them apart.
    pub fn name(&self, customer: &Customer) -> String {
        let Some(address) = customer.address("email").map(Address::as_str) else { return String::new() };
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(address.to_lowercase().as_bytes());
        let digest = mac.finalize().into_bytes();
        let first = digest[..16].try_into().expect("a digest is longer than sixteen bytes");
        // RFC 9562, 5.8: what an id of our own making looks like.
        format_name(COLLECTION, uuid::Builder::from_custom_bytes(first).into_uuid())
    }
}
