//! Writes of hand-offs: a hand-off and its ticket are locked together, decided upon, and saved together.

use jiff::Timestamp;
use prost::Message as ProtoMessage;
use seva_proto::tickets::v1::{
    AcceptHandoffResponse, CompleteHandoffResponse, ConfirmHandoffResponse, OfferHandoffResponse,
    RefuseHandoffResponse, ReturnHandoffResponse, WithdrawHandoffResponse,
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag,
    idempotency::{once, remember},
};
use seva_values::format_name;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    model::{Asked, COLLECTION, Change, Handoff, NewHandoff, forbidden},
    store,
};
use crate::{
    policy::{Matched, Policies},
    roster::{self, StaffMember},
    ticket::{self, Change as TicketChange, Ticket},
};

/// What hand-offs' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    policies: Policies,
}

/// Something is handed over.
pub struct OfferHandoff {
    pub ticket: Uuid,
    pub etag: Etag,
    pub department: Uuid,
    pub new: NewHandoff,
}

/// Which hand-off.
#[derive(Clone, Copy)]
pub struct Which {
    pub id: Uuid,
    pub etag: Etag,
}

/// It is refused, or passed on to another department.
pub struct RefuseHandoff {
    pub which: Which,
    pub reason: String,
    pub on: Option<Uuid>,
}

/// There is a result, or why it is not done.
pub struct WithWords {
    pub which: Which,
    pub words: String,
}

/// A hand-off and its ticket, locked, and who acts when.
struct Scene {
    ticket: Ticket,
    handoff: Handoff,
    /// The department that it is passed on to, or whose turn it is.
    asked: Asked,
    by: StaffMember,
    now: Timestamp,
}

/// What happened to a ticket, if anything, and to its hand-offs.
type Decided = (Option<TicketChange>, Vec<Change>);

impl Commands {
    /// On this database.
    pub const fn new(db: Database, clock: BusinessClock, policies: Policies) -> Self {
        Self { db, clock, policies }
    }

    /// Hands something over.
    pub async fn offer(&self, write: &Write, command: OfferHandoff) -> Result<OfferHandoffResponse, Error> {
        let OfferHandoff { ticket, etag, department, new } = command;
        // Boxed: it holds a ticket with all its clocks.
        Box::pin(once(&self.db, write, async {
            let by = self.member(write).await?;
            let mut transaction = self.db.begin().await?;
            let now = self.clock.now();
            let ticket = ticket::store::lock_one_at(&mut transaction, ticket, now).await?;
            etag.check(ticket.version)?;
            let asked = self.asked(&mut transaction, &ticket, department).await?;
            let (of_ticket, offered) = Handoff::offer(&ticket, new.clone(), asked, &by, now)?;
            let response = OfferHandoffResponse {
                handoff: Some((&offered.handoff).into()),
                ticket: Some((&of_ticket.ticket).into()),
            };
            self.save(transaction, write, &ticket, (Some(of_ticket), vec![offered]), &response).await?;
            Ok(response)
        }))
        .await
    }

    /// The department takes it.
    pub async fn accept(&self, write: &Write, which: Which) -> Result<AcceptHandoffResponse, Error> {
        let decide = |scene: &Scene| {
            let (of_ticket, change) = scene.handoff.accept(&scene.ticket, &scene.by, scene.now)?;
            Ok((Some(of_ticket), vec![change]))
        };
        Box::pin(self.change(write, which, None, decide, |all| AcceptHandoffResponse { handoff: first(all) })).await
    }

    /// The department refuses it, or passes it on.
    pub async fn refuse(&self, write: &Write, command: RefuseHandoff) -> Result<RefuseHandoffResponse, Error> {
        let RefuseHandoff { which, reason, on } = command;
        let decide = |scene: &Scene| {
            let Scene { ticket, handoff, asked, by, now } = scene;
            let on = on.map(|_| asked.clone());
            let (of_ticket, changes) = handoff.refuse(ticket, reason.clone(), on, by, *now)?;
            Ok((Some(of_ticket), changes))
        };
        let answer = |all: &[Change]| RefuseHandoffResponse {
            handoff: first(all),
            following: all.get(1).map(|change| (&change.handoff).into()),
        };
        Box::pin(self.change(write, which, on, decide, answer)).await
    }

    /// There is a result.
    pub async fn complete(&self, write: &Write, command: WithWords) -> Result<CompleteHandoffResponse, Error> {
        let WithWords { which, words } = command;
        let decide = |scene: &Scene| {
            let Scene { ticket, handoff, by, now, .. } = scene;
            let (of_ticket, change) = handoff.complete(ticket, words.clone(), by, *now)?;
            Ok((Some(of_ticket), vec![change]))
        };
        Box::pin(self.change(write, which, None, decide, |all| CompleteHandoffResponse { handoff: first(all) })).await
    }

    /// The sender says that it is done.
    pub async fn confirm(&self, write: &Write, which: Which) -> Result<ConfirmHandoffResponse, Error> {
        let decide = |scene: &Scene| Ok((None, vec![scene.handoff.confirm(&scene.ticket, &scene.by, scene.now)?]));
        Box::pin(self.change(write, which, None, decide, |all| ConfirmHandoffResponse { handoff: first(all) })).await
    }

    /// The sender says that it is not done.
    pub async fn give_back(&self, write: &Write, command: WithWords) -> Result<ReturnHandoffResponse, Error> {
        let WithWords { which, words } = command;
        let decide = |scene: &Scene| {
            let Scene { ticket, handoff, asked, by, now } = scene;
            let (of_ticket, change) = handoff.give_back(ticket, words.clone(), asked, by, *now)?;
            Ok((Some(of_ticket), vec![change]))
        };
        Box::pin(self.change(write, which, None, decide, |all| ReturnHandoffResponse { handoff: first(all) })).await
    }

    /// The sender takes it back.
    pub async fn withdraw(&self, write: &Write, which: Which) -> Result<WithdrawHandoffResponse, Error> {
        let decide = |scene: &Scene| {
            let (of_ticket, change) = scene.handoff.withdraw(&scene.ticket, &scene.by, scene.now)?;
            Ok((Some(of_ticket), vec![change]))
        };
        Box::pin(self.change(write, which, None, decide, |all| WithdrawHandoffResponse { handoff: first(all) })).await
    }

    /// Locks both, decides and saves.
    async fn change<R: ProtoMessage + Default>(
        &self,
        write: &Write,
        Which { id, etag }: Which,
        on: Option<Uuid>,
        decide: impl Fn(&Scene) -> Result<Decided, Error> + Send + Sync,
        answer: impl Fn(&[Change]) -> R + Send + Sync,
    ) -> Result<R, Error> {
        once(&self.db, write, async {
            let by = self.member(write).await?;
            // It never goes to another ticket.
            let ticket = store::load(&self.db, id).await?.ticket;
            let mut transaction = self.db.begin().await?;
            let now = self.clock.now();
            let ticket = ticket::store::lock_one_at(&mut transaction, ticket, now).await?;
            let handoff = store::lock(&mut transaction, id).await?;
            let handoff = handoff.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?;
            etag.check(handoff.version)?;
            let asked = self.asked(&mut transaction, &ticket, on.unwrap_or(handoff.department)).await?;
            let scene = Scene { ticket, handoff, asked, by, now };
            let decided = decide(&scene)?;
            let response = answer(&decided.1);
            self.save(transaction, write, &scene.ticket, decided, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Saves what happened, tells it, keeps the answer and commits.
    async fn save(
        &self,
        mut transaction: Transaction<'static, Postgres>,
        write: &Write,
        ticket: &Ticket,
        (of_ticket, changes): Decided,
        response: &impl ProtoMessage,
    ) -> Result<(), Error> {
        store::save(&mut transaction, &changes).await.map_err(|fault| store::refusal(fault, ticket))?;
        ticket::store::save_for(&mut transaction, write, of_ticket.as_slice(), None).await?;
        store::tell(&mut transaction, write, ticket, &changes).await?;
        remember(&mut transaction, write, response).await?;
        Ok(self.db.commit(transaction).await?)
    }

    /// The department with its hours, and what holds there for the ticket.
    async fn asked(&self, transaction: &mut PgConnection, ticket: &Ticket, department: Uuid) -> Result<Asked, Error> {
        let calendar = roster::store::calendar_of(&mut *transaction, Some(department)).await?;
        let policy = self.policies.of_ticket(ticket).await?;
        let targets = policy.targets(&Matched { department: Some(department), ..ticket.matched() });
        let refused_before = store::has_refused(transaction, ticket.id, department).await?;
        Ok(Asked { department, calendar, targets, refused_before })
    }

    /// Who acts: somebody who serves (TK46).
    async fn member(&self, write: &Write) -> Result<StaffMember, Error> {
        let unknown = || forbidden(write.actor.as_str(), "only those who serve hand something over or take it");
        let id = roster::store::member_of_caller(self.db.calls(), write).await?.ok_or_else(unknown)?;
        let member = roster::store::find(self.db.calls(), &[id]).await?.pop();
        member.filter(|member| member.state == roster::State::Active).ok_or_else(unknown)
    }
}

fn first(changes: &[Change]) -> Option<seva_proto::tickets::v1::Handoff> {
    changes.first().map(|change| (&change.handoff).into())
}
