//! Senders: whose address a message comes from.

use seva_customers::sender::SenderRpc;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        ExternalRef, ResolveSendersRequest, ResolvedSender, Sender, contact_point::Kind, sender::From,
        sender_service_server::SenderService,
    },
};
use tonic::Status;

use crate::world::{World, call, email, is_refused, phone, shared, somebody, violations};

fn by_mail(address: &str) -> Sender {
    Sender { from: Some(From::Email(address.to_owned())), ..Sender::default() }
}

fn by_account(system: &str, id: &str) -> Sender {
    let account = ExternalRef { system: system.to_owned(), id: id.to_owned() };
    Sender { from: Some(From::Account(account)), ..Sender::default() }
}

async fn resolve(world: &World, senders: Vec<Sender>) -> Result<Vec<ResolvedSender>, Status> {
    let senders_of = SenderRpc::new(&world.foundation);
    let request = call("ResolveSenders", ResolveSendersRequest { senders });
    Ok(senders_of.resolve_senders(request).await?.into_inner().senders)
}

/// The only customer of the only sender.
async fn one(world: &World, sender: Sender) -> String {
    let mut resolved = resolve(world, vec![sender]).await.unwrap();
    assert_eq!((resolved.len(), resolved[0].customers.len()), (1, 1), "{resolved:?}");
    resolved.remove(0).customers.remove(0).customer
}

#[tokio::test]
async fn somebody_known_is_found_by_mail_by_phone_and_by_account() {
    let world = World::new().await;
    let mut asha = somebody("Asha", "Rao");
    asha.contact_points = vec![email("Asha@Example.com"), phone("+919876543210")];
    asha.external_refs = vec![ExternalRef { system: "//social.example".to_owned(), id: "@asha".to_owned() }];
    let asha = world.create(asha).await.unwrap();

    let by_phone = Sender { from: Some(From::Phone("+919876543210".to_owned())), ..Sender::default() };
    let senders = vec![
        by_mail("Asha@example.com"),
        by_mail("ASHA@example.com"),
        by_phone,
        by_account("//social.example", "@asha"),
    ];
    for resolved in resolve(&world, senders).await.unwrap() {
        let customer = &resolved.customers[0];
        assert_eq!((customer.customer.as_str(), customer.provisional), (&*asha.name, false));
        assert_eq!((customer.languages.as_slice(), customer.zone.as_str()), (&*asha.languages, &*asha.zone));
    }
    assert_eq!(world.count("select count(*) from customer").await, 1);
}

/// CU29
#[tokio::test]
async fn cu29_somebody_unknown_becomes_a_provisional_customer_once() {
    let world = World::new().await;
    let asha = Sender { display_name: "Asha Rao".to_owned(), language: "hi".to_owned(), ..by_mail("asha@example.com") };
    let name = one(&world, asha).await;
    let customer = world.get(&name).await.unwrap();
    assert!(customer.provisional);
    assert_eq!((customer.given_name.as_str(), customer.languages.as_slice()), ("Asha Rao", &["hi".to_owned()][..]));
    assert_eq!((customer.contact_points[0].kind(), customer.contact_points[0].primary), (Kind::Email, true));
    let told = "select count(*) from seva.outbox where type = 'seva.customers.customer.created.v1'";
    assert_eq!(world.count(told).await, 1);

    assert_eq!(one(&world, by_mail("Asha@example.com")).await, name);
    let account = by_account("//social.example", "@asha");
    let other =
        resolve(&world, vec![account.clone(), account.clone(), by_account("//app.example", "@asha")]).await.unwrap();
    assert_eq!(other[0], other[1]);
    assert_ne!(other[0], other[2], "an account is one of its system");
    let known = world.get(&other[0].customers[0].customer).await.unwrap();
    assert_eq!(known.external_refs, [ExternalRef { system: "//social.example".to_owned(), id: "@asha".to_owned() }]);
    assert_eq!(world.count("select count(*) from customer").await, 3);
    assert_eq!(world.count(told).await, 3);
}

/// CU29
#[tokio::test(flavor = "multi_thread")]
async fn cu29_of_many_who_ask_at_once_all_are_told_the_same() {
    let world = World::new().await;
    for round in 0..5 {
        let senders = |turned: bool| {
            let mut senders =
                vec![by_mail(&format!("a{round}@example.com")), by_mail(&format!("b{round}@example.com"))];
            if turned {
                senders.reverse();
            }
            senders
        };
        let asked = (0..6).map(|number| resolve(&world, senders(number % 2 == 1)));
        for (number, resolved) in futures::future::join_all(asked).await.into_iter().enumerate() {
            let mut resolved = resolved.unwrap();
            if number % 2 == 1 {
                resolved.reverse();
            }
            assert_eq!(resolved, resolve(&world, senders(false)).await.unwrap());
        }
    }
    assert_eq!(world.count("select count(*) from customer").await, 10);
}

#[tokio::test]
async fn all_who_share_an_address_are_told_the_longest_known_first() {
    let world = World::new().await;
    let mut names = Vec::new();
    for given_name in ["Asha", "Ravi"] {
        let mut customer = somebody(given_name, "Rao");
        customer.contact_points = vec![shared(email("family@example.com"))];
        names.push(world.create(customer).await.unwrap().name);
    }
    let resolved = resolve(&world, vec![by_mail("Family@example.com")]).await.unwrap().remove(0);
    let found: Vec<String> = resolved.customers.into_iter().map(|customer| customer.customer).collect();
    assert_eq!(found, names);
}

#[tokio::test]
async fn letters_that_have_no_single_small_form_are_found_again() {
    let world = World::new().await;
    for address in ["İpek@example.com", "Straße@example.com", "ΑΣ@example.com"] {
        let sender = by_mail(address);
        assert_eq!(one(&world, sender.clone()).await, one(&world, sender).await, "{address}");
    }
}

#[tokio::test]
async fn every_fault_of_a_request_is_named() {
    let world = World::new().await;
    let senders = vec![
        Sender::default(),
        by_mail("asha"),
        Sender { language: "!".to_owned(), ..by_account("", "@asha") },
        Sender { display_name: "a\nb".to_owned(), ..by_mail("asha@example.com") },
    ];
    let refused = is_refused(resolve(&world, senders).await, ErrorReason::FieldsInvalid);
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    let expected = [
        "senders[0].from",
        "senders[1].email",
        "senders[2].account.system",
        "senders[2].language",
        "senders[3].display_name",
    ];
    assert_eq!(fields, expected);
    is_refused(resolve(&world, Vec::new()).await, ErrorReason::FieldsInvalid);
    is_refused(resolve(&world, vec![by_mail("a@example.com"); 201]).await, ErrorReason::FieldsInvalid);
    assert_eq!(world.count("select count(*) from customer").await, 0);
}
