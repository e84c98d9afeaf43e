//! What time and departures do to promises: they are broken when they are due, and pass on when their owner leaves.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use super::{
    model::State,
    scene::{Around, Scene},
    store::{self, Found},
};
use crate::{
    clock::Calendar,
    policy::{Matched, Policies},
    roster,
    ticket::{self, model::StoryOf},
};

/// Who says so in the events.
const ACTOR: &str = "worker:promises";

/// Breaks promises that nobody has kept in time (TK42).
#[derive(Debug, Clone)]
pub struct Due {
    db: Database,
    policies: Policies,
}

impl Due {
    /// Looks after the promises of this database.
    #[must_use]
    pub const fn new(db: Database, policies: Policies) -> Self {
        Self { db, policies }
    }

    async fn break_due(&self, due: &[Found], now: Timestamp) -> Result<(), Fault> {
        let mut transaction = self.db.begin().await?;
        let ids: Vec<Uuid> = due.iter().map(|found| found.ticket).collect();
        let tickets = ticket::store::lock(&mut transaction, &ids).await?;
        let mut tickets: HashMap<Uuid, _> = tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        let ids: Vec<Uuid> = due.iter().map(|found| found.promise).collect();
        let (mut promises, mut of_tickets, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for promise in store::lock(&mut transaction, &ids).await? {
            let Some(ticket) = tickets.remove(&promise.ticket) else { continue };
            let priority = ticket.priority.raised();
            let policy = self.policies.of_ticket(&ticket).await?;
            let raised = (priority, policy.targets(&Matched { priority, ..ticket.matched() }));
            let around = Around { raised, calendar: Calendar::always() };
            let scene = Scene::new(ticket, promise, around, now);
            told.extend(scene.of_promise.into_iter().map(|change| (change, scene.ticket.story.clone())));
            of_tickets.extend(scene.of_ticket);
            promises.push(scene.promise);
            tickets.insert(scene.ticket.id, scene.ticket);
        }
        store::update(&mut transaction, &promises).await?;
        ticket::store::save_all(&mut transaction, ACTOR, &of_tickets).await?;
        store::tell_all(&mut transaction, ACTOR, &told).await?;
        self.db.commit(transaction).await
    }
}

#[async_trait]
impl DueWork for Due {
    fn name(&self) -> &'static str {
        "promises"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let due = store::due(&self.db, now, limit).await?;
        match self.break_due(&due, now).await {
            // One that cannot be done does not stand in the way of the others.
            Err(fault) if fault.is_permanent() && due.len() > 1 => {
                let mut done = due.len();
                for one in &due {
                    if let Err(fault) = self.break_due(std::slice::from_ref(one), now).await {
                        done -= 1;
                        tracing::error!(promise = %one.promise, %fault, "a promise that is due cannot be broken");
                    }
                }
                Ok(done)
            }
            done => done.map(|()| due.len()).map_err(Error::from),
        }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db).await?)
    }
}

/// Passes promises whose owner has left or is away for longer to whoever has their ticket, or else into the queue of the department's lead, and from there to the
/// ticket's next assignee (TK41); answers how many.
pub(crate) async fn pass_on(db: &Database, now: Timestamp, limit: i64) -> Result<usize, Fault> {
    let found = store::without_owner(db, limit).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let mut transaction = db.begin().await?;
    let ids: Vec<Uuid> = found.iter().map(|found| found.ticket).collect();
    let tickets = ticket::store::lock(&mut transaction, &ids).await?;
    let stories: HashMap<Uuid, (Option<Uuid>, StoryOf)> =
        tickets.into_iter().map(|ticket| (ticket.id, (ticket.assignee, ticket.story))).collect();
    let ids: Vec<Uuid> = found.iter().map(|found| found.promise).collect();
    let promises = store::lock(&mut transaction, &ids).await?;
    let concerned = promises.iter().filter_map(|promise| promise.owner);
    let concerned: Vec<Uuid> = concerned.chain(stories.values().filter_map(|(assignee, _)| *assignee)).collect();
    let members = roster::store::find(&mut *transaction, &concerned).await?;
    let serves = |id: &Uuid| members.iter().any(|member| member.id == *id && member.state == roster::State::Active);
    let (mut passed, mut told) = (Vec::new(), Vec::new());
    for promise in promises.into_iter().filter(|promise| promise.state == State::Open) {
        let Some((assignee, story)) = stories.get(&promise.ticket) else { continue };
        let heir = promise.owner.filter(serves).or_else(|| assignee.filter(serves));
        if heir != promise.owner {
            let change = promise.assign(heir, now)?;
            passed.push(change.promise.clone());
            told.push((change, story.clone()));
        }
    }
    store::update(&mut transaction, &passed).await?;
    store::tell_all(&mut transaction, ACTOR, &told).await?;
    db.commit(transaction).await?;
    Ok(found.len())
}
