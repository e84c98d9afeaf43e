//! Customers from and to the contract: requests here, the fields that callers write in [`fields`], answers in [`answers`].

mod answers;
mod fields;

use seva_proto::{common::v1 as values, customers::v1 as pb};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Invalid, parse_name, text};
use uuid::Uuid;

use super::{
    commands::{RecordConsent, UpdateCustomer},
    model::{Consent, ConsentChannel, ExternalRef, NewCustomer, Purpose},
    queries::{ListCustomers, ORDERS, Sought},
};

pub use answers::{event_of, language_tags};

/// Collection of customers' names.
pub const COLLECTION: &str = "customers";
/// Longest part of a name, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Longest id or system of another system, in bytes.
const MAX_REF_BYTES: usize = 255;

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
        let customer = violations.required("customer", request.customer);
        let new = customer.and_then(|customer| fields::new_customer(&customer, &mut violations));
        violations.finish(new)
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
        let paths = fields::masked_paths(request.update_mask, &customer, &mut violations);
        let change = fields::change(&customer, &paths, &mut violations);
        violations.finish(id.zip(etag).map(|(id, etag)| Self { id, etag, change }))
    }
}

impl TryFrom<pb::RecordConsentRequest> for RecordConsent {
    type Error = Error;

    fn try_from(request: pb::RecordConsentRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let id = customer_id(&mut violations, "customer", &request.customer);
        let etag = violations.take("etag", Etag::parse(&request.etag));
        let consent = violations.required("consent", request.consent);
        let consent = consent.and_then(|consent| parse_consent(&consent, &mut violations));
        let command = match (id, etag, consent) {
            (Some(id), Some(etag), Some(consent)) => Some(Self { id, etag, consent }),
            _ => None,
        };
        violations.finish(command)
    }
}

/// Reads a consent; its time is set by the clock later.
fn parse_consent(consent: &pb::Consent, violations: &mut Violations) -> Option<Consent> {
    let purpose = violations.take("consent.purpose", parse_purpose(consent.purpose));
    let channel = violations.take("consent.channel", parse_channel(consent.channel));
    let evidence = violations.take("consent.evidence", required_text(&consent.evidence));
    Some(Consent {
        purpose: purpose?,
        channel: channel?.unwrap_or(ConsentChannel::All),
        granted: consent.granted,
        evidence: evidence?,
        captured_at: jiff::Timestamp::UNIX_EPOCH,
    })
}

/// Reads a purpose.
pub fn parse_purpose(purpose: i32) -> Result<Purpose, Invalid> {
    match values::Purpose::try_from(purpose) {
        Ok(values::Purpose::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(values::Purpose::Service) => Ok(Purpose::Service),
        Ok(values::Purpose::Survey) => Ok(Purpose::Survey),
        Ok(values::Purpose::Marketing) => Ok(Purpose::Marketing),
        Err(_) => Err(Invalid::new("PURPOSE_UNKNOWN", "has to be a known purpose")),
    }
}

/// Reads a channel, `None` when it is not said. A channel that is not known is refused: to take it for all would widen what was agreed to.
pub fn parse_channel(channel: i32) -> Result<Option<ConsentChannel>, Invalid> {
    match values::Channel::try_from(channel) {
        Ok(values::Channel::Unspecified) => Ok(None),
        Ok(values::Channel::Email) => Ok(Some(ConsentChannel::Email)),
        Ok(values::Channel::Phone) => Ok(Some(ConsentChannel::Phone)),
        Ok(values::Channel::Sms) => Ok(Some(ConsentChannel::Sms)),
        Ok(values::Channel::Push) => Ok(Some(ConsentChannel::Push)),
        Err(_) => Err(Invalid::new("CHANNEL_UNKNOWN", "has to be a known channel")),
    }
}

/// A part of a name, or another short text, that may be empty.
fn short_text(text: &str) -> Result<String, Invalid> {
    text::line(text, MAX_NAME_CHARS)
}

/// A short text that is not empty.
pub fn required_text(text: &str) -> Result<String, Invalid> {
    text::required_line(text, MAX_NAME_CHARS)
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

/// Reads a request for a list.
pub fn list_query(request: pb::ListCustomersRequest, key: &PageKey) -> Result<ListCustomers, Error> {
    let pb::ListCustomersRequest { page_size, page_token, order_by, filter } = request;
    let filter = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let tier = match filter.tier {
        0 => Some(None),
        tier => violations.take("filter.tier", fields::parse_tier(tier)).map(Some),
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
