//! Invitations to the contract, and requests from it.

use seva_proto::surveys::v1::{
    self as pb, InvitationEvent,
    invitation::{State as StateMessage, SuppressReason as SuppressReasonMessage},
};
use seva_runtime::{Error, Violations};
use seva_store::{
    NewEvent,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    model::{Change, Invitation},
    queries::ListInvitations,
    state::{State, SuppressReason},
};
use crate::{programme, response, survey};

/// Collection of invitations' names.
pub const COLLECTION: &str = "invitations";

/// The resource name of an invitation.
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads the one field `name` of a request.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a name that may be left out.
pub fn optional_name(violations: &mut Violations, field: &str, collection: &str, name: &str) -> Option<Option<Uuid>> {
    match name {
        "" => Some(None),
        name => violations.take(field, parse_name(collection, name)).map(Some),
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListInvitationsRequest, key: &PageKey) -> Result<ListInvitations, Error> {
    let pb::ListInvitationsRequest { page_size, page_token, filter } = request;
    let pb::InvitationFilter { programme, customer, state } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let query = format!("{programme}/{customer}/{state}");
    let programme = optional_name(&mut violations, "filter.programme", programme::COLLECTION, &programme);
    let customer = optional_name(&mut violations, "filter.customer", "customers", &customer);
    let known = StateMessage::try_from(state)
        .map_err(|_| Invalid::new("STATE_UNKNOWN", "has to be a known state"))
        .map(state_from);
    let state = violations.take("filter.state", known);
    let filter = programme.zip(customer).zip(state);
    let ((programme, customer), state) = violations.finish(filter)?;
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListInvitations { programme, customer, state, page })
}

const fn state_from(state: StateMessage) -> Option<State> {
    match state {
        StateMessage::Unspecified => None,
        StateMessage::Held => Some(State::Held),
        StateMessage::Queued => Some(State::Queued),
        StateMessage::Sent => Some(State::Sent),
        StateMessage::Started => Some(State::Started),
        StateMessage::Completed => Some(State::Completed),
        StateMessage::Suppressed => Some(State::Suppressed),
        StateMessage::Undeliverable => Some(State::Undeliverable),
        StateMessage::Expired => Some(State::Expired),
    }
}

impl From<State> for StateMessage {
    fn from(state: State) -> Self {
        match state {
            State::Held => Self::Held,
            State::Queued => Self::Queued,
            State::Sent => Self::Sent,
            State::Started => Self::Started,
            State::Completed => Self::Completed,
            State::Suppressed => Self::Suppressed,
            State::Undeliverable => Self::Undeliverable,
            State::Expired => Self::Expired,
        }
    }
}

impl From<SuppressReason> for SuppressReasonMessage {
    fn from(reason: SuppressReason) -> Self {
        match reason {
            SuppressReason::SampledOut => Self::SampledOut,
            SuppressReason::Throttled => Self::Throttled,
            SuppressReason::NoConsent => Self::NoConsent,
            SuppressReason::OpenTicket => Self::OpenTicket,
            SuppressReason::RecentContact => Self::RecentContact,
            SuppressReason::CalledOff => Self::CalledOff,
            SuppressReason::NoContactPoint => Self::NoContactPoint,
            SuppressReason::NotActive => Self::NotActive,
            SuppressReason::UnknownCustomer => Self::UnknownCustomer,
            SuppressReason::FromLowScore => Self::FromLowScore,
        }
    }
}

impl From<&Invitation> for pb::Invitation {
    fn from(invitation: &Invitation) -> Self {
        let Invitation {
            id,
            version: _,
            programme,
            trigger: _,
            customer,
            subject,
            triggered_by: _,
            survey_version,
            state,
            suppress_reason,
            staff_member,
            inclusion_probability,
            from_low_score: _,
            language,
            next_eligible_at,
            decide_at,
            sent_at,
            expire_at,
            link_generation: _,
            response,
            revision: _,
            due_at: _,
            story: _,
            created_at,
        } = invitation;
        let version_name = survey_version.map(|(survey, number)| survey::version_name(survey, number));
        Self {
            name: name(*id),
            programme: programme::name(*programme),
            customer: format_name("customers", *customer),
            subject: subject.clone(),
            survey_version: version_name.unwrap_or_default(),
            state: StateMessage::from(*state).into(),
            suppress_reason: suppress_reason
                .map_or(SuppressReasonMessage::Unspecified, SuppressReasonMessage::from)
                .into(),
            staff_member: staff_member.map(|id| format_name("staffMembers", id)).unwrap_or_default(),
            inclusion_probability: *inclusion_probability,
            language: language.as_ref().map(|language| language.as_str().to_owned()).unwrap_or_default(),
            next_eligible_time: next_eligible_at.map(proto_timestamp),
            decide_time: Some(proto_timestamp(*decide_at)),
            send_time: sent_at.map(proto_timestamp),
            expire_time: expire_at.map(proto_timestamp),
            create_time: Some(proto_timestamp(*created_at)),
            response: response.map(response::name).unwrap_or_default(),
        }
    }
}

/// The event of a change: the invitation after it.
pub fn event_of(change: &Change) -> NewEvent {
    let Change { after, happening, at, story } = change;
    let trigger = seva_proto::surveys::v1::programme::Trigger::from(after.trigger).into();
    let payload = InvitationEvent { invitation: Some(after.into()), trigger };
    NewEvent::new(happening.event_kind(), name(after.id), after.version, *at, story.clone(), &payload)
}
