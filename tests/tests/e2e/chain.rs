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
    causation_id: String,
    correlation_id: String,
    context: Context,
}

#[derive(Debug)]
struct Message {
    milestone: String,
    cause_event_id: String,
}

impl Step {
    /// Whether it is of this type, such as `ticket.created`.
    fn is(&self, word: &str) -> bool {
        self.kind.ends_with(&format!(".{word}.v1"))
    }
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
                events.insert(id, Step { kind, causation_id, correlation_id, context });
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

    /// Expects that every cause leads to what followed from it, every message to its dispatch, and the beginning of a story to all of it.
    pub fn holds(&self, traces: &Traces, pushed: &str) {
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

        // What the clock finds of a promised day goes on where the report that named the day left off.
        let pushed = Context::of(pushed);
        let carried = [
            ("order.placed", 1),
            ("customer.first_order_placed", 1),
            ("order.promised_day_at_risk", 1),
            ("order.promised_day_missed", 1),
            ("ticket.created", 2),
            ("ticket.replied", 2),
            ("ticket.pending", 1),
            ("ticket.resolved", 3),
            ("ticket.rejected", 1),
            ("ticket.closed", 2),
            ("invitation.sent", 1),
            ("response.saved", 1),
            ("response.completed", 1),
            ("loop_case.opened", 1),
            ("loop_case.verified", 1),
            // Placed, first order; at risk; missed, opened, answered, asked, resolved, opened again, resolved, closed, asked how it was; opened,
            // resolved, closed.
            ("notification.sent", 15),
        ];
        self.leads_through(traces, &pushed, &carried);
        // Whoever says nothing for two hours loses it, and then it is given out again.
        let count = |word: &str| self.events.values().filter(|step| step.is(word)).count();
        assert_eq!(count("ticket.assigned"), 3 + count("ticket.unassigned"));
        self.is_found_in(traces, "order.promised_day_at_risk", &pushed);
        self.is_found_in(traces, "order.promised_day_missed", &pushed);
        self.pages_lead_on(traces);
    }

    /// Expects that the clock found something, in the same trace as `begin` and in a span of its own.
    fn is_found_in(&self, traces: &Traces, word: &str, begin: &Context) {
        let step = self.events.values().find(|step| step.is(word)).unwrap_or_else(|| panic!("{word} was not found"));
        let span = traces.at(&step.context).unwrap_or_else(|| panic!("no span of {step:?}"));
        assert_eq!((span.service.as_str(), span.name.as_str()), ("customers", "promised_days"), "{span:?}");
        assert_eq!(step.context.trace, begin.trace, "{step:?}");
    }

    /// Expects that `begin` leads to every step of the story that began there, and that these are among them.
    fn leads_through(&self, traces: &Traces, begin: &Context, expected: &[(&str, usize)]) {
        let first = self.events.values().find(|step| step.context == *begin);
        let first = first.unwrap_or_else(|| panic!("nothing of ours began at {begin:?}"));
        let is_part = |step: &&Step| step.correlation_id == first.correlation_id;
        let story: Vec<_> = self.events.values().filter(is_part).collect();
        for step in &story {
            assert!(traces.leads(begin, &step.context), "{begin:?} does not lead to {step:?}:\n{}", traces.told(begin));
        }
        for (word, count) in expected {
            let found = story.iter().filter(|step| step.is(word)).count();
            assert_eq!(found, *count, "{word} in the story: {story:#?}");
        }
    }

    /// What customers do on pages begins at the portal, and leads to the service that took the answer and to the mail.
    fn pages_lead_on(&self, traces: &Traces) {
        for (word, mail) in [("ticket.rejected", "ticket_reopened"), ("ticket.closed", "ticket_closed")] {
            let steps: Vec<_> = self.events.iter().filter(|(_, step)| step.is(word)).collect();
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
        let completed = self.events.values().find(|step| step.is("response.completed"));
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
}

fn is(span: &Span, service: &str, name: &str) -> bool {
    span.service == service && span.name == name
}

fn is_made_at_the_start(kind: &str) -> bool {
    ["survey.", "survey_version.", "programme.", "template_version."]
        .iter()
        .any(|word| kind.splitn(3, '.').nth(2).is_some_and(|kind| kind.starts_with(word)))
}
