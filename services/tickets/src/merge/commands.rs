//! Writes over two tickets: both are locked in the order of their ids, so that of two merges that contradict each other one holds (TK50).

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{MergeTicketResponse, SplitTicketResponse, UnmergeTicketResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag, Fault,
    due::Bell,
    idempotency::{once, remember},
};
use seva_values::format_name;
use uuid::Uuid;

use super::store as merges;
use crate::{
    clock,
    custom_field::Values,
    message, recorded,
    ticket::{
        self, Change, Kind, Ticket,
        model::{COLLECTION, NewTicket, merging::Split},
        store::{self, insert_opened, save_all, save_for},
    },
    ticket_link,
};

/// What merges and splits need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    tickets: ticket::Commands,
    /// Rung when a place becomes free, or a ticket comes into a queue.
    routing: Bell,
}

/// What is merged into what.
pub struct MergeTicket {
    pub source: Uuid,
    pub etag: Etag,
    pub target: Uuid,
    pub target_etag: Etag,
    pub across_customers_reason: String,
}

/// What is taken out again.
pub struct UnmergeTicket {
    pub source: Uuid,
    pub etag: Etag,
}

/// What becomes a ticket of its own.
pub struct SplitTicket {
    pub id: Uuid,
    pub etag: Etag,
    pub messages: Vec<Uuid>,
    pub title: String,
    pub stated_problem: String,
    pub kind: Option<Kind>,
}

impl Commands {
    /// On this database; opens what is split off as `tickets` does.
    pub const fn new(db: Database, clock: BusinessClock, tickets: ticket::Commands, routing: Bell) -> Self {
        Self { db, clock, tickets, routing }
    }

    /// Carries a ticket on in another one.
    pub async fn merge(&self, write: &Write, command: MergeTicket) -> Result<MergeTicketResponse, Error> {
        let MergeTicket { source: id, etag, target, target_etag, across_customers_reason: reason } = command;
        let merged = once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let now = self.clock.now();
            let [source, target] = of(store::lock_at(&mut transaction, &[id, target], now).await?, [id, target])?;
            etag.check(source.version)?;
            target_etag.check(target.version)?;
            let (changes, taken_over) = source.merge_into(&target, !reason.is_empty(), now)?;
            let reason = (source.customer != target.customer).then_some(reason.as_str());
            save_for(&mut transaction, write, &changes, reason).await.map_err(store::refusal)?;
            merges::keep(&mut transaction, &source, (target.id, &taken_over), now).await?;
            let [ticket, target] = changes.each_ref().map(|change| Some((&change.ticket).into()));
            let response = MergeTicketResponse { ticket, target };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await;
        self.routing.ring();
        match merged {
            Err(error) => Err(self.tickets.with_open_work(id, error).await),
            merged => merged,
        }
    }

    /// Takes a ticket out of the one that carries it on.
    pub async fn unmerge(&self, write: &Write, command: UnmergeTicket) -> Result<UnmergeTicketResponse, Error> {
        let UnmergeTicket { source: id, etag } = command;
        let unmerged = once(&self.db, write, async {
            let (target, _) = store::load(&self.db, id).await?.has_to_be_merged()?;
            let mut transaction = self.db.begin().await?;
            let now = self.clock.now();
            let [source, target] = of(store::lock_at(&mut transaction, &[id, target], now).await?, [id, target])?;
            etag.check(source.version)?;
            if source.has_to_be_merged()?.0 != target.id {
                return Err(seva_store::fault::write_conflict());
            }
            let since = merges::since(&mut transaction, id, target.id).await?;
            let before = merges::end(&mut transaction, id, now).await?;
            let changes = source.unmerge_from(&target, &before, since, now)?;
            save_for(&mut transaction, write, &changes, None).await.map_err(store::refusal)?;
            let [ticket, target] = changes.each_ref().map(|change| Some((&change.ticket).into()));
            let response = UnmergeTicketResponse { ticket, target };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await?;
        self.routing.ring();
        Ok(unmerged)
    }

    /// Makes a ticket of some messages of another one.
    pub async fn split(&self, write: &Write, command: SplitTicket) -> Result<SplitTicketResponse, Error> {
        let SplitTicket { id, etag, messages, title, stated_problem, kind } = command;
        // Boxed: it holds two tickets with all their clocks.
        let split = Box::pin(once(&self.db, write, async {
            let origin = store::load(&self.db, id).await?;
            let new = NewTicket {
                customer: origin.customer,
                kind: kind.unwrap_or(origin.kind),
                priority: origin.priority,
                title: title.clone(),
                stated_problem: stated_problem.clone(),
                tags: origin.tags.clone(),
                // What the company wants to know is asked again where the kind is another one.
                fields: if kind.is_none_or(|kind| kind == origin.kind) {
                    origin.fields.clone()
                } else {
                    Values::default()
                },
                matter: None,
                follow_up_of: None,
            };
            let taken = message::store::of_ticket(&self.db, id, &messages).await?;
            let missing = messages.iter().find(|id| taken.iter().all(|message| message.id != **id));
            let first = match (missing, taken.first()) {
                (None, Some(first)) => first.created_at,
                (missing, _) => return Err(no_such_message(id, missing.copied().unwrap_or_default())),
            };
            let (opened, _) = self.tickets.open(write, new, first).await?;
            let mut transaction = self.db.begin().await?;
            let now = self.clock.now();
            let [origin] = of(store::lock_at(&mut transaction, &[id], now).await?, [id])?;
            etag.check(origin.version)?;
            let Split { origin, opened, passed } = origin.split(opened, &taken, now)?;
            insert_opened(&mut transaction, &write.actor, &opened).await?;
            save_all(&mut transaction, clock::breaches::ACTOR, &passed).await?;
            recorded::note(&mut transaction, write, &opened.ticket.name(), &["*"], None).await?;
            save_for(&mut transaction, write, std::slice::from_ref(&origin), None).await?;
            merges::take(&mut transaction, &messages, opened.ticket.id).await.map_err(taken_before)?;
            ticket_link::relate(&mut transaction, write, opened.ticket.id, id, now).await?;
            let told = |change: &Change| Some((&change.ticket).into());
            let response =
                SplitTicketResponse { ticket: told(passed.last().unwrap_or(&opened)), origin: told(&origin) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        }))
        .await?;
        self.routing.ring();
        Ok(split)
    }
}

/// The locked tickets in the order in which they were asked for.
fn of<const N: usize>(locked: Vec<Ticket>, ids: [Uuid; N]) -> Result<[Ticket; N], Error> {
    let mut asked = Vec::with_capacity(N);
    for id in ids {
        let found = locked.iter().find(|ticket| ticket.id == id).cloned();
        asked.push(found.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?);
    }
    asked.try_into().map_err(|_| Error::internal("as many were asked for"))
}

fn no_such_message(ticket: Uuid, message: Uuid) -> Error {
    Error::not_found(format!("{}/messages/{message}", format_name(COLLECTION, ticket)))
}

fn taken_before(fault: Fault) -> Error {
    if fault.violates("message_taken_once") {
        let description = "no other ticket was split off with one of these messages";
        return Error::precondition(ErrorReason::StateForbids, "TK55", "messages", description);
    }
    fault.into()
}
