//! Solved is what the customer says: asked three times, and closed unverified when nobody answers.

use seva_proto::tickets::v1::{
    ReplyToTicketRequest,
    message::{Author, Visibility},
    ticket::{Closure, State},
};
use seva_values::new_id;

use crate::world::{World, a_ticket};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_asked_three_times_48_hours_apart_and_then_it_is_closed_unverified() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    world.resolve(&name).await.unwrap();

    for attempt in [2, 3] {
        world.pass(47);
        assert_eq!(world.get(&name).await.verification_attempts, attempt - 1);
        world.pass(1);
        world.until("the customer is asked again", &name, |ticket| ticket.verification_attempts == attempt).await;
    }
    world.pass(47);
    assert_eq!(world.get(&name).await.state(), State::Resolved);
    world.pass(1);
    let closed = world.until("it is closed", &name, |ticket| ticket.state() == State::Closed).await;
    assert_eq!(closed.closure(), Closure::Unverified, "TK5");
    let told = world.acts(&name).await;
    assert_eq!(told[2..], ["resolved", "verification_requested", "verification_requested", "closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_met_is_breached_at_its_due_time_and_told_once() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    let due = world.get(&name).await.clocks[0].due_time.unwrap();
    // A question of a usual customer is answered within four hours.
    assert_eq!(due.seconds - world.now().as_second(), 4 * 3600);
    world.pass(5);
    let ticket = world.until("it is breached", &name, |ticket| ticket.clocks[0].breach_time.is_some()).await;
    assert_eq!(ticket.clocks[0].breach_time, Some(due), "the time at which it was due, not that of the look (TK22)");
    let breaches = |acts: Vec<String>| acts.iter().filter(|act| *act == "clock_breached").count();
    assert_eq!(breaches(world.acts(&name).await), 1);
    world.pass(1);
    assert_eq!(breaches(world.acts(&name).await), 1);
}

/// TK22: whoever comes first, the worker or a call, the breach is told once, and before what the call did.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_passed_is_told_before_a_call_that_comes_first() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    for _ in 0..10 {
        let name = world.create(a_ticket(customer)).await.unwrap().name;
        world.pass(5);
        let reply = ReplyToTicketRequest {
            name: name.clone(),
            visibility: Visibility::Public.into(),
            author: Author::Staff.into(),
            text: "We are looking at it.".to_owned(),
            request_id: new_id().to_string(),
            ..ReplyToTicketRequest::default()
        };
        world.tickets().reply_to_ticket(reply).await.unwrap();
        let acts = world.acts(&name).await;
        assert_eq!(acts.iter().filter(|act| *act == "clock_breached").count(), 1, "{acts:?}");
        assert_eq!(acts.last().unwrap(), "replied");
    }
}
