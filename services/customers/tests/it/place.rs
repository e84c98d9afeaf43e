//! The place: everything about one customer, to those who may see it, each part with its age.

use std::sync::Arc;

use serde_json::json;
use seva_customers::{
    intake::Intake,
    order::OrderRules,
    place::{PlaceRpc, Readers},
    survey::Surveys,
    ticket::Tickets,
    timeline::Messages,
};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        Customer, ExternalRef, GetPlaceRequest, GetPlaceResponse, ListTimelineRequest, ListTimelineResponse,
        OrdersPart, PartAge, PublishEventsRequest, SurveyView, SurveysPart, TicketView, TicketsPart,
        event_result::Outcome, intake_service_server::IntakeService, place_service_server::PlaceService,
        timeline_entry::Kind,
    },
    io::cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
    notifications::v1::notification,
    surveys::v1::{Invitation, invitation::State},
    tickets::v1::TicketEvent,
};
use seva_runtime::auth::{Principal, PrincipalKind};
use seva_store::{
    consumer::{Consumer, Handler},
    due::Bell,
    event::proto_timestamp,
};
use seva_testkit::eventually;
use seva_values::new_id;
use tokio::sync::watch;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    peers::{Standing, apply, instant},
    surveys::{an_invitation, asked, scored},
    tickets::{a_ticket, told_of},
    timeline::{Told, told},
    world::{World, a_caller, call, call_by, id_of, is_refused, somebody, violations},
};

const SHOP: &str = "//shop.example";

struct Scene {
    world: World,
    place: PlaceRpc,
    readers: Readers,
    /// Where the feeds of notifications, tickets and surveys stand.
    feeds: [watch::Sender<(i64, i64)>; 3],
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let feeds = [(); 3].map(|()| watch::Sender::new((0, 0)));
        let reader = |name, source, at: usize, handler: Arc<dyn Handler>| {
            let source = Arc::new(Standing { name: source, places: feeds[at].clone() });
            Consumer::new(name, world.foundation.db.clone(), source, handler)
        };
        let readers = Readers {
            messages: reader("messages", "//notifications", 0, Arc::new(Messages)),
            tickets: reader("tickets", "//tickets", 1, Arc::new(Tickets)),
            surveys: reader("surveys", "//surveys", 2, Arc::new(Surveys)),
        };
        let place = PlaceRpc::new(&world.foundation, readers.clone());
        Self { world, place, readers, feeds }
    }

    /// A customer whom the shop knows by this id.
    async fn customer(&self, id: &str) -> Customer {
        let known_as = ExternalRef { system: SHOP.to_owned(), id: id.to_owned() };
        let customer = Customer { external_refs: vec![known_as], ..somebody("Asha", "Rao") };
        self.world.create(customer).await.unwrap()
    }

    async fn get(&self, caller: Principal, customer: &str) -> Result<GetPlaceResponse, Status> {
        let request = GetPlaceRequest { customer: customer.to_owned() };
        Ok(self.place.get_place(call_by(caller, "GetPlace", request)).await?.into_inner())
    }

    async fn list(&self, request: ListTimelineRequest) -> Result<ListTimelineResponse, Status> {
        Ok(self.place.list_timeline(call("ListTimeline", request)).await?.into_inner())
    }

    /// Subjects of all pages of a timeline.
    async fn pages(&self, request: ListTimelineRequest) -> Vec<(Kind, String)> {
        let mut told = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = self.list(ListTimelineRequest { page_token, ..request.clone() }).await.unwrap();
            told.extend(page.entries.into_iter().map(|entry| (entry.kind(), entry.label)));
            if page.next_page_token.is_empty() {
                return told;
            }
            page_token = page.next_page_token;
        }
    }

    /// Pushes an event that is true now, and sees that it is taken.
    async fn push(&self, kind: &str, data: serde_json::Value) {
        let intake = Intake::new(
            self.world.foundation.db.clone(),
            self.world.foundation.clock.clone(),
            OrderRules::default(),
            Bell::default(),
        );
        let intake = seva_customers::intake::IntakeRpc::new(&self.world.foundation, intake);
        let attribute = |text: String| CloudEventAttributeValue { attr: Some(Attr::CeString(text)) };
        let event = CloudEvent {
            id: new_id().to_string(),
            source: SHOP.to_owned(),
            spec_version: "1.0".to_owned(),
            r#type: kind.to_owned(),
            attributes: [
                ("time".to_owned(), attribute(self.world.now().to_string())),
                ("sequence".to_owned(), attribute("1".to_owned())),
            ]
            .into(),
            data: Some(Data::TextData(data.to_string())),
        };
        let mut shop = a_caller("key:shop");
        shop.kind = PrincipalKind::ApiKey;
        shop.sources = vec![SHOP.to_owned()];
        let request = call_by(shop, "PublishEvents", PublishEventsRequest { events: vec![event] });
        let results = intake.publish_events(request).await.unwrap().into_inner().results;
        assert_eq!(results[0].outcome(), Outcome::Accepted, "{results:?}");
    }

    async fn order(&self, of: &str, order_number: &str) {
        self.push("order.placed.v1", json!({ "order_number": order_number, "customer": { "id": of } })).await;
    }

    async fn invoice(&self, of: &str, invoice_number: &str) {
        let amount = json!({ "minor_units": "4200", "currency": "INR" });
        let data = json!({ "invoice_number": invoice_number, "customer": { "id": of }, "amount": amount });
        self.push("invoice.issued.v1", data).await;
    }

    /// A ticket that is opened now.
    async fn ticket(&self, customer: &str, number: &str) {
        let create_time = Some(proto_timestamp(self.world.now()));
        let ticket = TicketEvent { number: number.to_owned(), create_time, ..a_ticket(customer) };
        let opened = told_of("created", 1, &self.world.now().to_string(), &ticket);
        apply(&self.world, Tickets, &[opened]).await.unwrap();
    }

    /// An invitation that is sent now.
    async fn invitation(&self, customer: &str, subject: &str) {
        let create_time = Some(proto_timestamp(self.world.now()));
        let invitation = Invitation { subject: subject.to_owned(), create_time, ..an_invitation(customer) };
        let sent = asked("sent", 2, &self.world.now().to_string(), State::Sent, &invitation);
        apply(&self.world, Surveys, &[sent]).await.unwrap();
    }

    async fn message(&self, customer: &str, notification: Uuid, at: &str) {
        let of = Told { customer, notification, sequence: 1, kind: "decided", state: notification::State::Queued, at };
        apply(&self.world, Messages, &[told(&of)]).await.unwrap();
    }
}

fn staff() -> Principal {
    a_caller("user:asha")
}

fn the_customer(name: &str) -> Principal {
    Principal { customer: Some(id_of(name)), ..a_caller("user:customer") }
}

fn seconds(age: &PartAge) -> Option<i64> {
    age.age.map(|age| age.seconds)
}

#[tokio::test]
async fn a_place_tells_everything_with_its_age() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await;
    scene.order("77", "A-1").await;
    scene.world.pass(60);
    scene.order("77", "A-2").await;
    scene.invoice("77", "I-1").await;
    scene.message(&customer.name, new_id(), "2026-03-02T09:00:30Z").await;
    let ticket = a_ticket(&customer.name);
    let opened = told_of("created", 1, "2026-03-02T09:00:50Z", &ticket);
    apply(&scene.world, Tickets, &[opened]).await.unwrap();
    let invitation = an_invitation(&customer.name);
    let events = [
        asked("completed", 3, "2026-03-02T09:00:40Z", State::Completed, &invitation),
        scored("completed", 1, "2026-03-02T09:00:40Z", &[4, 9], &invitation),
    ];
    apply(&scene.world, Surveys, &events).await.unwrap();
    scene.world.pass(3600);

    let place = scene.get(staff(), &customer.name).await.unwrap();

    let known = scene.world.get(&customer.name).await.unwrap();
    assert_eq!(place.customer, Some(known));
    let orders = place.orders.unwrap();
    assert_eq!(orders.orders.iter().map(|order| order.order_number.as_str()).collect::<Vec<_>>(), ["A-2", "A-1"]);
    let age = orders.age.unwrap();
    assert_eq!((seconds(&age), age.stale, orders.more), (Some(3600), false, false));
    assert_eq!(age.observe_time, orders.orders[0].observe_time);
    let invoices = place.invoices.unwrap();
    assert_eq!(invoices.invoices[0].invoice_number, "I-1");
    assert_eq!((seconds(&invoices.age.unwrap()), invoices.more), (Some(3600), false));
    let messages = place.messages.unwrap();
    assert_eq!(messages.messages.len(), 1);
    assert_eq!(messages.messages[0].details["state"], "queued");
    // What was read is half a minute older than the newest order.
    let age = messages.age.unwrap();
    assert_eq!((seconds(&age), age.stale), (Some(3630), false));
    let tickets = place.tickets.unwrap();
    let seen = TicketView {
        ticket: ticket.ticket.clone(),
        number: ticket.number.clone(),
        kind: ticket.kind,
        state: ticket.state,
        closure: 0,
        subject: "orders/1".to_owned(),
        create_time: ticket.create_time,
        update_time: Some(proto_timestamp(instant("2026-03-02T09:00:50Z"))),
    };
    assert_eq!((tickets.tickets, tickets.more), (vec![seen], false));
    assert_eq!(seconds(&tickets.age.unwrap()), Some(3610));
    let surveys = place.surveys.unwrap();
    let seen = SurveyView {
        invitation: invitation.name.clone(),
        subject: "orders/1".to_owned(),
        state: State::Completed.into(),
        suppress_reason: 0,
        score: Some(4),
        create_time: invitation.create_time,
        update_time: Some(proto_timestamp(instant("2026-03-02T09:00:40Z"))),
    };
    assert_eq!((surveys.surveys, surveys.more), (vec![seen], false));
    assert_eq!(seconds(&surveys.age.unwrap()), Some(3620));
    let timeline = place.timeline.unwrap();
    assert!(timeline.entries.iter().any(|entry| entry.kind() == Kind::Invoice && entry.label == "I-1"));
    for kind in [Kind::Message, Kind::Ticket, Kind::Survey] {
        assert!(timeline.entries.iter().any(|entry| entry.kind() == kind), "{kind:?}");
    }
    assert_eq!(seconds(&timeline.age.unwrap()), Some(3600));

    // Nothing is heard for days.
    scene.world.pass(10 * 86_400);
    let orders = scene.get(staff(), &customer.name).await.unwrap().orders.unwrap();
    assert!(orders.age.unwrap().stale);
}

#[tokio::test]
async fn parts_without_anything_have_no_age() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await;
    let other = scene.customer("78").await;
    scene.order("78", "A-1").await;

    let place = scene.get(staff(), &customer.name).await.unwrap();

    assert_eq!(place.orders.unwrap(), OrdersPart { age: Some(PartAge::default()), ..OrdersPart::default() });
    assert_eq!(place.invoices.unwrap().age, Some(PartAge::default()));
    assert_eq!(place.messages.unwrap().age, Some(PartAge::default()));
    assert_eq!(place.tickets.unwrap(), TicketsPart { age: Some(PartAge::default()), ..TicketsPart::default() });
    assert_eq!(place.surveys.unwrap(), SurveysPart { age: Some(PartAge::default()), ..SurveysPart::default() });
    assert!(place.timeline.unwrap().entries.is_empty());
    assert_eq!(scene.get(staff(), &other.name).await.unwrap().orders.unwrap().orders.len(), 1);
}

#[tokio::test]
async fn a_part_shows_twenty_and_says_that_there_are_more() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await;
    for number in 1..=21 {
        scene.world.pass(1);
        scene.order("77", &format!("A-{number}")).await;
        scene.invoice("77", &format!("I-{number}")).await;
        scene.ticket(&customer.name, &format!("T-{number}")).await;
        scene.invitation(&customer.name, &format!("orders/{number}")).await;
        if number == 20 {
            let place = scene.get(staff(), &customer.name).await.unwrap();
            assert!(!place.orders.unwrap().more && !place.invoices.unwrap().more);
            assert!(!place.tickets.unwrap().more && !place.surveys.unwrap().more);
        }
    }

    let place = scene.get(staff(), &customer.name).await.unwrap();

    let orders = place.orders.unwrap();
    assert_eq!((orders.orders.len(), orders.more), (20, true));
    assert_eq!(orders.orders[0].order_number, "A-21");
    let invoices = place.invoices.unwrap();
    assert_eq!((invoices.invoices.len(), invoices.more), (20, true));
    assert_eq!(invoices.invoices[0].invoice_number, "I-21");
    let tickets = place.tickets.unwrap();
    assert_eq!((tickets.tickets.len(), tickets.more), (20, true));
    assert_eq!((tickets.tickets[0].number.as_str(), tickets.tickets[19].number.as_str()), ("T-21", "T-2"));
    let surveys = place.surveys.unwrap();
    assert_eq!((surveys.surveys.len(), surveys.more), (20, true));
    assert_eq!((surveys.surveys[0].subject.as_str(), surveys.surveys[19].subject.as_str()), ("orders/21", "orders/2"));
    let timeline = place.timeline.unwrap();
    assert_eq!((timeline.entries.len(), timeline.more), (20, true));
}

/// CU7
#[tokio::test]
async fn a_customers_own_token_reaches_that_customer_only_whether_or_not_others_exist() {
    let scene = Scene::new().await;
    let own = scene.customer("77").await.name;
    let other = scene.customer("78").await.name;
    let nobody = format!("customers/{}", new_id());

    assert!(scene.get(the_customer(&own), &own).await.is_ok());
    for name in [&other, &nobody] {
        let status = is_refused(scene.get(the_customer(&own), name).await, ErrorReason::ResourceForbidden);
        assert_eq!(status.code(), Code::PermissionDenied);
        let request = ListTimelineRequest { customer: name.clone(), ..ListTimelineRequest::default() };
        let request = call_by(the_customer(&own), "ListTimeline", request);
        is_refused(scene.place.list_timeline(request).await, ErrorReason::ResourceForbidden);
    }
    is_refused(scene.get(staff(), &nobody).await, ErrorReason::ResourceNotFound);
    let request = ListTimelineRequest { customer: nobody, ..ListTimelineRequest::default() };
    is_refused(scene.list(request).await, ErrorReason::ResourceNotFound);
}

#[tokio::test]
async fn a_timeline_pages_newest_first_with_and_without_a_kind() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await.name;
    scene.customer("78").await;
    let mut expected = Vec::new();
    for number in 1..=5 {
        // Every second one shares its moment with the one before.
        if number % 2 == 1 {
            scene.world.pass(1);
        }
        scene.invoice("77", &format!("I-{number}")).await;
        scene.invoice("78", &format!("other {number}")).await;
        expected.insert(0, (Kind::Invoice, format!("I-{number}")));
    }
    scene.world.pass(1);
    scene.message(&customer, new_id(), "2026-03-02T09:00:00Z").await;
    let request = ListTimelineRequest { customer: customer.clone(), ..ListTimelineRequest::default() };

    for page_size in [1, 2, 3, 50] {
        let of_kind = ListTimelineRequest { kind: Kind::Invoice.into(), page_size, ..request.clone() };
        assert_eq!(scene.pages(of_kind).await, expected, "by {page_size}");
        let all = scene.pages(ListTimelineRequest { page_size, ..request.clone() }).await;
        assert_eq!(all.len(), 6, "by {page_size}");
        assert_eq!(all[5], (Kind::Message, String::new()), "it stands where it was decided upon");
    }
    scene.ticket(&customer, "T-1").await;
    scene.invitation(&customer, "orders/1").await;
    let of_kind = |kind: Kind| ListTimelineRequest { kind: kind.into(), page_size: 1, ..request.clone() };
    assert_eq!(scene.pages(of_kind(Kind::Ticket)).await, [(Kind::Ticket, "T-1".to_owned())]);
    assert_eq!(scene.pages(of_kind(Kind::Survey)).await, [(Kind::Survey, String::new())]);

    let first = scene.list(ListTimelineRequest { page_size: 2, ..request.clone() }).await.unwrap();
    let page_token = first.next_page_token;
    let other_kind = ListTimelineRequest { kind: Kind::Invoice.into(), page_token, ..request.clone() };
    is_refused(scene.list(other_kind).await, ErrorReason::PageTokenInvalid);
    let faulty = ListTimelineRequest { customer: "asha".to_owned(), kind: 9, ..ListTimelineRequest::default() };
    let status = is_refused(scene.list(faulty).await, ErrorReason::FieldsInvalid);
    let told = [("customer", "NAME_MALFORMED"), ("kind", "KIND_UNKNOWN")];
    assert_eq!(violations(&status), told.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_of_others_is_stale_while_there_is_more_to_read() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await.name;
    let stopping = tokio_util::sync::CancellationToken::new();
    let _stop = stopping.clone().drop_guard();
    let Readers { messages, tickets, surveys } = scene.readers.clone();
    for reader in [messages, tickets, surveys] {
        scene.world.foundation.tasks.spawn_call(reader.run(stopping.clone()));
    }

    let stale = async || {
        let place = scene.get(staff(), &customer).await.unwrap();
        let ages = [place.messages.unwrap().age, place.tickets.unwrap().age, place.surveys.unwrap().age];
        ages.map(|age| age.unwrap().stale)
    };
    for at in 0..3 {
        for (applied, head, is_stale) in [(3, 5, true), (5, 5, false), (6, 9, true), (9, 9, false)] {
            scene.feeds[at].send_replace((applied, head));
            let mut expected = [false; 3];
            expected[at] = is_stale;
            eventually("the batch is applied", async || (stale().await == expected).then_some(())).await;
        }
    }
}
