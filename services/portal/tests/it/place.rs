//! The customer's own place.

use std::collections::HashMap;

use http::Method;
use seva_proto::{
    common::v1::{ErrorReason, Money, PromisedDate},
    customers::v1::{
        GetOwnPlaceResponse, Invoice, InvoicesPart, MessagesPart, Order, OrdersPart, OwnPlace, PartAge, TicketView,
        TicketsPart, TimelineEntry,
        invoice::State as InvoiceState,
        order::{PromisedDateOutcome, State as OrderState},
    },
    tickets::v1::ticket::{Closure, Kind, State as TicketState},
};
use tonic::Code;

use crate::{
    web::{ATTACKS, TOKEN, Web, at, link_ended, link_invalid, refusal, unreachable},
    written,
};

fn path() -> String {
    format!("/place/{TOKEN}")
}

fn day(date: &str) -> Option<PromisedDate> {
    Some(PromisedDate { date: date.to_owned(), zone: "Asia/Kolkata".to_owned() })
}

fn rupees(minor_units: i64) -> Option<Money> {
    Some(Money { minor_units, currency: "INR".to_owned() })
}

fn age(at_time: &str, seconds: i64) -> Option<PartAge> {
    let age = Some(prost_types::Duration { seconds, nanos: 0 });
    Some(PartAge { observe_time: at(at_time), age, stale: false })
}

fn message(milestone: &str, state: &str, about: &str) -> TimelineEntry {
    let details = [("milestone", milestone), ("state", state), ("channel", "email"), ("about", about)];
    let details: HashMap<String, String> = details.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    TimelineEntry { time: at("2026-11-19T22:15:00Z"), details, ..TimelineEntry::default() }
}

/// Somebody with one thing of every sort and two orders.
pub fn place(language: &str) -> OwnPlace {
    let late = Order {
        name: "orders/1".to_owned(),
        order_number: "A-1029".to_owned(),
        state: OrderState::Delivered.into(),
        total: rupees(12_345_678),
        first_promised_date: day("2026-11-16"),
        current_promised_date: day("2026-11-18"),
        // On the next day in Kolkata.
        actual_delivery_time: at("2026-11-18T20:00:00Z"),
        promised_date_outcome: PromisedDateOutcome::Broken.into(),
        delayed: true,
        delay_reason: "Rain on the road".to_owned(),
        carrier: "Blue Parcel".to_owned(),
        tracking_number: "BP-77-1".to_owned(),
        tracking_link: "https://track.example/p/BP-77-1?lang=en".to_owned(),
        ..Order::default()
    };
    let coming = Order {
        name: "orders/2".to_owned(),
        order_number: "A-1030".to_owned(),
        state: OrderState::InTransit.into(),
        total: rupees(49_900),
        first_promised_date: day("2026-11-25"),
        current_promised_date: day("2026-11-25"),
        ..Order::default()
    };
    let invoice = Invoice {
        name: "invoices/1".to_owned(),
        invoice_number: "2026/00017".to_owned(),
        order_number: "A-1029".to_owned(),
        state: InvoiceState::PaymentFailed.into(),
        amount: rupees(12_345_678),
        paid: rupees(0),
        due_date: day("2026-12-01"),
        ..Invoice::default()
    };
    let ticket = TicketView {
        ticket: "tickets/1".to_owned(),
        number: "T-2K7-M".to_owned(),
        kind: Kind::Delivery.into(),
        state: TicketState::Closed.into(),
        closure: Closure::Verified.into(),
        subject: "orders/1".to_owned(),
        create_time: at("2026-11-18T19:00:00Z"),
        update_time: at("2026-11-19T08:00:00Z"),
    };
    OwnPlace {
        display_name: "Asha Rao".to_owned(),
        language: language.to_owned(),
        zone: "Asia/Kolkata".to_owned(),
        orders: Some(OrdersPart { orders: vec![late, coming], age: age("2026-11-20T10:15:00Z", 3 * 3600), more: true }),
        invoices: Some(InvoicesPart {
            invoices: vec![invoice],
            age: age("2026-11-18T10:15:00Z", 51 * 3600),
            more: false,
        }),
        tickets: Some(TicketsPart { tickets: vec![ticket], age: age("2026-11-20T13:14:00Z", 60), more: false }),
        messages: Some(MessagesPart {
            messages: vec![
                message("order_delivered", "sent", "orders/1"),
                message("ticket_opened", "sent", "tickets/1"),
            ],
            age: age("2026-11-20T13:15:00Z", 2),
            more: false,
        }),
    }
}

async fn web(place: OwnPlace) -> Web {
    let web = Web::new().await;
    let answer = GetOwnPlaceResponse { place: Some(place) };
    web.script().get_own_place.answers(move |_| Ok(answer.clone()));
    web
}

#[tokio::test]
async fn everything_is_on_one_page_and_looking_changes_nothing() {
    let web = web(place("en-IN")).await;

    let page = web.get(&path()).await;

    assert_eq!((page.status.as_u16(), page.header("content-language")), (200, "en"));
    assert!(page.has("Hello Asha Rao,") && page.has("<h1>Your place with us</h1>"));
    let late = page.between("Order A-1029</h3>", "</article>");
    for text in [
        "</span>Delivered</p>",
        "We did not keep the promised day. We are sorry.",
        "<dt>Day first promised</dt><dd><bdi>16 November 2026",
        "<dt>Day promised now</dt><dd><bdi>18 November 2026",
        "<dt>Reason for the delay</dt><dd><bdi>Rain on the road",
        "<dt>Delivered</dt><dd><bdi>19 November 2026",
        "₹123,456.78",
        "Blue Parcel",
        "BP-77-1",
        "href=\"https://track.example/p/BP-77-1?lang=en\" rel=\"external noopener noreferrer\">Track the parcel</a>",
        "<bdi>track.example</bdi>",
    ] {
        assert!(late.contains(text), "{text} in {late}");
    }
    let coming = page.between("Order A-1030</h3>", "</article>");
    assert!(coming.contains("On its way") && coming.contains("<dt>Promised day</dt><dd><bdi>25 November 2026"));
    assert!(!coming.contains("<a ") && !coming.contains("first promised"));
    let invoice = page.between("Invoice 2026/00017</h3>", "</article>");
    assert!(invoice.contains("Payment failed") && invoice.contains("1 December 2026") && invoice.contains("A-1029"));
    assert!(!invoice.contains("<dt>Paid"), "nothing paid is no news");
    let ticket = page.between("Request T-2K7-M</h3>", "</article>");
    for text in ["</span>Closed</p>", "you told us that it is solved", "Delivery", "A-1029", "19 November 2026"] {
        assert!(ticket.contains(text), "{text} in {ticket}");
    }
    let told = page.between("Order delivered</h3>", "</article>");
    for text in ["20 November 2026, 03:45\u{a0}IST", "by email", "Order A-1029"] {
        assert!(told.contains(text), "{text} in {told}");
    }
    assert!(page.between("Request received</h3>", "</article>").contains("Request T-2K7-M"));
    assert!(page.between("id=\"orders\"", "</section>").contains("Only the newest are shown."));
    assert!(!page.between("id=\"invoices\"", "</section>").contains("Only the newest are shown."));
    assert!(!page.has("<form") && !page.has("<button"), "it is only read");

    assert_eq!(web.request(Method::HEAD, &path(), &[], "").await.status, 200);
    let asked = web.script().get_own_place.asked();
    assert!(asked.iter().all(|asked| asked.message.token == TOKEN && asked.caller == "service:portal"));
    assert_eq!((asked.len(), web.script().writes()), (2, 0), "PO1");
}

#[tokio::test]
async fn every_part_tells_its_age_and_says_plainly_when_it_may_be_out_of_date() {
    let mut place = place("en");
    place.orders.as_mut().unwrap().age.as_mut().unwrap().stale = true;
    let page = web(place).await.get(&path()).await;

    let orders = page.between("id=\"orders\"", "</section>");
    assert!(orders.contains("As of 20 November 2026, 15:45\u{a0}IST (3 hours ago)"), "{orders}");
    assert!(orders.contains("This may be out of date:"));
    let invoices = page.between("id=\"invoices\"", "</section>");
    assert!(invoices.contains("As of 18 November 2026, 15:45\u{a0}IST (2 days ago)"), "{invoices}");
    assert!(!invoices.contains("This may be out of date:"));
    assert!(page.between("id=\"tickets\"", "</section>").contains("(1 minute ago)"));
    assert!(page.between("id=\"messages\"", "</section>").contains("(just now)"));
}

#[tokio::test]
async fn parts_that_are_empty_or_were_never_reported_say_so() {
    let empty = OwnPlace {
        display_name: " ".to_owned(),
        zone: "Asia/Dhaka".to_owned(),
        orders: Some(OrdersPart { age: age("2026-11-20T10:15:00Z", 30), ..OrdersPart::default() }),
        invoices: Some(InvoicesPart { age: Some(PartAge::default()), ..InvoicesPart::default() }),
        tickets: None,
        messages: Some(MessagesPart::default()),
        ..place("en")
    };
    let page = web(empty).await.get(&path()).await;

    assert_eq!(page.status, 200);
    assert!(!page.has("Hello"), "nobody is greeted without a name");
    let orders = page.between("id=\"orders\"", "</section>");
    assert!(orders.contains("20 November 2026, 16:15\u{a0}UTC+06 (just now)") && orders.contains("Nothing here yet."));
    for part in ["invoices", "tickets", "messages"] {
        let part = page.between(&format!("id=\"{part}\""), "</section>");
        assert!(part.contains("Nothing has been reported yet.") && !part.contains("As of"), "{part}");
    }
    assert_eq!(page.body.matches("<span class=\"count\">0</span>").count(), 4);
}

#[tokio::test]
async fn things_of_unknown_age_do_not_pretend_to_be_new() {
    let mut place = place("en");
    place.tickets.as_mut().unwrap().age = None;
    let page = web(place).await.get(&path()).await;
    assert!(page.between("id=\"tickets\"", "</section>").contains("We cannot say how recent this is."));
}

#[tokio::test]
async fn it_is_written_in_the_customers_language_with_its_digits_and_from_its_side() {
    for (language, direction, texts) in [
        ("en", "ltr", ["Your place with us", "Out for delivery", "20 November 2026, 15:45", "₹123,456.78"]),
        ("hi", "ltr", ["आपका अपना पेज", "डिलीवरी के लिए निकल चुका है", "20 नवंबर 2026, 15:45", "₹1,23,456.78"]),
        ("bn", "ltr", ["আপনার নিজের পাতা", "ডেলিভারির জন্য বেরিয়েছে", "২০ নভেম্বর ২০২৬, ১৫:৪৫", "₹1,23,456.78"]),
        ("ur", "rtl", ["آپ کا اپنا صفحہ", "ڈیلیوری کے لیے نکل چکا ہے", "20 نومبر 2026، 15:45", "₹123,456.78"]),
    ] {
        let mut place = place(language);
        place.orders.as_mut().unwrap().orders[1].state = OrderState::OutForDelivery.into();
        let page = web(place).await.get_in(&path(), "en").await;
        assert!(page.has(&format!("<html lang=\"{language}\" dir=\"{direction}\">")));
        for text in texts {
            assert!(page.has(text), "{language}: {text} in {}", page.body);
        }
        let is_english = page.has("Status") || page.has("Order ") || page.has("ago)") || page.has("by email");
        assert_eq!(is_english, language == "en", "{language}");
    }
}

#[tokio::test]
async fn a_number_stays_whole_among_words_from_the_right() {
    let mut place = place("ur");
    place.orders.as_mut().unwrap().orders[0].order_number = "1029-A".to_owned();
    assert!(web(place).await.get(&path()).await.has("آرڈر \u{2068}1029-A\u{2069}</h3>"));
}

#[tokio::test]
async fn a_message_that_was_not_sent_is_not_shown() {
    let mut place = place("en");
    let messages = &mut place.messages.as_mut().unwrap().messages;
    messages.push(message("invoice_paid", "skipped", "invoices/1"));
    messages.push(TimelineEntry { details: HashMap::new(), ..message("", "", "") });
    let page = web(place).await.get(&path()).await;
    assert!(!page.has("Payment received") && page.has("Order delivered"));
    assert!(page.has("<a href=\"#messages\">Messages to you <span class=\"count\">2</span></a>"));
}

#[tokio::test]
async fn a_message_newer_than_our_words_is_named_by_what_it_is_about() {
    let mut place = place("en");
    place.messages.as_mut().unwrap().messages =
        ["ticket_sung_about", "weather_report"].map(|milestone| message(milestone, "sent", "orders/unknown")).into();
    let page = web(place).await.get(&path()).await;
    assert!(page.has("<h3>About your request</h3>") && page.has("<h3>Message</h3>"));
    assert!(!page.has("sung") && !page.has("unknown"));
}

#[tokio::test]
async fn a_day_that_holds_no_longer_is_not_shown() {
    let mut place = place("en");
    let order = &mut place.orders.as_mut().unwrap().orders[1];
    order.state = OrderState::Canceled.into();
    order.promised_date_outcome = PromisedDateOutcome::Withdrawn.into();
    let page = web(place).await.get(&path()).await;
    let canceled = page.between("Order A-1030</h3>", "</article>");
    assert!(canceled.contains("Canceled") && !canceled.contains("Promised day"));
}

#[tokio::test]
async fn only_an_address_that_may_be_followed_becomes_a_link() {
    for address in
        ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/survey/x", "https://a@evil.example/", ""]
    {
        let mut place = place("en");
        place.orders.as_mut().unwrap().orders[0].tracking_link = address.to_owned();
        let page = web(place).await.get(&path()).await;
        assert!(!page.has("Track the parcel") && page.has("BP-77-1"), "PO7: {address}");
    }
}

#[tokio::test]
async fn nothing_that_anybody_wrote_runs_on_the_page() {
    let harmless = web(place("en")).await.get(&path()).await;
    for attack in ATTACKS {
        let attacked = written::everywhere("seva.customers.v1.OwnPlace", &place("en"), attack, &["en", "sent"]);
        assert_eq!(attacked.orders.as_ref().unwrap().orders[0].delay_reason, attack);
        let page = web(attacked).await.get(&path()).await;
        assert_eq!(page.status, 200, "{attack}");
        page.assert_as_harmless_as(&harmless);
    }
}

#[tokio::test]
async fn a_link_that_cannot_be_used_has_a_friendly_page() {
    let web = Web::new().await;
    let script = &web.script().get_own_place;
    script.refuses(link_invalid);
    assert_eq!(web.get(&path()).await.status, 404);

    script.refuses(link_ended);
    let ended = web.get_in(&path(), "ur").await;
    assert_eq!(ended.status, 410);
    assert!(ended.has("dir=\"rtl\"") && ended.has("اس لنک کی مدت ختم ہو چکی ہے"));

    script.refuses(|| refusal(Code::FailedPrecondition, ErrorReason::LinkUsed));
    let taken_back = web.get(&path()).await;
    assert_eq!(taken_back.status, 410);
    assert!(taken_back.has("This link has ended") && !taken_back.has("already been answered"));

    script.refuses(unreachable);
    let busy = web.get(&path()).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "5"));

    script.refuses(|| refusal(Code::Internal, ErrorReason::Internal));
    let broken = web.get(&path()).await;
    assert_eq!(broken.status, 500);
    assert!(!broken.has("internal words"), "PO5");

    script.answers(|_| Ok(GetOwnPlaceResponse { place: None }));
    assert_eq!(web.get(&path()).await.status, 500);
}
