//! Writes of escalations: lock the ticket, then the escalation, decide, save.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AcknowledgeEscalationResponse, CloseEscalationResponse, DeEscalateResponse, DeclareCrisisResponse,
        RaiseEscalationResponse, StartActingResponse,
    },
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag,
    due::Bell,
    fault::write_conflict,
    idempotency::{once, remember},
};
use seva_values::{format_name, new_id};
use sqlx::PgConnection;
use tonic::Code;
use uuid::Uuid;

use super::{
    model::{Change, Escalation, NewEscalation},
    store,
};
use crate::{
    risk::{
        Level,
        assess::{self, Assessed, Measures},
    },
    roster::{self, StaffMember},
};

/// What escalations' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    /// Rung when there is something to be acknowledged.
    waiting: Bell,
}

/// Help is needed.
pub struct RaiseEscalation {
    pub ticket: Uuid,
    pub reason: String,
}

/// Which escalation.
pub struct Which {
    pub id: Uuid,
    pub etag: Etag,
}

/// Somebody takes it on.
pub struct AcknowledgeEscalation(pub Which);

/// Something is being done.
pub struct StartActing(pub Which);

/// It has calmed down.
pub struct DeEscalate(pub Which, pub String);

/// It is worse than a team can mend.
pub struct DeclareCrisis(pub Which, pub String);

/// It is over.
pub struct CloseEscalation(pub Which);

/// What a step is decided by.
struct Circumstances<'a> {
    /// Who takes it; `None`: nobody who is known here.
    by: Option<&'a StaffMember>,
    /// Of the ticket, as of now.
    risk: Level,
    now: Timestamp,
}

impl Commands {
    /// On this database; rings `waiting` when there is something to be acknowledged.
    pub const fn new(db: Database, clock: BusinessClock, waiting: Bell) -> Self {
        Self { db, clock, waiting }
    }

    /// Calls for help with a ticket.
    pub async fn raise(&self, write: &Write, command: RaiseEscalation) -> Result<RaiseEscalationResponse, Error> {
        let RaiseEscalation { ticket, reason } = command;
        let answer = once(&self.db, write, async {
            let member = self.member(write).await?;
            let now = self.clock.now();
            let mut transaction = self.db.begin().await?;
            let (assessed, measures) = assess_one(&mut transaction, ticket, write, now).await?;
            let name = format_name("tickets", ticket);
            if assessed.is_at_rest() {
                let why = "the ticket is neither resolved nor over: reopen it first";
                return Err(Error::precondition(ErrorReason::StateForbids, "TK112", name, why));
            }
            if let Some(open) = store::open_of(&mut transaction, &[ticket]).await?.remove(&ticket) {
                let message = "the ticket has an escalation that is open";
                return Err(Error::new(Code::AlreadyExists, ErrorReason::EscalationOpen, message)
                    .with_metadata("escalation", open.name())
                    .with_precondition(
                        "TK111",
                        name,
                        "the one that is open is closed: until then it is acted on there",
                    ));
            }
            let (department, critical) = (assessed.department, assessed.level() == Level::Critical);
            let due_at = measures.acknowledge_due(department, critical, now);
            let raised_by = member.map(|member| member.id);
            let new = NewEscalation { ticket, department, critical, raised_by, reason: Some(reason.clone()) };
            let change = Escalation::raise(new_id(), new, due_at, now);
            store::save(&mut transaction, &assessed.write, &change).await?;
            let response = RaiseEscalationResponse { escalation: Some((&change.escalation).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await?;
        self.waiting.ring();
        Ok(answer)
    }

    /// Takes it on.
    pub async fn acknowledge(
        &self,
        write: &Write,
        AcknowledgeEscalation(which): AcknowledgeEscalation,
    ) -> Result<AcknowledgeEscalationResponse, Error> {
        let answer = |after: &Escalation| AcknowledgeEscalationResponse { escalation: Some(after.into()) };
        self.change(write, which, answer, |escalation, at| escalation.acknowledge(at.by, at.now)).await
    }

    /// Something is being done.
    pub async fn start_acting(
        &self,
        write: &Write,
        StartActing(which): StartActing,
    ) -> Result<StartActingResponse, Error> {
        let answer = |after: &Escalation| StartActingResponse { escalation: Some(after.into()) };
        self.change(write, which, answer, |escalation, at| escalation.start_acting(at.by, at.now)).await
    }

    /// It has calmed down.
    pub async fn de_escalate(
        &self,
        write: &Write,
        DeEscalate(which, note): DeEscalate,
    ) -> Result<DeEscalateResponse, Error> {
        let answer = |after: &Escalation| DeEscalateResponse { escalation: Some(after.into()) };
        self.change(write, which, answer, |escalation, at| escalation.de_escalate(at.by, note.clone(), at.now)).await
    }

    /// It is worse than a team can mend.
    pub async fn declare_crisis(
        &self,
        write: &Write,
        DeclareCrisis(which, note): DeclareCrisis,
    ) -> Result<DeclareCrisisResponse, Error> {
        let answer = |after: &Escalation| DeclareCrisisResponse { escalation: Some(after.into()) };
        self.change(write, which, answer, |escalation, at| escalation.declare_crisis(at.by, note.clone(), at.now)).await
    }

    /// It is over.
    pub async fn close(
        &self,
        write: &Write,
        CloseEscalation(which): CloseEscalation,
    ) -> Result<CloseEscalationResponse, Error> {
        let answer = |after: &Escalation| CloseEscalationResponse { escalation: Some(after.into()) };
        self.change(write, which, answer, |escalation, at| escalation.close(at.by, at.risk, at.now)).await
    }

    /// Locks, assesses the ticket, decides and saves. What happens meanwhile comes before or after, so nothing is tried again.
    async fn change<R: Message + Default>(
        &self,
        write: &Write,
        Which { id, etag }: Which,
        answer: impl Fn(&Escalation) -> R + Send + Sync,
        decide: impl Fn(&Escalation, Circumstances<'_>) -> Result<Change, Error> + Send + Sync,
    ) -> Result<R, Error> {
        once(&self.db, write, async {
            let member = self.member(write).await?;
            let ticket = store::load(&self.db, id).await?.ticket;
            let now = self.clock.now();
            let mut transaction = self.db.begin().await?;
            let (assessed, _) = assess_one(&mut transaction, ticket, write, now).await?;
            let escalation = store::lock(&mut transaction, &[id]).await?.remove(&id).ok_or_else(write_conflict)?;
            etag.check(escalation.version)?;
            let change = decide(&escalation, Circumstances { by: member.as_ref(), risk: assessed.level(), now })?;
            store::save(&mut transaction, &assessed.write, &change).await?;
            let response = answer(&change.escalation);
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// The member who calls; `None` for somebody who is not known here.
    async fn member(&self, write: &Write) -> Result<Option<StaffMember>, Error> {
        let Some(user) = write.actor.strip_prefix("user:") else { return Ok(None) };
        match roster::store::member_of_user(self.db.calls(), user).await? {
            Some(id) => Ok(roster::store::find(self.db.calls(), &[id]).await?.pop()),
            None => Ok(None),
        }
    }
}

/// Locks and assesses the ticket of an escalation; nothing follows from it but what the caller does.
async fn assess_one(
    connection: &mut PgConnection,
    ticket: Uuid,
    write: &Write,
    now: Timestamp,
) -> Result<(Assessed, Measures), Error> {
    let asked = BTreeMap::from([(ticket, write.clone())]);
    let (mut assessed, measures) = assess::assess(connection, &asked, now).await?;
    let assessed = assessed.pop().ok_or_else(|| Error::not_found(format_name("tickets", ticket)))?;
    Ok((assessed, measures))
}
