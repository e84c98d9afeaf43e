//! Writes of participants: with their ticket, in one transaction.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{AddParticipantResponse, RemoveParticipantResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag,
    idempotency::{once, remember},
};
use seva_values::format_name;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MAX_PARTICIPANTS, Who, convert::name_of, store};
use crate::ticket::{Change, Ticket, model::COLLECTION, store as tickets};

/// What writes of participants need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// Who begins or ends to take part.
pub struct ParticipantOf {
    pub ticket: Uuid,
    pub etag: Etag,
    pub who: Who,
}

impl Commands {
    /// On this database.
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Somebody takes part.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK15) when as many take part as can.
    pub async fn add(&self, write: &Write, command: ParticipantOf) -> Result<AddParticipantResponse, Error> {
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let change = self.changed(&mut transaction, &command).await?;
            if !store::is_known(&mut transaction, command.who).await? {
                return Err(Error::not_found(name_of(command.who)));
            }
            if !store::add(&mut transaction, command.ticket, command.who, self.clock.now()).await? {
                let why = format!("fewer than {MAX_PARTICIPANTS} take part");
                let ticket = format_name(COLLECTION, command.ticket);
                return Err(Error::precondition(ErrorReason::StateForbids, "TK15", ticket, why));
            }
            let response = AddParticipantResponse { ticket: Some((&change.ticket).into()) };
            tickets::save_for(&mut transaction, write, &[change], None).await?;
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Somebody does not take part any more.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND` when they did not.
    pub async fn remove(&self, write: &Write, command: ParticipantOf) -> Result<RemoveParticipantResponse, Error> {
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let change = self.changed(&mut transaction, &command).await?;
            if !store::remove(&mut transaction, command.ticket, command.who).await? {
                return Err(Error::not_found(name_of(command.who)));
            }
            let response = RemoveParticipantResponse { ticket: Some((&change.ticket).into()) };
            tickets::save_for(&mut transaction, write, &[change], None).await?;
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// The ticket, locked, and what it becomes.
    async fn changed(&self, transaction: &mut PgConnection, command: &ParticipantOf) -> Result<Change, Error> {
        let locked: Option<Ticket> = tickets::lock(transaction, &[command.ticket]).await?.pop();
        let ticket = locked.ok_or_else(|| Error::not_found(format_name(COLLECTION, command.ticket)))?;
        command.etag.check(ticket.version)?;
        ticket.change_participants(self.clock.now())
    }
}
