//! CU2: at most one primary contact point of each kind, and none twice.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seva_proto::customers::v1 as pb;
use seva_values::{Email, Phone};

use super::{a_customer, now, points};
use crate::customer::model::{Address, Change, ContactPoint, Customer, NewCustomer};

fn create(points: Vec<pb::ContactPoint>) -> Option<NewCustomer> {
    let customer = pb::Customer {
        languages: vec!["en".to_owned()],
        zone: "UTC".to_owned(),
        contact_points: points,
        ..pb::Customer::default()
    };
    let request = pb::CreateCustomerRequest { customer: Some(customer), request_id: String::new() };
    NewCustomer::try_from(request).ok()
}

/// The normalised address of a point, or none.
fn normalised(point: &pb::ContactPoint) -> Option<(i32, String)> {
    let value = match point.kind {
        1 => Email::parse(&point.value).ok()?.as_str().to_owned(),
        _ => Phone::parse(&point.value).ok()?.as_str().to_owned(),
    };
    Some((point.kind, value))
}

proptest! {
    #[test]
    fn a_list_is_taken_exactly_when_all_are_valid_none_is_twice_and_one_of_a_kind_is_primary(points in points()) {
        let addresses: Vec<_> = points.iter().map(normalised).collect();
        let are_valid = addresses.iter().all(Option::is_some);
        let are_different = addresses.iter().collect::<BTreeSet<_>>().len() == points.len();
        let primaries = |kind| points.iter().filter(|point| point.kind == kind && point.primary).count();
        let is_right = are_valid && are_different && primaries(1) <= 1 && primaries(2) <= 1;

        let taken = create(points.clone());

        prop_assert_eq!(taken.is_some(), is_right, "{:?}", points);
        if let Some(new) = taken {
            let values: Vec<_> = new.contact_points.iter().map(|point| point.address.as_str()).collect();
            let expected: Vec<_> = addresses.iter().flatten().map(|(_, value)| value.as_str()).collect();
            prop_assert_eq!(values, expected, "the order stays");
        }
    }

    /// CU25
    #[test]
    fn links_end_exactly_when_an_address_is_taken_away(before in points(), after in points()) {
        let (before, after) = (create(before), create(after));
        prop_assume!(before.is_some() && after.is_some());
        let mut customer = a_customer();
        customer.contact_points = before.unwrap().contact_points;
        let contact_points = Some(after.unwrap().contact_points);
        let addresses = |customer: &Customer| -> BTreeSet<String> {
            customer.contact_points.iter().map(|point| point.address.as_str().to_owned()).collect()
        };

        let (updated, _) = customer.update(Change { contact_points, ..Change::default() }, now());

        let is_taken_away = !addresses(&customer).is_subset(&addresses(&updated));
        prop_assert_eq!(customer.loses_an_address(&updated), is_taken_away);
    }

    #[test]
    fn the_address_of_a_kind_is_its_primary_one_or_else_its_first(points in points()) {
        prop_assume!(create(points.clone()).is_some());
        let mut customer = a_customer();
        customer.contact_points = create(points).unwrap().contact_points;

        for kind in ["email", "phone"] {
            let of_kind: Vec<_> =
                customer.contact_points.iter().filter(|point| point.address.kind() == kind).collect();
            let expected = of_kind.iter().find(|point| point.primary).or_else(|| of_kind.first()).map(|point| &point.address);
            prop_assert_eq!(customer.address(kind), expected);
        }
    }
}

#[test]
fn addresses_are_not_shown_for_debugging() {
    let address = Address::Email(Email::parse("zubaida@example.com").unwrap());
    let point = ContactPoint { address, primary: true, shared: false, verified_at: None };
    let mut customer = a_customer();
    customer.contact_points = vec![point];

    assert!(!format!("{customer:?}").contains("zubaida"), "{customer:?}");
}
