//! Customers from and to the contract.

use prost_types::FieldMask;
use seva_proto::{
    common::v1 as values,
    customers::v1::{self as pb, CustomerEvent},
};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    event::proto_timestamp,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{AvailabilityWindows, Email, Invalid, Language, Phone, Zone, format_name, parse_name};
use uuid::Uuid;

use super::{
    commands::{RecordConsent, UpdateCustomer},
    model::{
        Address, Change, Consent, ConsentChannel, ContactPoint, Customer, ExternalRef, MAX_EXTERNAL_REFS, NewCustomer,
        Purpose, Tier, check_contact_points,
    },
    queries::{ListCustomers, ORDERS, Sought},
};

/// Collection of customers' names.
pub const COLLECTION: &str = "customers";
/// Longest part of a name, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Longest id or system of another system, in bytes.
const MAX_REF_BYTES: usize = 255;
/// Languages of one customer at most.
const MAX_LANGUAGES: usize = 10;
/// Paths of an update mask; the others are output only, which a mask may name without effect, or unknown.
const WRITABLE: &[&str] =
    &["given_name", "family_name", "languages", "zone", "availability", "contact_points", "external_refs", "tier"];
const OUTPUT_ONLY: &[&str] =
    &["name", "etag", "provisional", "consents", "first_order_at", "order_count", "create_time", "update_time"];

/// Reads a customer's name from a field.
pub fn customer_id(violations: &mut Violations, field: &str, name: &str) -> Option<Uuid> {
    violations.take(field, parse_name(COLLECTION, name))
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

impl TryFrom<pb::CreateCustomerRequest> for NewCustomer {
    type Error = Error;

    fn try_from(request: pb::CreateCustomerRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(customer) = violations.required("customer", request.customer) else {
            return Err(violations.into());
        };
        let fields = Fields::parse(customer, &mut violations);
        if fields.languages.as_ref().is_some_and(Vec::is_empty) {
            violations.add("customer.languages", Invalid::new("FIELD_REQUIRED", "needs one language at least"));
        }
        violations.finish(fields.into_new())
    }
}

impl TryFrom<pb::UpdateCustomerRequest> for UpdateCustomer {
    type Error = Error;

    fn try_from(request: pb::UpdateCustomerRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(customer) = violations.required("customer", request.customer) else {
            return Err(violations.into());
        };
        let id = customer_id(&mut violations, "customer.name", &customer.name);
        let etag = violations.take("customer.etag", Etag::parse(&customer.etag));
        let paths = masked_paths(request.update_mask, &customer, &mut violations);
        let mut of_customer = Violations::default();
        let change = Fields::parse(customer.clone(), &mut of_customer).into_change(&paths, &customer, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| UpdateCustomer { id, etag, change }))
    }
}

impl TryFrom<pb::RecordConsentRequest> for RecordConsent {
    type Error = Error;

    fn try_from(request: pb::RecordConsentRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = customer_id(&mut violations, "customer", &request.customer);
        let etag = violations.take("etag", Etag::parse(&request.etag));
        let consent = violations.required("consent", request.consent);
        let consent = consent.and_then(|consent| parse_consent(consent, &mut violations));
        let command = match (id, etag, consent) {
            (Some(id), Some(etag), Some(consent)) => Some(Self { id, etag, consent }),
            _ => None,
        };
        violations.finish(command)
    }
}

/// Reads a consent; its time is set by the clock later.
fn parse_consent(consent: pb::Consent, violations: &mut Violations) -> Option<Consent> {
    let purpose = match consent.purpose() {
        values::Purpose::Unspecified => None,
        values::Purpose::Service => Some(Purpose::Service),
        values::Purpose::Survey => Some(Purpose::Survey),
        values::Purpose::Marketing => Some(Purpose::Marketing),
    };
    let purpose = violations.required("consent.purpose", purpose);
    let channel = match consent.channel() {
        values::Channel::Unspecified => ConsentChannel::All,
        values::Channel::Email => ConsentChannel::Email,
        values::Channel::Phone => ConsentChannel::Phone,
        values::Channel::Sms => ConsentChannel::Sms,
        values::Channel::Push => ConsentChannel::Push,
    };
    let evidence = violations.take("consent.evidence", required_text(&consent.evidence, MAX_NAME_CHARS));
    Some(Consent {
        purpose: purpose?,
        channel,
        granted: consent.granted,
        evidence: evidence?,
        captured_at: jiff::Timestamp::UNIX_EPOCH,
    })
}

/// The fields of a customer that callers write, each valid or noted.
struct Fields {
    given_name: Option<String>,
    family_name: Option<String>,
    languages: Option<Vec<Language>>,
    zone: Option<Zone>,
    /// Outer: valid; inner: given.
    availability: Option<Option<AvailabilityWindows>>,
    contact_points: Option<Vec<ContactPoint>>,
    external_refs: Option<Vec<ExternalRef>>,
    tier: Option<Tier>,
}

impl Fields {
    fn parse(customer: pb::Customer, violations: &mut Violations) -> Self {
        Self {
            given_name: violations.take("customer.given_name", short_text(&customer.given_name)),
            family_name: violations.take("customer.family_name", short_text(&customer.family_name)),
            languages: parse_languages(&customer.languages, violations),
            zone: violations.take("customer.zone", Zone::parse(&customer.zone)),
            tier: violations.take("customer.tier", parse_tier(customer.tier)),
            availability: match customer.availability {
                Some(windows) => {
                    violations.take_message("customer.availability", AvailabilityWindows::try_from(windows)).map(Some)
                }
                None => Some(None),
            },
            contact_points: parse_contact_points(&customer.contact_points, violations),
            external_refs: parse_external_refs(&customer.external_refs, violations),
        }
    }

    fn into_new(self) -> Option<NewCustomer> {
        Some(NewCustomer {
            given_name: self.given_name?,
            family_name: self.family_name?,
            languages: self.languages?,
            zone: self.zone?,
            availability: self.availability?,
            contact_points: self.contact_points?,
            external_refs: self.external_refs?,
            tier: self.tier?,
        })
    }

    /// Keeps what the mask names; only then a fault of a field counts.
    fn into_change(self, paths: &[&'static str], customer: &pb::Customer, violations: &mut Violations) -> Change {
        let mut change = Change::default();
        for &path in paths {
            match path {
                "given_name" => change.given_name = self.given_name.clone(),
                "family_name" => change.family_name = self.family_name.clone(),
                "languages" => change.languages = self.languages.clone().filter(|languages| !languages.is_empty()),
                "zone" => change.zone = self.zone.clone(),
                "availability" => {
                    let zone = self.zone.clone();
                    let always = || zone.map(AvailabilityWindows::always);
                    change.availability = self.availability.clone().and_then(|windows| windows.or_else(always));
                }
                "contact_points" => change.contact_points = self.contact_points.clone(),
                "external_refs" => change.external_refs = self.external_refs.clone(),
                _ => change.tier = self.tier,
            }
        }
        // Parsed again with only the named fields, so that the faults of the others are not told.
        let named = named_fields(customer, paths);
        let _ = Self::parse(named, violations);
        if paths.contains(&"languages") && customer.languages.is_empty() {
            violations.add("customer.languages", Invalid::new("FIELD_REQUIRED", "needs one language at least"));
        }
        change
    }
}

/// A customer with the named fields of another and valid stand-ins for the rest.
fn named_fields(customer: &pb::Customer, paths: &[&'static str]) -> pb::Customer {
    let named = |path| paths.contains(&path);
    let needs_zone = named("zone") || (named("availability") && customer.availability.is_none());
    pb::Customer {
        given_name: if named("given_name") { customer.given_name.clone() } else { String::new() },
        family_name: if named("family_name") { customer.family_name.clone() } else { String::new() },
        languages: if named("languages") { customer.languages.clone() } else { Vec::new() },
        zone: if needs_zone { customer.zone.clone() } else { "UTC".to_owned() },
        availability: customer.availability.clone().filter(|_| named("availability")),
        contact_points: if named("contact_points") { customer.contact_points.clone() } else { Vec::new() },
        external_refs: if named("external_refs") { customer.external_refs.clone() } else { Vec::new() },
        tier: if named("tier") { customer.tier } else { 0 },
        ..pb::Customer::default()
    }
}

/// The paths to write: of the mask, of `*`, or without a mask of every field that is set.
fn masked_paths(mask: Option<FieldMask>, customer: &pb::Customer, violations: &mut Violations) -> Vec<&'static str> {
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else {
        return WRITABLE.iter().copied().filter(|path| is_set(customer, path)).collect();
    };
    let mut paths = Vec::new();
    for (at, path) in mask.paths.iter().enumerate() {
        if path == "*" {
            return WRITABLE.to_vec();
        }
        match WRITABLE.iter().find(|writable| *writable == path) {
            Some(&path) if !paths.contains(&path) => paths.push(path),
            Some(_) => {}
            None if OUTPUT_ONLY.contains(&path.as_str()) => {}
            None => violations.add(
                format!("update_mask.paths[{at}]"),
                Invalid::new("MASK_PATH_UNKNOWN", format!("has to be one of: {}", WRITABLE.join(", "))),
            ),
        }
    }
    paths
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

fn short_text(text: &str) -> Result<String, Invalid> {
    if text.chars().count() > MAX_NAME_CHARS {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {MAX_NAME_CHARS} characters at most")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold line breaks or other control characters"));
    }
    Ok(text.trim().to_owned())
}

fn required_text(text: &str, max_chars: usize) -> Result<String, Invalid> {
    let text = short_text(text)?;
    if text.is_empty() || text.chars().count() > max_chars {
        return Err(Invalid::new("FIELD_REQUIRED", "is required"));
    }
    Ok(text)
}

fn parse_languages(tags: &[String], violations: &mut Violations) -> Option<Vec<Language>> {
    if tags.len() > MAX_LANGUAGES {
        violations.add("customer.languages", Invalid::new("LANGUAGES_TOO_MANY", "a customer has 10 at most"));
        return None;
    }
    let parsed: Vec<_> = tags
        .iter()
        .enumerate()
        .map(|(at, tag)| violations.take(format!("customer.languages[{at}]"), Language::parse(tag)))
        .collect();
    parsed.into_iter().collect()
}

fn parse_contact_points(points: &[pb::ContactPoint], violations: &mut Violations) -> Option<Vec<ContactPoint>> {
    let mut parsed = Vec::with_capacity(points.len());
    for (at, point) in points.iter().enumerate() {
        let field = |name: &str| format!("customer.contact_points[{at}].{name}");
        let address = match point.kind() {
            pb::contact_point::Kind::Unspecified => violations.required(field("kind"), None),
            pb::contact_point::Kind::Email => {
                violations.take(field("value"), Email::parse(&point.value)).map(Address::Email)
            }
            pb::contact_point::Kind::Phone => {
                violations.take(field("value"), Phone::parse(&point.value)).map(Address::Phone)
            }
        };
        if let Some(address) = address {
            parsed.push(ContactPoint { address, primary: point.primary, shared: point.shared, verified_at: None });
        }
    }
    for (at, invalid) in check_contact_points(&parsed) {
        violations.add(format!("customer.contact_points[{at}]"), invalid);
    }
    (parsed.len() == points.len()).then_some(parsed)
}

fn parse_external_refs(refs: &[pb::ExternalRef], violations: &mut Violations) -> Option<Vec<ExternalRef>> {
    if refs.len() > MAX_EXTERNAL_REFS {
        violations.add("customer.external_refs", Invalid::new("EXTERNAL_REFS_TOO_MANY", "a customer has 50 at most"));
        return None;
    }
    let mut parsed: Vec<ExternalRef> = Vec::with_capacity(refs.len());
    for (at, known_as) in refs.iter().enumerate() {
        let known_as = parse_external_ref(&format!("customer.external_refs[{at}]"), known_as, violations)?;
        if parsed.contains(&known_as) {
            let repeated = Invalid::new("EXTERNAL_REF_REPEATED", "stands in the list before");
            violations.add(format!("customer.external_refs[{at}]"), repeated);
        }
        parsed.push(known_as);
    }
    Some(parsed)
}

/// Reads an id of another system below `field`.
pub fn parse_external_ref(field: &str, known_as: &pb::ExternalRef, violations: &mut Violations) -> Option<ExternalRef> {
    let part = |text: &str| {
        if text.is_empty() || text.len() > MAX_REF_BYTES || text.chars().any(char::is_control) {
            return Err(Invalid::new(
                "EXTERNAL_REF_MALFORMED",
                "has to have 1 to 255 bytes without control characters",
            ));
        }
        Ok(text.to_owned())
    };
    let system = violations.take(format!("{field}.system"), part(&known_as.system));
    let id = violations.take(format!("{field}.id"), part(&known_as.id));
    Some(ExternalRef { system: system?, id: id? })
}

/// Reads a tier; unspecified is the usual one.
fn parse_tier(tier: i32) -> Result<Tier, Invalid> {
    match pb::customer::Tier::try_from(tier) {
        Ok(pb::customer::Tier::Unspecified | pb::customer::Tier::Standard) => Ok(Tier::Standard),
        Ok(pb::customer::Tier::Loyal) => Ok(Tier::Loyal),
        Ok(pb::customer::Tier::Vip) => Ok(Tier::Vip),
        Err(_) => Err(Invalid::new("TIER_UNKNOWN", "has to be a known tier")),
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListCustomersRequest, key: &PageKey) -> Result<ListCustomers, Error> {
    let pb::ListCustomersRequest { page_size, page_token, order_by, filter } = request;
    let filter = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let tier = match filter.tier {
        0 => Some(None),
        tier => violations.take("filter.tier", parse_tier(tier)).map(Some),
    };
    let (order, tier) = violations.finish(order.zip(tier))?;
    let query = format!("{}/{tier:?}/{:?}", order.name, filter.provisional);
    let page = PageRequest::parse(key, "customers", &query, page_size, &page_token)?;
    Ok(ListCustomers { order, tier, provisional: filter.provisional, page })
}

/// Reads a request for a search.
pub fn search_query(request: pb::SearchCustomersRequest, key: &PageKey) -> Result<(Sought, PageRequest), Error> {
    let pb::SearchCustomersRequest { query, page_size, page_token } = request;
    let sought = Sought::parse(&query).map_err(|invalid| Error::invalid_field("query", invalid))?;
    let page = PageRequest::parse(key, "customers:search", &query, page_size, &page_token)?;
    Ok((sought, page))
}

/// Reads whom another system knows.
pub fn resolve_query(request: pb::ResolveCustomerRequest) -> Result<ExternalRef, Error> {
    let mut violations = Violations::default();
    let known_as = violations.required("external_ref", request.external_ref);
    let known_as = known_as.and_then(|known_as| parse_external_ref("external_ref", &known_as, &mut violations));
    violations.finish(known_as)
}

impl From<&Customer> for pb::Customer {
    fn from(customer: &Customer) -> Self {
        let Customer {
            id,
            version,
            given_name,
            family_name,
            languages,
            zone,
            availability,
            contact_points,
            external_refs,
            tier,
            provisional,
            consents,
            first_order_at,
            order_count,
            created_at,
            updated_at,
        } = customer;
        Self {
            name: format_name(COLLECTION, *id),
            etag: Etag::format(*version),
            given_name: given_name.clone(),
            family_name: family_name.clone(),
            languages: language_tags(languages),
            zone: zone.name().to_owned(),
            availability: Some(availability.into()),
            contact_points: contact_points.iter().map(Into::into).collect(),
            external_refs: external_refs.iter().map(Into::into).collect(),
            tier: pb::customer::Tier::from(*tier).into(),
            provisional: *provisional,
            consents: consents.iter().map(Into::into).collect(),
            first_order_at: first_order_at.map(proto_timestamp),
            order_count: *order_count,
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

impl From<&ContactPoint> for pb::ContactPoint {
    fn from(point: &ContactPoint) -> Self {
        let ContactPoint { address, primary, shared, verified_at } = point;
        let kind = match address {
            Address::Email(_) => pb::contact_point::Kind::Email,
            Address::Phone(_) => pb::contact_point::Kind::Phone,
        };
        Self {
            kind: kind.into(),
            value: address.as_str().to_owned(),
            primary: *primary,
            shared: *shared,
            verify_time: verified_at.map(proto_timestamp),
        }
    }
}

impl From<&ExternalRef> for pb::ExternalRef {
    fn from(known_as: &ExternalRef) -> Self {
        let ExternalRef { system, id } = known_as.clone();
        Self { system, id }
    }
}

impl From<&Consent> for pb::Consent {
    fn from(consent: &Consent) -> Self {
        let Consent { purpose, channel, granted, evidence, captured_at } = consent;
        let purpose = match purpose {
            Purpose::Service => values::Purpose::Service,
            Purpose::Survey => values::Purpose::Survey,
            Purpose::Marketing => values::Purpose::Marketing,
        };
        let channel = match channel {
            ConsentChannel::All => values::Channel::Unspecified,
            ConsentChannel::Email => values::Channel::Email,
            ConsentChannel::Phone => values::Channel::Phone,
            ConsentChannel::Sms => values::Channel::Sms,
            ConsentChannel::Push => values::Channel::Push,
        };
        Self {
            purpose: purpose.into(),
            channel: channel.into(),
            granted: *granted,
            evidence: evidence.clone(),
            capture_time: Some(proto_timestamp(*captured_at)),
        }
    }
}

impl From<Tier> for pb::customer::Tier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Standard => Self::Standard,
            Tier::Loyal => Self::Loyal,
            Tier::Vip => Self::Vip,
        }
    }
}

fn language_tags(languages: &[Language]) -> Vec<String> {
    languages.iter().map(|language| language.as_str().to_owned()).collect()
}

/// The public state of a customer after a change of these fields, as events carry it: without identity.
pub fn event_of(customer: &Customer, changed: &[&str]) -> CustomerEvent {
    CustomerEvent {
        customer: format_name(COLLECTION, customer.id),
        languages: language_tags(&customer.languages),
        zone: customer.zone.name().to_owned(),
        availability: Some((&customer.availability).into()),
        tier: pb::customer::Tier::from(customer.tier).into(),
        provisional: customer.provisional,
        has_email: customer.address("email").is_some(),
        has_phone: customer.address("phone").is_some(),
        consents: customer.consents.iter().map(Into::into).collect(),
        order_count: customer.order_count,
        first_order_at: customer.first_order_at.map(proto_timestamp),
        version: customer.version,
        changed_fields: changed.iter().map(|&field| field.to_owned()).collect(),
        order: String::new(),
        order_number: String::new(),
    }
}
