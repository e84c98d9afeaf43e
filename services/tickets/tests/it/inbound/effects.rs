//! What a message does to the ticket that it belongs to.

use seva_proto::tickets::v1::{
    CancelTicketRequest, ConfirmTicketRequest, InboundMessage, ProgramMarks, ReplyToTicketRequest,
    inbound_message::{Reason, State},
    message::{Author, Medium, Visibility},
    program_marks::AutoSubmitted,
    ticket::{CancelReason, Closure, State as TicketState},
    verification_attempt::Outcome,
};
use seva_values::new_id;

use super::{in_reply_to, mail};
use crate::world::World;

const ASHA: &str = "asha@example.com";

async fn closed(world: &World) -> String {
    let ticket = world.resolved("<1>", ASHA).await;
    let confirm = ConfirmTicketRequest {
        name: ticket.clone(),
        caller: "Asha".to_owned(),
        request_id: new_id().to_string(),
        ..ConfirmTicketRequest::default()
    };
    world.tickets().confirm_ticket(confirm).await.unwrap();
    ticket
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_customer_goes_on() {
    let world = World::new().await;
    let ticket = world.worked_on("<1>", ASHA).await;
    let question = ReplyToTicketRequest {
        name: ticket.clone(),
        visibility: Visibility::Public.into(),
        text: "Which colour?".to_owned(),
        awaits_customer: true,
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets_of("radha").reply_to_ticket(question).await.unwrap();
    let answered = world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "Re: Where is it?", "Red."))).await;
    assert_eq!(answered, ticket);
    assert_eq!(world.get(&ticket).await.state(), TicketState::Open);
    let said = world.said(&ticket).await;
    let last = said.last().unwrap();
    assert_eq!((last.author(), last.medium(), last.text.as_str()), (Author::Customer, Medium::Email, "Red."));
}

/// TK96
#[tokio::test(flavor = "multi_thread")]
async fn tk96_thanks_by_mail_confirm_a_resolution() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "Re: Where is it?", "It works, thank you!\n\nAsha"))).await;
    let closed = world.get(&ticket).await;
    assert_eq!((closed.state(), closed.closure()), (TicketState::Closed, Closure::Verified));
    assert_eq!(world.texts(&ticket).await.last().unwrap(), "It works, thank you!\n\nAsha");
}

/// TK96
#[tokio::test(flavor = "multi_thread")]
async fn tk96_whatever_is_not_just_thanks_rejects_a_resolution() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "", "Thanks, but it has not come."))).await;
    let reopened = world.until("it is with Radha again", &ticket, |ticket| ticket.state() == TicketState::Open).await;
    assert_eq!(reopened.reopen_count, 1);
    assert!(world.acts(&ticket).await.contains(&"rejected".to_owned()));
}

/// TK96, TK93, TK147: what a mail says is the outcome of the attempt that it answers; what a program says is none.
#[tokio::test(flavor = "multi_thread")]
async fn tk96_an_answer_in_any_of_our_languages_is_the_outcome_of_the_attempt() {
    for (yes, no) in [
        ("Yes, it is solved. Thank you!", "It does not work."),
        ("जी हाँ, धन्यवाद।", "अभी तक नहीं आया।"),
        ("হ্যাঁ, ধন্যবাদ।", "এখনও আসেনি।"),
        ("جی ہاں، شکریہ۔", "ابھی تک نہیں آیا۔"),
    ] {
        let world = World::new().await;
        let ticket = world.resolved("<1>", ASHA).await;
        let away = ProgramMarks { auto_submitted: AutoSubmitted::Replied.into(), ..ProgramMarks::default() };
        let away = InboundMessage { automation: Some(away), ..mail("<away>", ASHA, "Out of office", yes) };
        assert_eq!(world.push(in_reply_to("<1>", away)).await.state(), State::Ignored);
        assert_eq!(world.get(&ticket).await.state(), TicketState::Resolved, "{yes}");

        world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "", no))).await;
        world.assigned(&ticket).await;
        world.resolve(&ticket).await.unwrap();
        world.delivers(in_reply_to("<1>", mail("<3>", ASHA, "", yes))).await;
        let closed = world.get(&ticket).await;
        assert_eq!((closed.state(), closed.closure()), (TicketState::Closed, Closure::Verified), "{yes}");
        let outcomes: Vec<_> = closed.verification.iter().map(|attempt| attempt.outcome()).collect();
        assert_eq!(outcomes, [Outcome::Rejected, Outcome::Confirmed]);
    }
}

/// TK96: of a yes by mail and a no by mail at once both are said, whichever comes first.
#[tokio::test(flavor = "multi_thread")]
async fn tk96_a_yes_and_a_no_at_once_leave_a_ticket_that_is_worked_on() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", ASHA).await;
    let yes = world.push(in_reply_to("<1>", mail("<yes>", ASHA, "", "Thanks!")));
    let no = world.push(in_reply_to("<1>", mail("<no>", ASHA, "", "It is broken again.")));
    let (yes, no) = tokio::join!(yes, no);
    assert_eq!((yes.ticket.as_str(), no.ticket.as_str(), no.state()), (&*ticket, &*ticket, State::Delivered));
    assert!(!matches!(world.get(&ticket).await.state(), TicketState::Closed | TicketState::Resolved));
    assert!(world.texts(&ticket).await.contains(&"It is broken again.".to_owned()));
}

/// TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk97_a_closed_ticket_is_opened_again_within_thirty_days() {
    let world = World::new().await;
    let ticket = closed(&world).await;
    world.pass(29 * 24);
    assert_eq!(world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "", "It is broken again."))).await, ticket);
    assert_eq!(world.get(&ticket).await.reopen_count, 1);
    assert!(world.acts(&ticket).await.contains(&"reopened".to_owned()));
}

/// TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk97_later_a_ticket_follows_it_and_what_comes_after_goes_there() {
    let world = World::new().await;
    let ticket = closed(&world).await;
    world.pass(31 * 24);
    let batch = vec![
        in_reply_to("<1>", mail("<2>", ASHA, "", "It is broken again.")),
        in_reply_to("<1>", mail("<3>", ASHA, "", "Still.")),
    ];
    let results = world.publish(batch).await;
    let follows = results[0].ticket.clone();
    assert_ne!(follows, ticket);
    assert_eq!(results[1].ticket, follows);
    assert_eq!(world.delivers(in_reply_to("<1>", mail("<4>", ASHA, "", "And still."))).await, follows);
    let following = world.get(&follows).await;
    let closed = world.get(&ticket).await;
    assert_eq!((following.follow_up_of.as_str(), following.title), (&*ticket, closed.title.clone()));
    assert_eq!((closed.state(), closed.reopen_count), (TicketState::Closed, 0));
    assert_eq!(world.texts(&follows).await, ["It is broken again.", "Still.", "And still."]);
}

/// TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk97_of_several_at_once_after_the_end_one_ticket_follows() {
    let world = World::new().await;
    let ticket = closed(&world).await;
    world.pass(31 * 24);
    let pushed =
        (2..7).map(|at| world.push(in_reply_to("<1>", mail(&format!("<{at}>"), ASHA, "", "It is broken again."))));
    let results = futures::future::join_all(pushed).await;
    assert!(results.iter().all(|result| result.state() == State::Delivered), "{results:?}");
    assert!(results.iter().all(|result| result.ticket == results[0].ticket), "{results:?}");
    assert_eq!(world.get(&results[0].ticket).await.follow_up_of, ticket);
    assert_eq!(world.texts(&results[0].ticket).await.len(), 5);
}

/// TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk97_thanks_after_the_end_change_nothing_and_are_kept() {
    let world = World::new().await;
    let ticket = closed(&world).await;
    let before = world.get(&ticket).await;
    let result = world.push(in_reply_to("<1>", mail("<2>", ASHA, "", "Thank you!"))).await;
    assert_eq!((result.state(), result.reason(), result.ticket.as_str()), (State::Ignored, Reason::Thanks, &*ticket));
    assert_eq!(result.message, "");
    assert_eq!(world.get(&ticket).await, before);
    assert_eq!(world.kept(&result.inbound_message).await.customer, before.customer);
}

/// TK97
#[tokio::test(flavor = "multi_thread")]
async fn tk97_a_canceled_ticket_is_followed_by_another() {
    let world = World::new().await;
    let ticket = world.worked_on("<1>", ASHA).await;
    let cancel = CancelTicketRequest {
        name: ticket.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(cancel).await.unwrap();
    let follows = world.delivers(in_reply_to("<1>", mail("<2>", ASHA, "", "I need it after all."))).await;
    assert_eq!(world.get(&follows).await.follow_up_of, ticket);
}

/// TK97, TK7: what an event has opened meanwhile for the same matter is where it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn tk97_what_belongs_to_a_matter_goes_to_the_ticket_that_it_has_now() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    world.directory.share(ASHA, &[customer]);
    let order = format!("orders/{}", new_id());
    world.day_is_missed(customer, &order, "2026-03-01").await;
    let first = world.ticket_of(customer).await;
    let number = |number: &str| format!("Re: [#{number}]");
    let cancel = CancelTicketRequest {
        name: first.name.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(cancel).await.unwrap();
    let follows = world.delivers(mail("<1>", ASHA, &number(&first.number), "It has not come after all.")).await;
    assert_eq!(world.get(&follows).await.matter, first.matter);
    assert_eq!(world.delivers(mail("<2>", ASHA, &number(&first.number), "Still not.")).await, follows);
}
