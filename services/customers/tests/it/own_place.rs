//! A customer's own place by link: whom a link reaches, how long, what it shows, and what it does not.

use jiff::SignedDuration;
use seva_customers::{Settings, survey::Surveys, ticket::Tickets, timeline::Messages};
use seva_proto::{
    common::v1::{
        ErrorReason, Link as LinkMessage, LinkPurpose, MintLinksRequest, Money, link_service_client::LinkServiceClient,
        mint_links_request::Item,
    },
    customers::v1::{
        Customer, ExternalRef, GetOwnPlaceRequest, InvoiceIssued, OwnPlace,
        own_place_service_client::OwnPlaceServiceClient,
    },
    notifications::v1::notification,
    surveys::v1::{Invitation, invitation},
    tickets::v1::{Matter, TicketEvent},
};
use seva_runtime::auth::{LinkSigner, links::Link, links::LinkKeys};
use seva_testkit::TestServer;
use seva_values::new_id;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    customer::updates::update,
    peers::{apply, rows},
    shop::{SOURCE, Shop, delayed, event, kolkata, placed_for, reported},
    surveys::{an_invitation, asked},
    tickets::{a_ticket, told_of},
    timeline::{Told, told},
    world::{World, email, id_of, is_refused, phone, primary, somebody, violations},
};

const TIME: &str = "2026-03-02T08:00:00Z";

struct Scene {
    shop: Shop,
    server: TestServer,
}

impl Scene {
    async fn new() -> Self {
        let shop = Shop::new().await;
        let server = shop.world.serve(Settings::default()).await;
        Self { shop, server }
    }

    fn world(&self) -> &World {
        &self.shop.world
    }

    /// A customer whom the shop knows by this id.
    async fn customer(&self, id: &str) -> Customer {
        let known_as = ExternalRef { system: SOURCE.to_owned(), id: id.to_owned() };
        let points = vec![primary(email(&format!("{id}@example.com"))), phone(&format!("+9198765432{id}"))];
        let customer = Customer { external_refs: vec![known_as], contact_points: points, ..somebody("Asha", "Rao") };
        self.world().create(customer).await.unwrap()
    }

    async fn mint(&self, items: Vec<Item>) -> Result<Vec<LinkMessage>, Status> {
        let mut links = LinkServiceClient::new(self.server.as_service("notifications"));
        Ok(links.mint_links(MintLinksRequest { items }).await?.into_inner().links)
    }

    /// A new link of a customer.
    async fn link(&self, customer: &str) -> String {
        self.mint(vec![item(LinkPurpose::Place, customer)]).await.unwrap().remove(0).token
    }

    async fn see(&self, token: &str) -> Result<OwnPlace, Status> {
        let mut places = OwnPlaceServiceClient::new(self.server.as_service("portal"));
        let request = GetOwnPlaceRequest { token: token.to_owned() };
        Ok(places.get_own_place(request).await?.into_inner().place.unwrap())
    }

    /// A link of ours that says this.
    fn signed(&self, purpose: &str, subject: &str, generation: u32) -> String {
        let expires_at = self.world().now() + SignedDuration::from_hours(1);
        self.server.keyring.links.sign(purpose, &Link { subject: subject.to_owned(), generation, expires_at })
    }

    async fn is_invalid(&self, token: &str) {
        let status = is_refused(self.see(token).await, ErrorReason::CredentialInvalid);
        assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "the link is not valid"), "{token}");
    }
}

fn item(purpose: LinkPurpose, subject: &str) -> Item {
    Item { purpose: purpose.into(), subject: subject.to_owned() }
}

/// Everything happens to this customer.
async fn eventful(scene: &Scene, customer: &Customer, id: &str) {
    let world = scene.world();
    let mut of_other_kinds = a_ticket(&customer.name);
    of_other_kinds.matter =
        Some(Matter { kind: "low_score".to_owned(), subject: "responses/7".to_owned(), ..Matter::default() });
    let events = [
        told_of("created", 1, "2026-03-02T08:30:00Z", &of_other_kinds),
        told_of(
            "created",
            1,
            "2026-03-02T08:40:00Z",
            &TicketEvent { number: "T-2".to_owned(), ..a_ticket(&customer.name) },
        ),
    ];
    apply(world, Tickets, &events).await.unwrap();
    let unasked = an_invitation(&customer.name);
    let unasked = Invitation { suppress_reason: invitation::SuppressReason::SampledOut.into(), ..unasked };
    let suppressed = asked("suppressed", 2, TIME, invitation::State::Suppressed, &unasked);
    apply(world, Surveys, &[suppressed]).await.unwrap();
    let states = [
        ("decided", notification::State::Queued),
        ("decided", notification::State::Skipped),
        ("sent", notification::State::Sent),
        ("failed", notification::State::Failed),
    ];
    let messages = states.map(|(kind, state)| {
        told(&Told { customer: &customer.name, notification: new_id(), sequence: 1, kind, state, at: TIME })
    });
    apply(world, Messages, &messages).await.unwrap();
    let invoice = InvoiceIssued {
        invoice_number: format!("I-{id}"),
        customer: reported(id),
        amount: Some(Money { minor_units: 4200, currency: "INR".to_owned() }),
        ..InvoiceIssued::default()
    };
    let order = format!("A-{id}");
    let events = vec![
        placed_for(&order, id, 1, TIME, kolkata("2026-03-09")),
        delayed(&order, id, 2, TIME, "2026-03-11"),
        event("invoice.issued.v1", &format!("I-{id}"), 1, TIME, &invoice),
    ];
    scene.shop.publish(events).await;
}

/// CU26
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_shows_what_customers_may_see_of_themselves_and_looking_changes_nothing() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await;
    let other = scene.customer("78").await;
    eventful(&scene, &customer, "77").await;
    eventful(&scene, &other, "78").await;
    let token = scene.link(&customer.name).await;
    let everything =
        ["customer", "timeline_entry", "customer_ticket", "customer_order", "seva.audit", "seva.idempotency"];
    let before = rows(scene.world(), &everything).await;

    let place = scene.see(&token).await.unwrap();
    for _ in 0..2 {
        assert_eq!(scene.see(&token).await.unwrap(), place);
    }

    assert_eq!(rows(scene.world(), &everything).await, before);
    assert_eq!((place.display_name.as_str(), place.language.as_str()), ("Asha", "hi"));
    assert_eq!(place.zone, "Asia/Kolkata");
    let orders = place.orders.clone().unwrap();
    let order = &orders.orders[0];
    assert_eq!((orders.orders.len(), order.order_number.as_str(), order.delayed), (1, "A-77", true));
    assert_eq!(order.current_promised_date, kolkata("2026-03-11"));
    assert!(orders.age.unwrap().observe_time.is_some());
    let invoices = place.invoices.clone().unwrap().invoices;
    assert_eq!((invoices.len(), invoices[0].invoice_number.as_str()), (1, "I-77"));
    assert_eq!(invoices[0].amount.as_ref().unwrap().minor_units, 4200);
    let tickets = place.tickets.clone().unwrap().tickets;
    let told: Vec<_> = tickets.iter().map(|ticket| (ticket.number.as_str(), ticket.subject.as_str())).collect();
    assert_eq!(told.len(), 2);
    assert!(told.contains(&("1042-7", "")) && told.contains(&("T-2", "orders/1")), "{told:?}");
    let messages = place.messages.clone().unwrap().messages;
    assert_eq!(messages.len(), 1, "only what was sent");
    let mut names: Vec<_> = messages[0].details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    names.sort();
    assert_eq!(names, ["about=orders/1", "channel=email", "language=bn", "milestone=order_delivered", "state=sent"]);

    let said = format!("{place:?}");
    let others_name = other.name.as_str();
    for internal in
        [SOURCE, "snow", "accepted", "low_score", "responses/", "A-78", "I-78", others_name, "Rao", "77@example.com"]
    {
        assert!(!said.contains(internal), "{internal} in {said}");
    }
    assert!(order.source_sequence == 0 && order.version == 0 && invoices[0].version == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_an_own_place_shows_twenty_and_only_what_was_sent_counts() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await.name;
    let message = |state| {
        told(&Told { customer: &customer, notification: new_id(), sequence: 1, kind: "decided", state, at: TIME })
    };
    let mut messages: Vec<_> = (0..30).map(|_| message(notification::State::Skipped)).collect();
    messages.extend((0..20).map(|_| message(notification::State::Sent)));
    apply(scene.world(), Messages, &messages).await.unwrap();
    let token = scene.link(&customer).await;

    let seen = scene.see(&token).await.unwrap().messages.unwrap();
    assert_eq!((seen.messages.len(), seen.more), (20, false));
    apply(scene.world(), Messages, &[message(notification::State::Sent)]).await.unwrap();
    let seen = scene.see(&token).await.unwrap().messages.unwrap();
    assert_eq!((seen.messages.len(), seen.more), (20, true));
}

/// CU25
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_walks_through_ids_or_changes_a_link_reaches_nobody() {
    let scene = Scene::new().await;
    let own = scene.customer("77").await.name;
    let other = scene.customer("78").await.name;
    let token = scene.link(&own).await;
    scene.see(&token).await.unwrap();

    let own_id = id_of(&own).to_string();
    let mut walked = vec![token.replace(&own_id, &id_of(&other).to_string())];
    walked.extend((0..50).map(|_| token.replace(&own_id, &new_id().to_string())));
    walked.extend((0..50).map(|n| token.replace(&own_id, &Uuid::from_u128(n).to_string())));
    walked.extend(
        ["", ".", "place", &own, &own_id, "place.0.0.0.k1.AAAA", &format!("{token}."), &format!("{token}A")]
            .map(str::to_owned),
    );
    // A later expiry, another generation, another key, another purpose.
    let parts: Vec<&str> = token.split('.').collect();
    for (at, value) in [(0, "ticket"), (2, "1"), (3, "99999999999"), (4, "k2")] {
        let mut changed = parts.clone();
        changed[at] = value;
        walked.push(changed.join("."));
    }
    for token in &walked {
        scene.is_invalid(token).await;
    }
    // Each of its characters counts.
    for at in 0..token.len() {
        let mut changed = token.clone();
        let replaced = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        changed.replace_range(at..=at, replaced);
        scene.is_invalid(&changed).await;
    }

    // Links of ours for other purposes, links of other keys, and links to whom there is not.
    for purpose in ["ticket", "survey", "preferences", "unsubscribe", "form"] {
        scene.is_invalid(&scene.signed(purpose, &own_id, 0)).await;
    }
    let expires_at = scene.world().now() + SignedDuration::from_hours(1);
    let of_another = LinkSigner::new(LinkKeys::generate());
    scene.is_invalid(&of_another.sign("place", &Link { subject: own_id.clone(), generation: 0, expires_at })).await;
    scene.is_invalid(&scene.signed("place", &new_id().to_string(), 0)).await;
    scene.see(&scene.signed("place", &own_id, 0)).await.unwrap();
    scene.see(&token).await.unwrap();
}

/// CU25
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ends_after_thirty_days() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await.name;
    let link = scene.mint(vec![item(LinkPurpose::Place, &customer)]).await.unwrap().remove(0);
    let days = 30 * 86_400;
    assert_eq!(link.expire_time.unwrap().seconds, scene.world().now().as_second() + days);
    scene.world().pass(days - 1);
    scene.see(&link.token).await.unwrap();
    scene.world().pass(1);
    let status = is_refused(scene.see(&link.token).await, ErrorReason::CredentialExpired);
    assert_eq!(status.code(), Code::Unauthenticated);
    scene.see(&scene.link(&customer).await).await.unwrap();
}

/// CU25
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_end_when_an_address_is_taken_from_the_customer_and_stay_when_one_is_added() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await;
    let token = scene.link(&customer.name).await;
    let with_points = |points| Customer { name: customer.name.clone(), contact_points: points, ..Customer::default() };
    let (kept, number) = (email("77@example.com"), phone("+919876543277"));

    let more = vec![number.clone(), kept.clone(), email("asha@example.org")];
    update(scene.world(), with_points(more), &["contact_points"]).await.unwrap();
    update(scene.world(), Customer { zone: "UTC".to_owned(), ..with_points(Vec::new()) }, &["zone"]).await.unwrap();
    scene.see(&token).await.unwrap();

    let less = vec![number, email("asha@example.org")];
    update(scene.world(), with_points(less), &["contact_points"]).await.unwrap();
    let status = is_refused(scene.see(&token).await, ErrorReason::LinkUsed);
    assert_eq!(status.code(), Code::FailedPrecondition);
    let newer = scene.link(&customer.name).await;
    scene.see(&newer).await.unwrap();

    let raise = "update customer set link_generation = link_generation + 1";
    sqlx::query(raise).execute(&scene.world().database.owner).await.unwrap();
    for ended in [&token, &newer] {
        is_refused(scene.see(ended).await, ErrorReason::LinkUsed);
    }
    scene.see(&scene.link(&customer.name).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_made_for_those_who_write_and_opened_by_the_portal_only() {
    let scene = Scene::new().await;
    let customer = scene.customer("77").await.name;
    let token = scene.link(&customer).await;
    let server = &scene.server;
    let strangers = ["agent", "manager", "ops", "integration", "customer"].map(|role| server.as_role(role));
    let strangers = strangers.into_iter().chain([server.as_customer(id_of(&customer)), server.as_service("tickets")]);
    for stranger in strangers {
        let request = GetOwnPlaceRequest { token: token.clone() };
        let seen = OwnPlaceServiceClient::new(stranger.clone()).get_own_place(request).await;
        assert_eq!(seen.unwrap_err().code(), Code::PermissionDenied);
        let request = MintLinksRequest { items: vec![item(LinkPurpose::Place, &customer)] };
        let made = LinkServiceClient::new(stranger).mint_links(request).await;
        assert_eq!(made.unwrap_err().code(), Code::PermissionDenied);
    }
    let request = GetOwnPlaceRequest { token };
    let seen = OwnPlaceServiceClient::new(server.as_service("notifications")).get_own_place(request).await;
    assert_eq!(seen.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_come_in_the_order_asked_for_and_an_unknown_customer_has_none() {
    let scene = Scene::new().await;
    let (first, second) = (scene.customer("77").await.name, scene.customer("78").await.name);
    let nobody = format!("customers/{}", new_id());
    let items = [&second, &nobody, &first, &second].map(|customer| item(LinkPurpose::Place, customer));

    let links = scene.mint(items.to_vec()).await.unwrap();

    let leads_to = |link: &LinkMessage| link.token.split('.').nth(1).map(str::to_owned);
    let expected = [Some(&second), None, Some(&first), Some(&second)];
    let expected = expected.map(|customer| customer.map(|customer| id_of(customer).to_string()));
    assert_eq!(links.iter().map(leads_to).collect::<Vec<_>>(), expected);
    assert_eq!(links[1], LinkMessage::default());
    assert_eq!(scene.mint(Vec::new()).await.unwrap(), []);
    assert_eq!(scene.mint(vec![item(LinkPurpose::Place, &first); 200]).await.unwrap().len(), 200);

    let too_many = scene.mint(vec![item(LinkPurpose::Place, &first); 201]).await;
    let status = is_refused(too_many, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status), [("items".to_owned(), "ITEMS_TOO_MANY".to_owned())]);
    let faulty = vec![
        item(LinkPurpose::Place, &first),
        item(LinkPurpose::Ticket, &first),
        item(LinkPurpose::Place, "customers/asha"),
        item(LinkPurpose::Unspecified, &first),
    ];
    let status = is_refused(scene.mint(faulty).await, ErrorReason::FieldsInvalid);
    let told = [
        ("items[1].purpose", "PURPOSE_FOREIGN"),
        ("items[2].subject", "NAME_MALFORMED"),
        ("items[3].purpose", "PURPOSE_FOREIGN"),
    ];
    assert_eq!(violations(&status), told.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}
