//! What is under way hinders a resolution (TK11).

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{CancelTicketRequest, ticket::CancelReason},
};
use seva_values::new_id;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{World, a_ticket, id_of, invariant, is_refused};

async fn hold(world: &World, ticket: &str, id: Uuid, open: bool) -> Result<(), sqlx::Error> {
    sqlx::query("select hold_ticket($1, 'return_case', $2, $3)")
        .bind(id_of(ticket))
        .bind(id)
        .bind(open)
        .execute(&world.database.owner)
        .await
        .map(|_| ())
}

async fn an_open_ticket(world: &World) -> String {
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let name = world.create(a_ticket(customer)).await.unwrap().name;
    world.assigned(&name).await;
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn tk11_a_ticket_is_neither_resolved_nor_canceled_while_something_of_it_is_under_way_and_the_refusal_names_it() {
    let world = World::new().await;
    let name = an_open_ticket(&world).await;
    let id = new_id();
    hold(&world, &name, id, true).await.unwrap();
    hold(&world, &name, id, true).await.unwrap();

    let refused = is_refused(world.resolve(&name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK11");
    let violations = refused.get_error_details().precondition_failure().unwrap().violations.clone();
    assert_eq!(violations[1].subject, format!("returnCases/{id}"));
    let cancel = CancelTicketRequest {
        name: name.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    let refused = is_refused(world.tickets().cancel_ticket(cancel).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK11");

    hold(&world, &name, id, false).await.unwrap();
    hold(&world, &name, id, false).await.unwrap();
    world.resolve(&name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tk11_of_a_resolution_and_something_that_opens_at_once_one_comes_first_and_the_other_is_refused() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    world.member("radha", &department, &["en"], 50).await;
    let customer = world.customer("en").await;
    for _ in 0..20 {
        let name = world.create(a_ticket(customer)).await.unwrap().name;
        world.assigned(&name).await;
        let (resolved, held) = tokio::join!(world.resolve(&name), hold(&world, &name, new_id(), true));
        assert!(resolved.is_ok() != held.is_ok(), "{resolved:?} {held:?}");
    }
    let broken = "select count(*) from ticket where open_work <> 0 and state = 'resolved'";
    assert_eq!(world.count(broken).await, 0);
}
