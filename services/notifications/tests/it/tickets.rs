//! What customers are told of their tickets.

use std::sync::Arc;

use mail_parser::MessageParser;
use seva_notifications::{Notices, provider::compose};
use seva_proto::{
    notifications::v1::{DecisionReason as Reason, notification::State},
    tickets::v1::{
        GetConversationRequest, InboundMessage, MessageSender, MessageThread, TicketEvent,
        conversation_service_server::ConversationService,
        inbound_message,
        message::{Author, Visibility},
        message_sender,
        ticket::{CancelReason, Closure, State as TicketState},
    },
};
use seva_store::{
    consumer::{self, Consumer},
    due::Bell,
};
use seva_testkit::eventually;
use uuid::Uuid;

use crate::{
    mail::sender,
    neighbours::said,
    town::{Town, beside, by_agent},
};

const ASSIGNED: &str = "seva.tickets.ticket.assigned.v1";
const REPLIED: &str = "seva.tickets.ticket.replied.v1";
const PENDING: &str = "seva.tickets.ticket.pending.v1";
const RESOLVED: &str = "seva.tickets.ticket.resolved.v1";
const ASKED_AGAIN: &str = "seva.tickets.ticket.verification_requested.v1";
const REJECTED: &str = "seva.tickets.ticket.rejected.v1";
const REOPENED: &str = "seva.tickets.ticket.reopened.v1";
const CLOSED: &str = "seva.tickets.ticket.closed.v1";
const CANCELED: &str = "seva.tickets.ticket.canceled.v1";

fn resolved(ticket: &mut TicketEvent) {
    ticket.set_state(TicketState::Resolved);
    ticket.resolution += 1;
    ticket.verification_attempts = 1;
}

fn asked_again(ticket: &mut TicketEvent) {
    ticket.verification_attempts += 1;
}

fn open_again(ticket: &mut TicketEvent) {
    ticket.set_state(TicketState::New);
    ticket.set_closure(Closure::Unspecified);
    ticket.reopen_count += 1;
}

fn closed(closure: Closure) -> impl FnOnce(&mut TicketEvent) {
    move |ticket| {
        ticket.set_state(TicketState::Closed);
        ticket.set_closure(closure);
    }
}

fn assigned(ticket: &mut TicketEvent) {
    ticket.set_state(TicketState::Open);
}

fn replied(ticket: &mut TicketEvent) {
    said(ticket, Author::Staff, Visibility::Public);
}

fn asked(ticket: &mut TicketEvent) {
    replied(ticket);
    ticket.set_state(TicketState::PendingCustomer);
}

fn answered(ticket: &mut TicketEvent) {
    said(ticket, Author::Customer, Visibility::Public);
    ticket.set_state(TicketState::Open);
}

/// An event, what it changes, and the milestone that is told of it, if any.
type Row = (&'static str, fn(&mut TicketEvent), &'static str);

/// The milestones of what was handed over about a ticket, in order.
async fn told_of(town: &Town, ticket: &TicketEvent) -> Vec<String> {
    sqlx::query_scalar(
        "select n.milestone from notification n where n.subject = $1 and n.state = 'sent' order by n.sequence",
    )
    .bind(&ticket.ticket)
    .fetch_all(&town.notifications.owner)
    .await
    .unwrap()
}

/// Somebody who reads a language, and a ticket of theirs.
async fn somebody_with_a_ticket(town: &Town, language: &str) -> (Uuid, TicketEvent) {
    let somebody = town.somebody(&[language]).await;
    town.settled().await;
    (somebody, town.neighbours.ticket(somebody).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_told_of_each_step_of_a_ticket_in_every_language() {
    let town = Town::new().await;
    let rows: [Row; 16] = [
        (ASSIGNED, assigned, ""),
        (REPLIED, replied, "ticket_replied"),
        (PENDING, asked, "ticket_question"),
        (REPLIED, answered, ""),
        (RESOLVED, resolved, "ticket_resolved"),
        (REJECTED, open_again, "ticket_reopened"),
        (ASSIGNED, assigned, ""),
        (RESOLVED, resolved, "ticket_resolved"),
        (ASKED_AGAIN, asked_again, "ticket_asked_again"),
        (ASKED_AGAIN, asked_again, "ticket_asked_again"),
        (CLOSED, |ticket| closed(Closure::Unverified)(ticket), "ticket_closed_unconfirmed"),
        (REOPENED, open_again, "ticket_reopened"),
        (ASSIGNED, assigned, ""),
        (RESOLVED, resolved, "ticket_resolved"),
        (CLOSED, |ticket| closed(Closure::Verified)(ticket), "ticket_closed"),
        (REOPENED, open_again, "ticket_reopened"),
    ];
    for language in ["en", "hi", "bn", "ur"] {
        let (_, mut ticket) = somebody_with_a_ticket(&town, language).await;
        town.works().await;
        let mut expected = vec!["ticket_opened"];
        for (kind, change, milestone) in rows {
            town.neighbours.tells(kind, &mut ticket, change).await;
            town.works().await;
            expected.extend((!milestone.is_empty()).then_some(milestone));
        }
        town.neighbours
            .tells(CANCELED, &mut ticket, |ticket| {
                ticket.set_state(TicketState::Canceled);
                ticket.set_cancel_reason(CancelReason::ByCustomer);
            })
            .await;
        town.works().await;
        expected.push("ticket_canceled");

        assert_eq!(told_of(&town, &ticket).await, expected, "{language}");
        let mails = town.post.handed();
        let mails = &mails[mails.len() - expected.len()..];
        for mail in mails {
            assert_eq!(mail.language.as_str(), language);
            let subject = mail.subject.replace(['\u{2068}', '\u{2069}'], "");
            assert!(subject.contains(&format!("[#{}]", ticket.number)), "{subject}");
            assert!(mail.text.contains("http://127.0.0.1:8080/ticket/ticket."), "{}", mail.text);
        }
        let subjects: std::collections::BTreeSet<_> = mails.iter().map(|mail| &mail.subject).collect();
        assert_eq!(subjects.len(), 9, "each milestone has words of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_message_opens_the_conversation_of_its_ticket() {
    let town = Town::new().await;
    let (_, ticket) = somebody_with_a_ticket(&town, "en").await;
    town.works().await;

    let mail = &town.post.handed()[0];
    let token = mail.text.lines().find_map(|line| line.strip_prefix("http://127.0.0.1:8080/ticket/")).unwrap();

    let request = GetConversationRequest { token: token.to_owned() };
    let seen = town.neighbours.conversations().get_conversation(by_agent(request)).await.unwrap().into_inner();
    assert_eq!(seen.conversation.unwrap().number, ticket.number);
}

/// What a customer answers to a mail about a ticket comes in at that ticket, by its subject or by what it refers to.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_mail_about_a_ticket_comes_in_at_that_ticket() {
    let town = Town::new().await;
    for language in ["en", "hi", "bn", "ur"] {
        let (somebody, ticket) = somebody_with_a_ticket(&town, language).await;
        town.works().await;
        let sent = compose(&sender(), town.post.handed().last().unwrap()).unwrap().formatted();
        let mail = MessageParser::default().parse(&sent).unwrap();
        let references = mail.references().as_text_list().unwrap()[0].to_string();
        let subject = format!("Re: {}", mail.subject().unwrap());

        let said = |id: &str, subject: &str, in_reply_to: Vec<String>| InboundMessage {
            source: "//mail/support".to_owned(),
            external_id: format!("<{id}.{language}@example.com>"),
            channel: inbound_message::Channel::Mail.into(),
            sender: Some(MessageSender {
                from: Some(message_sender::From::Email("asha@example.com".to_owned())),
                ..MessageSender::default()
            }),
            subject: subject.to_owned(),
            text: "Any news?".to_owned(),
            thread: Some(MessageThread { in_reply_to, ..MessageThread::default() }),
            ..InboundMessage::default()
        };
        let receives = |message| town.neighbours.receives(somebody, message);
        assert_eq!(receives(said("by-subject", &subject, vec![])).await, ticket.ticket, "{language}: {subject}");
        // A mail program that keeps the angle brackets, and a customer who writes another subject.
        assert_eq!(receives(said("by-reference", "", vec![format!("<{references}>")])).await, ticket.ticket);
        assert_eq!(receives(said("bare", "A word more", vec![references])).await, ticket.ticket);
        assert_ne!(receives(said("new", "Something else", vec![])).await, ticket.ticket);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_whether_it_is_solved_who_has_answered() {
    let town = Town::new().await;
    for (kind, change) in
        [(CLOSED, (|ticket| closed(Closure::Verified)(ticket)) as fn(&mut TicketEvent)), (REJECTED, open_again)]
    {
        let (somebody, mut ticket) = somebody_with_a_ticket(&town, "en").await;
        town.neighbours.tells(ASSIGNED, &mut ticket, assigned).await;
        town.neighbours.tells(RESOLVED, &mut ticket, resolved).await;
        town.neighbours.tells(ASKED_AGAIN, &mut ticket, asked_again).await;
        town.settled().await;

        town.neighbours.tells(kind, &mut ticket, change).await;
        town.works().await;

        for milestone in ["ticket_resolved", "ticket_asked_again"] {
            let told = town.explained(somebody, &ticket.ticket, milestone).await;
            assert_eq!(told.notification.state(), State::Superseded, "{milestone} after {kind}");
            assert_eq!(told.notification.reason(), Reason::Stale);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_late_of_a_resolution_is_not_asked() {
    let town = Town::new().await;
    let (somebody, mut ticket) = somebody_with_a_ticket(&town, "en").await;
    ticket.version = 6;
    let mut late = ticket.clone();
    town.neighbours.tells(CLOSED, &mut ticket, closed(Closure::Verified)).await;
    town.works().await;

    late.version = 5;
    resolved(&mut late);
    town.neighbours.tells_again(RESOLVED, &late).await;
    town.works().await;

    let told = town.explained(somebody, &ticket.ticket, "ticket_resolved").await;
    assert_eq!(told.decisions, [(State::Skipped, Reason::Stale)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_the_customer_has_answered_is_taken_back() {
    let town = Town::new().await;
    let (somebody, mut ticket) = somebody_with_a_ticket(&town, "en").await;
    town.neighbours.tells(ASSIGNED, &mut ticket, assigned).await;
    town.neighbours.tells(PENDING, &mut ticket, asked).await;
    town.neighbours.tells(REPLIED, &mut ticket, answered).await;
    town.works().await;

    let told = town.explained(somebody, &ticket.ticket, "ticket_question").await;
    assert_eq!(told.notification.state(), State::Superseded);
    assert_eq!(told_of(&town, &ticket).await, ["ticket_opened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_tickets_again_and_by_two_processes_tells_nothing_twice() {
    let town = Town::new().await;
    let (_, mut ticket) = somebody_with_a_ticket(&town, "en").await;
    for (kind, change) in [
        (ASSIGNED, assigned as fn(&mut TicketEvent)),
        (REPLIED, replied),
        (RESOLVED, resolved),
        (CLOSED, |ticket| closed(Closure::Verified)(ticket)),
    ] {
        town.neighbours.tells(kind, &mut ticket, change).await;
        town.works().await;
    }
    let before = town.count("select count(*) from decision").await;
    let events = town.count("select count(*) from seva.outbox").await;
    let mails = town.post.handed().len();

    assert!(consumer::rebase(&town.notifications.db, "ticket_notices", "//tickets", 0).await.unwrap());
    let notices = Arc::new(Notices::new("ticket_notices", town.clock.clone(), Bell::default()));
    let feed = Arc::new(town.neighbours.tickets.feed.clone());
    let other = Consumer::new("ticket_notices", town.notifications.db.clone(), feed, notices);
    let _other_process = beside(|stopping| other.run(stopping));
    let head = town.neighbours.tickets.feed.bounds().await.unwrap().head;
    eventually("the cursor is at the head again", || async {
        let standings = consumer::standings(&town.notifications.db).await.unwrap();
        let of_tickets = standings.iter().find(|standing| standing.consumer == "ticket_notices");
        of_tickets.is_some_and(|standing| standing.feed_no == head).then_some(())
    })
    .await;

    assert_eq!(town.dispatch_all().await, 0);
    assert_eq!(town.count("select count(*) from decision").await, before);
    assert_eq!(town.count("select count(*) from seva.outbox").await, events);
    assert_eq!(town.post.handed().len(), mails);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_heard_of_before_its_customer_is_told_of_all_the_same() {
    let town = Town::new().await;
    let somebody = town.somebody(&["hi"]).await;
    town.settled().await;
    sqlx::query("delete from recipient").execute(&town.notifications.owner).await.unwrap();

    let ticket = town.neighbours.ticket(somebody).await;
    town.works().await;

    let told = town.explained(somebody, &ticket.ticket, "ticket_opened").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Sent, Reason::HandedOver)]);
    assert_eq!(told.notification.language, "hi");
    let nobody = town.neighbours.ticket(seva_values::new_id()).await;
    town.works().await;
    let customer = nobody.customer.strip_prefix("customers/").unwrap().parse().unwrap();
    let told = town.explained(customer, &nobody.ticket, "ticket_opened").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Skipped, Reason::UnknownCustomer)]);
}
