//! Handing over what is due: claim, decide again, ask who the recipients are, write, hand over, finish.
//!
//! No transaction is open while anything outside is waited for. The claim is committed before the first hand-over, so that one that ends
//! without a word is known to be ambiguous.

use std::{convert::Infallible, sync::Arc};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error, telemetry};
use seva_store::{Database, Fault as StoreFault};
use tokio::time::{Duration, Instant};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    model::{Notification, Verdict, Written, decide_after_handover, decide_again},
    plan::Surroundings,
    retry,
    state::{Reason, State},
    store::{self, Claimed, Finish},
};
use crate::{
    config::Settings,
    preference::Category,
    provider::{Fault, OutgoingMail},
    recipient::{Address, Outcome, Recipients, Wanted},
    template::{Rendered, Variable, render},
    template_version::Texts,
};

/// Hand-overs at once.
const AT_ONCE: usize = 16;
/// Finished ones are written together, this many at most.
const FINISHED_TOGETHER: usize = 200;
/// From then on a batch begins no more hand-overs: what was decided at its start may be true no longer.
const BEGIN_WITHIN: Duration = Duration::from_secs(45);

/// Hands messages over.
#[derive(Clone)]
pub struct Dispatch {
    db: Database,
    clock: BusinessClock,
    settings: Settings,
    recipients: Arc<dyn Recipients>,
    texts: Texts,
}

/// A message that is ready but for its text.
struct Ready {
    claimed: Claimed,
    category: Category,
    address: Address,
    published: i32,
}

impl Dispatch {
    /// Hands over through the provider of `settings`.
    #[must_use]
    pub fn new(db: Database, clock: BusinessClock, settings: Settings, recipients: Arc<dyn Recipients>) -> Self {
        Self { texts: Texts::new(db.clone()), db, clock, settings, recipients }
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
        let (decided, asked) = self.decide_without_asking(claimed, &known, now);
        let (unreachable, ready) = self.ask(asked, &known, now).await;
        store_finishes(&self.db, decided.into_iter().chain(unreachable).collect(), now).await?;
        let handed_over = stream::iter(ready).map(|ready| self.hand_over(ready, started)).buffer_unordered(AT_ONCE);
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

    /// What can be decided from what is known here, and the others.
    fn decide_without_asking(
        &self,
        claimed: Vec<Claimed>,
        known: &Surroundings,
        now: Timestamp,
    ) -> (Vec<Finish>, Vec<Claimed>) {
        let (mut decided, mut others) = (Vec::new(), Vec::new());
        for claimed in claimed {
            let notification = &claimed.notification;
            let category = &known.categories[&notification.category];
            if claimed.lapsed {
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

    /// Asks once for all recipients; the answer checks consent again.
    async fn ask(&self, asked: Vec<Claimed>, known: &Surroundings, now: Timestamp) -> (Vec<Finish>, Vec<Ready>) {
        let (mut unreachable, mut ready) = (Vec::new(), Vec::new());
        if asked.is_empty() {
            return (unreachable, ready);
        }
        let category = |claimed: &Claimed| known.categories[&claimed.notification.category].clone();
        let wanted = |claimed: &Claimed| Wanted {
            customer: claimed.notification.customer,
            purpose: category(claimed).purpose(),
        };
        let outcomes = match self.recipients.resolve(&asked.iter().map(wanted).collect::<Vec<_>>()).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, count = asked.len(), "recipients cannot be asked for; trying again");
                let again = asked.iter().map(|claimed| {
                    let notification = &claimed.notification;
                    let next = retry::after_unasked(notification.id, claimed.attempt, now);
                    let verdict = Verdict::queued_again(Reason::RecipientUnavailable, next, notification.expire_at);
                    finish(claimed, notification.clone(), verdict, now)
                });
                return (again.collect(), ready);
            }
        };
        for (claimed, outcome) in asked.into_iter().zip(outcomes) {
            let skipped = match outcome {
                Outcome::Reachable(address) => {
                    let (category, published) = (category(&claimed), known.published[&claimed.notification.milestone]);
                    ready.push(Ready { claimed, category, address, published });
                    continue;
                }
                Outcome::Unknown => Reason::UnknownCustomer,
                Outcome::NoContactPoint => Reason::NoContactPoint,
                Outcome::NoConsent => Reason::NoConsent,
            };
            let verdict = Verdict::skipped(skipped);
            unreachable.push(finish(&claimed, claimed.notification.clone(), verdict, now));
        }
        (unreachable, ready)
    }

    /// Writes one message and hands it over, in the trace of the event that caused it.
    async fn hand_over(&self, ready: Ready, batch_started: Instant) -> Finish {
        let traceparent = ready.claimed.notification.story.traceparent.clone();
        let span = telemetry::event_span(traceparent.as_deref(), "dispatch");
        self.write_and_deliver(ready, batch_started).instrument(span).await
    }

    async fn write_and_deliver(&self, ready: Ready, batch_started: Instant) -> Finish {
        let Ready { claimed, category, address, published } = ready;
        let now = self.clock.now();
        let notification = &claimed.notification;
        let rendered = match self.write(notification, &category, &address, published).await {
            Ok(rendered) => rendered,
            Err(Unwritten::NotNow(error)) => {
                tracing::warn!(%error, "a template cannot be read; trying again");
                let next = retry::after_unasked(notification.id, claimed.attempt, now);
                let verdict = Verdict::queued_again(Reason::ProviderBusy, next, notification.expire_at);
                return finish(&claimed, notification.clone(), verdict, now);
            }
            Err(Unwritten::Never(detail)) => {
                let verdict = Verdict::skipped(Reason::RenderingFailed).with_detail(detail);
                return finish(&claimed, notification.clone(), verdict, now);
            }
        };
        if batch_started.elapsed() > BEGIN_WITHIN {
            let next = retry::after_unasked(notification.id, 1, now);
            let verdict = Verdict::queued_again(Reason::ProviderBusy, next, notification.expire_at);
            return finish(&claimed, notification.clone(), verdict, now);
        }
        let written = Notification {
            handovers: notification.handovers + 1,
            written: Some(Written {
                language: rendered.language.as_str().to_owned(),
                fell_back: rendered.fell_back,
                template_number: published,
                template_hash: *rendered.version_hash.as_bytes(),
            }),
            ..notification.clone()
        };
        let mail = OutgoingMail {
            id: notification.id,
            to: address.email,
            to_name: address.name,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            language: rendered.language,
            date: now,
            unsubscribe: self.settings.preferences_link.clone().filter(|_| !category.is_mandatory()),
        };
        let outcome = self.settings.provider.deliver(&mail).await;
        if let Err(fault) = &outcome {
            tracing::warn!(notification.id = %notification.id, %fault, "a message was not handed over");
        }
        let verdict = decide_after_handover(&written, written.handovers, category.duplicate_policy, &outcome, now);
        finish(&claimed, written, verdict, now)
    }

    /// Writes the message from the version that is published now, in the customer's language.
    async fn write(
        &self,
        notification: &Notification,
        category: &Category,
        address: &Address,
        published: i32,
    ) -> Result<Rendered, Unwritten> {
        let template = self.texts.get(&notification.milestone, published).await.map_err(Unwritten::NotNow)?;
        let preferences = self.settings.preferences_link.clone().filter(|_| !category.is_mandatory());
        let name = address.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let variables = notification
            .variables
            .clone()
            .with("company_name", Variable::Text(self.settings.company.name.clone()))
            .with("customer_name", Variable::Text(name))
            .with_known("preferences_link", preferences.map(Variable::Link));
        let mut languages = address.languages.clone();
        languages.push(self.settings.default_language.clone());
        render(&template, &languages, &variables).map_err(|error| Unwritten::Never(error.to_string()))
    }
}

/// Why no message was written.
enum Unwritten {
    NotNow(Error),
    Never(String),
}

/// The end of a claim by a verdict.
fn finish(claimed: &Claimed, notification: Notification, verdict: Verdict, now: Timestamp) -> Finish {
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
