//! How tickets belong together.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        ConfirmTicketRequest, LinkTicketsRequest, ListLinksRequest, RejectTicketRequest, TicketLink,
        UnlinkTicketsRequest, ticket::State, ticket_link::Kind, ticket_link_service_client::TicketLinkServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_values::new_id;
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{World, a_ticket, invariant, is_refused};

async fn a_world() -> (World, Uuid) {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 200).await;
    let customer = world.customer("en").await;
    (world, customer)
}

async fn opened(world: &World, customer: Uuid) -> String {
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    name
}

fn links(world: &World) -> TicketLinkServiceClient<Peer> {
    TicketLinkServiceClient::new(world.server.as_role("agent"))
}

pub async fn link(world: &World, from: &str, kind: Kind, to: &str) -> Result<TicketLink, Status> {
    let ticket_link =
        Some(TicketLink { from: from.to_owned(), kind: kind.into(), to: to.to_owned(), ..TicketLink::default() });
    let request = LinkTicketsRequest { ticket_link, request_id: new_id().to_string() };
    Ok(links(world).link_tickets(request).await?.into_inner().ticket_link.unwrap())
}

async fn unlink(world: &World, name: &str) -> Result<(), Status> {
    let request = UnlinkTicketsRequest { name: name.to_owned(), request_id: new_id().to_string() };
    links(world).unlink_tickets(request).await.map(|_| ())
}

async fn list(world: &World, ticket: &str) -> Vec<TicketLink> {
    let request = ListLinksRequest { parent: ticket.to_owned() };
    links(world).list_links(request).await.unwrap().into_inner().ticket_links
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_made_seen_from_both_ends_and_taken_away() {
    let (world, customer) = a_world().await;
    let (a, b) = (opened(&world, customer).await, opened(&world, customer).await);
    let made = link(&world, &a, Kind::CausedBy, &b).await.unwrap();
    assert_eq!((list(&world, &a).await, list(&world, &b).await), (vec![made.clone()], vec![made.clone()]));
    let refused = is_refused(link(&world, &a, Kind::CausedBy, &b).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK56");
    link(&world, &a, Kind::Relates, &b).await.unwrap();
    is_refused(link(&world, &b, Kind::Relates, &a).await, ErrorReason::StateForbids);
    is_refused(link(&world, &a, Kind::Relates, &a).await, ErrorReason::FieldsInvalid);
    is_refused(link(&world, &a, Kind::Unspecified, &b).await, ErrorReason::FieldsInvalid);
    let nobody = format!("tickets/{}", new_id());
    is_refused(link(&world, &a, Kind::Relates, &nobody).await, ErrorReason::ResourceNotFound);

    unlink(&world, &made.name).await.unwrap();
    is_refused(unlink(&world, &made.name).await, ErrorReason::ResourceNotFound);
    assert_eq!(list(&world, &b).await.len(), 1);
    let told = "select count(*) from seva.outbox where type like 'seva.tickets.ticket_link.%'";
    assert_eq!(world.count(told).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn tk56_a_parent_is_resolved_after_its_children_and_the_refusal_names_them() {
    let (world, customer) = a_world().await;
    let (parent, child) = (opened(&world, customer).await, opened(&world, customer).await);
    let made = link(&world, &child, Kind::ChildOf, &parent).await.unwrap();
    let refused = is_refused(world.resolve(&parent).await, ErrorReason::StateForbids);
    let violations = refused.get_error_details().precondition_failure().unwrap().violations.clone();
    assert_eq!((violations[1].r#type.as_str(), violations[1].subject.as_str()), ("TK56", child.as_str()));

    world.resolve(&child).await.unwrap();
    world.resolve(&parent).await.unwrap();
    // What the customer says is never refused because of a parent.
    let rejected = |name: &str| RejectTicketRequest {
        name: name.to_owned(),
        caller: "Asha".to_owned(),
        text: "It is broken.".to_owned(),
        request_id: new_id().to_string(),
        ..RejectTicketRequest::default()
    };
    world.tickets().reject_ticket(rejected(&child)).await.unwrap();
    assert_eq!(world.get(&parent).await.state(), State::Resolved);
    // Opened again the parent is held by it.
    world.tickets().reject_ticket(rejected(&parent)).await.unwrap();
    world.assigned(&parent).await;
    assert_eq!(world.get(&parent).await.open_work, 1);
    is_refused(world.resolve(&parent).await, ErrorReason::StateForbids);
    unlink(&world, &made.name).await.unwrap();
    world.resolve(&parent).await.unwrap();

    // What is not resolved is no part of what is.
    let refused = is_refused(link(&world, &child, Kind::ChildOf, &parent).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK56");
    world.assigned(&child).await;
    world.resolve(&child).await.unwrap();
    let confirm = ConfirmTicketRequest {
        name: child.clone(),
        caller: "Asha".to_owned(),
        request_id: new_id().to_string(),
        ..ConfirmTicketRequest::default()
    };
    world.tickets().confirm_ticket(confirm).await.unwrap();
    link(&world, &child, Kind::ChildOf, &parent).await.unwrap();
}

/// TK56: of a child that is opened again and the end of its link at once, nothing is left that holds the parent.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_child_that_comes_back_and_the_end_of_its_link_none_holds_the_parent_for_ever() {
    let (world, customer) = a_world().await;
    for _ in 0..10 {
        let (parent, child) = (opened(&world, customer).await, opened(&world, customer).await);
        let made = link(&world, &child, Kind::ChildOf, &parent).await.unwrap();
        world.resolve(&child).await.unwrap();
        let rejected = RejectTicketRequest {
            name: child.clone(),
            caller: "Asha".to_owned(),
            text: "It is broken.".to_owned(),
            request_id: new_id().to_string(),
            ..RejectTicketRequest::default()
        };
        let mut tickets = world.tickets();
        let (rejected, unlinked) = tokio::join!(tickets.reject_ticket(rejected), unlink(&world, &made.name));
        rejected.unwrap();
        unlinked.unwrap();
        assert_eq!(world.get(&parent).await.open_work, 0);
        world.resolve(&parent).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tk56_of_a_resolution_and_a_new_child_at_once_one_holds() {
    let (world, customer) = a_world().await;
    for _ in 0..10 {
        let (parent, child) = (opened(&world, customer).await, opened(&world, customer).await);
        let (resolved, linked) = tokio::join!(world.resolve(&parent), link(&world, &child, Kind::ChildOf, &parent));
        assert!(resolved.is_ok() != linked.is_ok(), "{resolved:?} {linked:?}");
    }
    for _ in 0..10 {
        let (parent, child) = (opened(&world, customer).await, opened(&world, customer).await);
        let (resolved, linked) = tokio::join!(world.resolve(&child), link(&world, &child, Kind::ChildOf, &parent));
        resolved.unwrap();
        linked.unwrap();
        assert_eq!(world.get(&parent).await.open_work, 0, "whoever comes first, the parent is free in the end");
    }
}

/// TK56: four links that would close a circle together; at most three hold, though no two of them that are opposite share a ticket.
#[tokio::test(flavor = "multi_thread")]
async fn of_links_that_would_close_a_circle_at_once_one_is_refused() {
    let (world, customer) = a_world().await;
    for _ in 0..8 {
        let mut t = Vec::new();
        for _ in 0..4 {
            t.push(opened(&world, customer).await);
        }
        let (a, b, c, d) = tokio::join!(
            link(&world, &t[0], Kind::ChildOf, &t[1]),
            link(&world, &t[1], Kind::ChildOf, &t[2]),
            link(&world, &t[2], Kind::ChildOf, &t[3]),
            link(&world, &t[3], Kind::ChildOf, &t[0]),
        );
        let made = [a, b, c, d];
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 3, "{made:?}");
    }
}

/// Whether a child may have this parent, by the definition.
fn may(parents: &BTreeMap<usize, usize>, child: usize, parent: usize) -> bool {
    let above = |mut at: usize| {
        let mut way = vec![at];
        while let Some(next) = parents.get(&at) {
            way.push(*next);
            at = *next;
        }
        way
    };
    let ways = (0..10).map(above).filter(|way| way.contains(&child));
    let below = ways.map(|way| way.iter().position(|at| *at == child).unwrap() + 1).max().unwrap();
    child != parent
        && !parents.contains_key(&child)
        && !above(parent).contains(&child)
        && above(parent).len() + below <= 5
}

/// TK56
#[tokio::test(flavor = "multi_thread")]
async fn random_parents_form_no_circle_and_no_chain_of_more_than_five() {
    let (world, customer) = a_world().await;
    let mut tickets = Vec::new();
    for _ in 0..10 {
        tickets.push(world.create(a_ticket(customer)).await.unwrap().name);
    }
    let mut runner = TestRunner::new(Config::default());
    let (mut parents, mut names) = (BTreeMap::new(), BTreeMap::<usize, String>::new());
    for _ in 0..150 {
        let (takes_away, child, parent) =
            (prop::bool::weighted(0.2), 0..10_usize, 0..10_usize).new_tree(&mut runner).unwrap().current();
        if takes_away {
            if let Some(name) = names.remove(&child) {
                parents.remove(&child);
                unlink(&world, &name).await.unwrap();
            }
            continue;
        }
        let made = link(&world, &tickets[child], Kind::ChildOf, &tickets[parent]).await;
        assert_eq!(made.is_ok(), may(&parents, child, parent), "{child} of {parent} in {parents:?}: {made:?}");
        if let Ok(made) = made {
            parents.insert(child, parent);
            names.insert(child, made.name);
        }
    }
    let held = "select count(*) from ticket t where t.open_work <> (select count(*) from ticket_link l where l.to_id = t.id and l.kind = 'child_of')";
    assert_eq!(world.count(held).await, 0);
}
