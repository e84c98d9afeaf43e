//! The same request again, and requests with faults.

use futures::future::join_all;
use prost::Message;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        CreateCustomerRequest, Customer, ExternalRef, UpdateCustomerRequest, customer_service_server::CustomerService,
    },
};
use seva_values::new_id;
use tonic::Code;

use crate::world::{World, a_caller, call, call_by, email, is_refused, somebody, violations};

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_byte_for_byte() {
    let world = World::new().await;
    let request_id = new_id();
    let customer = Customer { contact_points: vec![email("a@example.com")], ..somebody("Asha", "Rao") };
    let first = world.create_as(customer.clone(), request_id).await.unwrap();
    let name = first.customer.as_ref().unwrap().name.clone();

    // Much happens in between.
    world.pass(3600);
    let change = UpdateCustomerRequest {
        customer: Some(Customer { name: name.clone(), etag: "\"v1\"".to_owned(), ..somebody("Usha", "") }),
        update_mask: None,
        request_id: new_id().to_string(),
    };
    let updated = world.customers.update_customer(call("UpdateCustomer", change.clone())).await.unwrap();

    let again = world.create_as(customer, request_id).await.unwrap();
    assert_eq!(again.encode_to_vec(), first.encode_to_vec());
    // Its etag is an old one by now, and still it is the same request.
    let updated_again = world.customers.update_customer(call("UpdateCustomer", change)).await.unwrap();
    assert_eq!(updated_again.into_inner().encode_to_vec(), updated.into_inner().encode_to_vec());
    assert_eq!(world.count("select count(*) from customer").await, 1);
    assert_eq!(world.count("select count(*) from seva.outbox").await, 2);
    assert_eq!(world.count("select count(*) from seva.audit").await, 2);
}

#[tokio::test]
async fn a_request_id_serves_one_message_of_one_caller() {
    let world = World::new().await;
    let request_id = new_id();
    world.create_as(somebody("Asha", "Rao"), request_id).await.unwrap();

    let other = Customer { contact_points: vec![email("b@example.com")], ..somebody("Bina", "Rao") };
    let status = is_refused(world.create_as(other, request_id).await, ErrorReason::RequestIdReused);
    assert_eq!(status.code(), Code::InvalidArgument);

    let request = CreateCustomerRequest { customer: Some(somebody("Asha", "Rao")), request_id: request_id.to_string() };
    let by_another = call_by(a_caller("user:vikram"), "CreateCustomer", request);
    world.customers.create_customer(by_another).await.unwrap();
    assert_eq!(world.count("select count(*) from customer").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_equal_requests_at_once_one_creates_and_all_answers_are_equal() {
    let world = World::new().await;
    let request_id = new_id();

    let answers = join_all((0..8).map(|_| world.create_as(somebody("Asha", "Rao"), request_id))).await;

    let mut names = Vec::new();
    for answer in answers {
        match answer {
            Ok(answer) => names.push(answer.customer.unwrap().name),
            Err(status) => {
                is_refused::<()>(Err(status), ErrorReason::RequestInFlight);
            }
        }
    }
    assert!(!names.is_empty());
    names.dedup();
    assert_eq!(names.len(), 1);
    assert_eq!(world.count("select count(*) from customer").await, 1);
}

#[tokio::test]
async fn all_faults_of_a_request_are_told_at_once() {
    let world = World::new().await;
    let customer = Customer {
        given_name: "two\nlines".to_owned(),
        family_name: "x".repeat(201),
        languages: vec!["en".to_owned(), "not a tag".to_owned()],
        zone: "Mars/Olympus".to_owned(),
        contact_points: vec![email("nothing")],
        external_refs: vec![
            ExternalRef::default(),
            ExternalRef { system: "//a".to_owned(), id: "1".to_owned() },
            ExternalRef { system: "//a".to_owned(), id: "1".to_owned() },
        ],
        tier: 9,
        ..Customer::default()
    };

    let request = CreateCustomerRequest { customer: Some(customer), request_id: "no uuid".to_owned() };
    let refused = world.customers.create_customer(call("CreateCustomer", request)).await;

    let status = is_refused(refused, ErrorReason::FieldsInvalid);
    let expected = [
        ("customer.contact_points[0].value", "EMAIL_MALFORMED"),
        ("customer.external_refs[0].id", "EXTERNAL_REF_MALFORMED"),
        ("customer.external_refs[0].system", "EXTERNAL_REF_MALFORMED"),
        ("customer.external_refs[2]", "EXTERNAL_REF_REPEATED"),
        ("customer.family_name", "TEXT_TOO_LONG"),
        ("customer.given_name", "TEXT_CONTROL_CHARACTER"),
        ("customer.languages[1]", "LANGUAGE_MALFORMED"),
        ("customer.tier", "TIER_UNKNOWN"),
        ("customer.zone", "ZONE_UNKNOWN"),
        ("request_id", "REQUEST_ID_MALFORMED"),
    ];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(world.count("select count(*) from customer").await, 0);
}

#[tokio::test]
async fn a_customer_needs_a_language_and_a_zone() {
    let world = World::new().await;

    let status = is_refused(world.create(Customer::default()).await, ErrorReason::FieldsInvalid);
    let expected = [("customer.languages", "FIELD_REQUIRED"), ("customer.zone", "ZONE_MISSING")];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));

    let nothing = CreateCustomerRequest { customer: None, request_id: new_id().to_string() };
    let refused = world.customers.create_customer(call("CreateCustomer", nothing)).await;
    assert_eq!(
        violations(&is_refused(refused, ErrorReason::FieldsInvalid)),
        [("customer".to_owned(), "FIELD_REQUIRED".to_owned())]
    );
}

#[tokio::test]
async fn a_request_that_came_past_the_layers_is_a_fault_of_ours() {
    let world = World::new().await;

    let request = CreateCustomerRequest { customer: Some(somebody("A", "B")), request_id: new_id().to_string() };
    let refused = world.customers.create_customer(tonic::Request::new(request)).await;

    is_refused(refused, ErrorReason::Internal);
}
