//! Beside the tickets service as it runs: a low score becomes a ticket, and the case follows it.

use std::sync::Arc;

use seva_proto::{
    customers::v1::{ResolveSendersRequest, ResolveSendersResponse},
    surveys::v1::loop_case::State,
    tickets::v1::{
        CancelTicketRequest, ListTicketsRequest, TicketFilter, TicketView,
        ticket::{CancelReason, Kind, Priority},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::{
    Error,
    auth::{ApiKeys, StoredApiKey},
};
use seva_surveys::throttle::Rules;
use seva_testkit::{TestDatabase, TestServer, eventually, foundation};
use seva_values::{Uuid, new_id};

use crate::{
    office::Office,
    world::{Source, World, reading, saving, scored},
};

/// Whom nothing is asked here: no message comes in and no key is shown.
struct Nobody;

#[async_trait::async_trait]
impl seva_tickets::inbound::Senders for Nobody {
    async fn resolve(&self, _: ResolveSendersRequest) -> Result<ResolveSendersResponse, Error> {
        Ok(ResolveSendersResponse::default())
    }
}

#[async_trait::async_trait]
impl ApiKeys for Nobody {
    async fn find(&self, _: Uuid) -> Result<Option<StoredApiKey>, Error> {
        Ok(None)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_becomes_one_ticket_and_its_case_hears_what_becomes_of_it() {
    let office = Office::new().await;
    // Databases of tests have their tables by their names, and that of the told tickets has none of this service.
    let database = TestDatabase::new("real_tickets", &seva_tickets::MIGRATOR).await;
    let (surveys, staff) = (Source::of(office.database.clone()), Source::new("staff").await);
    let clock = office.foundation.clock.clone();
    let world = World::beside(Source::of(database.clone()), office, Rules::default()).await;
    let peers = seva_tickets::Peers {
        customers: world.customers.feed(),
        staff: staff.feed(),
        surveys: surveys.feed(),
        notifications: world.notifications.feed(),
        senders: Arc::new(Nobody),
        keys: Arc::new(Nobody),
    };
    let tickets = seva_tickets::service(foundation(database.db.clone(), clock), peers, world.links.clone());
    let server = Arc::new(TestServer::start(tickets).await);

    let customer = new_id();
    let known = seva_proto::customers::v1::CustomerEvent { zone: "Asia/Dhaka".to_owned(), ..reading("bn") };
    world.customer_says(customer, &known).await;
    let order = world.delivered(customer).await;
    world.rest().await;
    world.pass(48).await;
    let token = world.link(&world.about(&order).await).await;
    world.save(saving(&token, 0, vec![scored("csat", 1)], true)).await.unwrap();
    let case = world.loop_cases().await.remove(0);

    let list = async || {
        let filter = Some(TicketFilter { customer: format!("customers/{customer}"), ..TicketFilter::default() });
        let request = ListTicketsRequest { filter, view: TicketView::Full.into(), ..ListTicketsRequest::default() };
        let mut tickets = TicketServiceClient::new(server.as_role("agent"));
        tickets.list_tickets(request).await.unwrap().into_inner().tickets
    };
    let ticket = eventually("there is a ticket", || async { list().await.pop() }).await;
    assert_eq!((ticket.kind(), ticket.priority()), (Kind::ComplaintService, Priority::High));
    let matter = ticket.matter.clone().unwrap();
    assert_eq!((matter.kind.as_str(), &matter.subject), ("low_score", &case.response));
    eventually("the case knows its ticket", || async {
        (world.loop_cases().await[0].ticket == ticket.name).then_some(())
    })
    .await;

    let request = CancelTicketRequest {
        name: ticket.name.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    TicketServiceClient::new(server.as_role("agent")).cancel_ticket(request).await.unwrap();
    eventually("the case is over", || async { (world.loop_cases().await[0].state() == State::Canceled).then_some(()) })
        .await;
    assert_eq!(list().await.len(), 1);
    let dead = sqlx::query_scalar::<_, i64>("select count(*) from seva.dead_letter").fetch_one(&database.owner);
    assert_eq!(dead.await.unwrap(), 0);
    assert_eq!(world.office.count("select count(*) from seva.dead_letter").await, 0);
}
