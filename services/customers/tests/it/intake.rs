//! The intake: what is applied, what is refused and why, and that each event counts once.

mod bad_input;
mod billing;
mod customers;
mod figures;
mod once;

use prost::Message;
use seva_proto::{
    common::v1::Money,
    customers::v1::{
        self as pb, EventResult, InvoiceIssued, InvoicePaid, InvoiceRefunded, OrderEvent, event_result::Outcome,
    },
    io::cloudevents::v1::{CloudEvent, cloud_event::Data, cloud_event::cloud_event_attribute_value::Attr},
};
use sqlx::Row;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::shop::{
    SOURCE, Shop, confirmed, delayed, delivered, event, in_transit, kolkata, placed, placed_for, reported, way, with,
};

const TIME: &str = "2026-03-02T08:00:00Z";

/// The reason and the fields with their reasons of a rejected event.
fn refusal(result: &EventResult) -> (String, Vec<(String, String)>) {
    assert_eq!(result.outcome(), Outcome::Rejected, "{result:?}");
    let status = result.error.clone().unwrap();
    let status = tonic::Status::with_details(status.code.into(), status.message.clone(), status.encode_to_vec().into());
    let details: ErrorDetails = status.get_error_details();
    (details.error_info().unwrap().reason.clone(), crate::world::violations(&status))
}

fn paid(number: &str, customer: &str, sequence: i32, minor_units: i64, currency: &str) -> CloudEvent {
    let data = InvoicePaid {
        invoice_number: number.to_owned(),
        customer: reported(customer),
        amount: Some(Money { minor_units, currency: currency.to_owned() }),
    };
    event("invoice.paid.v1", number, sequence, TIME, &data)
}

fn refunded(number: &str, customer: &str, sequence: i32, minor_units: i64) -> CloudEvent {
    let data = InvoiceRefunded {
        invoice_number: number.to_owned(),
        customer: reported(customer),
        amount: Some(Money { minor_units, currency: "INR".to_owned() }),
        reason: "damaged".to_owned(),
    };
    event("invoice.refunded.v1", number, sequence, TIME, &data)
}

#[tokio::test]
async fn the_way_of_an_order_in_one_batch_becomes_its_state_its_history_and_its_events() {
    let shop = Shop::new().await;
    let results = shop.publish(way("A-1", "17", TIME)).await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted), "{results:?}");
    let pb::GetOrderResponse { order, promised_dates } = shop.order("A-1").await;
    let order = order.unwrap();
    assert!(results.iter().all(|result| result.subject == order.name));
    assert_eq!(order.state(), pb::order::State::Delivered);
    assert_eq!(order.promised_date_outcome(), pb::order::PromisedDateOutcome::Kept);
    assert_eq!((order.version, order.source_sequence, order.delayed), (7, 7, true));
    assert_eq!(
        (order.first_promised_date, order.current_promised_date),
        (kolkata("2026-03-09"), kolkata("2026-03-11"))
    );
    assert_eq!(promised_dates.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 2]);
    let told = shop.told(&order.name).await;
    let told: Vec<_> = told.iter().map(|(kind, sequence)| (kind.as_str(), *sequence)).collect();
    assert_eq!(
        told,
        [
            ("order.placed", 1),
            ("order.confirmed", 2),
            ("order.in_transit", 3),
            ("order.scanned", 4),
            ("order.delayed", 5),
            ("order.scanned", 6),
            ("order.delivered", 7),
        ]
    );
    assert_eq!(shop.world.count("select count(*) from timeline_entry where kind = 'order' and label = 'A-1'").await, 7);
}

#[tokio::test]
async fn the_same_way_in_single_batches_ends_the_same() {
    let (at_once, one_by_one) = (Shop::new().await, Shop::new().await);
    at_once.publish(way("A-1", "17", TIME)).await;
    for event in way("A-1", "17", TIME) {
        assert_eq!(one_by_one.outcomes(vec![event]).await, [Outcome::Accepted]);
    }
    let without_names = |answer: pb::GetOrderResponse| {
        let mut order = answer.order.unwrap();
        order.name.clear();
        order.customer.clear();
        (order, answer.promised_dates)
    };
    assert_eq!(without_names(at_once.order("A-1").await), without_names(one_by_one.order("A-1").await));
}

#[tokio::test]
async fn events_begin_a_story_in_the_trace_that_the_source_names() {
    let shop = Shop::new().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let pushed = with(placed("A-1", "17", 1, TIME), "traceparent", Attr::CeString(traceparent.to_owned()));
    let id = pushed.id.clone();
    shop.publish(vec![pushed]).await;
    let rows = sqlx::query("select * from seva.outbox order by position").fetch_all(&shop.world.database.owner).await;
    let rows = rows.unwrap();
    assert_eq!(rows.len(), 3, "the customer, the order, the first order");
    for row in rows {
        assert_eq!(row.get::<String, _>("correlation_id"), format!("{SOURCE}/{id}"));
        assert_eq!(row.get::<String, _>("causation_id"), format!("{SOURCE}/{id}"));
        assert_eq!(row.get::<String, _>("traceparent"), traceparent);
        assert_eq!(row.get::<String, _>("actor"), "key:shop");
        let occurred_at = row.get::<jiff_sqlx::Timestamp, _>("occurred_at").to_jiff();
        assert_eq!(occurred_at, TIME.parse::<jiff::Timestamp>().unwrap());
    }
}

/// CU10
#[tokio::test]
async fn an_older_sequence_is_recorded_and_never_applied() {
    let shop = Shop::new().await;
    shop.publish(vec![placed("A-1", "17", 5, TIME)]).await;
    let before = shop.order("A-1").await;
    let late = vec![confirmed("A-1", "17", 4, TIME), delayed("A-1", "17", 5, TIME, "2026-03-11")];
    assert_eq!(shop.outcomes(late.clone()).await, [Outcome::Stale, Outcome::Stale]);
    assert_eq!(shop.order("A-1").await, before);
    assert_eq!(shop.world.count("select count(*) from intake_event where outcome = 'stale'").await, 2);
    assert_eq!(shop.outcomes(late).await, [Outcome::Duplicate, Outcome::Duplicate]);
}

#[tokio::test]
async fn a_fact_that_comes_after_a_later_step_says_so_in_its_event() {
    let shop = Shop::new().await;
    shop.publish(vec![delivered("A-1", "17", 1, TIME), in_transit("A-1", "17", 2, TIME, "Pune")]).await;
    let order = shop.order("A-1").await.order.unwrap();
    assert_eq!(order.state(), pb::order::State::Delivered);
    let payloads =
        sqlx::query_scalar::<_, Vec<u8>>("select payload from seva.outbox where subject = $1 order by position");
    let payloads = payloads.bind(&order.name).fetch_all(&shop.world.database.owner).await.unwrap();
    let overtaken: Vec<_> =
        payloads.iter().map(|payload| OrderEvent::decode(payload.as_slice()).unwrap().overtaken).collect();
    assert_eq!(overtaken, [false, true]);
}

#[tokio::test]
async fn json_and_proto_data_do_the_same() {
    let shop = Shop::new().await;
    let mut json = placed_for("J-1", "17", 1, TIME, kolkata("2026-03-09"));
    json.data = Some(Data::TextData(
        r#"{"orderNumber":"J-1","customer":{"id":"17"},"promisedDate":{"date":"2026-03-09","zone":"Asia/Kolkata"}}"#
            .into(),
    ));
    let json = with(json, "datacontenttype", Attr::CeString("application/json".to_owned()));
    let proto = placed_for("P-1", "17", 1, TIME, kolkata("2026-03-09"));
    assert_eq!(shop.outcomes(vec![json, proto]).await, [Outcome::Accepted, Outcome::Accepted]);
    let bare =
        |order: Option<pb::Order>| pb::Order { name: String::new(), order_number: String::new(), ..order.unwrap() };
    assert_eq!(bare(shop.order("J-1").await.order), bare(shop.order("P-1").await.order));
}

/// CU16, CU17
#[tokio::test]
async fn an_invoice_is_kept_in_one_currency_and_not_paid_back_beyond_what_was_paid() {
    let shop = Shop::new().await;
    let issued = InvoiceIssued {
        invoice_number: "R-7".to_owned(),
        customer: reported("17"),
        order_number: "A-1".to_owned(),
        amount: Some(Money { minor_units: 1000, currency: "INR".to_owned() }),
        due_date: kolkata("2026-03-20"),
    };
    let results = shop
        .publish(vec![
            event("invoice.issued.v1", "R-7", 1, TIME, &issued),
            paid("R-7", "17", 2, 600, "INR"),
            paid("R-7", "17", 3, 600, "EUR"),
            refunded("R-7", "17", 4, 700),
            refunded("R-7", "17", 5, 600),
            paid("R-7", "17", 5, 1, "INR"),
        ])
        .await;
    let invoice = &results[0].subject;
    let currency = ("data.amount.currency".to_owned(), "CURRENCY_MISMATCH".to_owned());
    assert_eq!(refusal(&results[2]), ("FIELDS_INVALID".to_owned(), vec![currency]));
    let refund = ("data.amount".to_owned(), "REFUND_EXCEEDS_PAID".to_owned());
    assert_eq!(refusal(&results[3]), ("FIELDS_INVALID".to_owned(), vec![refund]));
    assert_eq!(results[4].outcome(), Outcome::Accepted);
    assert_eq!(results[5].outcome(), Outcome::Stale);
    let told = shop.told(invoice).await;
    let told: Vec<_> = told.iter().map(|(kind, sequence)| (kind.as_str(), *sequence)).collect();
    assert_eq!(told, [("invoice.issued", 1), ("invoice.paid", 2), ("invoice.refunded", 3)]);
    assert_eq!(shop.world.count("select refunded_minor_units from invoice").await, 600);
    assert_eq!(shop.world.count("select count(*) from timeline_entry where kind = 'invoice'").await, 3);
}
