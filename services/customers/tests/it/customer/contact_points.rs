//! Contact points: whose they are (CU1), and which of them is used (CU2).

use futures::future::join_all;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{ContactPoint, Customer},
};
use seva_values::parse_name;
use tonic::Code;

use super::updates::update;
use crate::world::{World, email, is_refused, phone, primary, shared, somebody, violations};

fn reached_by(points: &[ContactPoint]) -> Customer {
    Customer { contact_points: points.to_vec(), ..somebody("Farhan", "Qureshi") }
}

async fn replace(world: &World, customer: &Customer, points: &[ContactPoint]) -> Result<Customer, tonic::Status> {
    let change = Customer { name: customer.name.clone(), contact_points: points.to_vec(), ..Customer::default() };
    update(world, change, &["contact_points"]).await
}

#[tokio::test]
async fn a_contact_point_belongs_to_one_customer() {
    let world = World::new().await;
    world.create(reached_by(&[email("farhan@Example.com")])).await.unwrap();

    // The domain's case does not make it another address.
    let second = world.create(reached_by(&[email("farhan@example.COM")])).await;

    let status = is_refused(second, ErrorReason::ContactPointTaken);
    assert_eq!(status.code(), Code::AlreadyExists);
    assert!(!status.message().contains("farhan"), "{}", status.message());
    assert_eq!(world.count("select count(*) from customer").await, 1);
    assert_eq!(world.count("select count(*) from seva.outbox").await, 1);
}

#[tokio::test]
async fn a_shared_contact_point_belongs_to_several() {
    let world = World::new().await;
    let family = shared(phone("+919876543210"));

    let first = world.create(reached_by(std::slice::from_ref(&family))).await.unwrap();
    let second = world.create(reached_by(std::slice::from_ref(&family))).await.unwrap();

    // One of them may have it to himself, as long as nobody else has.
    replace(&world, &first, &[phone("+919876543210")]).await.unwrap();
    let status = replace(&world, &second, &[phone("+919876543210")]).await;
    is_refused(status, ErrorReason::ContactPointTaken);
}

/// CU28
#[tokio::test]
async fn events_name_the_mailbox_that_mail_goes_to_and_not_its_address() {
    let world = World::new().await;
    let family = shared(email("Family@Example.com"));
    let first = world.create(reached_by(std::slice::from_ref(&family))).await.unwrap();
    let second = world.create(reached_by(&[primary(shared(email("family@example.com"))), email("own@example.com")]));
    let second = second.await.unwrap();
    let by_phone = world.create(reached_by(&[phone("+919876543210")])).await.unwrap();
    let moved = replace(&world, &second, &[email("own@example.com")]).await.unwrap();
    let (first, second) = (world.mailboxes(&first.name).await, world.mailboxes(&moved.name).await);
    let [shared_one] = first.as_slice() else { panic!("{first:?}") };
    let [before, after] = second.as_slice() else { panic!("{second:?}") };
    assert!(parse_name("mailboxes", shared_one).is_ok() && parse_name("mailboxes", after).is_ok());
    assert_eq!((before, before == after), (shared_one, false));
    assert_eq!(world.mailboxes(&by_phone.name).await, [""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_who_claim_a_contact_point_at_once_one_gets_it() {
    let world = World::new().await;

    let claims = (0..8).map(|_| world.create(reached_by(&[email("race@example.com")])));
    let answers = join_all(claims).await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        is_refused(refused, ErrorReason::ContactPointTaken);
    }
    assert_eq!(world.count("select count(*) from customer").await, 1);
    assert_eq!(world.count("select count(*) from seva.outbox").await, 1);
    assert_eq!(world.count("select count(*) from seva.audit").await, 1);
}

#[tokio::test]
async fn the_primary_one_moves_in_one_update() {
    let world = World::new().await;
    let (one, two) = (email("one@example.com"), email("two@example.com"));
    let created = world.create(reached_by(&[primary(one.clone()), two.clone()])).await.unwrap();

    let moved = replace(&world, &created, &[one.clone(), primary(two.clone())]).await.unwrap();
    assert_eq!(moved.contact_points, [one.clone(), primary(two.clone())]);

    // And back, with the other order.
    let back = replace(&world, &created, &[two.clone(), primary(one.clone())]).await.unwrap();
    assert_eq!(back.contact_points, [two, primary(one)]);
    assert_eq!(world.get(&created.name).await.unwrap(), back);
}

#[tokio::test]
async fn a_removed_primary_one_makes_room_for_a_new_one_in_the_same_update() {
    let world = World::new().await;
    let created = world.create(reached_by(&[primary(email("old@example.com"))])).await.unwrap();

    let updated = replace(&world, &created, &[primary(email("new@example.com"))]).await.unwrap();

    assert_eq!(updated.contact_points, [primary(email("new@example.com"))]);
    assert_eq!(world.get(&created.name).await.unwrap(), updated);
    assert_eq!(world.count("select count(*) from contact_point").await, 1);
}

#[tokio::test]
async fn a_point_that_stays_keeps_its_proof_and_nobody_can_set_one() {
    let world = World::new().await;
    let proof = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let claimed = ContactPoint { verify_time: Some(proof), ..email("proven@example.com") };
    let created = world.create(reached_by(std::slice::from_ref(&claimed))).await.unwrap();
    assert_eq!(created.contact_points[0].verify_time, None);
    sqlx::query("update contact_point set verified_at = to_timestamp(1700000000)")
        .execute(&world.database.owner)
        .await
        .unwrap();

    let stays = primary(email("proven@example.com"));
    let updated = replace(&world, &created, &[ContactPoint { verify_time: None, ..stays }, claimed_other()]).await;

    let updated = updated.unwrap();
    assert_eq!(updated.contact_points[0].verify_time, Some(proof));
    assert_eq!(updated.contact_points[1].verify_time, None);
    assert_eq!(world.get(&created.name).await.unwrap(), updated);
}

fn claimed_other() -> ContactPoint {
    ContactPoint { verify_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }), ..phone("+919876543210") }
}

#[tokio::test]
async fn faults_of_a_list_are_told_at_the_points_that_have_them() {
    let world = World::new().await;

    let points = [
        email("not an address"),
        primary(email("a@example.com")),
        primary(email("b@example.com")),
        email("a@example.com"),
        email("a@example.com\r\nBcc: everybody@example.com"),
        phone("12345"),
        ContactPoint::default(),
    ];
    let status = is_refused(world.create(reached_by(&points)).await, ErrorReason::FieldsInvalid);

    let expected = [
        ("customer.contact_points[0].value", "EMAIL_MALFORMED"),
        ("customer.contact_points[2]", "CONTACT_POINT_SECOND_PRIMARY"),
        ("customer.contact_points[3]", "CONTACT_POINT_REPEATED"),
        ("customer.contact_points[4].value", "EMAIL_LINE_BREAK"),
        ("customer.contact_points[5].value", "PHONE_MALFORMED"),
        ("customer.contact_points[6].kind", "FIELD_REQUIRED"),
    ];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}

#[tokio::test]
async fn a_list_that_is_far_too_long_is_refused_at_once() {
    let world = World::new().await;

    let points: Vec<_> = (0..100_000).map(|n| email(&format!("{n}@example.com"))).collect();
    let status = is_refused(world.create(reached_by(&points)).await, ErrorReason::FieldsInvalid);

    let expected = [("customer.contact_points".to_owned(), "CONTACT_POINTS_TOO_MANY".to_owned())];
    assert_eq!(violations(&status), expected);
}
