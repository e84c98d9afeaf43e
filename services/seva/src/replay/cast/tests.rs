use prost::Message;
use seva_proto::{customers::v1::Order, surveys::v1::Invitation, tickets::v1::Matter};
use seva_values::new_id;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(kind: &str, subject: &str, payload: &impl Message) -> Event {
    Event {
        event_id: new_id(),
        kind: kind.to_owned(),
        source: "//somewhere".to_owned(),
        subject: subject.to_owned(),
        sequence: 1,
        occurred_at: at("2018-03-01T12:00:00Z"),
        recorded_at: at("2026-03-01T12:00:00Z"),
        actor: String::new(),
        correlation_id: String::new(),
        causation_id: String::new(),
        hops: 0,
        schema_version: 1,
        traceparent: None,
        payload: payload.encode_to_vec().into(),
        feed_no: 1,
    }
}

fn order(id: &str, number: &str) -> Event {
    let name = format!("orders/{id}");
    let order = Order { name: name.clone(), order_number: number.to_owned(), ..Order::default() };
    event("seva.customers.order.placed.v1", &name, &OrderEvent { order: Some(order), ..OrderEvent::default() })
}

fn ticket(step: &str, ticket: &str, order: &str, resolution: i32) -> Event {
    let matter = Matter { kind: "promised_day_missed".to_owned(), subject: order.to_owned(), version: String::new() };
    let payload = TicketEvent { ticket: ticket.to_owned(), matter: Some(matter), resolution, ..TicketEvent::default() };
    event(&format!("seva.tickets.ticket.{step}.v1"), ticket, &payload)
}

fn plans(events: &[Event]) -> Plans {
    let mut plans = Plans::default();
    events.iter().for_each(|event| plans.learn(event).unwrap());
    events.iter().for_each(|event| plans.hear(event).unwrap());
    plans
}

#[test]
fn what_is_done_follows_from_the_order_and_not_from_ids_that_differ_in_each_replay() {
    let once = plans(&[order("a", "A-7"), ticket("assigned", "tickets/1", "orders/a", 0)]);
    let again = plans(&[order("b", "A-7"), ticket("assigned", "tickets/2", "orders/b", 0)]);

    let when = |plans: &Plans| plans.acts.values().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(when(&once), when(&again));
    assert!(when(&once)[0] > at("2018-03-01T12:59:59Z"), "it takes an hour at least");
}

/// Everything about a ticket that came of a low score about an order, and the question how that ticket went.
fn ticket_of_an_answer() -> [Event; 4] {
    let response = ResponseEvent {
        response: "responses/1".to_owned(),
        subject: "orders/a".to_owned(),
        ..ResponseEvent::default()
    };
    let matter = Matter { kind: "low_score".to_owned(), subject: "responses/1".to_owned(), version: String::new() };
    let opened = TicketEvent { ticket: "tickets/1".to_owned(), matter: Some(matter), ..TicketEvent::default() };
    let asked = Invitation { name: "invitations/1".to_owned(), subject: "tickets/1".to_owned(), ..Default::default() };
    let asked = InvitationEvent { invitation: Some(asked), ..InvitationEvent::default() };
    [
        order("a", "A-7"),
        event("seva.surveys.response.completed.v1", "responses/1", &response),
        event("seva.tickets.ticket.created.v1", "tickets/1", &opened),
        event("seva.surveys.invitation.sent.v1", "invitations/1", &asked),
    ]
}

#[test]
fn whoever_reads_all_feeds_at_once_plans_what_was_planned_event_by_event() {
    let [order, answered, opened, asked] = ticket_of_an_answer();
    let mut step_by_step = Plans::default();
    for event in [&order, &answered, &opened, &asked] {
        step_by_step.learn(event).unwrap();
        step_by_step.hear(event).unwrap();
    }
    assert_eq!(step_by_step.name_of("tickets/1"), "the ticket low_score the answer about A-7");

    // As after a kill: one feed after the other.
    let at_once = plans(&[order, answered, asked, opened]);
    assert_eq!(at_once.acts, step_by_step.acts);
    assert_eq!(at_once.name_of("tickets/1"), step_by_step.name_of("tickets/1"));
}

#[test]
fn a_ticket_that_went_on_has_no_earlier_act_left() {
    let mut heard = vec![order("a", "A-7"), ticket("assigned", "tickets/1", "orders/a", 0)];
    assert_eq!(plans(&heard).acts.len(), 1);
    heard.push(ticket("unassigned", "tickets/1", "orders/a", 0));
    assert_eq!(plans(&heard).acts.len(), 0);
    heard.push(ticket("assigned", "tickets/1", "orders/a", 0));
    heard.push(ticket("resolved", "tickets/1", "orders/a", 1));
    heard.push(ticket("closed", "tickets/1", "orders/a", 1));
    assert_eq!(plans(&heard).acts.len(), 0);
}

#[test]
fn some_confirm_some_reject_first_and_some_never_answer() {
    let mut counts = BTreeMap::<Option<bool>, usize>::new();
    for number in 0..1000 {
        let id = format!("a{number}");
        let plans =
            plans(&[order(&id, &format!("A-{number}")), ticket("resolved", "tickets/1", &format!("orders/{id}"), 1)]);
        let answer = plans.acts.values().find_map(|(_, act)| match act {
            Act::Answer { solved, .. } => Some(*solved),
            _ => None,
        });
        *counts.entry(answer).or_default() += 1;
    }
    for (answer, expected) in [(Some(true), 650), (Some(false), 100), (None, 250)] {
        let found = counts[&answer];
        assert!(found.abs_diff(expected) < 60, "{answer:?}: {found}");
    }
    // Whoever has rejected once does not reject again.
    let second = plans(&[order("x", "A-3"), ticket("resolved", "tickets/1", "orders/x", 2)]);
    assert!(second.acts.values().all(|(_, act)| !matches!(act, Act::Answer { solved: false, .. })));
}

#[test]
fn what_is_due_is_done_once_in_the_order_of_its_time() {
    let invitation =
        Invitation { name: "invitations/1".to_owned(), subject: "orders/a".to_owned(), ..Default::default() };
    let sent = InvitationEvent { invitation: Some(invitation), ..InvitationEvent::default() };
    let mut plans = plans(&[
        order("a", "A-7"),
        ticket("assigned", "tickets/1", "orders/a", 0),
        event("seva.surveys.invitation.sent.v1", "invitations/1", &sent),
    ]);
    let count = plans.acts.len();

    assert_eq!(plans.take_due(at("2018-03-01T12:00:00Z")), Vec::new());
    assert_eq!(plans.take_due(at("2018-04-01T12:00:00Z")).len(), count);
    assert_eq!(plans.take_due(at("2018-04-01T12:00:00Z")), Vec::new());
}

#[test]
fn every_score_has_its_share() {
    assert_eq!(SCORES.iter().map(|(_, share)| share).sum::<usize>(), 100);
    let given: Vec<i32> = (0..100).map(score).collect();
    for (value, share) in SCORES {
        assert_eq!(given.iter().filter(|given| **given == value).count(), share);
    }
}
