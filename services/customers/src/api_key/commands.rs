//! Writes of API keys: load, decide, save.

use seva_proto::customers::v1::{CreateApiKeyResponse, RevokeApiKeyResponse};
use seva_runtime::{BusinessClock, Error, Write, auth::api_keys::ApiKeySecret, clock::machine_now};
use seva_store::{Database, fault::write_conflict, idempotency::once};
use uuid::Uuid;

use super::{
    model::{ApiKey, NewApiKey},
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What keys' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    /// Of the events; the keys' own times are the machine's.
    clock: BusinessClock,
}

impl Commands {
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Makes a key. Its secret is in this answer only: what is kept for a repetition has none (CU8).
    pub async fn create(&self, write: &Write, new: NewApiKey) -> Result<CreateApiKeyResponse, Error> {
        once(&self.db, write, async {
            let secret = ApiKeySecret::generate();
            let key = ApiKey::create(secret.id, new, machine_now())
                .map_err(|invalid| Error::invalid_field("api_key.expire_time", invalid))?;
            let kept = CreateApiKeyResponse { api_key: Some((&key).into()), secret: String::new() };
            store::insert(&self.db, write, &key, secret.sha256, self.clock.now(), &kept).await?;
            Ok(CreateApiKeyResponse { secret: secret.text.reveal().clone(), ..kept })
        })
        .await
    }

    /// Ends a key. One that was ended before is answered as it is, and nothing is written.
    pub async fn revoke(&self, write: &Write, id: Uuid) -> Result<RevokeApiKeyResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let key = store::load(&self.db, id).await?;
                let Some(revoked) = key.revoke(machine_now()) else {
                    return Ok(RevokeApiKeyResponse { api_key: Some((&key).into()) });
                };
                let response = RevokeApiKeyResponse { api_key: Some((&revoked).into()) };
                if store::save_revoked(&self.db, write, &revoked, self.clock.now(), &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
