//! What a ticket is about, and words that are taken back.

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{RedactMessageResponse, UpdateTicketResponse},
};
use seva_runtime::{Error, Violations, Write};
use seva_store::idempotency::{once, remember};
use seva_values::Invalid;

use super::{
    super::{
        convert::message_to_proto,
        model::{Change, Ticket, Update, Words},
        store,
    },
    Commands, Edit, RedactMessage, UpdateTicket,
};
use crate::{
    custom_field::{self, model::Required},
    inbound,
    message::{self, Message},
    policy::{Matched, Targets},
    roster,
};

impl Commands {
    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateTicket) -> Result<UpdateTicketResponse, Error> {
        let UpdateTicket { id, etag, edit } = command;
        let decide = |ticket: Ticket, now| {
            let edit = edit.clone();
            async move { self.decide_update(&ticket, edit, now).await }
        };
        let answer = |change: &Change| UpdateTicketResponse { ticket: Some((&change.ticket).into()) };
        self.change(write, id, etag, decide, answer).await
    }

    /// What other fields make of a ticket.
    pub(crate) async fn decide_update(&self, ticket: &Ticket, edit: Edit, now: Timestamp) -> Result<Change, Error> {
        let Edit { title, kind, priority, tags, fields } = edit;
        let schema = custom_field::store::schema(self.db.calls()).await?;
        let kind = match kind {
            Some(kind) => {
                let department = roster::store::department_of_kind(self.db.calls(), kind).await?;
                Some((kind, department.map(|(id, _)| id)))
            }
            None => None,
        };
        let targets = match (kind, priority) {
            (None, None) => ticket.targets,
            _ => self.targets_of(ticket, kind, priority).await?,
        };
        ticket.update(Update { title, kind, priority, tags, fields }, targets, &schema, now)
    }

    /// Under the version of the policy, and in the tier, that held when it was opened.
    async fn targets_of(
        &self,
        ticket: &Ticket,
        kind: Option<(crate::ticket::Kind, Option<uuid::Uuid>)>,
        priority: Option<crate::ticket::Priority>,
    ) -> Result<Targets, Error> {
        let policy = self.policies.of_ticket(ticket).await?;
        let (kind, department) = match kind {
            Some((kind, department)) => (kind, department),
            None => (ticket.kind, ticket.department),
        };
        let priority = priority.unwrap_or(ticket.priority);
        Ok(policy.targets(&Matched { kind, department, tier: ticket.tier, priority }))
    }

    /// Whether the values of a new ticket fit its kind, and what a person has to give at its opening is there (TK13).
    pub(super) async fn fields_are_given(&self, ticket: &Ticket) -> Result<(), Error> {
        let schema = custom_field::store::schema(self.db.calls()).await?;
        let mut violations = Violations::default();
        for (key, fault) in schema.faults(ticket.kind, &ticket.fields, &custom_field::Values::default()) {
            violations.add(format!("ticket.fields[{key}]"), fault);
        }
        for key in schema.missing(ticket.kind, &ticket.fields, Required::ToOpen) {
            violations.add(format!("ticket.fields[{key}]"), Invalid::new("FIELD_REQUIRED", "is required"));
        }
        violations.finish(Some(()))
    }

    /// Takes the words of a message back, also where tickets show them as their title or problem.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK6) when that was done before.
    pub async fn redact(&self, write: &Write, command: RedactMessage) -> Result<RedactMessageResponse, Error> {
        let RedactMessage { ticket: id, message, reason } = command;
        once(&self.db, write, async {
            let name = crate::ticket::convert::message_name(id, message);
            let found = message::store::find(&self.db, id, message).await?;
            let found = found.ok_or_else(|| Error::not_found(name.clone()))?;
            let now = self.clock.now();
            let mut transaction = self.db.begin().await?;
            // Tickets that follow this one have its title.
            let ids = store::followed_by(&mut transaction, id).await?;
            let tickets = store::lock(&mut transaction, &ids).await?;
            let words = Words { text: found.text.clone(), title: inbound::title_of(&mut transaction, message).await? };
            if !message::store::redact(&mut transaction, message, now).await? {
                let why = "its words were not taken back before";
                return Err(Error::precondition(ErrorReason::StateForbids, "TK6", name, why));
            }
            let own = |ticket: &Ticket| (ticket.id == id).then_some(message);
            let changes: Vec<Change> =
                tickets.iter().filter_map(|ticket| ticket.redact(own(ticket), &words, now)).collect();
            store::save_for(&mut transaction, write, &changes, Some(&reason)).await?;
            store::take_back_problems(&mut transaction, &changes).await?;
            let change = changes.into_iter().find(|change| change.ticket.id == id);
            let change = change.ok_or_else(|| Error::not_found(name.clone()))?;
            let tombstone =
                Message { text: String::new(), attachments: Vec::new(), redacted_at: Some(now), ..found.clone() };
            let response = RedactMessageResponse {
                message: Some(message_to_proto(&change.ticket, &tombstone)),
                ticket: Some((&change.ticket).into()),
            };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }
}
