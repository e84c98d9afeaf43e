//! Writes of promises: a promise and its ticket are locked together, decided upon, and saved together.

use std::future::Future;

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        ApologizeForPromiseResponse, AssignPromiseResponse, AwaitExternalResponse, BreakPromiseResponse,
        KeepPromiseResponse, MakePromiseResponse, RenewPromiseResponse, ScheduleTicketResponse,
        WithdrawPromiseResponse,
    },
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag, Fault,
    due::Bell,
    idempotency::{once, remember},
};
use seva_values::format_name;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    making::{self, Known, NewPromise, Occasion},
    model::{Change, Promise},
    scene::{Around, Scene},
    store,
};
use crate::{
    policy::{Matched, Policies},
    recipient,
    roster::{self, State, model::STAFF_MEMBERS},
    ticket::{self, Change as TicketChange, Ticket},
};

/// What promises' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    policies: Policies,
    /// Rung when something is due at another time.
    due: Bell,
    /// Rung when somebody has to answer for something.
    routing: Bell,
}

/// Something is promised.
pub struct MakePromise {
    pub ticket: Uuid,
    pub etag: Etag,
    pub owner: Option<Uuid>,
    pub words: String,
    pub occasion: Occasion,
}

/// Which promise.
pub struct Which {
    pub id: Uuid,
    pub etag: Etag,
}

/// It is due later.
pub struct RenewPromise {
    pub which: Which,
    pub due_at: Timestamp,
    pub words: String,
}

/// Something is said about it: why it is broken, that we are sorry, or that it is not wanted any more.
pub struct WithWords {
    pub which: Which,
    pub words: String,
}

/// Somebody else answers for it.
pub struct AssignPromise {
    pub which: Which,
    pub owner: Uuid,
}

impl Commands {
    /// On this database; rings `due` when something becomes due, and `routing` when an owner is needed.
    pub const fn new(db: Database, clock: BusinessClock, policies: Policies, due: Bell, routing: Bell) -> Self {
        Self { db, clock, policies, due, routing }
    }

    /// Promises something.
    pub async fn make(&self, write: &Write, command: MakePromise) -> Result<MakePromiseResponse, Error> {
        self.open(write, command, |_, promise| MakePromiseResponse { promise: Some(promise.into()) }).await
    }

    /// Lets a ticket wait for somebody outside.
    pub async fn await_external(&self, write: &Write, command: MakePromise) -> Result<AwaitExternalResponse, Error> {
        let answer = |ticket: &Ticket, promise: &Promise| AwaitExternalResponse {
            promise: Some(promise.into()),
            ticket: Some(ticket.into()),
        };
        self.open(write, command, answer).await
    }

    /// Lets a ticket wait for a slot.
    pub async fn schedule(&self, write: &Write, command: MakePromise) -> Result<ScheduleTicketResponse, Error> {
        let answer = |ticket: &Ticket, promise: &Promise| ScheduleTicketResponse {
            promise: Some(promise.into()),
            ticket: Some(ticket.into()),
        };
        self.open(write, command, answer).await
    }

    /// Says that it is kept.
    pub async fn keep(&self, write: &Write, which: Which) -> Result<KeepPromiseResponse, Error> {
        let answer = |promise: &Promise| KeepPromiseResponse { promise: Some(promise.into()) };
        self.change(write, which, |scene, _| scene.keep(), answer).await
    }

    /// Gives it a later due time.
    pub async fn renew(&self, write: &Write, command: RenewPromise) -> Result<RenewPromiseResponse, Error> {
        let RenewPromise { which, due_at, words } = command;
        let decide = |scene: &mut Scene, author| scene.renew(due_at, words.clone(), author);
        let answer = |promise: &Promise| RenewPromiseResponse { promise: Some(promise.into()) };
        self.change(write, which, decide, answer).await
    }

    /// Says that it cannot be kept.
    pub async fn break_early(&self, write: &Write, command: WithWords) -> Result<BreakPromiseResponse, Error> {
        let WithWords { which, words } = command;
        let answer = |promise: &Promise| BreakPromiseResponse { promise: Some(promise.into()) };
        self.change(write, which, |scene, author| scene.break_early(words.clone(), author), answer).await
    }

    /// Says that we are sorry.
    pub async fn apologize(&self, write: &Write, command: WithWords) -> Result<ApologizeForPromiseResponse, Error> {
        let WithWords { which, words } = command;
        let answer = |promise: &Promise| ApologizeForPromiseResponse { promise: Some(promise.into()) };
        self.change(write, which, |scene, author| scene.apologize(words.clone(), author), answer).await
    }

    /// Records that the customer does not want it any more.
    pub async fn withdraw(&self, write: &Write, command: WithWords) -> Result<WithdrawPromiseResponse, Error> {
        let WithWords { which, words } = command;
        let answer = |promise: &Promise| WithdrawPromiseResponse { promise: Some(promise.into()) };
        self.change(write, which, |scene, _| scene.withdraw(words.clone()), answer).await
    }

    /// Gives it to somebody else.
    pub async fn assign(&self, write: &Write, command: AssignPromise) -> Result<AssignPromiseResponse, Error> {
        let AssignPromise { which, owner } = command;
        let answer = |promise: &Promise| AssignPromiseResponse { promise: Some(promise.into()) };
        self.answering(write, async {
            // Whoever leaves after this look is found as whoever has left with what they had promised.
            serves(self.db.calls(), owner).await?;
            Box::pin(self.changed(write, which, |scene, _| scene.assign(Some(owner)), answer)).await
        })
        .await
    }

    async fn open<R: prost::Message + Default>(
        &self,
        write: &Write,
        command: MakePromise,
        answer: impl Fn(&Ticket, &Promise) -> R + Send + Sync,
    ) -> Result<R, Error> {
        let MakePromise { ticket, etag, owner, words, occasion } = command;
        let answered = once(&self.db, write, async {
            let author = roster::store::member_of_caller(self.db.calls(), write).await?;
            let mut transaction = self.db.begin().await?;
            let now = self.clock.now();
            let ticket = ticket::store::lock_one_at(&mut transaction, ticket, now).await?;
            etag.check(ticket.version)?;
            let owner = owner_of(&mut transaction, owner, &[author, ticket.assignee]).await?;
            let known = self.known(&mut transaction, &ticket, &occasion, author).await?;
            let new = NewPromise { owner, words: words.clone(), occasion: occasion.clone() };
            let (of_ticket, of_promise) = making::make(&ticket, new, &known, now)?;
            let response = answer(&of_ticket.ticket, &of_promise.promise);
            let told_by = of_ticket.message.as_ref().map(|message| message.id);
            store::insert(&mut transaction, &of_promise.promise, told_by).await?;
            self.save(transaction, write, &ticket, (&[of_ticket], &[of_promise]), &response).await?;
            Ok(response)
        })
        .await?;
        self.due.ring();
        Ok(answered)
    }

    async fn known(
        &self,
        transaction: &mut PgConnection,
        ticket: &Ticket,
        occasion: &Occasion,
        author: Option<Uuid>,
    ) -> Result<Known, Fault> {
        let calendar = roster::store::calendar_of(&mut *transaction, ticket.department).await?;
        let open = store::count_open(&mut *transaction, ticket.id).await?;
        let (mut availability, mut shifts) = (None, Vec::new());
        if matches!(occasion, Occasion::Slot(_)) {
            let customer = recipient::store::find(&mut *transaction, ticket.customer).await?;
            availability = customer.and_then(|customer| customer.availability);
            let serving = roster::store::serving(transaction, ticket.department.as_slice()).await?;
            shifts = serving.into_iter().map(|member| member.shifts).collect();
        }
        Ok(Known { calendar, availability, shifts, open, author })
    }

    async fn change<R: prost::Message + Default>(
        &self,
        write: &Write,
        which: Which,
        decide: impl Fn(&mut Scene, Option<Uuid>) -> Result<(), Error> + Send + Sync,
        answer: impl Fn(&Promise) -> R + Send + Sync,
    ) -> Result<R, Error> {
        // Boxed: it holds a ticket with all its clocks.
        self.answering(write, Box::pin(self.changed(write, which, decide, answer))).await
    }

    /// Answers a repeated request as the first time, and wakes what follows.
    async fn answering<R: prost::Message + Default>(
        &self,
        write: &Write,
        attempt: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        let answered = once(&self.db, write, attempt).await?;
        self.due.ring();
        self.routing.ring();
        Ok(answered)
    }

    /// Locks both, lets time pass, decides and saves.
    async fn changed<R: prost::Message + Default>(
        &self,
        write: &Write,
        Which { id, etag }: Which,
        decide: impl Fn(&mut Scene, Option<Uuid>) -> Result<(), Error> + Send + Sync,
        answer: impl Fn(&Promise) -> R + Send + Sync,
    ) -> Result<R, Error> {
        let author = roster::store::member_of_caller(self.db.calls(), write).await?;
        // It never goes to another ticket.
        let ticket = store::load(&self.db, id).await?.ticket;
        let mut transaction = self.db.begin().await?;
        let now = self.clock.now();
        let ticket = ticket::store::lock_one_at(&mut transaction, ticket, now).await?;
        let promise = store::lock(&mut transaction, &[id]).await?.pop();
        let promise = promise.ok_or_else(|| Error::not_found(format_name(super::model::COLLECTION, id)))?;
        etag.check(promise.version)?;
        let priority = ticket.priority.raised();
        let policy = self.policies.of_ticket(&ticket).await?;
        let raised = (priority, policy.targets(&Matched { priority, ..ticket.matched() }));
        let calendar = roster::store::calendar_of(&mut *transaction, ticket.department).await?;
        let mut scene = Scene::new(ticket, promise, Around { raised, calendar }, now);
        decide(&mut scene, author)?;
        let Scene { ticket, promise, of_ticket, of_promise, .. } = scene;
        let response = answer(&promise);
        store::update(&mut transaction, std::slice::from_ref(&promise)).await?;
        self.save(transaction, write, &ticket, (&of_ticket, &of_promise), &response).await?;
        Ok(response)
    }

    /// Tells what happened, keeps the answer and commits.
    async fn save(
        &self,
        mut transaction: sqlx::Transaction<'static, sqlx::Postgres>,
        write: &Write,
        ticket: &Ticket,
        (of_ticket, of_promise): (&[TicketChange], &[Change]),
        response: &impl prost::Message,
    ) -> Result<(), Fault> {
        ticket::store::save_for(&mut transaction, write, of_ticket, None).await?;
        store::tell(&mut transaction, write, ticket, of_promise).await?;
        remember(&mut transaction, write, response).await?;
        self.db.commit(transaction).await
    }
}

/// Who answers for a promise: whoever is named, or the first of the usual ones who serves (TK41).
async fn owner_of(transaction: &mut PgConnection, named: Option<Uuid>, usual: &[Option<Uuid>]) -> Result<Uuid, Error> {
    if let Some(named) = named {
        serves(&mut *transaction, named).await?;
        return Ok(named);
    }
    let usual: Vec<Uuid> = usual.iter().flatten().copied().collect();
    let known = roster::store::find(transaction, &usual).await?;
    let serving = |id: &Uuid| known.iter().any(|member| member.id == *id && member.state == State::Active);
    let owner = usual.into_iter().find(serving);
    let why = "somebody who serves is named as its owner, as neither the caller nor the assignee does";
    owner.ok_or_else(|| Error::precondition(ErrorReason::StateForbids, "TK41", "owner", why))
}

/// TK41
async fn serves(executor: impl PgExecutor<'_>, member: Uuid) -> Result<(), Error> {
    let known = roster::store::find(executor, &[member]).await?.pop();
    let known = known.ok_or_else(|| Error::not_found(format_name(STAFF_MEMBERS, member)))?;
    if known.state == State::Active {
        return Ok(());
    }
    Err(Error::precondition(ErrorReason::StateForbids, "TK41", "owner", "the owner serves"))
}
