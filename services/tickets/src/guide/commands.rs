//! Writes of guides and runs: load, decide, save.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AbandonRunResponse, AnswerStepResponse, CreateGuideResponse, CreateGuideVersionResponse,
        PublishGuideVersionResponse, StartRunResponse,
    },
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    model::{Content, Guide},
    run::{Given, Run},
    store::{self, runs},
};
use crate::{roster, ticket};

/// How often a write is tried again when other writes come between.
const TRIES: usize = 3;

/// What writes of guides and runs need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// What is said of a new guide.
#[derive(Debug, Clone)]
pub struct CreateGuide {
    pub display_name: String,
    pub product: String,
}

/// A draft of a guide's next version.
#[derive(Debug)]
pub struct CreateGuideVersion {
    pub guide: Uuid,
    pub etag: Etag,
    pub content: Content,
}

/// A draft with which runs are to begin.
#[derive(Debug)]
pub struct PublishGuideVersion {
    pub guide: Uuid,
    pub number: i32,
    pub etag: Etag,
}

/// A guide that is to be gone through for a ticket.
#[derive(Debug)]
pub struct StartRun {
    pub ticket: Uuid,
    pub guide: Uuid,
}

/// What is answered.
#[derive(Debug)]
pub struct AnswerStep {
    pub run: Uuid,
    pub step: i32,
    pub answer_id: String,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a guide of which nothing is written yet.
    pub async fn create(&self, write: &Write, command: CreateGuide) -> Result<CreateGuideResponse, Error> {
        let CreateGuide { display_name, product } = command;
        let guide = Guide::create(new_id(), display_name, product, self.clock.now());
        let response = CreateGuideResponse { guide: Some((&guide).into()) };
        once(&self.db, write, async {
            store::insert(&self.db, write, &guide, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Records a draft, faulty or not, in place of the one before.
    pub async fn create_version(
        &self,
        write: &Write,
        command: CreateGuideVersion,
    ) -> Result<CreateGuideVersionResponse, Error> {
        let CreateGuideVersion { guide, etag, content } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let guide = store::load(&self.db, guide).await?;
                etag.check(guide.version)?;
                let change = guide.draft(content.clone(), self.clock.now());
                let response = CreateGuideVersionResponse {
                    guide: Some((&change.guide).into()),
                    guide_version: Some((&change.version).into()),
                };
                if store::save(&self.db, write, &change, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Freezes a draft and has runs begin with it from now on.
    pub async fn publish(
        &self,
        write: &Write,
        command: PublishGuideVersion,
    ) -> Result<PublishGuideVersionResponse, Error> {
        let PublishGuideVersion { guide, number, etag } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let guide = store::load(&self.db, guide).await?;
                etag.check(guide.version)?;
                let version = store::load_version(&self.db, guide.id, number).await?;
                let change = guide.publish(version, self.clock.now())?;
                let response = PublishGuideVersionResponse {
                    guide: Some((&change.guide).into()),
                    guide_version: Some((&change.version).into()),
                };
                if store::save(&self.db, write, &change, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Begins a run through the published version of a guide.
    pub async fn start(&self, write: &Write, command: StartRun) -> Result<StartRunResponse, Error> {
        let StartRun { ticket, guide } = command;
        once(&self.db, write, async {
            let guide = store::load(&self.db, guide).await?;
            let Some(number) = guide.published_number else {
                let description = "a version of the guide is published";
                return Err(Error::precondition(ErrorReason::StateForbids, "TK87", guide.name(), description));
            };
            let version = store::load_version(&self.db, guide.id, number).await?;
            for _ in 0..TRIES {
                let ticket = ticket::store::load(&self.db, ticket).await?;
                let change = Run::start(new_id(), &ticket, &version, self.clock.now())?;
                let node = version.content.node(&change.run.node_id).map(Into::into);
                let response = StartRunResponse { run: Some((&change.run).into()), node };
                if runs::insert(&self.db, write, &change, &ticket, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Answers the present step of a run.
    pub async fn answer(&self, write: &Write, command: AnswerStep) -> Result<AnswerStepResponse, Error> {
        let AnswerStep { run, step, answer_id } = command;
        once(&self.db, write, async {
            let answered_by = roster::store::member_of_caller(self.db.calls(), write).await?;
            for _ in 0..TRIES {
                let run = runs::load(&self.db, run).await?;
                let ticket = ticket::store::load(&self.db, run.ticket).await?;
                let version = store::load_version(&self.db, run.guide, run.number).await?;
                let given = Given { step, answer_id: answer_id.clone(), answered_by };
                let change = run.answer(given, &ticket, &version, self.clock.now())?;
                let node = version.content.node(&change.run.node_id).map(Into::into);
                let response = AnswerStepResponse { run: Some((&change.run).into()), node };
                if runs::save(&self.db, write, &change, &ticket, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Gives a run up.
    pub async fn abandon(&self, write: &Write, run: Uuid) -> Result<AbandonRunResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let run = runs::load(&self.db, run).await?;
                let ticket = ticket::store::load(&self.db, run.ticket).await?;
                let change = run.abandon(self.clock.now())?;
                let response = AbandonRunResponse { run: Some((&change.run).into()) };
                if runs::save(&self.db, write, &change, &ticket, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
