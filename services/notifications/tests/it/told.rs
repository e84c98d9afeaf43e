//! What customers are told of what belongs to their tickets: returns, compensation and promises.

use prost::Message;
use seva_proto::{
    common::v1::Money,
    notifications::v1::{DecisionReason as Reason, notification::State},
    tickets::v1::{
        CompensationGrantEvent, PromiseEvent, ReturnCaseEvent, TicketEvent,
        compensation_grant::Kind,
        message::{Author, Visibility},
        return_case::Way,
    },
};
use seva_store::event::proto_timestamp;
use seva_values::new_id;
use uuid::Uuid;

use crate::{
    neighbours::said,
    town::{Town, append, at},
};

/// Somebody who reads a language, and a ticket of theirs.
async fn somebody_with_a_ticket(town: &Town, language: &str) -> (Uuid, TicketEvent) {
    let somebody = town.somebody(&[language]).await;
    town.settled().await;
    let ticket = town.neighbours.ticket(somebody).await;
    town.works().await;
    (somebody, ticket)
}

/// An event of something that belongs to a ticket, as the tickets service would tell it.
async fn tells(town: &Town, kind: &'static str, subject: &str, sequence: i64, event: &impl Message) {
    append(&town.neighbours.tickets.database.db, kind, subject, sequence, town.clock.now(), event).await;
}

/// The milestones of what was handed over about what belongs to a ticket, in order.
async fn told_of(town: &Town, ticket: &TicketEvent) -> Vec<String> {
    sqlx::query_scalar("select milestone from notification where ticket = $1 and state = 'sent' order by id")
        .bind(&ticket.ticket)
        .fetch_all(&town.notifications.owner)
        .await
        .unwrap()
}

fn of_return(ticket: &TicketEvent) -> ReturnCaseEvent {
    ReturnCaseEvent {
        ticket: ticket.ticket.clone(),
        customer: ticket.customer.clone(),
        order_number: "A-1029".to_owned(),
        tracking_number: "BD123".to_owned(),
        ..ReturnCaseEvent::default()
    }
}

fn of_grant(ticket: &TicketEvent, kind: Kind) -> CompensationGrantEvent {
    CompensationGrantEvent {
        ticket: ticket.ticket.clone(),
        customer: ticket.customer.clone(),
        kind: kind.into(),
        amount: Some(Money { currency: "INR".to_owned(), minor_units: 50_000 }),
        ..CompensationGrantEvent::default()
    }
}

/// Late on Wednesday in London, and Thursday in Kolkata.
fn of_promise(ticket: &TicketEvent) -> PromiseEvent {
    PromiseEvent {
        ticket: ticket.ticket.clone(),
        customer: ticket.customer.clone(),
        due_time: Some(proto_timestamp(at("2026-11-25T20:00:00Z"))),
        ..PromiseEvent::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_told_of_each_step_of_a_return_a_grant_and_a_promise_in_every_language() {
    let town = Town::new().await;
    for language in ["en", "hi", "bn", "ur"] {
        let (_, ticket) = somebody_with_a_ticket(&town, language).await;
        let before = town.post.handed().len();
        let [case, grant, promise] =
            ["returnCases", "compensationGrants", "promises"].map(|collection| format!("{collection}/{}", new_id()));
        let asked = of_return(&ticket);
        let appealed = ReturnCaseEvent { appealed: true, ..asked.clone() };
        let settled = ReturnCaseEvent { settlement: Way::Exchange.into(), ..appealed.clone() };
        let steps = [
            ("seva.tickets.return_case.requested.v1", &asked),
            ("seva.tickets.return_case.under_review.v1", &asked),
            ("seva.tickets.return_case.declined.v1", &asked),
            ("seva.tickets.return_case.appealed.v1", &appealed),
            ("seva.tickets.return_case.partly_approved.v1", &appealed),
            ("seva.tickets.return_case.approved.v1", &appealed),
            ("seva.tickets.return_case.label_sent.v1", &appealed),
            ("seva.tickets.return_case.received.v1", &appealed),
            ("seva.tickets.return_case.settlement_failed.v1", &appealed),
            ("seva.tickets.return_case.settled.v1", &settled),
            ("seva.tickets.return_case.closed.v1", &settled),
        ];
        for (sequence, (kind, event)) in (1..).zip(steps) {
            tells(&town, kind, &case, sequence, event).await;
            town.works().await;
        }
        let coupon = of_grant(&ticket, Kind::Coupon);
        for (sequence, kind) in
            [(2, "seva.tickets.compensation_grant.issued.v1"), (3, "seva.tickets.compensation_grant.settled.v1")]
        {
            tells(&town, kind, &grant, sequence, &coupon).await;
            town.works().await;
        }
        for (sequence, kind) in [(2, "seva.tickets.promise.renewed.v1"), (3, "seva.tickets.promise.broken.v1")] {
            tells(&town, kind, &promise, sequence, &of_promise(&ticket)).await;
            town.works().await;
        }

        let expected = [
            "return_requested",
            "return_declined",
            "return_partly_approved",
            "return_approved",
            "return_label_sent",
            "return_received",
            "return_settlement_failed",
            "return_settled",
            "compensation_issued",
            "compensation_settled",
            "promise_renewed",
            "promise_broken",
        ];
        assert_eq!(told_of(&town, &ticket).await, expected, "{language}");
        let mails = &town.post.handed()[before..];
        assert_eq!(mails.len(), expected.len());
        for mail in mails {
            assert_eq!(mail.language.as_str(), language);
            let subject = mail.subject.replace(['\u{2068}', '\u{2069}'], "");
            assert!(subject.contains(&format!("[#{}]", ticket.number)), "{subject}");
            assert!(mail.text.contains("http://127.0.0.1:8080/ticket/ticket."), "{}", mail.text);
            assert_eq!(mail.ticket.map(|id| format!("tickets/{id}")), Some(ticket.ticket.clone()));
        }
        let subjects: std::collections::BTreeSet<_> = mails.iter().map(|mail| &mail.subject).collect();
        assert_eq!(subjects.len(), expected.len(), "each milestone has words of its own");
        if language == "en" {
            assert!(mails[7].text.contains("Another one comes to you."), "{}", mails[7].text);
            assert!(mails[8].text.contains("coupon worth") && !mails[8].text.contains("gift"), "{}", mails[8].text);
            assert!(mails[10].text.contains("26 November 2026"), "the day it is for her: {}", mails[10].text);
        }
    }
}

/// NO1
#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_twice_is_told_once_and_what_happens_again_is_told_again() {
    let town = Town::new().await;
    let (_, ticket) = somebody_with_a_ticket(&town, "en").await;
    let promise = format!("promises/{}", new_id());
    for (sequence, renewals) in [(2, 1), (3, 1), (4, 2)] {
        let event = PromiseEvent { renewals, ..of_promise(&ticket) };
        tells(&town, "seva.tickets.promise.renewed.v1", &promise, sequence, &event).await;
        town.works().await;
    }
    assert_eq!(told_of(&town, &ticket).await, ["promise_renewed", "promise_renewed"]);
}

/// The words of a renewal stand on the ticket's page; they are told with the new day, and not a second time as a reply.
#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_is_renewed_is_told_once_although_it_was_said_on_the_ticket() {
    let town = Town::new().await;
    let (_, mut ticket) = somebody_with_a_ticket(&town, "en").await;
    let promise = format!("promises/{}", new_id());
    let before = town.post.handed().len();
    town.neighbours
        .tells("seva.tickets.ticket.replied.v1", &mut ticket, |ticket| {
            said(ticket, Author::Staff, Visibility::Public);
            ticket.renewed_promise = promise.clone();
        })
        .await;
    tells(&town, "seva.tickets.promise.renewed.v1", &promise, 2, &of_promise(&ticket)).await;
    town.works().await;
    assert_eq!(town.post.handed().len(), before + 1);
    assert_eq!(told_of(&town, &ticket).await, ["promise_renewed"]);
}

/// NO4
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_that_a_promise_is_broken_for_which_somebody_has_apologized_or_which_was_kept() {
    let town = Town::new().await;
    for kind in ["seva.tickets.promise.apologized.v1", "seva.tickets.promise.kept.v1"] {
        let (somebody, ticket) = somebody_with_a_ticket(&town, "en").await;
        let promise = format!("promises/{}", new_id());
        tells(&town, "seva.tickets.promise.broken.v1", &promise, 2, &of_promise(&ticket)).await;
        tells(&town, kind, &promise, 3, &of_promise(&ticket)).await;
        town.works().await;
        let told = town.explained(somebody, &promise, "promise_broken").await;
        assert_eq!(
            (told.notification.state(), told.notification.reason()),
            (State::Superseded, Reason::Stale),
            "{kind}"
        );
        assert_eq!(told.notification.ticket, ticket.ticket);
    }
}

/// Money that is paid back is told by its invoice, and what settles a return by the return.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_twice_by_two_that_know_of_it() {
    let town = Town::new().await;
    let (_, ticket) = somebody_with_a_ticket(&town, "en").await;
    let [case, grant] = ["returnCases", "compensationGrants"].map(|collection| format!("{collection}/{}", new_id()));
    let refunded = ReturnCaseEvent { settlement: Way::Refund.into(), ..of_return(&ticket) };
    tells(&town, "seva.tickets.return_case.settled.v1", &case, 5, &refunded).await;
    let of_case = CompensationGrantEvent { return_case: case, ..of_grant(&ticket, Kind::Credit) };
    tells(&town, "seva.tickets.compensation_grant.issued.v1", &grant, 2, &of_case).await;
    tells(&town, "seva.tickets.compensation_grant.settled.v1", &grant, 3, &of_case).await;
    let refund = format!("compensationGrants/{}", new_id());
    tells(&town, "seva.tickets.compensation_grant.settled.v1", &refund, 3, &of_grant(&ticket, Kind::Refund)).await;
    town.works().await;
    assert_eq!(told_of(&town, &ticket).await, Vec::<String>::new());
}
