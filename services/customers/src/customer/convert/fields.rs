//! The fields of a customer that callers write: each read only when it is to be written.

use prost_types::FieldMask;
use seva_proto::customers::v1 as pb;
use seva_runtime::{Violations, mask};
use seva_values::{AvailabilityWindows, Email, Invalid, Language, Phone, Zone};

use super::{parse_external_ref, short_text};
use crate::customer::model::{
    Address, Change, ContactPoint, ExternalRef, MAX_CONTACT_POINTS, MAX_EXTERNAL_REFS, MAX_LANGUAGES, NewCustomer, Tier,
};

/// Paths of an update mask; the others are output only, which a mask may name without effect, or unknown.
const WRITABLE: &[&str] =
    &["given_name", "family_name", "languages", "zone", "availability", "contact_points", "external_refs", "tier"];
const OUTPUT_ONLY: &[&str] =
    &["name", "etag", "provisional", "consents", "first_order_at", "order_count", "create_time", "update_time"];

/// Reads all of a new customer; `None` when a field is at fault, which is noted.
pub fn new_customer(customer: &pb::Customer, violations: &mut Violations) -> Option<NewCustomer> {
    let Change { given_name, family_name, languages, zone, availability, contact_points, external_refs, tier } =
        change(customer, WRITABLE, violations);
    Some(NewCustomer {
        given_name: given_name?,
        family_name: family_name?,
        languages: languages?,
        zone: zone?,
        availability: availability?,
        contact_points: contact_points?,
        external_refs: external_refs?,
        tier: tier?,
    })
}

/// Reads the fields at these paths and no others: a fault of one that is not written does not matter (CU4). Faults are noted.
pub fn change(customer: &pb::Customer, paths: &[&str], violations: &mut Violations) -> Change {
    let mut change = Change::default();
    for path in paths {
        let field = format!("customer.{path}");
        match *path {
            "given_name" => change.given_name = violations.take(field, short_text(&customer.given_name)),
            "family_name" => change.family_name = violations.take(field, short_text(&customer.family_name)),
            "languages" => change.languages = parse_languages(&customer.languages, violations),
            "zone" => change.zone = violations.take(field, Zone::parse(&customer.zone)),
            "availability" => {
                change.availability = match customer.availability.clone() {
                    Some(windows) => violations.take_message(&field, AvailabilityWindows::try_from(windows)).map(Some),
                    None => Some(None),
                }
            }
            "contact_points" => {
                change.contact_points = parse_contact_points(&customer.contact_points, violations);
            }
            "external_refs" => change.external_refs = parse_external_refs(&customer.external_refs, violations),
            "tier" => change.tier = violations.take(field, parse_tier(customer.tier)),
            other => unreachable!("{other} is not among the writable paths"),
        }
    }
    change
}

/// The paths to write.
pub fn masked_paths(
    mask: Option<FieldMask>,
    customer: &pb::Customer,
    violations: &mut Violations,
) -> Vec<&'static str> {
    mask::masked_paths(mask, WRITABLE, OUTPUT_ONLY, |path| is_set(customer, path), violations)
}

fn is_set(customer: &pb::Customer, path: &str) -> bool {
    match path {
        "given_name" => !customer.given_name.is_empty(),
        "family_name" => !customer.family_name.is_empty(),
        "languages" => !customer.languages.is_empty(),
        "zone" => !customer.zone.is_empty(),
        "availability" => customer.availability.is_some(),
        "contact_points" => !customer.contact_points.is_empty(),
        "external_refs" => !customer.external_refs.is_empty(),
        _ => customer.tier != 0,
    }
}

fn parse_languages(tags: &[String], violations: &mut Violations) -> Option<Vec<Language>> {
    let field = "customer.languages";
    if tags.is_empty() {
        violations.add(field, Invalid::new("FIELD_REQUIRED", "needs one language at least"));
        return None;
    }
    if tags.len() > MAX_LANGUAGES {
        violations.add(field, Invalid::new("LANGUAGES_TOO_MANY", format!("a customer has {MAX_LANGUAGES} at most")));
        return None;
    }
    let mut parsed = Vec::with_capacity(tags.len());
    for (at, tag) in tags.iter().enumerate() {
        parsed.extend(violations.take(format!("{field}[{at}]"), Language::parse(tag)));
    }
    (parsed.len() == tags.len()).then_some(parsed)
}

fn parse_contact_points(points: &[pb::ContactPoint], violations: &mut Violations) -> Option<Vec<ContactPoint>> {
    let field = "customer.contact_points";
    // First, because each is compared with all before it.
    if points.len() > MAX_CONTACT_POINTS {
        let too_many = format!("a customer has {MAX_CONTACT_POINTS} at most");
        violations.add(field, Invalid::new("CONTACT_POINTS_TOO_MANY", too_many));
        return None;
    }
    let mut parsed: Vec<ContactPoint> = Vec::with_capacity(points.len());
    for (at, point) in points.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(address) = parse_address(&field, point, violations) else { continue };
        let point = ContactPoint { address, primary: point.primary, shared: point.shared, verified_at: None };
        for fault in point.faults_beside(&parsed) {
            violations.add(&field, fault);
        }
        parsed.push(point);
    }
    (parsed.len() == points.len()).then_some(parsed)
}

fn parse_address(field: &str, point: &pb::ContactPoint, violations: &mut Violations) -> Option<Address> {
    let value = format!("{field}.value");
    match point.kind() {
        pb::contact_point::Kind::Unspecified => violations.required(format!("{field}.kind"), None),
        pb::contact_point::Kind::Email => violations.take(value, Email::parse(&point.value)).map(Address::Email),
        pb::contact_point::Kind::Phone => violations.take(value, Phone::parse(&point.value)).map(Address::Phone),
    }
}

/// Answers them in the order in which they are read back.
fn parse_external_refs(refs: &[pb::ExternalRef], violations: &mut Violations) -> Option<Vec<ExternalRef>> {
    let field = "customer.external_refs";
    if refs.len() > MAX_EXTERNAL_REFS {
        let too_many = format!("a customer has {MAX_EXTERNAL_REFS} at most");
        violations.add(field, Invalid::new("EXTERNAL_REFS_TOO_MANY", too_many));
        return None;
    }
    let mut parsed: Vec<ExternalRef> = Vec::with_capacity(refs.len());
    for (at, known_as) in refs.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let Some(known_as) = parse_external_ref(&field, known_as, violations) else { continue };
        if parsed.contains(&known_as) {
            violations.add(field, Invalid::new("EXTERNAL_REF_REPEATED", "stands in the list before"));
        }
        parsed.push(known_as);
    }
    if parsed.len() < refs.len() {
        return None;
    }
    parsed.sort();
    Some(parsed)
}

/// Reads a tier; unspecified is the usual one.
pub fn parse_tier(tier: i32) -> Result<Tier, Invalid> {
    match pb::customer::Tier::try_from(tier) {
        Ok(pb::customer::Tier::Unspecified | pb::customer::Tier::Standard) => Ok(Tier::Standard),
        Ok(pb::customer::Tier::Loyal) => Ok(Tier::Loyal),
        Ok(pb::customer::Tier::Vip) => Ok(Tier::Vip),
        Err(_) => Err(Invalid::new("TIER_UNKNOWN", "has to be a known tier")),
    }
}
