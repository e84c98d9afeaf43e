//! What is told of tickets, over lives that tickets really have.

use std::collections::HashSet;

use proptest::prelude::*;
use seva_proto::tickets::v1::{
    TicketEvent,
    message::{Author, Visibility},
    ticket::{CancelReason, Closure, State as TicketState},
};
use seva_runtime::call::Story;
use seva_values::new_id;
use uuid::Uuid;

use super::{Run, now};
use crate::{
    events::{About, tickets},
    notification::{Notification, State, plan::News},
};

/// An event of a ticket's life.
#[derive(Debug, Clone)]
struct Happened {
    kind: &'static str,
    event: TicketEvent,
}

/// A life of a ticket as its machine allows it: each number picks one of the steps that its state has.
fn life(picks: &[u8]) -> Vec<Happened> {
    let mut ticket = TicketEvent { number: "1000017".to_owned(), version: 1, ..TicketEvent::default() };
    ticket.set_state(TicketState::New);
    let mut life = vec![Happened { kind: "created", event: ticket.clone() }];
    for pick in picks {
        let mut next = TicketEvent { version: ticket.version + 1, message: String::new(), ..ticket.clone() };
        (next.message_author, next.message_visibility) = (0, 0);
        let kind = step(&mut next, *pick);
        life.push(Happened { kind, event: next.clone() });
        ticket = next;
        if ticket.state() == TicketState::Canceled {
            break;
        }
    }
    life
}

fn step(ticket: &mut TicketEvent, pick: u8) -> &'static str {
    let by_staff = pick & 0x80 == 0;
    let said = |ticket: &mut TicketEvent, author: Author| {
        ticket.message = format!("tickets/one/messages/{}", new_id());
        ticket.set_message_author(author);
        ticket.set_message_visibility(if pick & 0x40 == 0 { Visibility::Public } else { Visibility::Internal });
    };
    let resolved = |ticket: &mut TicketEvent| {
        ticket.set_state(TicketState::Resolved);
        ticket.resolution += 1;
        ticket.verification_attempts = 1;
    };
    let open_again = |ticket: &mut TicketEvent| {
        ticket.set_state(TicketState::New);
        ticket.reopen_count += 1;
        ticket.set_closure(Closure::Unspecified);
    };
    match (ticket.state(), pick % 6) {
        (TicketState::New, 0..=2) => {
            ticket.set_state(TicketState::Open);
            "assigned"
        }
        (TicketState::Open | TicketState::PendingCustomer, 0 | 1) => {
            resolved(ticket);
            "resolved"
        }
        (TicketState::Open, 2) => {
            said(ticket, Author::Staff);
            ticket.set_message_visibility(Visibility::Public);
            ticket.set_state(TicketState::PendingCustomer);
            "pending"
        }
        (TicketState::PendingCustomer, 2) => {
            said(ticket, Author::Customer);
            ticket.set_message_visibility(Visibility::Public);
            ticket.set_state(TicketState::Open);
            "replied"
        }
        (TicketState::Open | TicketState::PendingCustomer, 3) => {
            ticket.set_state(TicketState::New);
            "unassigned"
        }
        (TicketState::New | TicketState::Open | TicketState::PendingCustomer, 5) if pick > 200 => {
            ticket.set_state(TicketState::Canceled);
            ticket.set_cancel_reason(if by_staff { CancelReason::Spam } else { CancelReason::ByCustomer });
            "canceled"
        }
        (TicketState::Resolved, 0) => {
            ticket.set_state(TicketState::Closed);
            ticket.set_closure(Closure::Verified);
            "closed"
        }
        (TicketState::Resolved, 1) => {
            open_again(ticket);
            "rejected"
        }
        (TicketState::Resolved, 2 | 3) if ticket.verification_attempts < 3 => {
            ticket.verification_attempts += 1;
            "verification_requested"
        }
        (TicketState::Resolved, 2 | 3) => {
            ticket.set_state(TicketState::Closed);
            ticket.set_closure(Closure::Unverified);
            "closed"
        }
        (TicketState::Closed, _) => {
            open_again(ticket);
            "reopened"
        }
        (_, 4) => {
            said(ticket, Author::Staff);
            "replied"
        }
        _ => "clock_breached",
    }
}

fn told(customer: Uuid, Happened { kind, event }: &Happened) -> News {
    let about = About {
        kind: format!("seva.tickets.ticket.{kind}.v1"),
        subject: "tickets/one".to_owned(),
        sequence: event.version,
        occurred_at: now(),
        story: Story {
            correlation_id: "story".to_owned(),
            causation_id: new_id().to_string(),
            hops: 1,
            traceparent: None,
        },
    };
    let event = TicketEvent { customer: format!("customers/{customer}"), ..event.clone() };
    tickets::hear(about, &event).unwrap()
}

/// The states of a ticket in which a message is true.
fn true_in(milestone: &str) -> &'static [TicketState] {
    use TicketState::{Canceled, Closed, New, Open, PendingCustomer, Resolved};
    match milestone {
        "ticket_opened" | "ticket_reopened" => &[New, Open, PendingCustomer],
        "ticket_replied" => &[New, Open, PendingCustomer, Resolved],
        "ticket_question" => &[PendingCustomer],
        "ticket_resolved" | "ticket_asked_again" => &[Resolved],
        "ticket_closed" | "ticket_closed_unconfirmed" => &[Closed],
        "ticket_canceled" => &[Canceled],
        other => panic!("{other} is no milestone of a ticket"),
    }
}

/// A hand-over of all that waits comes after an event when its number is even.
type Deliveries = Vec<(prop::sample::Index, u8)>;

fn a_life() -> impl Strategy<Value = Vec<Happened>> {
    prop::collection::vec(any::<u8>(), 1..30).prop_map(|picks| life(&picks))
}

fn deliveries() -> impl Strategy<Value = Deliveries> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..60)
}

proptest! {
    /// NO4: whatever came first and whatever comes twice, a customer is told only what is true by the newest that is known.
    #[test]
    fn in_whatever_order_a_ticket_is_heard_of_nothing_is_told_that_is_known_to_be_untrue(
        life in a_life(), deliveries in deliveries()
    ) {
        let customer = new_id();
        let (mut run, mut newest) = (Run::default(), 0);
        for (at, after) in &deliveries {
            let happened = at.get(&life);
            run.hear(customer, vec![told(customer, happened)]);
            newest = newest.max(happened.event.version);
            if after % 2 == 0 {
                let handed_over = run.told_as_true.len();
                run.dispatch(customer, after / 2);
                let state = life[usize::try_from(newest - 1).unwrap()].event.state();
                for (notification, _) in &run.told_as_true[handed_over..] {
                    let milestone = &notification.milestone;
                    prop_assert!(true_in(milestone).contains(&state), "{milestone} was told of a ticket that is {state:?}");
                }
            }
        }
        // NO1
        let reasons: HashSet<_> = run.notifications.iter().map(|n| (&n.milestone, &n.occasion)).collect();
        prop_assert_eq!(reasons.len(), run.notifications.len());
    }

    /// Nothing is withheld for nothing: of what is handed over at once, everything is told.
    #[test]
    fn a_ticket_that_is_heard_of_step_by_step_is_told_of_completely(life in a_life()) {
        let customer = new_id();
        let mut run = Run::default();
        let mut facts = 0;
        for happened in &life {
            let news = told(customer, happened);
            facts += usize::from(news.fact.is_some());
            run.hear(customer, vec![news]);
            run.dispatch(customer, 7);
        }
        prop_assert_eq!(run.notifications.len(), facts, "each is a reason of its own");
        prop_assert!(run.notifications.iter().all(|notification| notification.state == State::Sent));
    }

    /// What is left of a life that is heard of at once is what is true at its end.
    #[test]
    fn of_a_life_that_is_heard_of_at_once_only_its_end_is_told(life in a_life()) {
        let customer = new_id();
        let mut run = Run::default();
        run.hear(customer, life.iter().map(|happened| told(customer, happened)).collect());
        run.dispatch(customer, 7);
        let state = life.last().unwrap().event.state();
        let sent: Vec<&Notification> = run.notifications.iter().filter(|n| n.state == State::Sent).collect();
        prop_assert!(sent.iter().all(|n| true_in(&n.milestone).contains(&state)));
        let asks = sent.iter().filter(|n| n.milestone == "ticket_resolved" || n.milestone == "ticket_asked_again");
        prop_assert_eq!(asks.count(), usize::from(state == TicketState::Resolved), "asked once, and only while it is resolved");
    }
}
