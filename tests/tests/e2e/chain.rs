//! One chain of traces: what happened leads to what followed from it, through all processes.

use std::collections::BTreeMap;

use seva_tests::{
    Installation,
    otlp::{Context, Span, Traces},
};

/// What every service says of what happened, as its events carry it.
pub struct Chain {
    events: BTreeMap<String, Step>,
    messages: Vec<Message>,
}

#[derive(Debug)]
struct Step {
    kind: String,
    subject: String,
    causation_id: String,
    correlation_id: String,
    context: Context,
}

#[derive(Debug)]
struct Message {
    milestone: String,
    cause_event_id: String,
}

impl Chain {
    /// Reads the events and the messages that were sent.
    pub async fn read(installation: &Installation) -> Self {
        let mut events = BTreeMap::new();
        for service in installation.services() {
            let rows: Vec<(String, String, String, String, String, Option<String>)> = sqlx::query_as(
                "select event_id::text, type, subject, causation_id, correlation_id, traceparent from seva.outbox",
            )
            .fetch_all(installation.database(service))
            .await
            .unwrap();
            for (id, kind, subject, causation_id, correlation_id, traceparent) in rows {
                // What a service makes by itself when it starts is nobody's story.
                let Some(traceparent) = traceparent else {
                    assert!(is_made_at_the_start(&kind), "{kind} of {subject} has no trace");
                    continue;
                };
                let context = Context::of(&traceparent);
                events.insert(id, Step { kind, subject, causation_id, correlation_id, context });
            }
        }
        let sent: Vec<(String, String)> =
            sqlx::query_as("select milestone, cause_event_id::text from notification where state = 'sent' order by id")
                .fetch_all(installation.database("notifications"))
                .await
                .unwrap();
        let messages =
            sent.into_iter().map(|(milestone, cause_event_id)| Message { milestone, cause_event_id }).collect();
        Self { events, messages }
    }

    /// Expects that every cause leads to what followed from it, every message to its dispatch, and the pushed event to the whole story.
    pub fn holds(&self, traces: &Traces, pushed: &str) {
        let pushed = Context::of(pushed);
        let mut caused = 0;
        for step in self.events.values() {
            let Some(cause) = self.events.get(&step.causation_id) else { continue };
            assert!(traces.leads(&cause.context, &step.context), "{cause:?} does not lead to {step:?}");
            caused += 1;
        }
        assert!(caused > self.events.len() / 2, "{caused} of {} events were caused by others", self.events.len());

        for message in &self.messages {
            let cause = &self.events[&message.cause_event_id];
            let after = traces.after(&cause.context);
            assert!(after.iter().any(|span| is(span, "notifications", "dispatch")), "{message:?} after {cause:?}");
        }

        let story =
            self.events.values().find(|step| step.context == pushed).expect("the pushed event became one of ours");
        let of_story: Vec<_> =
            self.events.values().filter(|step| step.correlation_id == story.correlation_id).collect();
        for step in &of_story {
            assert!(
                traces.leads(&pushed, &step.context),
                "the pushed event does not lead to {step:?}:\n{}",
                traces.told(&pushed)
            );
        }
        for (word, count) in [
            ("order.promised_day_missed", 1),
            ("ticket.created", 2),
            ("ticket.assigned", 3),
            ("ticket.resolved", 3),
            ("ticket.rejected", 1),
            ("ticket.closed", 2),
            ("invitation.sent", 1),
            ("response.completed", 1),
            ("loop_case.opened", 1),
            ("loop_case.verified", 1),
        ] {
            let found = of_story.iter().filter(|step| step.kind.ends_with(&format!(".{word}.v1"))).count();
            assert_eq!(found, count, "{word} in the story: {:#?}", self.words());
        }
        self.pages_lead_on(traces);
    }

    /// What customers do on pages begins at the portal, and leads to the service that took the answer and to the mail.
    fn pages_lead_on(&self, traces: &Traces) {
        for (word, mail) in [("ticket.rejected", "ticket_reopened"), ("ticket.closed", "ticket_closed")] {
            let steps: Vec<_> =
                self.events.iter().filter(|(_, step)| step.kind.ends_with(&format!(".{word}.v1"))).collect();
            for (id, step) in steps {
                let taken = traces.at(&step.context).unwrap_or_else(|| panic!("no span of {step:?}"));
                assert_eq!(taken.service, "tickets", "{taken:?}");
                let way = self.way_to(traces, taken);
                assert!(
                    way.iter().any(|span| span.service == "portal"),
                    "{word} does not begin at the portal: {way:?}"
                );
                assert!(
                    self.messages.iter().any(|message| message.milestone == mail && message.cause_event_id == *id),
                    "{word} leads to no {mail}"
                );
            }
        }
        let completed = self.events.values().find(|step| step.kind.ends_with(".response.completed.v1"));
        let completed = completed.expect("the questions were answered");
        let way = self.way_to(traces, traces.at(&completed.context).expect("the answer has a span"));
        assert!(way.iter().any(|span| span.service == "portal"), "the answer does not begin at the portal: {way:?}");
        let after = traces.after(&completed.context);
        let opened = after.iter().any(|span| is(span, "tickets", "low_scores"));
        assert!(opened, "the answer leads to no ticket:\n{}", traces.told(&completed.context));
    }

    /// The span and those that it is part of.
    fn way_to<'t>(&self, traces: &'t Traces, span: &'t Span) -> Vec<&'t Span> {
        let mut way = vec![span];
        while let Some(above) = way[way.len() - 1].parent.as_ref().and_then(|parent| traces.at(parent)) {
            way.push(above);
        }
        way
    }

    fn words(&self) -> Vec<String> {
        self.events
            .values()
            .map(|step| format!("{} of {}, in {}", step.kind, step.subject, step.correlation_id))
            .collect()
    }
}

fn is(span: &Span, service: &str, name: &str) -> bool {
    span.service == service && span.name == name
}

fn is_made_at_the_start(kind: &str) -> bool {
    ["survey.", "survey_version.", "programme.", "template_version."]
        .iter()
        .any(|word| kind.splitn(3, '.').nth(2).is_some_and(|kind| kind.starts_with(word)))
}
