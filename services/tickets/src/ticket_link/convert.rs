//! Links from and to the contract.

use seva_proto::tickets::v1::{self as pb, ticket_link as pb_link};
use seva_runtime::{Error, Violations};
use seva_store::event::proto_timestamp;
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    commands::LinkTickets,
    model::{Kind, TicketLink},
};
use crate::ticket::{convert::required, model::COLLECTION as TICKETS};

/// Collection of links' names.
pub const COLLECTION: &str = "ticketLinks";

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

impl TryFrom<pb::LinkTicketsRequest> for LinkTickets {
    type Error = Error;

    fn try_from(request: pb::LinkTicketsRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(link) = violations.required("ticket_link", request.ticket_link) else { return Err(violations.into()) };
        let from = violations.take("ticket_link.from", parse_name(TICKETS, &link.from));
        let to = violations.take("ticket_link.to", parse_name(TICKETS, &link.to));
        let kind = violations.take("ticket_link.kind", parse_kind(link.kind));
        if from.is_some() && from == to {
            violations.add("ticket_link.to", Invalid::new("TICKET_THE_SAME", "has to be another ticket"));
        }
        violations.finish(from.zip(kind).zip(to).map(|((from, kind), to)| Self { from, kind, to }))
    }
}

fn parse_kind(given: i32) -> Result<Kind, Invalid> {
    match pb_link::Kind::try_from(given) {
        Ok(pb_link::Kind::Unspecified) => Err(required()),
        Ok(pb_link::Kind::DuplicateOf) => Ok(Kind::DuplicateOf),
        Ok(pb_link::Kind::FollowUpOf) => Ok(Kind::FollowUpOf),
        Ok(pb_link::Kind::ChildOf) => Ok(Kind::ChildOf),
        Ok(pb_link::Kind::CausedBy) => Ok(Kind::CausedBy),
        Ok(pb_link::Kind::Relates) => Ok(Kind::Relates),
        Err(_) => Err(Invalid::new("KIND_UNKNOWN", "has to be a known value")),
    }
}

impl From<&TicketLink> for pb::TicketLink {
    fn from(link: &TicketLink) -> Self {
        let TicketLink { id, from, kind, to, created_at } = *link;
        let kind = match kind {
            Kind::DuplicateOf => pb_link::Kind::DuplicateOf,
            Kind::FollowUpOf => pb_link::Kind::FollowUpOf,
            Kind::ChildOf => pb_link::Kind::ChildOf,
            Kind::CausedBy => pb_link::Kind::CausedBy,
            Kind::Relates => pb_link::Kind::Relates,
        };
        Self {
            name: id.map(|id| format_name(COLLECTION, id)).unwrap_or_default(),
            from: format_name(TICKETS, from),
            kind: kind.into(),
            to: format_name(TICKETS, to),
            create_time: Some(proto_timestamp(created_at)),
        }
    }
}
