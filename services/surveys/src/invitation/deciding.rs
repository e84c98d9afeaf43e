//! Deciding about held invitations when their time has come: claim, lock the customers' ledgers, look, decide, write.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault, due::Bell};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    decision::{Decided, Known, decide_all},
    model::{Change, Invitation},
    store::{self, Schedule},
};
use crate::{
    loop_case, programme,
    recipient::{self, Recipient},
    survey,
    throttle::{self, Rules},
};

/// Who says so in the events.
const ACTOR: &str = "worker:decisions";

/// Decides who is asked.
#[derive(Debug, Clone)]
pub struct Decisions {
    db: Database,
    rules: Rules,
    expiries: Bell,
}

impl Decisions {
    /// Decides about the invitations of this database, and rings `expiries` when some can be answered.
    #[must_use]
    pub const fn new(db: Database, rules: Rules, expiries: Bell) -> Self {
        Self { db, rules, expiries }
    }

    /// When the earliest decision is due.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn earliest(&self) -> Result<Option<Timestamp>, Error> {
        Ok(store::next_due(&self.db, Schedule::Decisions).await?)
    }

    /// Decides what is due at `now`, for at most `limit` claims; answers how many were claimed.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn decide_due(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let claimed = store::claim(&self.db, Schedule::Decisions, now, limit).await?;
        let customers: BTreeSet<Uuid> = claimed.iter().map(|claimed| claimed.customer_id).collect();
        let customers: Vec<Uuid> = customers.into_iter().collect();
        match self.decide(&customers, now).await {
            // One customer must not stand in the way of the others; the lease runs out and they are tried again.
            Err(fault) if fault.is_permanent() && customers.len() > 1 => {
                for customer in &customers {
                    if let Err(fault) = self.decide(std::slice::from_ref(customer), now).await {
                        tracing::error!(%customer, %fault, "whether to ask a customer cannot be decided");
                    }
                }
            }
            decided => decided?,
        }
        self.expiries.ring();
        Ok(claimed.len())
    }

    /// Decides about everything of these customers that is due, in one transaction under the locks of their ledgers (SU2). What another
    /// process has claimed is decided too: the locks, not the claims, keep decisions apart.
    async fn decide(&self, customers: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        if customers.is_empty() {
            return Ok(());
        }
        let mut transaction = self.db.begin().await?;
        // Which mailboxes are to be locked is read before the locks, and what decisions are made from is read under them.
        let before = recipient::store::find(&mut transaction, customers).await?;
        let mailboxes: BTreeSet<Uuid> = before.values().filter_map(|recipient| recipient.mailbox).collect();
        let mailboxes: Vec<Uuid> = mailboxes.into_iter().collect();
        throttle::store::lock(&mut transaction, customers, &mailboxes).await?;
        let recipients = recipient::store::find(&mut transaction, customers).await?;
        let coming = now.saturating_add(self.rules.hold).unwrap_or(Timestamp::MAX);
        let mut held = store::held_of(&mut transaction, customers, coming).await?;
        // Whoever got another mailbox in between is decided about when the lease has run out.
        let is_locked = |recipient: &Recipient| recipient.mailbox.is_none_or(|mailbox| mailboxes.contains(&mailbox));
        held.retain(|held| recipients.get(&held.customer).is_none_or(is_locked));
        let mut known = Known {
            ledgers: throttle::store::load(&mut transaction, customers, &mailboxes).await?,
            recipients,
            ..self.look(&mut transaction, customers, &held, now).await?
        };
        let (mut changes, mut waiting): (Vec<Change>, Vec<_>) = (Vec::new(), Vec::new());
        for decided in decide_all(held, &mut known, &self.rules, now) {
            match decided {
                Decided::Changed(change) => changes.push(*change),
                Decided::Waits { invitation, until } => waiting.push((invitation, until)),
            }
        }
        store::wait(&mut transaction, &waiting).await?;
        throttle::store::reserve(&mut transaction, known.ledgers.added()).await?;
        store::save(&mut transaction, ACTOR, &changes).await?;
        self.db.commit(transaction).await
    }

    /// Reads what decisions are made from, but for what the locks were taken by.
    async fn look(
        &self,
        connection: &mut PgConnection,
        customers: &[Uuid],
        held: &[Invitation],
        now: Timestamp,
    ) -> Result<Known, Fault> {
        let programmes: BTreeSet<Uuid> = held.iter().map(|invitation| invitation.programme).collect();
        let programmes = programme::store::find(&mut *connection, &programmes.into_iter().collect::<Vec<_>>()).await?;
        let surveys: Vec<Uuid> = programmes.iter().map(|programme| programme.survey_id).collect();
        let mut with_open_ticket = recipient::store::with_open_ticket(&mut *connection, customers).await?;
        with_open_ticket.extend(loop_case::store::with_open_case(&mut *connection, customers).await?);
        let since = now.saturating_sub(self.rules.pause_after_contact).unwrap_or(Timestamp::MIN);
        Ok(Known {
            published: survey::store::published(&mut *connection, &surveys).await?,
            programmes: programmes.into_iter().map(|programme| (programme.id, programme)).collect(),
            with_open_ticket,
            contacts: recipient::store::contacts_since(connection, customers, since).await?,
            ..Known::default()
        })
    }
}
