//! The model of customers: tables, and properties over random customers and changes; and the plans of its lists.

mod consent;
mod contact_points;
pub(crate) mod plans;
mod updates;

use jiff::Timestamp;
use proptest::prelude::*;
use seva_proto::customers::v1 as pb;
use seva_values::{Language, Zone, new_id};

use super::model::{Customer, NewCustomer, Tier};

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

/// A customer without anything that can be left out.
fn a_customer() -> Customer {
    let new = NewCustomer {
        given_name: "Asha".to_owned(),
        family_name: "Rao".to_owned(),
        languages: vec![Language::parse("hi").unwrap()],
        zone: Zone::parse("Asia/Kolkata").unwrap(),
        availability: None,
        contact_points: Vec::new(),
        external_refs: Vec::new(),
        tier: Tier::Standard,
    };
    Customer::create(new_id(), new, now())
}

/// Contact points as callers send them, few enough to collide.
fn points() -> impl Strategy<Value = Vec<pb::ContactPoint>> {
    let values = prop::sample::select(vec![
        (1, "a@example.com"),
        (1, "b@example.com"),
        (1, "B@Example.com"),
        (1, "c@example.com"),
        (1, "no address"),
        (2, "+919876543210"),
        (2, "+91 98765 43210"),
        (2, "+919876543211"),
    ]);
    let point = (values, any::<bool>(), any::<bool>()).prop_map(|((kind, value), primary, shared)| pb::ContactPoint {
        kind,
        value: value.to_owned(),
        primary,
        shared,
        verify_time: None,
    });
    prop::collection::vec(point, 0..5)
}
