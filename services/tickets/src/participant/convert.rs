//! Participants from and to the contract.

use seva_proto::tickets::v1 as pb;
use seva_runtime::{Error, Violations};
use seva_store::{Etag, event::proto_timestamp};
use seva_values::{Invalid, format_name, parse_name};

use super::{Participant, Who, commands::ParticipantOf};
use crate::{roster::model::STAFF_MEMBERS, ticket::model::COLLECTION};

/// Collection of customers' names.
const CUSTOMERS: &str = "customers";

/// The resource name of a participant.
pub fn name_of(who: Who) -> String {
    match who {
        Who::Customer(id) => format_name(CUSTOMERS, id),
        Who::StaffMember(id) => format_name(STAFF_MEMBERS, id),
    }
}

fn parse_who(name: &str) -> Result<Who, Invalid> {
    match name.split_once('/') {
        Some((STAFF_MEMBERS, _)) => parse_name(STAFF_MEMBERS, name).map(Who::StaffMember),
        _ => parse_name(CUSTOMERS, name).map(Who::Customer),
    }
}

fn read(parent: &str, etag: &str, participant: &str) -> Result<ParticipantOf, Error> {
    let mut violations = Violations::default();
    let ticket = violations.take("parent", parse_name(COLLECTION, parent));
    let etag = violations.take("etag", Etag::parse(etag));
    let who = violations.take("participant", parse_who(participant));
    violations.finish(ticket.zip(etag).zip(who).map(|((ticket, etag), who)| ParticipantOf { ticket, etag, who }))
}

impl TryFrom<pb::AddParticipantRequest> for ParticipantOf {
    type Error = Error;

    fn try_from(request: pb::AddParticipantRequest) -> Result<Self, Error> {
        read(&request.parent, &request.etag, &request.participant)
    }
}

impl TryFrom<pb::RemoveParticipantRequest> for ParticipantOf {
    type Error = Error;

    fn try_from(request: pb::RemoveParticipantRequest) -> Result<Self, Error> {
        read(&request.parent, &request.etag, &request.participant)
    }
}

impl From<&Participant> for pb::Participant {
    fn from(participant: &Participant) -> Self {
        let Participant { who, added_at } = *participant;
        Self { participant: name_of(who), create_time: Some(proto_timestamp(added_at)) }
    }
}
