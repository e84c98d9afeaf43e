//! Handing over what is due: claim, decide again, ask who the recipients are and where links lead, write, hand over, finish.
//!
//! No transaction is open while anything outside is waited for. The claim is committed before the first hand-over, so that one that ends
//! without a word is known to be ambiguous.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error, auth::LinkSigner};
use seva_store::{Database, Fault as StoreFault};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    handover::{Handover, Ready},
    model::{Notification, Verdict, decide_after_handover, decide_again},
    plan::Surroundings,
    retry,
    state::{Reason, State},
    store::{self, Claimed, Finish},
};
use crate::{
    config::Settings,
    link::{LinkOwners, OwnLinks, batch::Missing},
    provider::Fault,
    recipient::{Outcome, Recipients, Wanted},
    template_version::Texts,
};

/// Hand-overs at once.
const AT_ONCE: usize = 16;
/// Finished ones are written together, this many at most.
const FINISHED_TOGETHER: usize = 200;

/// Hands messages over.
#[derive(Clone)]
pub struct Dispatch {
    db: Database,
    recipients: Arc<dyn Recipients>,
    owners: LinkOwners,
    handover: Handover,
}

impl Dispatch {
    /// Hands over through the provider of `settings`, with links of these owners and, for customers' wishes, of `signer`.
    #[must_use]
    pub fn new(
        db: Database,
        clock: BusinessClock,
        settings: Settings,
        recipients: Arc<dyn Recipients>,
        owners: LinkOwners,
        signer: LinkSigner,
    ) -> Self {
        let handover = Handover { texts: Texts::new(db.clone()), clock, settings, links: OwnLinks::new(signer) };
        Self { db, recipients, owners, handover }
    }

    /// When the earliest message is due.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn earliest_due(&self) -> Result<Option<Timestamp>, Error> {
        store::next_due(&self.db).await
    }

    /// Claims what is due at `now`, at most `limit`, and ends every claim with a decision.
    ///
    /// # Errors
    /// When the database cannot be asked. What was claimed by then is ambiguous once its lease has ended.
    pub async fn hand_over_due(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let started = Instant::now();
        let (claimed, known) = self.claim(now, limit).await?;
        let count = claimed.len();
        if count == 0 {
            return Ok(0);
        }
        let claims: Vec<_> = claimed.iter().map(|claimed| (claimed.notification.id, claimed.attempt)).collect();
        tokio::select! {
            ended = self.end(claimed, known, now, started) => ended?,
            never = self.keep(&claims) => match never {},
        }
        Ok(count)
    }

    /// Ends each claim.
    async fn end(
        &self,
        claimed: Vec<Claimed>,
        known: Surroundings,
        now: Timestamp,
        started: Instant,
    ) -> Result<(), Error> {
        let taken = self.taken_before(&claimed).await;
        let (decided, asked) = self.decide_without_asking(claimed, &known, &taken, now);
        let (unreachable, ready) = self.ask(asked, &known, now).await;
        store_finishes(&self.db, decided.into_iter().chain(unreachable).collect(), now).await?;
        let handed_over =
            stream::iter(ready).map(|ready| self.handover.carry_out(ready, started)).buffer_unordered(AT_ONCE);
        // A slow hand-over does not keep the others from being finished.
        let mut finished = std::pin::pin!(handed_over.ready_chunks(FINISHED_TOGETHER));
        while let Some(finishes) = finished.next().await {
            store_finishes(&self.db, finishes, now).await?;
        }
        Ok(())
    }

    /// Keeps claims from running out while they are worked on, however slow the provider is.
    async fn keep(&self, claims: &[(Uuid, i32)]) -> Infallible {
        loop {
            tokio::time::sleep(store::RENEW_EVERY).await;
            if let Err(fault) = store::renew(&self.db, claims).await {
                tracing::warn!(%fault, count = claims.len(), "claims cannot be prolonged; trying again");
            }
        }
    }

    async fn claim(&self, now: Timestamp, limit: i64) -> Result<(Vec<Claimed>, Surroundings), StoreFault> {
        let mut connection = self.db.workers().acquire().await?;
        let claimed = store::claim(&mut connection, now, limit).await?;
        if claimed.is_empty() {
            return Ok((claimed, Surroundings::default()));
        }
        let customers: Vec<Uuid> = claimed.iter().map(|claimed| claimed.notification.customer).collect();
        let subjects: Vec<&str> = claimed.iter().map(|claimed| claimed.notification.subject.as_str()).collect();
        let known = store::load_surroundings(&mut connection, &customers, &subjects).await?;
        Ok((claimed, known))
    }

    /// What the provider says of hand-overs that ended without a word, where it can tell.
    async fn taken_before(&self, claimed: &[Claimed]) -> HashMap<Uuid, bool> {
        let mut taken = HashMap::new();
        for claimed in claimed.iter().filter(|claimed| claimed.lapsed) {
            let id = claimed.notification.id;
            taken.extend(self.handover.settings.provider.has_taken(id).await.map(|has_taken| (id, has_taken)));
        }
        taken
    }

    /// What can be decided from what is known here, and the others.
    fn decide_without_asking(
        &self,
        claimed: Vec<Claimed>,
        known: &Surroundings,
        taken: &HashMap<Uuid, bool>,
        now: Timestamp,
    ) -> (Vec<Finish>, Vec<Claimed>) {
        let (mut decided, mut others) = (Vec::new(), Vec::new());
        for claimed in claimed {
            let notification = &claimed.notification;
            let category = &known.categories[&notification.category];
            let taken_before = taken.get(&notification.id).copied();
            if taken_before == Some(true) {
                // Handed over again, the provider leaves it as it is: it is only found out again what it was written from.
                others.push(claimed);
                continue;
            }
            if claimed.lapsed && taken_before.is_none() {
                // NO7
                let handovers = notification.handovers + 1;
                let lost = Err(Fault::Ambiguous { code: "the hand-over before ended without a word".to_owned() });
                let verdict = decide_after_handover(notification, handovers, category.duplicate_policy, &lost, now);
                decided.push(finish(&claimed, Notification { handovers, ..notification.clone() }, verdict, now));
                continue;
            }
            let is_stale =
                notification.matter().is_some_and(|(matter, standing)| known.truths.is_stale(&matter, standing));
            let facts = known.known(now, notification.customer, &notification.milestone, category, is_stale);
            match decide_again(notification, &facts) {
                Some(verdict) => decided.push(finish(&claimed, notification.clone(), verdict, now)),
                None => others.push(claimed),
            }
        }
        (decided, others)
    }

    /// Asks once for all recipients, whose answer checks consent again, and beside it once for the links of each owner.
    async fn ask(&self, asked: Vec<Claimed>, known: &Surroundings, now: Timestamp) -> (Vec<Finish>, Vec<Ready>) {
        if asked.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let category = |claimed: &Claimed| known.categories[&claimed.notification.category].clone();
        let wanted = |claimed: &Claimed| Wanted {
            customer: claimed.notification.customer,
            purpose: category(claimed).purpose(),
        };
        let wanted: Vec<Wanted> = asked.iter().map(wanted).collect();
        let messages = asked.iter().map(|claimed| &claimed.notification);
        let public_url = &self.handover.settings.public_url;
        let (outcomes, minted) =
            tokio::join!(self.recipients.resolve(&wanted), self.owners.mint_for(public_url, messages));
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, count = asked.len(), "recipients cannot be asked for; trying again");
                let again = asked.iter().map(|claimed| finish_unasked(claimed, "recipients", now));
                return (again.collect(), Vec::new());
            }
        };
        let (mut unreachable, mut ready) = (Vec::new(), Vec::new());
        for (claimed, outcome) in asked.into_iter().zip(outcomes) {
            let skipped = match outcome {
                Outcome::Reachable(address) => match minted.links_of(&claimed.notification) {
                    Ok(links) => {
                        let published = known.published[&claimed.notification.milestone];
                        ready.push(Ready { category: category(&claimed), claimed, address, links, published });
                        continue;
                    }
                    Err(Missing::Unanswered(page)) => {
                        unreachable.push(finish_unasked(&claimed, page.word(), now));
                        continue;
                    }
                    Err(Missing::Ended(page)) => Verdict::skipped(Reason::LinkEnded).with_detail(page.word()),
                },
                Outcome::Unknown => Verdict::skipped(Reason::UnknownCustomer),
                Outcome::NoContactPoint => Verdict::skipped(Reason::NoContactPoint),
                Outcome::NoConsent => Verdict::skipped(Reason::NoConsent),
            };
            unreachable.push(finish(&claimed, claimed.notification.clone(), skipped, now));
        }
        (unreachable, ready)
    }
}

/// The end of a claim for which `what` could not be asked: it is tried again.
fn finish_unasked(claimed: &Claimed, what: &str, now: Timestamp) -> Finish {
    let notification = &claimed.notification;
    let next = retry::after_unasked(notification.id, claimed.attempt, now);
    let verdict = Verdict::queued_again(Reason::RecipientUnavailable, next, notification.expire_at);
    let detail = format!("{what}: no answer; {}", verdict.detail);
    finish(claimed, notification.clone(), verdict.with_detail(detail), now)
}

/// The end of a claim by a verdict.
pub(super) fn finish(claimed: &Claimed, notification: Notification, verdict: Verdict, now: Timestamp) -> Finish {
    debug_assert_eq!(notification.state, State::Sending, "only what is claimed is finished");
    let change = notification.decided(verdict, now).expect("every verdict of a dispatch may follow Sending");
    Finish { attempt: claimed.attempt, change }
}

async fn store_finishes(db: &Database, finishes: Vec<Finish>, now: Timestamp) -> Result<(), Error> {
    if finishes.is_empty() {
        return Ok(());
    }
    let held = store::finish(db, &finishes, now).await?;
    if held < finishes.len() {
        // NO8
        tracing::warn!(lost = finishes.len() - held, "claims were taken over before they were finished");
    }
    Ok(())
}
