//! Who is drawn: the same at every look, about as many as the rate says, and with what probability is kept (SU3).

use std::collections::BTreeSet;

use seva_proto::{
    surveys::v1::{
        Invitation, Programme,
        invitation::{State, SuppressReason},
        programme::Trigger,
        question::Kind,
    },
    tickets::v1::{TicketEvent, ticket::Closure},
};

use crate::{
    office::{after_orders, hours, question},
    world::{World, a_closed_ticket},
};

async fn sampling(world: &World, trigger: Trigger, rate: f64) -> Programme {
    world.switch(trigger, false).await;
    let survey = world.office.asked(vec![question("csat", Kind::Csat)]).await;
    let programme = Programme {
        active: true,
        trigger: trigger.into(),
        delay: hours(1),
        sampling_rate: rate,
        ..after_orders(&survey.name)
    };
    world.office.programme(programme).await.unwrap()
}

fn is_drawn(invitation: &Invitation) -> bool {
    invitation.suppress_reason() != SuppressReason::SampledOut
}

#[tokio::test(flavor = "multi_thread")]
async fn about_as_many_are_drawn_as_the_rate_says_and_each_says_with_what_probability() {
    let world = World::new().await;
    sampling(&world, Trigger::OrderDelivered, 0.3).await;
    for _ in 0..300 {
        world.delivered(world.customer("hi").await).await;
    }
    world.rest().await;
    world.pass(1).await;

    let all = world.invitations(Default::default()).await;
    assert_eq!(all.len(), 300);
    assert!(all.iter().all(|invitation| (invitation.inclusion_probability - 0.3).abs() < 1e-9));
    let drawn = all.iter().filter(|invitation| is_drawn(invitation)).count();
    // Six standard deviations to either side of 90.
    assert!((42..=138).contains(&drawn), "{drawn}");
    assert!(all.iter().filter(|invitation| is_drawn(invitation)).all(|drawn| drawn.state() == State::Queued));

    world.hears_everything_again().await;
    assert_eq!(world.invitations(Default::default()).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_that_was_not_drawn_is_not_drawn_when_it_comes_to_pass_again() {
    let world = World::new().await;
    sampling(&world, Trigger::TicketClosed, 0.5).await;
    let mut tickets = Vec::new();
    for _ in 0..30 {
        tickets.push(a_closed_ticket(world.customer("hi").await));
    }
    for _ in 0..3 {
        for ticket in &tickets {
            let open = TicketEvent { state: 1, closure: Closure::Unspecified.into(), ..ticket.clone() };
            world.ticket_says("seva.tickets.ticket.reopened.v1", &open).await;
            world.ticket_says("seva.tickets.ticket.closed.v1", ticket).await;
        }
        world.pass(40 * 24).await;
    }
    let all = world.invitations(Default::default()).await;
    assert_eq!(all.len(), 90);
    let subjects = |drawn: bool| -> BTreeSet<&str> {
        let some = all.iter().filter(|invitation| is_drawn(invitation) == drawn);
        some.map(|invitation| invitation.subject.as_str()).collect()
    };
    assert!(subjects(true).is_disjoint(&subjects(false)));
    assert!(!subjects(true).is_empty() && !subjects(false).is_empty());
}
