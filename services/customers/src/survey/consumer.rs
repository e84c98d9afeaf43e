//! From the feed of the surveys service: each invitation in its newest state, each answer's newest score (CU24), and in the timeline that a
//! customer was asked, was not asked, and has answered.

use std::sync::Arc;

use async_trait::async_trait;
use seva_proto::surveys::v1::{Invitation, InvitationEvent, ResponseEvent};
use seva_runtime::Error;
use seva_store::{Event, Fault, consumer::Handler, event::timestamp};
use seva_values::{Invalid, parse_name};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::COLLECTION,
    store::{ToldInvitation, ToldResponse, save_invitations, save_responses},
};
use crate::{
    customer::convert::COLLECTION as CUSTOMERS,
    newest::newest,
    progress,
    timeline::{
        details, lower_name,
        store::{Kind, NewEntry, enter_once},
    },
};

/// Whose feed it is.
const SOURCE: &str = "//surveys";
/// Beginnings of the types that it reads.
const INVITATIONS: &str = "seva.surveys.invitation.";
const RESPONSES: &str = "seva.surveys.response.";
/// What is a line of the timeline. That an invitation waits, was begun or has ended unanswered happens to nobody but us; its state tells it.
const LINES: [&str; 4] = ["sent", "completed", "suppressed", "undeliverable"];

/// Keeps what customers were asked, as it is told.
#[derive(Debug, Clone, Copy)]
pub struct Surveys;

#[async_trait]
impl Handler for Surveys {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let (mut invitations, mut responses, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            if let Some(happening) = word(event, INVITATIONS) {
                let payload = invitation_of(event)?;
                let invitation = told_invitation(event, &payload)?;
                if LINES.contains(&happening) {
                    lines.push(line(event, &invitation, &payload));
                }
                invitations.push(invitation);
            } else if word(event, RESPONSES).is_some() {
                responses.push(told_response(event)?);
            }
        }
        save_invitations(transaction, &newest(invitations, |told| (told.id, told.sequence))).await?;
        save_responses(transaction, &newest(responses, |told| (told.invitation_id, told.sequence))).await?;
        enter_once(transaction, Kind::Survey, &lines).await?;
        progress::note(transaction, SOURCE, events).await
    }
}

/// What happened: `sent` of `seva.surveys.invitation.sent.v1`.
fn word<'e>(event: &'e Event, types: &str) -> Option<&'e str> {
    event.kind.strip_prefix(types)?.strip_suffix(".v1")
}

fn id_in(field: &'static str, collection: &str, name: &str) -> Result<Uuid, Error> {
    parse_name(collection, name).map_err(|invalid| Error::invalid_field(field, invalid))
}

fn invitation_of(event: &Event) -> Result<Invitation, Error> {
    let InvitationEvent { invitation, trigger: _ } = event.payload()?;
    invitation.ok_or_else(|| {
        Error::invalid_field("invitation", Invalid::new("FIELD_REQUIRED", "an invitation's event tells it"))
    })
}

fn told_invitation(event: &Event, invitation: &Invitation) -> Result<ToldInvitation, Error> {
    Ok(ToldInvitation {
        id: id_in("invitation.name", COLLECTION, &invitation.name)?,
        customer_id: id_in("invitation.customer", CUSTOMERS, &invitation.customer)?,
        sequence: event.sequence,
        subject: invitation.subject.clone(),
        state: invitation.state,
        suppress_reason: invitation.suppress_reason,
        created_at: timestamp(invitation.create_time).unwrap_or(event.occurred_at),
        updated_at: event.occurred_at,
    })
}

/// Of several scores the first question's counts: it is the one that the survey is for.
fn told_response(event: &Event) -> Result<ToldResponse, Error> {
    let response: ResponseEvent = event.payload()?;
    Ok(ToldResponse {
        invitation_id: id_in("invitation", COLLECTION, &response.invitation)?,
        customer_id: id_in("customer", CUSTOMERS, &response.customer)?,
        sequence: event.sequence,
        score: response.scores.iter().find_map(|score| score.score),
    })
}

fn line(event: &Event, told: &ToldInvitation, invitation: &Invitation) -> NewEntry {
    NewEntry {
        customer_id: told.customer_id,
        occurred_at: event.occurred_at,
        event_id: event.event_id,
        subject: invitation.name.clone(),
        r#type: event.kind.clone(),
        label: String::new(),
        details: details([
            ("state", lower_name(invitation.state().as_str_name(), "STATE_")),
            ("reason", lower_name(invitation.suppress_reason().as_str_name(), "SUPPRESS_REASON_")),
            ("about", invitation.subject.clone()),
            ("programme", invitation.programme.clone()),
            ("response", invitation.response.clone()),
        ]),
        sequence: event.sequence,
    }
}
