//! Customers to the contract: answers and events.

use seva_proto::{
    common::v1 as values,
    customers::v1::{self as pb, CustomerEvent},
};
use seva_store::{Etag, event::proto_timestamp};
use seva_values::{Language, format_name};

use super::COLLECTION;
use crate::customer::{
    mailbox::MailboxKey,
    model::{Address, Consent, ConsentChannel, ContactPoint, Customer, ExternalRef, Purpose, Tier},
};

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

/// Languages as their tags.
pub fn language_tags(languages: &[Language]) -> Vec<String> {
    languages.iter().map(|language| language.as_str().to_owned()).collect()
}

/// The public state of a customer after a change of these fields, as events carry it: without identity (CU5).
pub fn event_of(customer: &Customer, changed: &[&str], mailboxes: &MailboxKey) -> CustomerEvent {
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
        mailbox: mailboxes.name(customer),
    }
}
