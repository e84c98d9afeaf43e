//! Lists, searches, and finding a customer by another system's id.

use std::collections::BTreeSet;

use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        Customer, CustomerFilter, ExternalRef, ListCustomersRequest, ListCustomersResponse, ResolveCustomerRequest,
        SearchCustomersRequest, customer::Tier, customer_service_server::CustomerService,
    },
};
use tonic::Status;

use super::updates::update;
use crate::world::{World, call, email, is_refused, phone, shared, somebody, violations};

async fn list(world: &World, request: ListCustomersRequest) -> Result<ListCustomersResponse, Status> {
    Ok(world.customers.list_customers(call("ListCustomers", request)).await?.into_inner())
}

/// Names of all pages.
async fn pages(world: &World, request: ListCustomersRequest) -> Vec<String> {
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = list(world, ListCustomersRequest { page_token, ..request.clone() }).await.unwrap();
        names.extend(page.customers.into_iter().map(|customer| customer.name));
        if page.next_page_token.is_empty() {
            return names;
        }
        page_token = page.next_page_token;
    }
}

async fn search(world: &World, query: &str) -> Result<Vec<String>, Status> {
    let request = SearchCustomersRequest { query: query.to_owned(), ..SearchCustomersRequest::default() };
    let page = world.customers.search_customers(call("SearchCustomers", request)).await?.into_inner();
    Ok(page.customers.into_iter().map(|customer| customer.name).collect())
}

#[tokio::test]
async fn every_order_pages_through_everybody_once() {
    let world = World::new().await;
    let mut created = Vec::new();
    for number in 0..7 {
        // Two share a moment, so that the id decides.
        if number % 2 == 0 {
            world.pass(1);
        }
        created.push(world.create(somebody(&format!("N{number}"), "X")).await.unwrap().name);
    }
    world.pass(1);
    let first = Customer { name: created[0].clone(), given_name: "Changed".to_owned(), ..Customer::default() };
    update(&world, first, &["given_name"]).await.unwrap();
    let backwards: Vec<_> = created.iter().rev().cloned().collect();
    let mut by_update = created[1..].to_vec();
    by_update.push(created[0].clone());
    let newest_update: Vec<_> = by_update.iter().rev().cloned().collect();

    for (order_by, expected) in [
        ("", &created),
        ("create_time", &created),
        ("create_time desc", &backwards),
        ("update_time", &by_update),
        ("update_time desc", &newest_update),
    ] {
        for page_size in [1, 3, 7, 50] {
            let request =
                ListCustomersRequest { page_size, order_by: order_by.to_owned(), ..ListCustomersRequest::default() };
            assert_eq!(&pages(&world, request).await, expected, "{order_by} by {page_size}");
        }
    }
}

#[tokio::test]
async fn a_filter_holds_on_every_page() {
    let world = World::new().await;
    let mut loyal = Vec::new();
    for number in 0..9 {
        let tier = if number % 3 == 0 { Tier::Loyal } else { Tier::Standard };
        let customer = Customer { tier: tier.into(), ..somebody(&format!("N{number}"), "X") };
        let name = world.create(customer).await.unwrap().name;
        if tier == Tier::Loyal {
            loyal.push(name);
        }
    }

    let filter = Some(CustomerFilter { tier: Tier::Loyal.into(), provisional: Some(false) });
    let request = ListCustomersRequest { page_size: 2, filter, ..ListCustomersRequest::default() };
    assert_eq!(pages(&world, request.clone()).await, loyal);

    let filter = Some(CustomerFilter { tier: Tier::Loyal.into(), provisional: Some(true) });
    assert_eq!(pages(&world, ListCustomersRequest { filter, ..request }).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_token_serves_the_query_that_it_came_from() {
    let world = World::new().await;
    for number in 0..3 {
        world.create(somebody(&format!("N{number}"), "X")).await.unwrap();
    }
    let request = ListCustomersRequest { page_size: 2, ..ListCustomersRequest::default() };
    let page_token = list(&world, request.clone()).await.unwrap().next_page_token;

    let tier = Some(CustomerFilter { tier: Tier::Vip.into(), provisional: None });
    let others = [
        ListCustomersRequest { order_by: "update_time".to_owned(), ..request.clone() },
        ListCustomersRequest { filter: tier, ..request.clone() },
    ];
    for other in others {
        let other = ListCustomersRequest { page_token: page_token.clone(), ..other };
        is_refused(list(&world, other).await, ErrorReason::PageTokenInvalid);
    }
    assert_eq!(list(&world, ListCustomersRequest { page_token, ..request }).await.unwrap().customers.len(), 1);
}

#[tokio::test]
async fn an_order_or_a_filter_that_is_not_known_is_refused() {
    let world = World::new().await;

    let request = ListCustomersRequest {
        order_by: "family_name; drop table customer".to_owned(),
        filter: Some(CustomerFilter { tier: 42, provisional: None }),
        ..ListCustomersRequest::default()
    };
    let status = is_refused(list(&world, request).await, ErrorReason::FieldsInvalid);

    let expected = [("filter.tier", "TIER_UNKNOWN"), ("order_by", "ORDER_UNKNOWN")];
    assert_eq!(violations(&status), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}

#[tokio::test]
async fn names_are_found_by_their_parts_in_any_script_and_case() {
    let world = World::new().await;
    let mut names = std::collections::BTreeMap::new();
    for (given, family) in [
        ("प्रिया", "शर्मा"),
        ("অনন্যা", "সেন"),
        ("محمد", "قریشی"),
        ("Éva", "O'Brien"),
        ("100% Sure", "Ltd_A"),
        ("100x Sure", "LtdxA"),
        (r"Back\slash", "Co"),
    ] {
        names.insert(given, world.create(somebody(given, family)).await.unwrap().name);
    }
    world.create(somebody("Nobody", "Sought")).await.unwrap();

    for (query, given) in [
        ("प्रिया", "प्रिया"),
        ("शर्म", "प्रिया"),
        ("या शर्मा", "प्रिया"),
        ("অনন্য", "অনন্যা"),
        (" সেন ", "অনন্যা"),
        ("قریش", "محمد"),
        ("محمد قریشی", "محمد"),
        ("éVA", "Éva"),
        ("o'bri", "Éva"),
        ("00% s", "100% Sure"),
        ("ltd_a", "100% Sure"),
        (r"k\s", r"Back\slash"),
    ] {
        assert_eq!(search(&world, query).await.unwrap(), [names[given].clone()], "{query}");
    }
    assert!(search(&world, "%%%").await.unwrap().is_empty());
    assert!(search(&world, "___").await.unwrap().is_empty());
    let status = is_refused(search(&world, " ab ").await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status), [("query".to_owned(), "QUERY_TOO_SHORT".to_owned())]);
}

#[tokio::test]
async fn a_whole_contact_point_finds_all_who_have_it() {
    let world = World::new().await;
    let family = shared(phone("+919876543210"));
    let mother = Customer { contact_points: vec![family.clone(), email("Ma@example.com")], ..somebody("Ma", "Das") };
    let son = Customer { contact_points: vec![family], ..somebody("Beta", "Das") };
    let mother = world.create(mother).await.unwrap().name;
    let son = world.create(son).await.unwrap().name;

    let found: BTreeSet<_> = search(&world, "+91 98765-43210").await.unwrap().into_iter().collect();
    assert_eq!(found, BTreeSet::from([mother.clone(), son]));
    assert_eq!(search(&world, "Ma@EXAMPLE.com").await.unwrap(), [mother]);
    assert!(search(&world, "a@example.com").await.unwrap().is_empty(), "a part of an address finds nobody");
}

#[tokio::test]
async fn a_search_pages_newest_first_and_its_token_serves_no_other_search() {
    let world = World::new().await;
    let mut newest_first = Vec::new();
    for number in 0..5 {
        world.pass(1);
        newest_first.insert(0, world.create(somebody(&format!("Common {number}"), "X")).await.unwrap().name);
    }

    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = SearchCustomersRequest { query: "common".to_owned(), page_size: 2, page_token };
        let page = world.customers.search_customers(call("SearchCustomers", request)).await.unwrap().into_inner();
        found.extend(page.customers.into_iter().map(|customer| customer.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let request =
            SearchCustomersRequest { query: "other".to_owned(), page_size: 2, page_token: page_token.clone() };
        let other = world.customers.search_customers(call("SearchCustomers", request)).await;
        is_refused(other, ErrorReason::PageTokenInvalid);
    }
    assert_eq!(found, newest_first);
}

#[tokio::test]
async fn a_customer_is_resolved_by_the_whole_id_of_the_other_system() {
    let world = World::new().await;
    let known_as = ExternalRef { system: "//shop.example".to_owned(), id: "A/7".to_owned() };
    let customer = Customer { external_refs: vec![known_as.clone()], ..somebody("Tara", "Das") };
    let created = world.create(customer).await.unwrap();
    let resolve = |external_ref| {
        let request = call("ResolveCustomer", ResolveCustomerRequest { external_ref });
        world.customers.resolve_customer(request)
    };

    assert_eq!(resolve(Some(known_as.clone())).await.unwrap().into_inner().customer, Some(created));
    let other_system = ExternalRef { system: "//billing.example".to_owned(), ..known_as.clone() };
    is_refused(resolve(Some(other_system)).await, ErrorReason::ResourceNotFound);
    is_refused(resolve(None).await, ErrorReason::FieldsInvalid);
    let status = is_refused(resolve(Some(ExternalRef::default())).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&status).len(), 2);
}
