use super::*;
use crate::replay::people::Person;

fn customer() -> Person {
    Person {
        id: "c1".into(),
        given_name: "Asha".into(),
        family_name: "Rao".into(),
        email: "asha.rao.1@example.com".into(),
        language: "hi",
    }
}

fn reports() -> Vec<Report> {
    let promised =
        PromisedDate::new(jiff::civil::date(2018, 1, 9), seva_values::Zone::parse("America/Sao_Paulo").unwrap());
    vec![
        Report::Placed(Some(promised.clone())),
        Report::Confirmed,
        Report::InManufacture,
        Report::HandedToCarrier(Shipment {
            carrier: "Example Post",
            tracking_number: "EX1".into(),
            tracking_link: "https://tracking.example.com/EX1".into(),
        }),
        Report::InTransit("depot"),
        Report::Delayed(promised, "snow"),
        Report::OutForDelivery,
        Report::Delivered,
        Report::Canceled("asked for"),
        Report::Unavailable("sold out"),
    ]
}

#[test]
fn every_report_becomes_a_message_of_the_contract_with_number_and_customer() {
    let pool = seva_proto::descriptor_pool();
    let at: Timestamp = "2018-01-02T08:00:00Z".parse().unwrap();

    for report in reports() {
        let event = report.to_event("o1", &customer(), at, 4);
        let Some(Data::ProtoData(data)) = event.data else { panic!("no message: {report:?}") };
        let name = data.type_url.strip_prefix("type.googleapis.com/").unwrap();
        let descriptor = pool.get_message_by_name(name).unwrap_or_else(|| panic!("{name} is not in the contract"));
        let message = prost_reflect::DynamicMessage::decode(descriptor, data.value.as_slice()).unwrap();

        assert_eq!(message.get_field_by_name("order_number").unwrap().as_str(), Some("o1"));
        let known = message.get_field_by_name("customer").unwrap();
        assert_eq!(known.as_message().unwrap().get_field_by_name("id").unwrap().as_str(), Some("c1"));
        // order.in_manufacture.v1 <-> OrderInManufacture
        let expected = name.rsplit('.').next().unwrap().to_lowercase();
        let said = event.r#type.strip_suffix(".v1").unwrap().replace(['.', '_'], "");
        assert_eq!(said, expected);
        assert_eq!(message.unknown_fields().count(), 0);
    }
}

#[test]
fn an_event_carries_the_attributes_that_the_intake_asks_for() {
    let at: Timestamp = "2018-01-02T08:00:00Z".parse().unwrap();
    let event = Report::Delivered.to_event("o1", &customer(), at, 4);
    let attribute = |name: &str| event.attributes[name].attr.clone().unwrap();

    assert_eq!(
        (event.id.as_str(), event.source.as_str(), event.spec_version.as_str()),
        ("o1:order.delivered.v1", SOURCE, "1.0")
    );
    assert_eq!(attribute("subject"), Attr::CeString("orders/o1".into()));
    assert_eq!(attribute("sequence"), Attr::CeString("4".into()));
    assert_eq!(attribute("time"), Attr::CeTimestamp(prost_types::Timestamp { seconds: 1_514_880_000, nanos: 0 }));
}

#[test]
fn times_before_1970_have_positive_nanoseconds() {
    let at: Timestamp = "1969-12-31T23:59:58.5Z".parse().unwrap();

    assert_eq!(proto_time(at), prost_types::Timestamp { seconds: -2, nanos: 500_000_000 });
}
