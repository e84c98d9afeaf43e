//! What an update changes, and what it leaves.

use prost_types::FieldMask;
use seva_proto::{
    common::v1::{AvailabilityWindows, ErrorReason, Weekday, WeeklyInterval},
    customers::v1::{
        Customer, ExternalRef, UpdateCustomerRequest, UpdateCustomerResponse, customer::Tier,
        customer_service_server::CustomerService,
    },
};
use seva_values::new_id;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, call, email, is_refused, phone, primary, somebody, violations};

pub async fn update(world: &World, customer: Customer, paths: &[&str]) -> Result<Customer, Status> {
    let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
    let request = UpdateCustomerRequest {
        customer: Some(customer),
        update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
        request_id: new_id().to_string(),
    };
    let answer = world.customers.update_customer(call("UpdateCustomer", request)).await?;
    let UpdateCustomerResponse { customer } = answer.into_inner();
    Ok(customer.unwrap())
}

fn everything() -> Customer {
    Customer {
        languages: vec!["ur".to_owned(), "en-IN".to_owned()],
        availability: Some(AvailabilityWindows {
            zone: "Asia/Karachi".to_owned(),
            intervals: vec![WeeklyInterval {
                weekday: Weekday::Monday.into(),
                start: "17:00".to_owned(),
                end: "21:00".to_owned(),
            }],
            exceptions: Vec::new(),
        }),
        contact_points: vec![phone("+91 98765 43210"), primary(email("Meera@Example.COM")), email("m@example.org")],
        external_refs: vec![a_ref("//shop.example", "77"), a_ref("//billing.example", "B-9")],
        tier: Tier::Vip.into(),
        ..somebody("Meera", "Iyer")
    }
}

fn a_ref(system: &str, id: &str) -> ExternalRef {
    ExternalRef { system: system.to_owned(), id: id.to_owned() }
}

#[tokio::test]
async fn what_a_write_answers_is_what_a_read_answers() {
    let world = World::new().await;

    let created = world.create(everything()).await.unwrap();
    assert_eq!(world.get(&created.name).await.unwrap(), created);
    assert_eq!(created.etag, "\"v1\"");
    assert_eq!(created.contact_points[1].value, "Meera@example.com");
    assert_eq!(created.external_refs[0].system, "//billing.example");

    world.pass(60);
    let change = Customer { name: created.name.clone(), contact_points: vec![email("m@example.org")], ..everything() };
    let updated = update(&world, change, &["*"]).await.unwrap();
    assert_eq!(world.get(&created.name).await.unwrap(), updated);
    assert_eq!(updated.etag, "\"v2\"");
    assert_eq!(updated.create_time, created.create_time);
    assert_eq!(updated.update_time.unwrap().seconds, created.update_time.unwrap().seconds + 60);
}

#[tokio::test]
async fn a_mask_confines_an_update_to_its_fields_and_their_faults() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    // All but the family name is wrong or other, and none of it matters.
    let change = Customer {
        name: created.name.clone(),
        given_name: "line\nbreak".to_owned(),
        family_name: "Nair".to_owned(),
        languages: vec!["-".to_owned()],
        zone: "Nowhere".to_owned(),
        contact_points: vec![email("nothing")],
        ..Customer::default()
    };
    let updated = update(&world, change, &["family_name"]).await.unwrap();

    let expected = Customer { family_name: "Nair".to_owned(), etag: updated.etag.clone(), ..created };
    assert_eq!(updated, expected);
}

#[tokio::test]
async fn without_a_mask_the_fields_that_are_set_are_written() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    let change = Customer { name: created.name.clone(), tier: Tier::Loyal.into(), ..Customer::default() };
    let updated = update(&world, change, &[]).await.unwrap();

    assert_eq!(updated, Customer { tier: Tier::Loyal.into(), etag: "\"v2\"".to_owned(), ..created });
}

#[tokio::test]
async fn a_star_writes_every_field_and_clears_what_is_not_set() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    let change = Customer { name: created.name.clone(), ..somebody("Mira", "") };
    let updated = update(&world, change, &["*"]).await.unwrap();

    assert_eq!((updated.given_name.as_str(), updated.family_name.as_str()), ("Mira", ""));
    assert!(updated.contact_points.is_empty() && updated.external_refs.is_empty());
    assert_eq!(updated.tier(), Tier::Standard);
    let windows = updated.availability.clone().unwrap();
    assert_eq!((windows.zone.as_str(), windows.intervals.len()), ("Asia/Kolkata", 0));
    assert_eq!(world.get(&created.name).await.unwrap(), updated);
}

#[tokio::test]
async fn cleared_hours_mean_any_time_in_the_zone_that_the_customer_has() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    let change = Customer { name: created.name, ..Customer::default() };
    let updated = update(&world, change, &["availability"]).await.unwrap();

    let windows = updated.availability.unwrap();
    assert_eq!((windows.zone.as_str(), windows.intervals.len()), ("Asia/Kolkata", 0));
}

#[tokio::test]
async fn fields_that_are_output_only_may_be_named_and_are_passed_over() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    let change = Customer { order_count: 99, provisional: true, family_name: "Rao".to_owned(), ..created.clone() };
    let updated = update(&world, change, &["order_count", "provisional", "etag", "family_name"]).await.unwrap();

    assert_eq!((updated.order_count, updated.provisional), (0, false));
    assert_eq!(updated.family_name, "Rao");
}

#[tokio::test]
async fn an_unknown_path_is_refused_wherever_it_stands_in_the_mask() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    let refused = update(&world, created.clone(), &["*", "shoe_size"]).await;

    let status = is_refused(refused, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status), [("update_mask.paths[1]".to_owned(), "MASK_PATH_UNKNOWN".to_owned())]);
    assert_eq!(world.get(&created.name).await.unwrap(), created);
}

#[tokio::test]
async fn an_old_etag_is_refused_with_the_present_one() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();
    let change = Customer { family_name: "Rao".to_owned(), ..created.clone() };
    update(&world, change, &["family_name"]).await.unwrap();

    let late = Customer { family_name: "Das".to_owned(), ..created.clone() };
    let status = is_refused(update(&world, late, &["family_name"]).await, ErrorReason::EtagMismatch);

    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["current_etag"], "\"v2\"");
    assert_eq!(world.get(&created.name).await.unwrap().family_name, "Rao");
}

#[tokio::test]
async fn a_customer_who_is_not_there_is_not_found() {
    let world = World::new().await;

    let change = Customer { name: format!("customers/{}", new_id()), ..somebody("No", "One") };

    is_refused(world.get(&change.name).await, ErrorReason::ResourceNotFound);
    let status = is_refused(update(&world, change, &["*"]).await, ErrorReason::ResourceNotFound);
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn an_id_of_another_system_belongs_to_one_customer() {
    let world = World::new().await;
    let first = world.create(everything()).await.unwrap();
    let second = Customer { external_refs: vec![a_ref("//shop.example", "77")], ..somebody("Tara", "Das") };

    let status = is_refused(world.create(second.clone()).await, ErrorReason::ExternalRefTaken);
    assert_eq!(status.code(), Code::AlreadyExists);

    let freed = Customer { external_refs: vec![a_ref("//billing.example", "B-9")], ..first };
    update(&world, freed, &["external_refs"]).await.unwrap();
    world.create(second).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_that_meet_lose_nothing() {
    let world = World::new().await;
    let created = world.create(everything()).await.unwrap();

    let names = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let answers = futures::future::join_all(names.map(|given_name| {
        let change = Customer { name: created.name.clone(), given_name: given_name.to_owned(), ..Customer::default() };
        update(&world, change, &["given_name"])
    }))
    .await;

    let written = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(written >= 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refused.unwrap_err().code(), Code::Aborted);
    }
    let written = i64::try_from(written).unwrap();
    assert_eq!(world.get(&created.name).await.unwrap().etag, format!("\"v{}\"", written + 1));
    assert_eq!(world.count("select count(distinct sequence) from seva.outbox").await, written + 1);
    assert_eq!(world.count("select count(*) from seva.outbox").await, written + 1);
}
