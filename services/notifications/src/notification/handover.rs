//! Writing one message and handing it over.

use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error, telemetry};
use seva_values::{WebLink, parse_name};
use tokio::time::{Duration, Instant};
use tracing::Instrument;

use super::{
    dispatch::finish,
    model::{Notification, Verdict, Written, decide_after_handover},
    retry,
    state::Reason,
    store::{Claimed, Finish},
};
use crate::{
    config::Settings,
    link::{OwnLinks, Page, own::Subscription},
    preference::Category,
    provider::OutgoingMail,
    recipient::Address,
    template::{Rendered, Variable, render},
    template_version::Texts,
};

/// From then on a batch begins no more hand-overs: what was decided at its start may be true no longer.
const BEGIN_WITHIN: Duration = Duration::from_secs(45);

/// Writes messages and hands them over.
#[derive(Clone)]
pub struct Handover {
    pub texts: Texts,
    pub clock: BusinessClock,
    pub settings: Settings,
    pub links: OwnLinks,
}

/// A message that is ready but for its text.
pub struct Ready {
    pub claimed: Claimed,
    pub category: Category,
    pub address: Address,
    /// Those that other services signed.
    pub links: Vec<(Page, WebLink)>,
    pub published: i32,
}

/// Why no message was written.
enum Unwritten {
    NotNow(Error),
    Never(String),
}

impl Handover {
    /// Writes one message and hands it over, in the trace of the event that caused it.
    pub async fn carry_out(&self, ready: Ready, batch_started: Instant) -> Finish {
        let traceparent = ready.claimed.notification.story.traceparent.clone();
        let span = telemetry::event_span(traceparent.as_deref(), "dispatch");
        self.write_and_deliver(ready, batch_started).instrument(span).await
    }

    async fn write_and_deliver(&self, mut ready: Ready, batch_started: Instant) -> Finish {
        let now = self.clock.now();
        let unsubscribe = self.add_own_links(&mut ready, now);
        let Ready { claimed, category, address, links, published } = ready;
        let notification = &claimed.notification;
        let rendered = match self.write(notification, &address, &links, published).await {
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
            ticket: parse_name("tickets", notification.page_subject()).ok(),
            unsubscribe,
        };
        let outcome = self.settings.provider.deliver(&mail).await;
        if let Err(fault) = &outcome {
            tracing::warn!(notification.id = %notification.id, %fault, "a message was not handed over");
        }
        let verdict = decide_after_handover(&written, written.handovers, category.duplicate_policy, &outcome, now);
        finish(&claimed, written, verdict, now)
    }

    /// Adds the link to the customer's wishes, and answers the one that ends the category; only where there is something to end (NO5).
    fn add_own_links(&self, ready: &mut Ready, now: Timestamp) -> Option<WebLink> {
        if ready.category.is_mandatory() {
            return None;
        }
        let (customer, category) = (ready.claimed.notification.customer, ready.category.key.clone());
        let (token, _) = self.links.to_preferences(customer, now);
        let preferences = self.settings.public_url.link(Page::Preferences.word(), &token);
        ready.links.extend(preferences.map(|link| (Page::Preferences, link)));
        let token = self.links.to_unsubscribe(&Subscription { customer, category });
        self.settings.public_url.link(Page::Unsubscribe.word(), &token)
    }

    /// Writes the message from the version that is published now, in the customer's language.
    async fn write(
        &self,
        notification: &Notification,
        address: &Address,
        links: &[(Page, WebLink)],
        published: i32,
    ) -> Result<Rendered, Unwritten> {
        let template = self.texts.get(&notification.milestone, published).await.map_err(Unwritten::NotNow)?;
        let name = address.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut variables = notification
            .variables
            .clone()
            .in_zone(&address.zone)
            .with("company_name", Variable::Text(self.settings.company.name.clone()))
            .with("customer_name", Variable::Text(name));
        for (page, link) in links {
            variables.insert(page.variable(), Variable::Link(link.clone()));
        }
        let mut languages = address.languages.clone();
        languages.push(self.settings.default_language.clone());
        render(&template, &languages, &variables).map_err(|error| Unwritten::Never(error.to_string()))
    }
}
