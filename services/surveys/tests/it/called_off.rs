//! Matters that are undone while their question waits.

use seva_proto::{
    surveys::v1::invitation::{State, SuppressReason},
    tickets::v1::{
        TicketEvent,
        ticket::{Closure, State as TicketState},
    },
};

use crate::world::{World, a_closed_ticket};

fn reopened(ticket: &TicketEvent) -> TicketEvent {
    TicketEvent { state: TicketState::New.into(), closure: Closure::Unspecified.into(), ..ticket.clone() }
}

const CLOSED: &str = "seva.tickets.ticket.closed.v1";
const REOPENED: &str = "seva.tickets.ticket.reopened.v1";

// SU11
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_opened_again_is_not_asked_about_before_it_is_closed_once_more() {
    let world = World::new().await;
    let customer = world.customer("ur").await;
    let ticket = a_closed_ticket(customer);
    world.ticket_says(CLOSED, &ticket).await;
    world.rest().await;
    world.office.pass(30 * 60);
    world.ticket_says(REOPENED, &reopened(&ticket)).await;
    world.rest().await;
    let called_off = world.about(&ticket.ticket).await;
    assert_eq!((called_off.state(), called_off.suppress_reason()), (State::Suppressed, SuppressReason::CalledOff));
    assert_eq!(world.acts(&called_off.name).await, ["held", "suppressed"]);
    world.pass(24).await;
    assert_eq!(world.of(customer).await.len(), 1);

    world.ticket_says(CLOSED, &ticket).await;
    world.pass(1).await;
    let states: Vec<State> = world.of(customer).await.iter().map(|invitation| invitation.state()).collect();
    assert_eq!(states, [State::Queued, State::Suppressed], "newest first: what was solved in the end is asked about");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_in_one_batch_ends_the_same() {
    let world = World::new().await;
    let customer = world.customer("ur").await;
    world.rest().await;
    let ticket = a_closed_ticket(customer);
    for (kind, state) in [(CLOSED, &ticket), (REOPENED, &reopened(&ticket)), (CLOSED, &ticket)] {
        world.ticket_says(kind, state).await;
    }
    world.pass(1).await;
    let states = World::states(&world.of(customer).await);
    assert_eq!(states.into_iter().collect::<Vec<_>>(), [(State::Queued, 1), (State::Suppressed, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_not_called_solved_by_its_customer_is_not_asked_about() {
    let world = World::new().await;
    let customer = world.customer("ur").await;
    let ticket = TicketEvent { closure: Closure::Unverified.into(), ..a_closed_ticket(customer) };
    world.ticket_says(CLOSED, &ticket).await;
    world.pass(2).await;
    assert_eq!(world.of(customer).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_canceled_or_unavailable_after_all_is_not_asked_about() {
    let world = World::new().await;
    for kind in ["seva.customers.order.canceled.v1", "seva.customers.order.unavailable.v1"] {
        let customer = world.customer("en").await;
        let order = world.delivered(customer).await;
        world.pass(47).await;
        world.order_says(kind, customer, &order).await;
        world.rest().await;
        let invitation = world.about(&order).await;
        assert_eq!((invitation.state(), invitation.suppress_reason()), (State::Suppressed, SuppressReason::CalledOff));
        world.pass(2).await;
        assert_eq!(world.about(&order).await, invitation, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_already_is_not_taken_back() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = a_closed_ticket(customer);
    world.ticket_says(CLOSED, &ticket).await;
    world.pass(1).await;
    world.ticket_says(REOPENED, &reopened(&ticket)).await;
    world.rest().await;
    assert_eq!(world.about(&ticket.ticket).await.state(), State::Queued);
}
