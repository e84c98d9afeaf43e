use std::collections::{BTreeMap, HashMap, HashSet};

use super::*;
use crate::replay::{csv, generator};

fn sample() -> (Vec<Order>, People) {
    let orders = csv::read(generator::sample().as_bytes()).unwrap();
    let people = People::of(&orders);
    (orders, people)
}

#[test]
fn the_same_table_always_has_the_same_customers() {
    let (orders, people) = sample();
    let again = People::of(&orders);

    assert!((0..orders.len()).all(|order| people.owner_of(order) == again.owner_of(order)));
}

#[test]
fn an_order_keeps_its_customer_when_lines_stand_in_another_order() {
    let (mut orders, people) = sample();
    let before: HashMap<_, _> = orders
        .iter()
        .enumerate()
        .map(|(place, order)| (order.order_id.clone(), people.owner_of(place).clone()))
        .collect();
    orders.reverse();
    let people = People::of(&orders);

    for (place, order) in orders.iter().enumerate() {
        assert_eq!(*people.owner_of(place), before[&order.order_id]);
    }
}

#[test]
fn every_fifth_order_belongs_to_somebody_who_has_ordered_before() {
    let (orders, people) = sample();
    let mut order_of_purchase: Vec<_> = (0..orders.len()).collect();
    order_of_purchase.sort_by_key(|place| (orders[*place].purchased_at, orders[*place].order_id.clone()));
    let mut seen = HashSet::new();
    let repeated = order_of_purchase.iter().filter(|place| !seen.insert(&people.owner_of(**place).id)).count();

    assert_eq!(repeated, orders.len() / 5);
    assert_eq!(people.count(), orders.len() - orders.len() / 5);
}

#[test]
fn languages_come_in_turn_and_addresses_are_nobodys_and_unlike() {
    let (_, people) = sample();
    let mut languages = BTreeMap::new();
    let mut addresses = HashSet::new();
    for person in &people.people {
        *languages.entry(person.language).or_insert(0) += 1;
        assert!(addresses.insert(person.email.clone()), "{} twice", person.email);
        let (_, domain) = person.email.split_once('@').unwrap();
        assert!(DOMAINS.contains(&domain));
        assert!(seva_values::Email::parse(&person.email).is_ok(), "{}", person.email);
    }

    assert_eq!(languages, BTreeMap::from([("bn", 60), ("en", 60), ("hi", 60), ("ur", 60)]));
}

#[test]
fn names_are_written_in_the_script_of_their_language() {
    for names in &NAMES {
        let in_script = |letter: char| match names.language {
            "hi" => ('\u{0900}'..='\u{097f}').contains(&letter),
            "bn" => ('\u{0980}'..='\u{09ff}').contains(&letter),
            "ur" => ('\u{0600}'..='\u{06ff}').contains(&letter),
            _ => letter.is_ascii_alphabetic(),
        };
        for (written, ascii) in names.given.iter().chain(&names.family) {
            assert!(written.chars().all(in_script), "{written}");
            assert!(ascii.bytes().all(|byte| byte.is_ascii_lowercase()), "{ascii}");
        }
    }
}
