//! What customers live through, over separate processes: from a pushed event to the mail, and every place that tells of it.

use jiff::Timestamp;
use seva_proto::{
    common::v1::Channel,
    customers::v1::{
        Customer, ExternalRef, GetOrderRequest, GetPlaceRequest, ListTimelineRequest, ResolveCustomerRequest,
        customer_service_client::CustomerServiceClient,
        order::{PromisedDateOutcome, State},
        order_service_client::OrderServiceClient,
        place_service_client::PlaceServiceClient,
        timeline_entry::Kind,
    },
    notifications::v1::{
        DecisionReason, ExplainNotificationRequest, ExplainNotificationResponse, notification,
        notification_service_client::NotificationServiceClient,
    },
};
use seva_tests::{
    AllInOne, Installation, Suite, SuiteOptions,
    drained::{drained, drained_at},
    installation, judge, mail,
    mail::Mail,
    shop::{SOURCE, ShopOrder, Shopper, push, traced},
    web,
};
use seva_values::id::parse_name;

/// Whom the shop means.
pub async fn customer_of(installation: &Installation, shopper: &Shopper) -> Customer {
    let mut customers = CustomerServiceClient::new(installation.as_role("customers", "agent"));
    let external_ref = Some(ExternalRef { system: SOURCE.to_owned(), id: shopper.id.clone() });
    let found = customers.resolve_customer(ResolveCustomerRequest { external_ref }).await.unwrap();
    found.into_inner().customer.unwrap()
}

async fn order_name(installation: &Installation, order: &ShopOrder) -> String {
    let mut orders = OrderServiceClient::new(installation.as_role("customers", "agent"));
    let request =
        GetOrderRequest { source: SOURCE.to_owned(), order_number: order.number.clone(), ..Default::default() };
    orders.get_order(request).await.unwrap().into_inner().order.unwrap().name
}

async fn explain(
    installation: &Installation,
    customer: &str,
    subject: &str,
    milestone: &str,
) -> ExplainNotificationResponse {
    let mut notifications = NotificationServiceClient::new(installation.as_role("notifications", "agent"));
    let request = ExplainNotificationRequest {
        customer: customer.to_owned(),
        subject: subject.to_owned(),
        milestone: milestone.to_owned(),
        ..Default::default()
    };
    notifications.explain_notification(request).await.unwrap().into_inner()
}

/// The mail about a milestone of an order.
async fn mail_about(installation: &Installation, customer: &str, subject: &str, milestone: &str) -> Mail {
    let told = explain(installation, customer, subject, milestone).await.notification.unwrap();
    let id = told.name.trim_start_matches("notifications/").to_owned();
    let mails = mail::all_in(&installation.mail);
    mails.into_iter().find(|mail| mail.id == id).unwrap_or_else(|| panic!("no mail of {told:?}"))
}

/// The text without the invisible characters that keep a number from turning the words around it.
pub fn visible(text: &str) -> String {
    text.replace(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'], "")
}

/// Whether a text has letters of this script.
fn is_written_in(text: &str, letters: std::ops::RangeInclusive<char>) -> bool {
    text.chars().filter(|char| letters.contains(char)).count() > 10
}

/// What a system pushes over HTTP, in each form of CloudEvents, does the same as what is pushed over gRPC.
#[tokio::test(flavor = "multi_thread")]
async fn events_over_http_become_mails_in_each_form() {
    let suite = Suite::start(SuiteOptions::default()).await;
    let key = suite.api_key(&[SOURCE]).await;
    let address = format!("{}/events", suite.portal_url());
    let post = async |headers: &[(&str, &str)], body: &str| {
        let headers = [&[("x-api-key", key.reveal().as_str())], headers].concat();
        let answer = web::send(http::Method::POST, &address, &headers, body).await.unwrap();
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        (answer.status, json["results"][0]["outcome"].as_str().unwrap_or_default().to_owned(), answer.text)
    };
    let time = installation::now().to_string();
    let shoppers = ["structured", "binary", "batched"].map(|_| Shopper::new("hi"));
    for (form, shopper) in ["structured", "binary", "batched"].into_iter().zip(&shoppers) {
        let number = format!("H-{form}");
        let data = serde_json::json!({
            "order_number": number,
            "customer": {"id": shopper.id, "given_name": "Asha", "email": shopper.email, "languages": ["hi"], "zone": "Asia/Kolkata"},
        });
        let event = serde_json::json!({
            "specversion": "1.0", "id": form, "source": SOURCE, "type": "order.placed.v1", "time": time, "sequence": "1",
            "datacontenttype": "application/json", "data": data,
        });
        let (headers, body): (Vec<(&str, &str)>, String) = match form {
            "structured" => (vec![("content-type", "application/cloudevents+json")], event.to_string()),
            "batched" => (vec![("content-type", "application/cloudevents-batch+json")], format!("[{event}]")),
            _ => {
                let headers = vec![
                    ("content-type", "application/json"),
                    ("ce-specversion", "1.0"),
                    ("ce-id", form),
                    ("ce-source", SOURCE),
                    ("ce-type", "order.placed.v1"),
                    ("ce-time", time.as_str()),
                    ("ce-sequence", "1"),
                ];
                (headers, data.to_string())
            }
        };
        let (status, outcome, text) = post(&headers, &body).await;
        assert_eq!((status, outcome.as_str()), (200, "accepted"), "{form}: {text}");
        let (status, outcome, text) = post(&headers, &body).await;
        assert_eq!((status, outcome.as_str()), (200, "duplicate"), "{form}: {text}");
    }
    drained(&suite).await;
    for (form, shopper) in ["structured", "binary", "batched"].into_iter().zip(&shoppers) {
        let mails = mail::to(&suite.mail, &shopper.email);
        let placed = mails.iter().filter(|mail| visible(&mail.subject).contains(&format!("H-{form}"))).count();
        assert!(placed >= 1, "{form}: {mails:?}");
    }
    // A key of another system pushes nothing under this source, and no key nothing at all.
    let other = suite.api_key(&["//another.example"]).await;
    let event = serde_json::json!({"specversion": "1.0", "id": "x", "source": SOURCE, "type": "order.placed.v1", "time": time, "data": {}});
    let structured = ("content-type", "application/cloudevents+json");
    for (headers, expected) in
        [(vec![structured, ("x-api-key", other.reveal().as_str())], 403), (vec![structured], 401)]
    {
        let answer = web::send(http::Method::POST, &address, &headers, &event.to_string()).await.unwrap();
        assert_eq!(answer.status, expected, "{}", answer.text);
    }
    suite.stop().await;
}

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn four_customers_are_told_of_their_orders_each_in_their_own_language() {
    let suite = Suite::start(SuiteOptions::default()).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let languages = [("en", 'A'..='z'), ("hi", 'ऀ'..='ॿ'), ("bn", 'ঀ'..='৿'), ("ur", '\u{600}'..='\u{6ff}')];
    let mut orders: Vec<_> = languages.iter().map(|(language, _)| ShopOrder::new(&Shopper::new(language))).collect();

    let traceparent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
    let placed = orders.iter_mut().map(|order| {
        let event = order.placed(installation::now(), Some(("2099-12-31", "Asia/Kolkata")));
        traced(event, &traceparent)
    });
    push(&shop, placed.collect()).await;
    drained(&suite).await;
    push(&shop, orders.iter_mut().map(|order| order.delivered(installation::now())).collect()).await;
    drained(&suite).await;

    for ((language, letters), order) in languages.into_iter().zip(&orders) {
        let customer = customer_of(&suite, &order.shopper).await;
        assert!(customer.provisional, "nobody has confirmed {language}");
        assert_eq!((customer.languages.as_slice(), customer.order_count), ([language.to_owned()].as_slice(), 1));
        let subject = order_name(&suite, order).await;

        for milestone in ["order_placed", "order_delivered"] {
            let mail = mail_about(&suite, &customer.name, &subject, milestone).await;
            assert_eq!((mail.to.as_str(), mail.language.as_str()), (order.shopper.email.as_str(), language));
            assert!(visible(&mail.subject).contains(&order.number), "{language}: {}", mail.subject);
            assert!(is_written_in(&mail.text, letters.clone()), "{language}: {}", mail.text);
            assert_eq!(mail.html.contains("dir=\"rtl\""), language == "ur", "{language}: {}", mail.html);
            assert_eq!(
                (mail.content_type.as_str(), mail.auto_submitted.as_str()),
                ("multipart/alternative", "auto-generated")
            );
            assert!(mail.text.contains(&order.shopper.name.0), "{language}: nobody is addressed in {}", mail.text);
        }
        let explained = explain(&suite, &customer.name, &subject, "order_placed").await;
        let reasons: Vec<_> = explained.decisions.iter().map(|decision| decision.reason()).collect();
        assert_eq!(reasons, [DecisionReason::Accepted, DecisionReason::HandedOver], "{explained:?}");
        let told = explained.notification.unwrap();
        assert_eq!(told.trace_id, TRACE_ID, "the pushed event's trace leads to the message");
        assert_eq!((told.state(), told.channel()), (notification::State::Sent, Channel::Email));

        the_place_tells_it_all(&suite, &customer, &subject).await;
    }
    assert_eq!(judge::broken(&suite, &[]).await.unwrap(), Vec::<String>::new());
    suite.stop().await;
}

async fn the_place_tells_it_all(installation: &Installation, customer: &Customer, order: &str) {
    let id = parse_name("customers", &customer.name).unwrap();
    let mut places = PlaceServiceClient::new(installation.as_customer("customers", id));
    let place = places.get_place(GetPlaceRequest { customer: customer.name.clone() }).await.unwrap().into_inner();
    let [found] = &place.orders.as_ref().unwrap().orders[..] else { panic!("one order: {place:?}") };
    assert_eq!((found.name.as_str(), found.state()), (order, State::Delivered));
    assert_eq!(found.promised_date_outcome(), PromisedDateOutcome::Kept);
    let messages = &place.messages.as_ref().unwrap().messages;
    // Placed, delivered, and a welcome for the first order.
    assert_eq!(messages.len(), 3, "{messages:?}");

    let request = ListTimelineRequest { customer: customer.name.clone(), ..Default::default() };
    let entries = places.list_timeline(request).await.unwrap().into_inner().entries;
    for kind in [Kind::Customer, Kind::Order, Kind::Message] {
        assert!(entries.iter().any(|entry| entry.kind() == kind), "{kind:?} is missing in {entries:?}");
    }
    let times: Vec<_> = entries.iter().map(|entry| entry.time.map(|time| (time.seconds, time.nanos))).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "newest first: {times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_of_a_late_order_is_told_before_the_day_has_passed_and_when_it_has() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let suite = AllInOne::at(at("2026-03-02T09:00:00Z")).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let mut order = ShopOrder::new(&Shopper::new("hi"));
    push(&shop, vec![order.placed(at("2026-03-02T08:59:00Z"), Some(("2026-03-04", "Asia/Kolkata")))]).await;
    drained_at(&suite, at("2026-03-02T09:00:00Z")).await;
    let customer = customer_of(&suite, &order.shopper).await.name;
    let subject = order_name(&suite, &order).await;
    let told = async |milestone: &str| {
        let told = sqlx::query_scalar::<_, String>("select state from notification where milestone = $1");
        told.bind(milestone).fetch_all(suite.database("notifications")).await.unwrap()
    };

    // The promised day ends at 18:30 in UTC; a day before that it is at risk.
    suite.advance_to(at("2026-03-03T18:29:59Z")).await;
    drained_at(&suite, at("2026-03-03T18:29:59Z")).await;
    assert_eq!(told("order_promised_day_at_risk").await, Vec::<String>::new(), "too early");
    suite.advance_to(at("2026-03-03T18:30:00Z")).await;
    drained_at(&suite, at("2026-03-03T18:30:00Z")).await;
    assert_eq!(told("order_promised_day_at_risk").await, ["sent"]);
    mail_about(&suite, &customer, &subject, "order_promised_day_at_risk").await;

    suite.advance_to(at("2026-03-04T18:29:59Z")).await;
    drained_at(&suite, at("2026-03-04T18:29:59Z")).await;
    assert_eq!(told("order_promised_day_missed").await, Vec::<String>::new(), "the day has not ended");
    suite.advance_to(at("2026-03-04T18:30:00Z")).await;
    drained_at(&suite, at("2026-03-04T18:30:00Z")).await;
    assert_eq!(told("order_promised_day_missed").await, ["sent"]);

    suite.advance_to(at("2026-03-05T06:00:00Z")).await;
    push(&shop, vec![order.delivered(at("2026-03-05T05:59:00Z"))]).await;
    drained_at(&suite, at("2026-03-05T06:00:00Z")).await;
    mail_about(&suite, &customer, &subject, "order_delivered").await;
    let mut orders = OrderServiceClient::new(suite.as_role("customers", "agent"));
    let found = orders.get_order(GetOrderRequest { name: subject.clone(), ..Default::default() }).await.unwrap();
    let found = found.into_inner().order.unwrap();
    assert_eq!((found.state(), found.promised_date_outcome()), (State::Delivered, PromisedDateOutcome::Broken));
    // Nothing more is found of an order that has come to its end.
    suite.advance_to(at("2026-03-20T06:00:00Z")).await;
    drained_at(&suite, at("2026-03-20T06:00:00Z")).await;
    assert_eq!(
        mail::to(&suite.mail, &order.shopper.email).len(),
        6,
        "placed, welcome, at risk, missed, a ticket for it, delivered"
    );
    assert_eq!(judge::broken(&suite, &[]).await.unwrap(), Vec::<String>::new());
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn separate_processes_follow_a_clock_that_is_moved_by_hand() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let start = at("2026-03-02T09:00:00Z");
    let suite = Suite::start(SuiteOptions { clock: Some(start), ..SuiteOptions::default() }).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let mut order = ShopOrder::new(&Shopper::new("bn"));
    push(&shop, vec![order.placed(at("2026-03-02T08:59:00Z"), Some(("2026-03-04", "Asia/Kolkata")))]).await;
    drained_at(&suite, start).await;
    let customer = customer_of(&suite, &order.shopper).await.name;
    let subject = order_name(&suite, &order).await;

    // The promised day ends at 18:30 in UTC; a day before that it is at risk.
    for (time, milestone) in
        [("2026-03-03T18:30:00Z", "order_promised_day_at_risk"), ("2026-03-04T18:30:00Z", "order_promised_day_missed")]
    {
        suite.advance_to(at(time));
        drained_at(&suite, at(time)).await;
        let told = explain(&suite, &customer, &subject, milestone).await.notification.unwrap();
        let sent_at = told.send_time.unwrap();
        assert_eq!(sent_at.seconds, at(time).as_second(), "{milestone} is told in business time");
    }
    assert_eq!(judge::broken(&suite, &[]).await.unwrap(), Vec::<String>::new());
    suite.stop().await;
}
