//! CU4: an update touches what its mask names, and nothing else.

use proptest::{prelude::*, sample::subsequence};
use prost_types::FieldMask;
use seva_proto::customers::v1 as pb;
use seva_values::new_id;

use super::{now, points};
use crate::customer::{
    commands::UpdateCustomer,
    convert::event_of,
    mailbox::MailboxKey,
    model::{Customer, NewCustomer},
};

const PATHS: [&str; 8] =
    ["given_name", "family_name", "languages", "zone", "availability", "contact_points", "external_refs", "tier"];

/// A customer as callers send one; contact points are as they come, valid or not.
fn any_customer() -> impl Strategy<Value = pb::Customer> {
    let text = prop::sample::select(vec!["", "Asha", "प्रिया", "two\nlines"]);
    let languages = prop::sample::select(vec![vec!["hi"], vec!["ur", "en"], vec!["-"], vec![]]);
    let zone = prop::sample::select(vec!["Asia/Kolkata", "UTC", "Mars/Olympus"]);
    (text.clone(), text, languages, zone, points(), 0..3_usize, 0..6_i32).prop_map(
        |(given_name, family_name, languages, zone, contact_points, refs, tier)| pb::Customer {
            given_name: given_name.to_owned(),
            family_name: family_name.to_owned(),
            languages: languages.into_iter().map(str::to_owned).collect(),
            zone: zone.to_owned(),
            contact_points,
            external_refs: (0..refs)
                .map(|number| pb::ExternalRef { system: "//a".to_owned(), id: number.to_string() })
                .collect(),
            tier,
            ..pb::Customer::default()
        },
    )
}

fn created(customer: pb::Customer) -> Option<Customer> {
    let request = pb::CreateCustomerRequest { customer: Some(customer), request_id: String::new() };
    Some(Customer::create(new_id(), NewCustomer::try_from(request).ok()?, now()))
}

/// The field of a path, as it can be compared.
fn field(customer: &Customer, path: &str) -> String {
    match path {
        "given_name" => customer.given_name.clone(),
        "family_name" => customer.family_name.clone(),
        "languages" => format!("{:?}", customer.languages),
        "zone" => customer.zone.name().to_owned(),
        "availability" => format!("{:?}", customer.availability),
        "contact_points" => {
            let points = customer.contact_points.iter();
            points.map(|p| format!("{} {} {} {:?};", p.address.as_str(), p.primary, p.shared, p.verified_at)).collect()
        }
        "external_refs" => format!("{:?}", customer.external_refs),
        _ => format!("{:?}", customer.tier),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn fields_that_a_mask_does_not_name_stay_and_their_faults_do_not_matter(
        before in any_customer(),
        wanted in any_customer(),
        paths in subsequence(&PATHS[..], 1..8),
    ) {
        let Some(before) = created(before) else { return Err(TestCaseError::reject("no valid customer")) };
        let mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        let request = pb::UpdateCustomerRequest {
            customer: Some(pb::Customer { name: format!("customers/{}", before.id), ..wanted.clone() }),
            update_mask: Some(mask),
            request_id: String::new(),
        };
        let Ok(command) = UpdateCustomer::try_from(request) else {
            prop_assert!(created(wanted).is_none(), "a valid customer was refused");
            return Ok(());
        };

        let (after, changed) = before.update(command.change, now());

        for path in PATHS {
            if !paths.contains(&path) {
                prop_assert_eq!(field(&after, path), field(&before, path), "{} was not named", path);
            }
            let differs = field(&after, path) != field(&before, path);
            prop_assert_eq!(changed.contains(&path), differs, "{} of {:?}", path, &changed);
        }
        // Of the whole customer nothing else moves but the version and the time.
        prop_assert_eq!(after.version, before.version + 1);
        prop_assert_eq!((after.id, after.created_at, after.order_count), (before.id, before.created_at, before.order_count));
        prop_assert_eq!(&after.consents, &before.consents);
        // What a valid customer is asked for, it becomes.
        if let Some(wanted) = created(wanted) {
            for path in paths.iter().filter(|path| **path != "availability") {
                prop_assert_eq!(field(&after, path), field(&wanted, path));
            }
        }
        // And the event names the fields that changed.
        prop_assert_eq!(event_of(&after, &changed, &MailboxKey::new(b"of the tests")).changed_fields, changed);
    }

    #[test]
    fn a_faulty_field_is_refused_exactly_when_it_is_named(paths in subsequence(&PATHS[..], 0..8)) {
        let faulty = pb::Customer {
            name: format!("customers/{}", new_id()),
            family_name: "two\nlines".to_owned(),
            contact_points: vec![pb::ContactPoint::default()],
            zone: "UTC".to_owned(),
            languages: vec!["en".to_owned()],
            ..pb::Customer::default()
        };
        let mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        let request =
            pb::UpdateCustomerRequest { customer: Some(faulty), update_mask: Some(mask), request_id: String::new() };

        // Without any path all that is set is written.
        let is_named = |path| paths.is_empty() || paths.contains(&path);
        let is_refused = UpdateCustomer::try_from(request).is_err();

        prop_assert_eq!(is_refused, is_named("family_name") || is_named("contact_points"));
    }
}

#[test]
fn a_persons_update_confirms_a_provisional_customer() {
    let mut customer = super::a_customer();
    customer.provisional = true;

    let (confirmed, changed) = customer.update(crate::customer::model::Change::default(), now());

    assert!(!confirmed.provisional);
    assert_eq!(changed, ["provisional"]);
}
