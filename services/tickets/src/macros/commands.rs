//! Writes of macros, and what they do to tickets: load, decide, save.

use prost::Message;
use seva_proto::tickets::v1::{ApplyMacroResponse, CreateMacroResponse, RetireMacroResponse, UpdateMacroResponse};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    convert::{CreateMacro, UpdateMacro},
    model::{Macro, NewMacro},
    store,
};
use crate::{
    action::{By, Refused, convert::effects, decide},
    ticket::{self, Change, Ticket},
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What macros' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    tickets: ticket::Commands,
}

/// Out of use.
pub struct RetireMacro {
    pub id: Uuid,
    pub etag: Etag,
}

/// Which macro, on which ticket.
pub struct ApplyMacro {
    pub id: Uuid,
    pub ticket: Uuid,
    pub ticket_etag: Etag,
    pub dry_run: bool,
}

impl Commands {
    /// On this database.
    pub const fn new(db: Database, clock: BusinessClock, tickets: ticket::Commands) -> Self {
        Self { db, clock, tickets }
    }

    /// Writes one down.
    pub async fn create(&self, write: &Write, command: CreateMacro) -> Result<CreateMacroResponse, Error> {
        let CreateMacro { reading, new } = command;
        once(&self.db, write, async {
            let new: NewMacro = reading.finish(&self.db, new).await?;
            let created = Macro::create(new_id(), new, self.clock.now());
            let response = CreateMacroResponse { r#macro: Some((&created).into()) };
            store::insert(&self.db, write, &created, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateMacro) -> Result<UpdateMacroResponse, Error> {
        let UpdateMacro { reading, id, etag, edit } = command;
        once(&self.db, write, async {
            let (id, etag) = reading.finish(&self.db, id.zip(etag)).await?;
            let decide = |one: Macro| {
                let (next, changed) = one.update(edit.clone(), self.clock.now())?;
                Ok(Some((next, "seva.tickets.macro.updated.v1", changed)))
            };
            let answer = |one: &Macro| UpdateMacroResponse { r#macro: Some(one.into()) };
            self.change(write, id, &etag, decide, answer).await
        })
        .await
    }

    /// Takes one out of use.
    pub async fn retire(&self, write: &Write, command: RetireMacro) -> Result<RetireMacroResponse, Error> {
        let RetireMacro { id, etag } = command;
        let decide = |one: Macro| {
            let next = one.retire(self.clock.now());
            Ok(next.map(|next| (next, "seva.tickets.macro.retired.v1", vec!["state"])))
        };
        let answer = |one: &Macro| RetireMacroResponse { r#macro: Some(one.into()) };
        once(&self.db, write, self.change(write, id, &etag, decide, answer)).await
    }

    /// Loads, decides and saves, again when other writes come between. What changes nothing is answered without a write.
    async fn change<R: Message>(
        &self,
        write: &Write,
        id: Uuid,
        etag: &Etag,
        decide: impl Fn(Macro) -> Result<Option<(Macro, &'static str, Vec<&'static str>)>, Error> + Send + Sync,
        answer: impl Fn(&Macro) -> R + Send + Sync,
    ) -> Result<R, Error> {
        for _ in 0..TRIES {
            let before = store::load(&self.db, id).await?;
            etag.check(before.version)?;
            let Some((next, event, changed)) = decide(before.clone())? else { return Ok(answer(&before)) };
            let response = answer(&next);
            if store::save(&self.db, write, &next, event, &changed, &response).await? {
                return Ok(response);
            }
        }
        Err(write_conflict())
    }

    /// Carries one out on a ticket, or says what it would do.
    pub async fn apply(&self, write: &Write, command: ApplyMacro) -> Result<ApplyMacroResponse, Error> {
        let member = self.tickets.member(write).await?;
        if command.dry_run {
            let (_, changes) = self.steps(&command, By::Person(member)).await?;
            return Ok(answer(&changes));
        }
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let (before, changes) = self.steps(&command, By::Person(member)).await?;
                let response = answer(&changes);
                if self.tickets.save_steps(write, &before, &changes, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    async fn steps(&self, command: &ApplyMacro, by: By) -> Result<(Ticket, Vec<Change>), Error> {
        let one = store::load(&self.db, command.id).await?;
        let now = self.clock.now();
        let ticket = self.tickets.load(command.ticket, now).await?;
        command.ticket_etag.check(ticket.version)?;
        one.fits(&ticket)?;
        let changes = decide(&self.tickets, &ticket, &one.actions, by, now).await;
        Ok((ticket, changes.map_err(Refused::into_error)?))
    }
}

fn answer(changes: &[Change]) -> ApplyMacroResponse {
    ApplyMacroResponse { ticket: changes.last().map(|change| (&change.ticket).into()), effects: effects(changes) }
}
