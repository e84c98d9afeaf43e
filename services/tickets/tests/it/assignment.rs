//! Who takes what: skill, language, shift, presence, and free places that are given once.

use std::sync::Arc;

use seva_proto::{
    common::v1::{ErrorReason, Weekday, WeeklyInterval},
    staff::v1::{EndServiceRequest, staff_member::Presence, staff_member_service_client::StaffMemberServiceClient},
    tickets::v1::{
        AssignTicketRequest, ListMessagesRequest, ReplyToTicketRequest, Ticket,
        message::Visibility,
        ticket::{State, WaitReason},
    },
};
use seva_testkit::eventually;
use seva_values::new_id;
use tokio::task::JoinSet;

use crate::world::{World, a_ticket, invariant, is_refused};

async fn waits_for(world: &World, name: &str, reason: WaitReason) -> Ticket {
    world.until(reason.as_str_name(), name, |ticket| ticket.wait_reason() == reason).await
}

fn assign(name: &str, assignee: &str, reason: &str) -> AssignTicketRequest {
    AssignTicketRequest {
        name: name.to_owned(),
        assignee: assignee.to_owned(),
        override_reason: reason.to_owned(),
        request_id: new_id().to_string(),
        ..AssignTicketRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_waits_with_its_reason_until_somebody_can_take_it() {
    let world = World::new().await;
    let customer = world.customer("bn").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    waits_for(&world, &ticket, WaitReason::NoDepartment).await;

    let department = world.department("support", &["question"]).await;
    waits_for(&world, &ticket, WaitReason::NoSkill).await;
    let rina = world.member("rina", &department, &["bn"], 1).await;
    assert_eq!(world.assigned(&ticket).await.assignee, rina);
    let next = world.create(a_ticket(customer)).await.unwrap().name;
    waits_for(&world, &next, WaitReason::NoFreePlace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_becomes_free_goes_to_the_oldest_that_waits() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 1).await;
    let customer = world.customer("en").await;
    let first = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&first).await;
    let second = world.create(a_ticket(customer)).await.unwrap().name;
    waits_for(&world, &second, WaitReason::NoFreePlace).await;
    let third = world.create(a_ticket(customer)).await.unwrap().name;
    waits_for(&world, &third, WaitReason::NoFreePlace).await;

    world.resolve(&first).await.unwrap();

    world.assigned(&second).await;
    assert_eq!(world.get(&third).await.state(), State::New);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_the_night_is_taken_when_the_shift_begins() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    // Tuesday, from nine to five in Kolkata.
    let tuesday =
        WeeklyInterval { weekday: Weekday::Tuesday.into(), start: "09:00".to_owned(), end: "17:00".to_owned() };
    let radha = world.member_with("radha", &department, &["en"], 3, vec![tuesday]).await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    waits_for(&world, &ticket, WaitReason::NobodyOnShift).await;

    // Monday 09:00 in UTC is 14:30 there; the shift begins eighteen and a half hours later.
    world.pass(18);
    tokio::task::yield_now().await;
    assert_eq!(world.get(&ticket).await.state(), State::New);
    world.pass(1);
    assert_eq!(world.assigned(&ticket).await.assignee, radha);
}

/// TK2: a claim is over the state that was seen.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_claim_a_ticket_that_they_all_saw_one_gets_it() {
    let world = Arc::new(World::new().await);
    let department = world.department("support", &["question"]).await;
    let mut members = Vec::new();
    for user in ["a", "b", "c", "d", "e", "f"] {
        let member = world.member(user, &department, &["en"], 5).await;
        // So that routing gives them nothing; they are people who go over that.
        world.presence(&member, Presence::Away).await;
        members.push((user, member));
    }
    for _ in 0..5 {
        let ticket = world.create(a_ticket(world.customer("en").await)).await.unwrap().name;
        let seen = waits_for(&world, &ticket, WaitReason::NobodyOnShift).await;
        let mut claims = JoinSet::new();
        for (user, member) in members.clone() {
            let (world, claim) = (
                world.clone(),
                AssignTicketRequest { etag: seen.etag.clone(), ..assign(&ticket, &member, "I have it in my hands") },
            );
            claims.spawn(async move { world.tickets_of(user).assign_ticket(claim).await });
        }
        let (given, refused): (Vec<_>, Vec<_>) = claims.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(given.len(), 1, "{given:?}");
        let winner = given.into_iter().next().unwrap().unwrap().into_inner().ticket.unwrap();
        assert_eq!(world.get(&ticket).await, winner);
        for refused in refused {
            is_refused(refused, ErrorReason::EtagMismatch);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_than_their_places_however_many_tickets_come_at_once() {
    let world = Arc::new(World::new().await);
    let department = world.department("support", &["question"]).await;
    for (user, capacity) in [("a", 3), ("b", 5), ("c", 2)] {
        world.member(user, &department, &["en"], capacity).await;
    }
    let customer = world.customer("en").await;
    let mut creations = JoinSet::new();
    for _ in 0..4 {
        let world = world.clone();
        creations.spawn(async move {
            for _ in 0..8 {
                world.create(a_ticket(customer)).await.unwrap();
            }
        });
    }
    creations.join_all().await;
    eventually("all places are taken", || async {
        (world.count("select count(*) from ticket where state = 'open'").await == 10).then_some(())
    })
    .await;
    eventually("the others know why they wait", || async {
        let waiting = "select count(*) from ticket where state = 'new' and wait_reason = 'no_free_place'";
        (world.count(waiting).await == 22).then_some(())
    })
    .await;
    let wrong = "select count(*) from staff_member m where open_weight > capacity
                 or open_weight <> (select count(*) from ticket t where t.assignee = m.id and is_worked_on(t.state))";
    assert_eq!(world.count(wrong).await, 0, "TK30");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_give_the_last_place_away_one_does() {
    let world = Arc::new(World::new().await);
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 1).await;
    world.presence(&radha, Presence::Away).await;
    let customer = world.customer("en").await;
    let mut tickets = Vec::new();
    for _ in 0..6 {
        let name = world.create(a_ticket(customer)).await.unwrap().name;
        waits_for(&world, &name, WaitReason::NobodyOnShift).await;
        tickets.push(name);
    }
    // Routing gives her nothing while she is away; people may, once she is back, and all at once.
    world.presence(&radha, Presence::Present).await;
    let mut givers = JoinSet::new();
    for name in tickets {
        let (world, radha) = (world.clone(), radha.clone());
        givers.spawn(async move { world.tickets().assign_ticket(assign(&name, &radha, "")).await });
    }
    // One of them, or routing before all of them.
    let (given, refused): (Vec<_>, Vec<_>) = givers.join_all().await.into_iter().partition(Result::is_ok);
    assert!(given.len() <= 1, "{given:?}");
    for refused in refused {
        let refused = is_refused(refused, ErrorReason::StaffMemberUnavailable);
        assert_eq!(invariant(&refused), "TK2");
    }
    eventually("she has one", || async {
        (world.count("select count(*) from ticket where state = 'open'").await == 1).then_some(())
    })
    .await;
    assert_eq!(world.count("select open_weight::bigint from staff_member").await, 1, "TK31");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_go_over_what_is_asked_of_an_assignee_with_a_reason_that_is_kept() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 0).await;
    let customer = world.customer("ur").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;

    let refused = world.tickets().assign_ticket(assign(&ticket, &radha, "")).await;
    is_refused(refused, ErrorReason::StaffMemberUnavailable);
    let given = world.tickets().assign_ticket(assign(&ticket, &radha, "She knows the customer")).await.unwrap();
    assert_eq!(given.into_inner().ticket.unwrap().assignee, radha);
    let request = ListMessagesRequest { parent: ticket.clone(), ..ListMessagesRequest::default() };
    let messages = world.tickets().list_messages(request).await.unwrap().into_inner().messages;
    assert_eq!(messages[0].text, "She knows the customer");
    let (act, told) = world.told(&ticket).await.pop().unwrap();
    assert!(act == "assigned" && told.r#override);
    let nobody = format!("staffMembers/{}", new_id());
    let refused = world.tickets().assign_ticket(assign(&ticket, &nobody, "Whoever")).await;
    is_refused(refused, ErrorReason::StaffMemberUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_who_leaves_goes_back_to_the_queue_at_once_and_to_another() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        let name = world.create(a_ticket(customer)).await.unwrap().name;
        world.assigned(&name).await;
        tickets.push(name);
    }
    let request = EndServiceRequest { name: radha.clone(), etag: String::new(), request_id: new_id().to_string() };
    StaffMemberServiceClient::new(world.staff.as_role("manager")).end_service(request).await.unwrap();
    for name in &tickets {
        world.until("it is back in the queue", name, |ticket| ticket.state() == State::New).await;
        assert_eq!(world.acts(name).await[1..3], ["assigned", "unassigned"], "TK32");
    }
    let mira = world.member("mira", &department, &["en"], 5).await;
    for name in &tickets {
        assert_eq!(world.assigned(name).await.assignee, mira);
    }
}

/// TK36
#[tokio::test(flavor = "multi_thread")]
async fn tk36_a_silent_assignee_loses_the_ticket_to_somebody_else_and_one_who_answers_keeps_it() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    let bina = world.member("bina", &department, &["en"], 5).await;
    // Half of the four hours in which the customer hears something first.
    world.pass_minutes(119);
    assert_eq!(world.get(&name).await.assignee, radha);
    world.pass_minutes(1);
    let other = world.until("somebody else has it", &name, |ticket| ticket.assignee == bina).await;
    assert_eq!((other.return_count, other.state()), (1, State::Open));
    let reply = ReplyToTicketRequest {
        name: name.clone(),
        visibility: Visibility::Internal.into(),
        text: "I am looking into it.".to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets_of("bina").reply_to_ticket(reply).await.unwrap();
    world.pass(24);
    world.until("time has passed", &name, |ticket| ticket.clocks[0].breach_time.is_some()).await;
    assert_eq!(world.get(&name).await.assignee, bina);
    let acts = world.acts(&name).await;
    assert_eq!(acts.iter().filter(|act| *act == "unassigned").count(), 1, "{acts:?}");
}
