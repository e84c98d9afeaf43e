//! Writes of automations: load, decide, save.

use seva_proto::tickets::v1::{CreateAutomationResponse, UpdateAutomationResponse};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, due::Bell, fault::write_conflict, idempotency::once};
use seva_values::new_id;

use super::{
    convert::{CreateAutomation, UpdateAutomation},
    model::Automation,
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What automations' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    /// Rung when there may be something to do about time.
    bell: Bell,
}

impl Commands {
    /// On this database.
    pub const fn new(db: Database, clock: BusinessClock, bell: Bell) -> Self {
        Self { db, clock, bell }
    }

    /// Writes one down.
    pub async fn create(&self, write: &Write, command: CreateAutomation) -> Result<CreateAutomationResponse, Error> {
        let CreateAutomation { reading, new } = command;
        let answer = once(&self.db, write, async {
            let new = reading.finish(&self.db, new).await?;
            let created = Automation::create(new_id(), new, self.clock.now());
            let response = CreateAutomationResponse { automation: Some((&created).into()) };
            store::insert(&self.db, write, &created, &response).await?;
            Ok(response)
        })
        .await?;
        self.bell.ring();
        Ok(answer)
    }

    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateAutomation) -> Result<UpdateAutomationResponse, Error> {
        let UpdateAutomation { reading, id, etag, edit } = command;
        let answer = once(&self.db, write, async {
            let (id, etag) = reading.finish(&self.db, id.zip(etag)).await?;
            for _ in 0..TRIES {
                let before = store::load(&self.db, id).await?;
                etag.check(before.version)?;
                let (next, changed) = before.update(edit.clone(), self.clock.now());
                let response = UpdateAutomationResponse { automation: Some((&next).into()) };
                if store::save(&self.db, write, &next, &changed, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await?;
        self.bell.ring();
        Ok(answer)
    }
}
