//! Brings messages to their tickets: in the call that pushed them, or later when their customers could not be asked for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{
    BusinessClock, Error, Write,
    call::{Story, current_traceparent},
};
use seva_store::{
    Database, Fault,
    due::{Bell, DueWork},
    event::lock_subjects,
};
use seva_values::{format_name, new_id};
use sqlx::PgConnection;
use tonic::Code;
use uuid::Uuid;

use super::{
    model::{COLLECTION, Incoming, Kept, Progress, Reason, State},
    places::{self, Target},
    senders::{self, Senders},
    store,
    thanks::is_thanks,
    thread::Threads,
    words::cut,
};
use crate::{
    custom_field::Values,
    merge,
    message::{Author, Message, Visibility, model::MAX_TEXT_CHARS},
    policy::{Policies, Policy},
    recipient::{self, Recipient},
    ticket::{
        self, Priority, Ticket,
        commands::opening,
        convert::MAX_LINE_CHARS,
        model::{Change, NewTicket, hearing::Heard},
    },
};

/// How a ticket's audit names what has happened.
const METHOD: &str = "inbound";
/// The title of a ticket that is opened by a message without words.
const WITHOUT_WORDS: &str = "…";

/// Brings messages to their tickets.
#[derive(Clone)]
pub struct Delivery {
    db: Database,
    clock: BusinessClock,
    policies: Policies,
    senders: Arc<dyn Senders>,
    /// Rung when there is something to give out.
    routing: Bell,
    /// Rung when messages are left for later.
    later: Bell,
}

impl Delivery {
    /// On this database; `senders` knows whose addresses messages come from.
    pub fn new(
        db: Database,
        clock: BusinessClock,
        policies: Policies,
        senders: Arc<dyn Senders>,
        routing: Bell,
    ) -> Self {
        Self { db, clock, policies, senders, routing, later: Bell::default() }
    }

    /// Wakes the work that delivers later.
    pub fn bell(&self) -> Bell {
        self.later.clone()
    }

    /// Delivers pending messages, or leaves them for later.
    pub async fn deliver_now(&self, ids: &[Uuid]) {
        if let Err(error) = self.deliver(ids).await {
            tracing::warn!(%error, "messages are delivered later");
            self.later.ring();
        }
    }

    /// Delivers pending messages together; when that fails each for itself, so that one does not hinder the others. What can never be delivered
    /// is held.
    async fn deliver(&self, ids: &[Uuid]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let Err(error) = self.deliver_together(ids).await else { return Ok(()) };
        if matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded) {
            return Err(error);
        }
        let mut waits = None;
        for id in ids {
            match self.deliver_together(std::slice::from_ref(id)).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => waits = Some(error),
                Err(error) => {
                    tracing::error!(message = %id, %error, "a message cannot be delivered and is held");
                    store::settle(self.db.calls(), &[(*id, Progress::stopped(Reason::Failed))]).await?;
                }
            }
        }
        waits.map_or(Ok(()), Err)
    }

    async fn deliver_together(&self, ids: &[Uuid]) -> Result<(), Error> {
        let pending = store::pending(self.db.calls(), ids).await?;
        let customers = self.customers(&pending).await?;
        let policy = self.policies.newest().await?;
        self.write(pending, customers, &policy).await?;
        self.routing.ring();
        Ok(())
    }

    /// Whose messages they may be. Asked before the transaction begins.
    async fn customers(&self, pending: &[Kept]) -> Result<HashMap<Uuid, Vec<Recipient>>, Error> {
        let asked: Vec<&Kept> = pending.iter().filter(|kept| kept.progress.customer.is_none()).collect();
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let messages: Vec<&Incoming> = asked.iter().map(|kept| &kept.incoming).collect();
        let answered = senders::of_messages(&*self.senders, &messages).await?;
        Ok(asked.iter().map(|kept| kept.id).zip(answered).collect())
    }

    /// One transaction: conversations are locked before messages, and these before tickets.
    async fn write(
        &self,
        mut pending: Vec<Kept>,
        customers: HashMap<Uuid, Vec<Recipient>>,
        policy: &Policy,
    ) -> Result<(), Fault> {
        let mut transaction = self.db.begin().await?;
        lock_subjects(&mut transaction, &conversations(&pending)).await?;
        let ids: Vec<Uuid> = pending.iter().map(|kept| kept.id).collect();
        let locked: BTreeSet<Uuid> = store::lock_pending(&mut transaction, &ids).await?.into_iter().collect();
        pending.retain(|kept| locked.contains(&kept.id));
        let heard: Vec<Recipient> = customers.values().flatten().cloned().collect();
        recipient::store::save(&mut transaction, &heard).await?;
        let of = |kept: &Kept| customers_of(&customers, kept);
        let threads = places::threads(&mut transaction, &pending, of).await?;
        let candidates: Vec<Uuid> = pending.iter().flat_map(|kept| threads.of(&kept.incoming, &of(kept))).collect();
        let targets = places::targets(&mut *transaction, &candidates).await?;
        let mut work = Work {
            locked,
            customers,
            threads,
            targets,
            tickets: HashMap::new(),
            settled: Vec::new(),
            policy,
            now: self.clock.now(),
        };
        work.lock_tickets(&mut transaction, &pending).await?;
        for kept in &pending {
            work.deliver(&mut transaction, kept).await?;
        }
        store::settle(&mut *transaction, &work.settled).await?;
        self.db.commit(transaction).await
    }
}

/// Whose a message may be.
fn customers_of(known: &HashMap<Uuid, Vec<Recipient>>, kept: &Kept) -> Vec<Uuid> {
    match kept.progress.customer {
        Some(customer) => vec![customer],
        None => known.get(&kept.id).into_iter().flatten().map(|known| known.customer).collect(),
    }
}

/// The conversations of messages: of two that begin one at once the second finds the ticket of the first.
fn conversations(pending: &[Kept]) -> Vec<String> {
    let named = pending.iter().filter(|kept| !kept.incoming.thread_id.is_empty());
    named.map(|kept| format!("conversations:{}:{}", kept.incoming.source, kept.incoming.thread_id)).collect()
}

/// The delivery of some messages, in the order in which they came.
struct Work<'p> {
    /// The messages themselves.
    locked: BTreeSet<Uuid>,
    /// Whose each may be.
    customers: HashMap<Uuid, Vec<Recipient>>,
    threads: Threads,
    /// Where what is said about a ticket goes.
    targets: HashMap<Uuid, Target>,
    /// As they are after what was delivered so far.
    tickets: HashMap<Uuid, Ticket>,
    settled: Vec<(Uuid, Progress)>,
    policy: &'p Policy,
    now: Timestamp,
}

/// What a message does.
enum Effect {
    /// Something happens to a ticket.
    Changes(Box<Change>),
    /// A ticket is opened, which may follow one.
    Opens(Option<Uuid>),
    /// Nothing, or not yet.
    Stops(Uuid, Reason),
}

impl Work<'_> {
    /// The ticket whose thread a message belongs to, the likeliest in which its sender has a part, and the sender (TK92).
    fn place_of(&self, kept: &Kept) -> Option<(Target, Uuid)> {
        let customers = customers_of(&self.customers, kept);
        let candidates = self.threads.of(&kept.incoming, &customers).into_iter();
        let mut targets = candidates.filter_map(|ticket| self.targets.get(&ticket));
        targets.find_map(|target| {
            let sender = customers.iter().find(|customer| target.parts.contains(customer))?;
            Some((target.clone(), *sender))
        })
    }

    async fn lock_tickets(&mut self, connection: &mut PgConnection, pending: &[Kept]) -> Result<(), Fault> {
        let places = pending.iter().filter_map(|kept| Some(self.place_of(kept)?.0));
        let ids: BTreeSet<Uuid> = places.flat_map(|place| [place.ticket].into_iter().chain(place.through)).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let tickets = ticket::store::lock_at(connection, &ids, self.now).await?;
        self.tickets = tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        Ok(())
    }

    async fn deliver(&mut self, connection: &mut PgConnection, kept: &Kept) -> Result<(), Fault> {
        if self.threads.has_to_wait(kept, &self.locked) {
            return Ok(());
        }
        let place = self.place_of(kept);
        let sender = match (&place, customers_of(&self.customers, kept).as_slice()) {
            (Some((_, sender)), _) => *sender,
            (None, [customer]) => *customer,
            (None, _) => {
                self.settled.push((kept.id, Progress::stopped(Reason::SenderAmbiguous)));
                return Ok(());
            }
        };
        let place = place.map(|(place, _)| place);
        let through = place.as_ref().and_then(|place| place.through);
        if through.and_then(|id| self.tickets.get(&id)).is_some_and(|merged| merged.merged_into.is_none()) {
            // Its merge was undone before it was locked: the next try finds the ticket itself.
            return Err(Fault::Serialization);
        }
        let effect = match place.as_ref().and_then(|place| self.tickets.get(&place.ticket)) {
            Some(ticket) => said(ticket, kept, sender, self.now)?,
            None => Effect::Opens(None),
        };
        if let Effect::Opens(Some(follows)) = effect
            && places::is_carried_on(&mut *connection, follows).await?
        {
            // Somebody was first, before it was locked: the next try sees where it goes on.
            return Err(Fault::Serialization);
        }
        let change = match effect {
            Effect::Stops(ticket, reason) => {
                let progress = Progress { customer: Some(sender), ticket: Some(ticket), ..Progress::stopped(reason) };
                self.settled.push((kept.id, progress));
                return Ok(());
            }
            Effect::Changes(change) => {
                let changes = std::slice::from_ref(&*change);
                ticket::store::save_for(&mut *connection, &write(kept), changes, None).await?;
                *change
            }
            Effect::Opens(follows) => self.open(&mut *connection, kept, sender, follows).await?,
        };
        if let (Some(through), Some(message)) = (through, &change.message) {
            merge::store::came_through(connection, message.id, through).await?;
        }
        let parts = place.map_or_else(|| vec![change.ticket.customer], |place| place.parts);
        self.add(kept, sender, parts, change);
        Ok(())
    }

    /// Opens a ticket with what the message says.
    async fn open(
        &self,
        connection: &mut PgConnection,
        kept: &Kept,
        sender: Uuid,
        follows: Option<Uuid>,
    ) -> Result<Change, Fault> {
        let stated_problem = text(&kept.incoming);
        let new = match follows.and_then(|id| self.tickets.get(&id)) {
            Some(ticket) => NewTicket::following(ticket, stated_problem),
            None => NewTicket {
                customer: sender,
                kind: kept.incoming.kind,
                priority: Priority::Normal,
                title: title(&kept.incoming.subject, &kept.incoming.body),
                stated_problem,
                tags: Vec::new(),
                fields: Values::default(),
                matter: None,
                follow_up_of: None,
            },
        };
        let (write, words) = (write(kept), message(kept, sender, self.now));
        let opened = opening::opened_with(&mut *connection, &write, self.policy, new, words).await?;
        opening::save_opened(connection, &write, &opened, kept.incoming.channel.name(), &()).await?;
        Ok(opened)
    }

    /// Takes over what has happened to the ticket in which these have a part: what follows in these messages goes on from there.
    fn add(&mut self, kept: &Kept, sender: Uuid, parts: Vec<Uuid>, change: Change) {
        let Change { mut ticket, message, .. } = change;
        let progress = Progress {
            state: State::Delivered,
            reason: None,
            customer: Some(sender),
            ticket: Some(ticket.id),
            message: message.map(|message| message.id),
        };
        self.settled.push((kept.id, progress));
        self.threads.add(kept, sender, ticket.id);
        // Whoever had a part in a ticket has it in the one that follows.
        for target in self.targets.values_mut().filter(|target| Some(target.ticket) == ticket.follow_up_of) {
            target.ticket = ticket.id;
        }
        self.targets.entry(ticket.id).or_insert(Target { ticket: ticket.id, parts, through: None });
        ticket.clocks = ticket.clocks.written();
        self.tickets.insert(ticket.id, ticket);
    }
}

/// What a message of somebody who has a part in a ticket does to it (TK96, TK97): what their words do ([`Ticket::hear`]), unless they are just
/// thanks. Nothing that is settled changes by a word of which nobody knows whose it is (TK95).
fn said(ticket: &Ticket, kept: &Kept, sender: Uuid, now: Timestamp) -> Result<Effect, Error> {
    let is_thanks = is_thanks(&kept.incoming.body, &kept.incoming.sender.display_name);
    let is_theirs = kept.released || kept.incoming.is_of_its_sender();
    let message = message(kept, sender, now);
    if ticket.is_over() && is_thanks && !kept.released {
        return Ok(Effect::Stops(ticket.id, Reason::Thanks));
    }
    let is_resolved = !ticket.is_over() && !ticket.accepts_messages_of_customer();
    // What opens another ticket leaves this one as it is.
    let is_unsettled = is_resolved || (ticket.is_over() && ticket.can_reopen(now));
    if is_unsettled && !is_theirs {
        return Ok(Effect::Stops(ticket.id, Reason::SenderUnproved));
    }
    if is_resolved && is_thanks {
        return Ok(Effect::Changes(Box::new(ticket.confirm(false, Some(message), now)?)));
    }
    Ok(match ticket.hear(message, false, now)? {
        Heard::Said(change) => Effect::Changes(change),
        Heard::Follows => Effect::Opens(Some(ticket.id)),
    })
}

/// What a message says on its ticket. Whoever takes part speaks for the customer, and is named.
fn message(kept: &Kept, sender: Uuid, now: Timestamp) -> Message {
    Message {
        id: new_id(),
        visibility: Visibility::Public,
        author: Author::Customer,
        author_id: Some(sender),
        medium: kept.incoming.medium(),
        text: text(&kept.incoming),
        attachments: kept.incoming.attachments.clone(),
        created_at: now,
        redacted_at: None,
    }
}

/// The words of a message, as they stand on its ticket.
fn text(message: &Incoming) -> String {
    cut(if message.body.is_empty() { &message.subject } else { &message.body }, MAX_TEXT_CHARS)
}

/// What a ticket is about that a message opens: its subject, or else its first line.
pub fn title(subject: &str, body: &str) -> String {
    let lines = [subject].into_iter().chain(body.lines()).map(str::trim);
    cut(
        &lines
            .filter(|line| !line.is_empty())
            .map(|line| line.replace('\t', " "))
            .next()
            .unwrap_or_else(|| WITHOUT_WORDS.to_owned()),
        MAX_LINE_CHARS,
    )
}

/// Every message begins a story of its own, in the trace of the call that pushed it.
fn write(kept: &Kept) -> Write {
    let story = Story::begun_by(format_name(COLLECTION, kept.id));
    Write {
        actor: kept.pushed_by.clone(),
        on_behalf_of: None,
        method: METHOD.to_owned(),
        request: None,
        story: Story { traceparent: kept.traceparent.clone().or_else(current_traceparent), ..story },
    }
}

#[async_trait]
impl DueWork for Delivery {
    fn name(&self) -> &'static str {
        "inbound"
    }

    async fn run_batch(&self, _: Timestamp, limit: i64) -> Result<usize, Error> {
        let pending = store::oldest_pending(&self.db, limit).await?;
        self.deliver(&pending).await?;
        Ok(pending.len())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::pending_since(&self.db).await?)
    }
}
