use super::*;

fn at(text: &str) -> Timestamp {
    format!("2018-01-{text}:00Z").parse().unwrap()
}

fn zone() -> Zone {
    Zone::parse(super::super::SHOP_ZONE).unwrap()
}

fn order(status: Status) -> Order {
    Order {
        order_id: "o1".into(),
        customer_id: "c1".into(),
        status,
        purchased_at: at("02T08:00"),
        approved_at: Some(at("02T09:00")),
        handed_to_carrier_at: Some(at("03T10:00")),
        delivered_at: Some(at("05T11:00")),
        promised_day: Some(jiff::civil::date(2018, 1, 9)),
    }
}

fn told(order: &Order) -> Vec<(i64, &'static str, Timestamp)> {
    facts(order, &zone()).iter().map(|fact| (fact.sequence, fact.report.event_type(), fact.at)).collect()
}

#[test]
fn a_delivered_order_has_an_event_for_each_time() {
    assert_eq!(
        told(&order(Status::Delivered)),
        [
            (1, "order.placed.v1", at("02T08:00")),
            (2, "order.confirmed.v1", at("02T09:00")),
            (3, "order.handed_to_carrier.v1", at("03T10:00")),
            (4, "order.delivered.v1", at("05T11:00")),
        ]
    );
}

#[test]
fn the_estimated_day_is_promised_in_the_shops_zone_with_the_order() {
    let facts = facts(&order(Status::Delivered), &zone());
    let promised = PromisedDate::new(jiff::civil::date(2018, 1, 9), zone());

    assert_eq!(facts[0].report, Report::Placed(Some(promised)));
}

#[test]
fn a_state_without_a_time_comes_a_minute_after_the_last_known_one() {
    for (status, kind) in [
        (Status::Canceled, "order.canceled.v1"),
        (Status::Unavailable, "order.unavailable.v1"),
        (Status::Processing, "order.in_manufacture.v1"),
    ] {
        let order = Order { handed_to_carrier_at: None, delivered_at: None, ..order(status) };

        assert_eq!(told(&order).last(), Some(&(3, kind, at("02T09:01"))));
    }
}

#[test]
fn a_canceled_order_with_a_delivery_is_canceled_after_it() {
    assert_eq!(told(&order(Status::Canceled)).last(), Some(&(5, "order.canceled.v1", at("05T11:01"))));
}

#[test]
fn an_invoiced_order_is_confirmed_and_no_more() {
    let invoiced = Order { handed_to_carrier_at: None, delivered_at: None, ..order(Status::Invoiced) };
    assert_eq!(told(&invoiced).len(), 2);

    let without_approval = Order { approved_at: None, ..invoiced };
    assert_eq!(told(&without_approval).last(), Some(&(2, "order.confirmed.v1", at("02T08:01"))));
}

#[test]
fn a_delivery_or_hand_over_whose_time_is_missing_comes_a_minute_after_the_last_known_one() {
    let delivered = Order { delivered_at: None, ..order(Status::Delivered) };
    assert_eq!(told(&delivered).last(), Some(&(4, "order.delivered.v1", at("03T10:01"))));

    let shipped = Order { handed_to_carrier_at: None, delivered_at: None, ..order(Status::Shipped) };
    assert_eq!(told(&shipped).last(), Some(&(3, "order.handed_to_carrier.v1", at("02T09:01"))));
}

#[test]
fn what_comes_after_a_later_step_keeps_its_time() {
    let order = Order { handed_to_carrier_at: Some(at("01T07:00")), ..order(Status::Delivered) };
    let kinds: Vec<_> = told(&order).into_iter().map(|(sequence, kind, _)| (sequence, kind)).collect();

    assert_eq!(
        kinds,
        [
            (1, "order.handed_to_carrier.v1"),
            (2, "order.placed.v1"),
            (3, "order.confirmed.v1"),
            (4, "order.delivered.v1")
        ]
    );
}

#[test]
fn events_of_the_same_minute_come_in_order_of_steps() {
    let order = Order {
        approved_at: Some(at("02T08:00")),
        handed_to_carrier_at: Some(at("02T08:00")),
        ..order(Status::Delivered)
    };
    let kinds: Vec<_> = told(&order).into_iter().map(|(_, kind, _)| kind).collect();

    assert_eq!(kinds[..3], ["order.placed.v1", "order.confirmed.v1", "order.handed_to_carrier.v1"]);
}

#[test]
fn an_order_is_carried_the_same_way_whenever_it_is_asked() {
    let first = shipment("o1");

    assert_eq!(first, shipment("o1"));
    assert_ne!(first.tracking_number, shipment("o2").tracking_number);
    assert!(first.tracking_link.starts_with("https://tracking.example.com/EX"));
}
