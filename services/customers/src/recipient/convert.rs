//! Recipients from and to the contract.

use seva_proto::customers::v1::{self as pb, recipient};
use seva_runtime::{Error, Violations};
use seva_values::{Invalid, format_name};

use super::model::{Item, Outcome};
use crate::customer::convert::{COLLECTION, customer_id, language_tags, parse_channel, parse_purpose};

/// Items of one request at most.
const MAX_ITEMS: usize = 200;

/// Reads whom to reach.
pub fn items(request: pb::ResolveRecipientsRequest) -> Result<Vec<Item>, Error> {
    let items = request.items;
    if items.len() > MAX_ITEMS {
        let too_many = Invalid::new("ITEMS_TOO_MANY", format!("a request has {MAX_ITEMS} at most"));
        return Err(Error::invalid_field("items", too_many));
    }
    let mut violations = Violations::default();
    let mut parsed = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let customer = customer_id(&mut violations, &format!("items[{at}].customer"), &item.customer);
        let channel = violations.take(format!("items[{at}].channel"), parse_channel(item.channel));
        let channel = channel.and_then(|channel| violations.required(format!("items[{at}].channel"), channel));
        let purpose = violations.take(format!("items[{at}].purpose"), parse_purpose(item.purpose));
        if let (Some(customer), Some(channel), Some(purpose)) = (customer, channel, purpose) {
            parsed.push(Item { customer, channel, purpose });
        }
    }
    violations.finish(Some(parsed))
}

/// The answer of one item: address and name only of those who are to be reached.
pub fn recipient(item: &Item, outcome: &Outcome<'_>) -> pb::Recipient {
    let customer = format_name(COLLECTION, item.customer);
    let unreached = |outcome: recipient::Outcome| pb::Recipient {
        customer: customer.clone(),
        outcome: outcome.into(),
        ..pb::Recipient::default()
    };
    match outcome {
        Outcome::Unknown => unreached(recipient::Outcome::Unknown),
        Outcome::NoContactPoint => unreached(recipient::Outcome::NoContactPoint),
        Outcome::NoConsent => unreached(recipient::Outcome::NoConsent),
        Outcome::Reachable(known, address) => pb::Recipient {
            customer: customer.clone(),
            outcome: recipient::Outcome::Reachable.into(),
            address: address.as_str().to_owned(),
            given_name: known.given_name.clone(),
            family_name: known.family_name.clone(),
            languages: language_tags(&known.languages),
            zone: known.zone.name().to_owned(),
            tier: pb::customer::Tier::from(known.tier).into(),
        },
    }
}
