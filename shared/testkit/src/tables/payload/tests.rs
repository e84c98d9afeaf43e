use super::*;

#[test]
fn events_and_answers_name_their_message() {
    let name = |message: Option<MessageDescriptor>| message.map(|message| message.full_name().to_owned());
    let event = |kind| name(message_of_event(kind));
    assert_eq!(event("seva.customers.order.promised_day_missed.v1").unwrap(), "seva.customers.v1.OrderEvent");
    assert_eq!(event("seva.surveys.survey_version.published.v1").unwrap(), "seva.surveys.v1.SurveyVersionEvent");
    assert_eq!(event("seva.customers.parcel.lost.v1"), None);
    assert_eq!(event("order.placed.v1"), None);
    let answer = name(message_of_answer("/seva.customers.v1.CustomerService/CreateCustomer"));
    assert_eq!(answer.unwrap(), "seva.customers.v1.CreateCustomerResponse");
    assert_eq!(name(message_of_answer("/seva.customers.v1.CustomerService/Enlarge")), None);
}

#[test]
#[should_panic(expected = "does not say what seva.customers.parcel.lost.v1 holds")]
fn bytes_that_cannot_be_read_are_not_passed_over() {
    ENCODED[0].read("seva.customers.parcel.lost.v1", b"");
}

#[test]
fn fields_that_are_left_out_exist_and_are_taken_out_wherever_they_stand() {
    for (message, field, _) in LEFT_OUT {
        let known = descriptor_pool().get_message_by_name(message);
        assert!(known.is_some_and(|message| message.get_field_by_name(field).is_some()), "{message} has no {field}");
    }
    let said = r#"{"notification": {"name": "notifications/1", "traceId": "4bf9"}}"#;
    let event = message_of_event("seva.notifications.notification.sent.v1").unwrap();
    let message = DynamicMessage::deserialize(event, &mut serde_json::Deserializer::from_str(said)).unwrap();
    let bytes = prost_reflect::prost::Message::encode_to_vec(&message);
    let read = ENCODED[0].read("seva.notifications.notification.sent.v1", &bytes);
    assert_eq!(read, r#"{"notification":{"name":"notifications/1"}}"#);
}
