//! Writes of grants and policies: lock, decide, save.

use std::future::Future;

use jiff::Timestamp;
use prost::Message;
use seva_proto::tickets::v1::{
    ApproveGrantResponse, CreateCompensationPolicyResponse, ProposeGrantResponse, RejectGrantResponse,
    ReverseGrantResponse,
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, due::Bell, fault::write_conflict, idempotency::once};
use seva_values::{Invalid, Money, new_id};
use uuid::Uuid;

use super::{
    invoices,
    limits::{Bounds, Kind, Limit, Policy, may_give},
    model::{Grant, NewGrant, State},
    policies, store,
};
use crate::{
    roster::{self, StaffMember},
    ticket::store::locked,
};

/// How often a policy is tried again when somebody else has taken its number.
const TRIES: usize = 3;

/// What compensation's writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    /// Rung when a grant is approved: it is to be issued.
    issuing: Bell,
}

/// Something to give.
pub struct ProposeGrant {
    pub ticket: Uuid,
    pub ticket_etag: Etag,
    pub kind: Kind,
    pub amount: Money,
    pub reason: String,
    pub invoice: Option<Uuid>,
}

/// It may be given.
pub struct ApproveGrant {
    pub id: Uuid,
    pub etag: Etag,
}

/// It may not.
pub struct RejectGrant {
    pub id: Uuid,
    pub etag: Etag,
    pub reason: String,
}

/// It is taken back.
pub struct ReverseGrant {
    pub id: Uuid,
    pub etag: Etag,
    pub reason: String,
}

/// Limits; `None`: they hold at once.
pub struct CreatePolicy {
    pub effective_at: Option<Timestamp>,
    pub limits: Vec<Limit>,
}

impl Commands {
    /// On this database; rings `issuing` when there is something to issue.
    pub const fn new(db: Database, clock: BusinessClock, issuing: Bell) -> Self {
        Self { db, clock, issuing }
    }

    /// Proposes something; within all limits it is approved with it (TK60).
    pub async fn propose(&self, write: &Write, command: ProposeGrant) -> Result<ProposeGrantResponse, Error> {
        let ProposeGrant { ticket, ticket_etag, kind, amount, reason, invoice } = command;
        self.answering(write, async {
            let member = giver(&self.db, &write.actor).await?;
            let now = self.clock.now();
            let day_start = store::day_start(self.db.calls(), &member, now).await?;
            let policy = policies::in_force(self.db.calls(), now).await?;
            let mut transaction = self.db.begin().await?;
            let of = locked::lock_ticket(&mut transaction, ticket).await?;
            of.check(ticket_etag)?;
            store::lock_giver_and_customer(&mut transaction, member.id, of.customer).await?;
            // Only now, with both locked: what others have given meanwhile is seen (TK63).
            let given = store::given(&mut *transaction, member.id, day_start, of.customer, now).await?;
            let given = given.get(&(kind, amount.currency)).copied().unwrap_or_default();
            let limit = policy.as_ref().and_then(|policy| policy.limit(kind, amount.currency));
            let bounds = Bounds::new(member.authority(kind, amount.currency), limit, given);
            let new = NewGrant { ticket, customer: of.customer, kind, amount, reason: reason.clone(), invoice };
            let policy = policy.as_ref().map(|policy| policy.id);
            let grant = Grant::propose(new_id(), new, member.id, &bounds, policy, now);
            if let Some(invoice) = invoice {
                invoices::set_aside(&mut transaction, invoice, of.customer, None, amount).await?;
            }
            let response = ProposeGrantResponse { grant: Some((&grant).into()) };
            store::insert(&mut transaction, &of.told(write), &grant, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Approves what waits; of a refund so much has still to be left of its invoice (TK64).
    pub async fn approve(&self, write: &Write, command: ApproveGrant) -> Result<ApproveGrantResponse, Error> {
        let ApproveGrant { id, etag } = command;
        let decide = |grant: &Grant, member: &StaffMember, now| grant.approve(member, now);
        self.change(write, id, etag, decide, |grant| ApproveGrantResponse { grant: Some(grant.into()) }).await
    }

    /// Rejects what waits.
    pub async fn reject(&self, write: &Write, command: RejectGrant) -> Result<RejectGrantResponse, Error> {
        let RejectGrant { id, etag, reason } = command;
        let decide = |grant: &Grant, member: &StaffMember, now| grant.reject(member, reason.clone(), now);
        self.change(write, id, etag, decide, |grant| RejectGrantResponse { grant: Some(grant.into()) }).await
    }

    /// Takes back what is settled, by a new entry (TK65).
    pub async fn reverse(&self, write: &Write, command: ReverseGrant) -> Result<ReverseGrantResponse, Error> {
        let ReverseGrant { id, etag, reason } = command;
        self.answering(write, async {
            let member = giver(&self.db, &write.actor).await?;
            let first = store::load(&self.db, id).await?;
            etag.check(first.version)?;
            let reversal = first.reverse(new_id(), member.id, reason.clone(), self.clock.now())?;
            let response = ReverseGrantResponse { grant: Some((&reversal).into()) };
            let mut transaction = self.db.begin().await?;
            let of = locked::lock_ticket(&mut transaction, reversal.ticket).await?;
            store::insert(&mut transaction, &of.told(write), &reversal, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Sets limits from a time on.
    pub async fn create_policy(
        &self,
        write: &Write,
        command: CreatePolicy,
    ) -> Result<CreateCompensationPolicyResponse, Error> {
        let CreatePolicy { effective_at, limits } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let now = self.clock.now();
                let effective_at = effective_at.unwrap_or(now);
                if effective_at < now {
                    let past = Invalid::new("TIME_PASSED", "what was in force in the past stays so (TK67)");
                    return Err(Error::invalid_field("compensation_policy.effective_time", past));
                }
                let version = policies::newest_version(&self.db).await? + 1;
                let policy = Policy { id: new_id(), version, effective_at, limits: limits.clone(), created_at: now };
                let response = CreateCompensationPolicyResponse { compensation_policy: Some((&policy).into()) };
                match policies::insert(&self.db, write, &policy, &response).await {
                    Err(error) if error.is_transient() => {}
                    written => return written.map(|()| response),
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Locks, decides and saves. What happens meanwhile comes before or after, so nothing is tried again.
    async fn change<R: Message + Default>(
        &self,
        write: &Write,
        id: Uuid,
        etag: Etag,
        decide: impl Fn(&Grant, &StaffMember, Timestamp) -> Result<Grant, Error> + Send + Sync,
        answer: impl Fn(&Grant) -> R + Send + Sync,
    ) -> Result<R, Error> {
        self.answering(write, async {
            let member = giver(&self.db, &write.actor).await?;
            let ticket = store::load(&self.db, id).await?.ticket;
            let mut transaction = self.db.begin().await?;
            let of = locked::lock_ticket(&mut transaction, ticket).await?;
            let grant = store::lock(&mut transaction, &[id]).await?.remove(&id);
            let grant = grant.ok_or_else(write_conflict)?;
            etag.check(grant.version)?;
            let next = decide(&grant, &member, self.clock.now())?;
            if let Some(invoice) = next.invoice.filter(|_| next.state == State::Approved) {
                invoices::is_left(&mut transaction, invoice).await?;
            }
            let response = answer(&next);
            store::update(&mut transaction, &of.told(write), &next, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Answers a repeated request as the first time, and wakes what follows.
    async fn answering<R: Message + Default>(
        &self,
        write: &Write,
        attempt: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        let answer = once(&self.db, write, attempt).await?;
        self.issuing.ring();
        Ok(answer)
    }
}

/// The member who calls (TK61).
///
/// # Errors
/// `AUTHORITY_SUSPENDED`.
pub async fn giver(db: &Database, caller: &str) -> Result<StaffMember, Error> {
    let member = match caller.strip_prefix("user:") {
        Some(user) => roster::store::find_by_user(db.calls(), user).await?,
        None => None,
    };
    may_give(caller, member)
}
