//! Low scores become one case each, and the case follows its ticket to the customer's word (SU5, SU14).

use std::sync::Arc;

use seva_proto::{
    surveys::v1::{
        Invitation, LoopCase, LoopCaseEvent, Programme,
        invitation::{State as InvitationState, SuppressReason},
        loop_case::State,
        programme::Trigger,
        question::Kind,
    },
    tickets::v1::{
        Matter, TicketEvent,
        message::{Author, Visibility},
        ticket::{Closure, State as TicketState},
    },
};
use seva_values::{format_name, new_id, parse_name};
use tokio::task::JoinSet;

use crate::{
    office::{after_orders, question},
    world::{World, saving, scored},
};

/// The ticket that tickets opens for a low score.
fn ticket_of(case: &LoopCase) -> TicketEvent {
    TicketEvent {
        ticket: format_name("tickets", new_id()),
        customer: case.customer.clone(),
        state: TicketState::New.into(),
        matter: Some(Matter { kind: "low_score".to_owned(), subject: case.response.clone(), version: String::new() }),
        ..TicketEvent::default()
    }
}

async fn only_case(world: &World) -> LoopCase {
    let mut cases = world.loop_cases().await;
    assert_eq!(cases.len(), 1, "{cases:?}");
    cases.remove(0)
}

/// How many cases were told to have been opened.
async fn openings(world: &World) -> usize {
    let emitted = world.office.emitted().await;
    emitted.iter().filter(|event| event.kind == "seva.surveys.loop_case.opened.v1").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_opens_one_case_that_says_what_its_ticket_needs() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let request = saving(&token, 0, vec![scored("csat", 2)], true);
    world.save(request.clone()).await.unwrap();
    world.save(request).await.unwrap();

    let case = only_case(&world).await;
    assert_eq!((case.state(), case.question_id.as_str(), case.score), (State::Open, "csat", 2));
    let told = world.office.emitted().await;
    let told = told.iter().find(|event| event.kind == "seva.surveys.loop_case.opened.v1").unwrap();
    assert_eq!((told.subject.as_str(), told.sequence), (case.name.as_str(), 1));
    let event: LoopCaseEvent = told.read();
    assert_eq!((event.subject, event.language.as_str()), (invitation.subject.clone(), "bn"));
    let said = event.loop_case.unwrap();
    assert_eq!(said, case);
    // What tickets reads: whose, and the response that is the matter.
    assert_eq!(said.customer, invitation.customer);
    assert!(parse_name("responses", &said.response).is_ok());

    // Corrected, to better and to worse: the case is there.
    for (revision, score) in [(1, 5), (2, 1)] {
        world.save(saving(&token, revision, vec![scored("csat", score)], false)).await.unwrap();
    }
    assert_eq!(only_case(&world).await, case);
    assert_eq!(openings(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_to_a_low_score_opens_a_case_and_each_question_has_its_own() {
    let world = World::new().await;
    let customer = world.customer("hi").await;
    let ticket = world.closed(customer).await;
    world.rest().await;
    world.pass(1).await;
    let token = world.link(&world.about(&ticket).await).await;
    world.save(saving(&token, 0, vec![scored("csat", 3), scored("nps", 7)], true)).await.unwrap();
    assert_eq!(world.loop_cases().await, []);
    world.save(saving(&token, 1, vec![scored("nps", 6)], false)).await.unwrap();
    world.save(saving(&token, 2, vec![scored("csat", 1)], false)).await.unwrap();
    let cases = world.loop_cases().await;
    let mut questions: Vec<_> = cases.iter().map(|case| (case.question_id.as_str(), case.score)).collect();
    questions.sort_unstable();
    assert_eq!(questions, [("csat", 1), ("nps", 6)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programme_that_does_not_follow_low_scores_opens_nothing() {
    let world = World::new().await;
    world.switch(Trigger::OrderDelivered, false).await;
    let survey = world.office.asked(vec![question("csat", Kind::Csat)]).await;
    let programme =
        Programme { active: true, sampling_rate: 1.0, follow_low_scores: false, ..after_orders(&survey.name) };
    world.office.programme(programme).await.unwrap();
    let (completed, begun) = (world.asked().await, world.asked().await);
    world.answers(&completed, 1).await;
    let token = world.link(&begun).await;
    world.save(saving(&token, 0, vec![scored("csat", 1)], false)).await.unwrap();
    world.pass(15 * 24).await;
    assert_eq!(world.loop_cases().await, []);
    assert_eq!(world.again(&begun).await.state(), InvitationState::Expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_who_complete_with_a_low_score_at_once_open_one_case() {
    let world = Arc::new(World::new().await);
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let mut savers = JoinSet::new();
    for number in 0..8 {
        let (world, request) = (world.clone(), saving(&token, 0, vec![scored("csat", 1 + number % 2)], true));
        savers.spawn(async move { world.save(request).await.is_ok() });
    }
    assert_eq!(savers.join_all().await.into_iter().filter(|saved| *saved).count(), 1);
    only_case(&world).await;
    assert_eq!(openings(&world).await, 1);
}

/// A customer who gave a low score and has not come to the end.
async fn begun_low(world: &World) -> (Invitation, String) {
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    world.save(saving(&token, 0, vec![scored("csat", 1)], false)).await.unwrap();
    (invitation, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_a_low_score_and_goes_away_is_followed_after_half_an_hour() {
    let world = World::new().await;
    let (invitation, token) = begun_low(&world).await;
    world.pass_minutes(29).await;
    world.save(saving(&token, 1, vec![scored("csat", 2)], false)).await.unwrap();
    world.pass_minutes(29).await;
    assert_eq!(world.loop_cases().await, [], "half an hour after the last answer");
    world.pass_minutes(1).await;
    let case = only_case(&world).await;
    assert_eq!((case.score, case.state()), (2, State::Open));
    assert_eq!(world.again(&invitation).await.state(), InvitationState::Started, "more may come");
    assert_eq!(world.acts(&invitation.name).await, ["held", "queued", "started"]);

    world.save(saving(&token, 2, vec![scored("csat", 1)], false)).await.unwrap();
    world.pass_minutes(30).await;
    world.save(saving(&token, 3, vec![], true)).await.unwrap();
    assert_eq!(only_case(&world).await, case);
    assert_eq!(openings(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_of_the_last_minutes_is_followed_at_the_end_of_the_time_to_answer() {
    let world = World::new().await;
    let invitation = world.asked().await;
    let token = world.link(&invitation).await;
    let left = invitation.expire_time.unwrap().seconds - world.now().as_second();
    world.pass_minutes(left / 60 - 10).await;
    world.save(saving(&token, 0, vec![scored("csat", 1)], false)).await.unwrap();
    world.pass_minutes(9).await;
    assert_eq!(world.loop_cases().await, []);
    world.pass_minutes(1).await;
    only_case(&world).await;
    let after = world.again(&invitation).await;
    assert_eq!(after.state(), InvitationState::Expired);
    assert_eq!(world.acts(&after.response).await, ["saved", "partial"]);

    // One that was followed before is not followed at the end again.
    let (followed, _) = begun_low(&world).await;
    world.pass(1).await;
    world.pass(14 * 24).await;
    assert_eq!(world.again(&followed).await.state(), InvitationState::Expired);
    assert_eq!(openings(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_savers_and_the_look_at_what_rests_at_once_open_one_case_each() {
    let world = Arc::new(World::new().await);
    for _ in 0..12 {
        let (_, token) = begun_low(&world).await;
        world.office.pass(30 * 60);
        let mut savers = JoinSet::new();
        for _ in 0..8 {
            let (world, request) = (world.clone(), saving(&token, 1, vec![], true));
            savers.spawn(async move { world.save(request).await });
        }
        let answers = savers.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        world.rest().await;
    }
    assert_eq!(world.loop_cases().await.len(), 12);
    assert_eq!(openings(&world).await, 12);
}

// SU14: every row of the README's table.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_follows_its_ticket_to_the_customers_word() {
    use TicketState::{Canceled, Closed, New, Open, Resolved};
    let world = World::new().await;
    let said = |visibility: Visibility, author: Author, ticket: &TicketEvent| TicketEvent {
        message_visibility: visibility.into(),
        message_author: author.into(),
        ..ticket.clone()
    };
    let in_state = |state: TicketState, ticket: &TicketEvent| TicketEvent { state: state.into(), ..ticket.clone() };
    let closed = |closure: Closure, ticket: &TicketEvent| TicketEvent {
        state: Closed.into(),
        closure: closure.into(),
        ..ticket.clone()
    };
    macro_rules! acts {
        ($ticket:ident: $($act:literal $event:expr => $state:ident),+ $(,)?) => {
            [$((concat!("seva.tickets.ticket.", $act, ".v1"), $event(&$ticket), State::$state)),+].to_vec()
        };
    }
    let answer = |ticket: &TicketEvent| said(Visibility::Public, Author::Staff, ticket);
    let note = |ticket: &TicketEvent| said(Visibility::Internal, Author::Staff, ticket);
    let of_customer = |ticket: &TicketEvent| said(Visibility::Public, Author::Customer, ticket);
    let open = |ticket: &TicketEvent| in_state(Open, ticket);
    let resolved = |ticket: &TicketEvent| in_state(Resolved, ticket);
    let new = |ticket: &TicketEvent| in_state(New, ticket);
    let canceled = |ticket: &TicketEvent| in_state(Canceled, ticket);
    let verified = |ticket: &TicketEvent| closed(Closure::Verified, ticket);
    let unverified = |ticket: &TicketEvent| closed(Closure::Unverified, ticket);

    for way in 0..4 {
        let invitation = world.asked().await;
        world.answers(&invitation, 1).await;
        let case = world.loop_cases().await.remove(0);
        let ticket = ticket_of(&case);
        let acts = match way {
            0 => acts!(ticket:
                "created" new => Open, "assigned" open => Acknowledged, "replied" note => Acknowledged,
                "replied" of_customer => Acknowledged, "replied" answer => Contacted, "pending" answer => Contacted,
                "resolved" resolved => Resolved, "rejected" new => Disputed, "assigned" open => Acknowledged,
                "resolved" resolved => Resolved, "closed" verified => Verified, "reopened" new => Disputed,
                "replied" answer => Contacted, "canceled" canceled => Canceled,
            ),
            1 => acts!(ticket:
                "created" new => Open, "replied" answer => Contacted, "resolved" resolved => Resolved,
                "verification_requested" resolved => Resolved, "closed" unverified => Unreachable,
                "reopened" new => Disputed, "resolved" resolved => Resolved, "closed" verified => Verified,
            ),
            2 => acts!(ticket: "created" new => Open, "clock_breached" new => Open, "canceled" canceled => Canceled,
                "assigned" open => Canceled),
            _ => acts!(ticket: "created" new => Open, "resolved" resolved => Resolved, "rejected" new => Disputed,
                "closed" unverified => Unreachable),
        };
        let mut changes = vec!["opened".to_owned()];
        let mut before = State::Open;
        for (kind, event, expected) in acts {
            world.ticket_says(kind, &event).await;
            world.rest().await;
            let now = world.loop_cases().await.into_iter().find(|known| known.name == case.name).unwrap();
            assert_eq!((now.state(), &now.ticket), (expected, &ticket.ticket), "{kind} of way {way}");
            if expected != before {
                let name = expected.as_str_name().trim_start_matches("STATE_").to_lowercase();
                changes.push(name);
                before = expected;
            }
        }
        assert_eq!(world.acts(&case.name).await, changes, "each change is told once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gave_a_low_score_is_asked_nothing_else_until_that_is_over() {
    let world = World::new().await;
    let invitation = world.asked().await;
    world.answers(&invitation, 1).await;
    let customer = parse_name("customers", &invitation.customer).unwrap();
    // Long enough for every pause; the ticket has not been heard of yet.
    world.pass(40 * 24).await;
    let order = world.delivered(customer).await;
    world.pass(48).await;
    assert_eq!(world.about(&order).await.suppress_reason(), SuppressReason::OpenTicket);

    let ticket = ticket_of(&only_case(&world).await);
    world.ticket_says("seva.tickets.ticket.created.v1", &ticket).await;
    let closed = TicketEvent { state: TicketState::Closed.into(), closure: Closure::Verified.into(), ..ticket };
    world.ticket_says("seva.tickets.ticket.closed.v1", &closed).await;
    world.pass(1).await;
    assert_eq!(only_case(&world).await.state(), State::Verified);
    assert_eq!(world.about(&closed.ticket).await.suppress_reason(), SuppressReason::FromLowScore);
    let order = world.delivered(customer).await;
    world.pass(48).await;
    assert_eq!(world.about(&order).await.state(), InvitationState::Queued);
}
