//! Writes of programmes: load, decide, save.

use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{CreateProgrammeResponse, UpdateProgrammeResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::{Invalid, new_id};
use uuid::Uuid;

use super::{
    convert::name,
    model::{Change, NewProgramme, NothingToAsk, Programme},
    store,
};
use crate::survey;

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What programmes' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A change of one programme.
#[derive(Debug)]
pub struct UpdateProgramme {
    pub id: Uuid,
    pub etag: Etag,
    pub change: Change,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a programme.
    pub async fn create(&self, write: &Write, new: NewProgramme) -> Result<CreateProgrammeResponse, Error> {
        once(&self.db, write, async {
            let is_published = survey::store::load(&self.db, new.survey_id).await?.published_number.is_some();
            let programme = Programme::create(new_id(), new, rand::random(), is_published, self.clock.now());
            let programme = programme.map_err(|NothingToAsk| nothing_to_ask_from_the_start())?;
            let response = CreateProgrammeResponse { programme: Some((&programme).into()) };
            store::insert(&self.db, write, &programme, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateProgramme) -> Result<UpdateProgrammeResponse, Error> {
        let UpdateProgramme { id, etag, change } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let programme = store::load(&self.db, id).await?;
                etag.check(programme.version)?;
                let published = survey::store::published(self.db.calls(), &[programme.survey_id]).await?;
                let updated = programme.update(change.clone(), !published.is_empty(), self.clock.now());
                let (updated, changed) = updated.map_err(|NothingToAsk| nothing_to_ask(id))?;
                let response = UpdateProgrammeResponse { programme: Some((&updated).into()) };
                if store::save_updated(&self.db, write, &updated, &changed, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}

fn nothing_to_ask_from_the_start() -> Error {
    let invalid = Invalid::new("SURVEY_NOT_PUBLISHED", "no version of the survey is published (SU31)");
    Error::invalid_field("programme.active", invalid)
}

fn nothing_to_ask(programme: Uuid) -> Error {
    let description = "publish a version of its survey first";
    Error::precondition(ErrorReason::StateForbids, "SU31", name(programme), description)
}
