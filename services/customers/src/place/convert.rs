//! The place from and to the contract.

use jiff::{SignedDuration, Timestamp};
use seva_proto::customers::v1::{self as pb, timeline_entry};
use seva_runtime::{Error, Violations};
use seva_store::{
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, parse_name};
use uuid::Uuid;

use super::queries::{ListTimeline, MessagesRead, Part, Place, SHOWN};
use crate::{
    customer::convert::{COLLECTION, customer_id},
    invoice::model::Invoice,
    order::model::Order,
    timeline::store::{EntryRow, Kind},
};

/// Reads whose place is asked for.
pub fn whose(request: pb::GetPlaceRequest) -> Result<Uuid, Error> {
    parse_name(COLLECTION, &request.customer).map_err(|invalid| Error::invalid_field("customer", invalid))
}

/// The first page of what a place shows.
pub fn shown(key: &PageKey) -> PageRequest {
    PageRequest::parse(key, "place", "", SHOWN, "").expect("a small size and no token")
}

/// Reads a request for a timeline.
pub fn list_query(request: pb::ListTimelineRequest, key: &PageKey) -> Result<ListTimeline, Error> {
    let pb::ListTimelineRequest { customer, page_size, page_token, kind } = request;
    let mut violations = Violations::default();
    let customer = customer_id(&mut violations, "customer", &customer);
    let kind = violations.take("kind", parse_kind(kind));
    let (customer, kind) = violations.finish(customer.zip(kind))?;
    let page = PageRequest::parse(key, "timeline", &format!("{customer}/{kind:?}"), page_size, &page_token)?;
    Ok(ListTimeline { customer, kind, page })
}

fn parse_kind(kind: i32) -> Result<Option<Kind>, Invalid> {
    match timeline_entry::Kind::try_from(kind) {
        Ok(timeline_entry::Kind::Unspecified) => Ok(None),
        Ok(timeline_entry::Kind::Customer) => Ok(Some(Kind::Customer)),
        Ok(timeline_entry::Kind::Order) => Ok(Some(Kind::Order)),
        Ok(timeline_entry::Kind::Invoice) => Ok(Some(Kind::Invoice)),
        Ok(timeline_entry::Kind::Message) => Ok(Some(Kind::Message)),
        Ok(timeline_entry::Kind::Ticket | timeline_entry::Kind::Survey) | Err(_) => {
            Err(Invalid::new("KIND_UNKNOWN", "has to be a known kind"))
        }
    }
}

/// The answer at business time `now`.
pub fn answer(place: &Place, now: Timestamp) -> pb::GetPlaceResponse {
    let Place { customer, orders, invoices, timeline, messages, messages_read } = place;
    pb::GetPlaceResponse {
        customer: Some(customer.into()),
        orders: Some(orders_part(orders, now)),
        invoices: Some(invoices_part(invoices, now)),
        timeline: Some(pb::TimelinePart {
            entries: timeline.items.iter().map(Into::into).collect(),
            age: Some(age(timeline.items.first().map(|entry| entry.occurred_at.to_jiff()), now)),
            more: timeline.more,
        }),
        messages: Some(messages_part(messages, *messages_read, now)),
        tickets: None,
        surveys: None,
    }
}

/// The age of the newest report; it is stale when that report's promise of freshness has ended.
fn orders_part(orders: &Part<Order>, now: Timestamp) -> pb::OrdersPart {
    let newest = orders.items.iter().max_by_key(|order| order.observed_at);
    let age = age(newest.map(|order| order.observed_at), now);
    pb::OrdersPart {
        orders: orders.items.iter().map(Into::into).collect(),
        age: Some(pb::PartAge { stale: newest.is_some_and(|order| order.fresh_until <= now), ..age }),
        more: orders.more,
    }
}

/// Billing promises no freshness.
fn invoices_part(invoices: &Part<Invoice>, now: Timestamp) -> pb::InvoicesPart {
    pb::InvoicesPart {
        invoices: invoices.items.iter().map(Into::into).collect(),
        age: Some(age(invoices.items.iter().map(|invoice| invoice.observed_at).max(), now)),
        more: invoices.more,
    }
}

/// The age of what was read of the notifications service, of whichever customer; stale while there is more to read.
fn messages_part(messages: &Part<EntryRow>, read: MessagesRead, now: Timestamp) -> pb::MessagesPart {
    pb::MessagesPart {
        messages: messages.items.iter().map(Into::into).collect(),
        age: Some(pb::PartAge { stale: read.behind, ..age(read.newest, now) }),
        more: messages.more,
    }
}

/// How long ago `observed_at` is; a source's clock may run a little ahead of ours.
pub fn age(observed_at: Option<Timestamp>, now: Timestamp) -> pb::PartAge {
    let age = observed_at.map(|observed_at| now.duration_since(observed_at).max(SignedDuration::ZERO));
    pb::PartAge {
        observe_time: observed_at.map(proto_timestamp),
        age: age.map(|age| prost_types::Duration { seconds: age.as_secs(), nanos: age.subsec_nanos() }),
        stale: false,
    }
}

impl From<&EntryRow> for pb::TimelineEntry {
    fn from(entry: &EntryRow) -> Self {
        let EntryRow { id: _, occurred_at, kind, subject, r#type, label, details } = entry;
        let kind = match Kind::from_name(kind) {
            Some(Kind::Customer) => timeline_entry::Kind::Customer,
            Some(Kind::Order) => timeline_entry::Kind::Order,
            Some(Kind::Invoice) => timeline_entry::Kind::Invoice,
            Some(Kind::Message) => timeline_entry::Kind::Message,
            None => timeline_entry::Kind::Unspecified,
        };
        Self {
            kind: kind.into(),
            subject: subject.clone(),
            r#type: r#type.clone(),
            label: label.clone(),
            time: Some(proto_timestamp(occurred_at.to_jiff())),
            details: details.0.clone().into_iter().collect(),
        }
    }
}
