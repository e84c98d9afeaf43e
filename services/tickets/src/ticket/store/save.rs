//! Writes of one ticket by a call: the ticket, what was said, its clocks, the event, the audit row and the answer, in one statement.

use prost::Message as _;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write, telemetry};
use seva_store::{Database, Fault, context};
use seva_values::new_id;
use sqlx::{PgExecutor, types::Json};
use tonic::Code;
use uuid::Uuid;

use super::super::{
    convert::event_of,
    model::{Change, Ticket},
};
use crate::{
    message::{Attachment, Message},
    participant,
    routing::{Unavailable, WaitReason},
    ticket::{CancelReason, Cause, Closure, state::Unverified},
};

const OPEN_WORK: &str = "its promises, hand-offs, returns and grants are over";

/// Records a new ticket.
///
/// # Errors
/// `MATTER_HAS_TICKET`.
pub async fn insert(
    db: &Database,
    write: &Write,
    change: &Change,
    response: &impl prost::Message,
) -> Result<(), Error> {
    db.write(insert_on(db.calls(), write, change, response)).await.map_err(refusal)
}

/// As [`insert`], of a ticket that follows this one: customers who took part in that take part in it (TK15).
///
/// # Errors
/// `MATTER_HAS_TICKET`.
pub async fn insert_following(
    db: &Database,
    write: &Write,
    change: &Change,
    followed: Uuid,
    response: &impl prost::Message,
) -> Result<(), Error> {
    let mut transaction = db.begin().await?;
    insert_on(&mut *transaction, write, change, response).await.map_err(|error| refusal(error.into()))?;
    participant::store::take_over(&mut transaction, change.ticket.id, followed, change.ticket.created_at).await?;
    Ok(db.commit(transaction).await?)
}

/// As [`insert`], inside a transaction.
pub async fn insert_on(
    executor: impl PgExecutor<'_>,
    write: &Write,
    change: &Change,
    response: &impl prost::Message,
) -> Result<(), sqlx::Error> {
    let ticket = &change.ticket;
    let matter = ticket.matter.as_ref();
    let insert = sqlx::query!(
        r#"with created as (
               insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, matter_kind,
                                   matter_subject, matter_version, department, route_at, language, follow_up_of,
                                   correlation_id, causation_id, hops, traceparent, created_at, updated_at, next_due_at, tier, targets,
                                   tags, fields, weight)
               values ($1, 1, $2, $3, $4, $5, 'new', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $12, $12, $32,
                       $33, $34, $35, $36, $37)
               returning id
           ), said as (
               insert into message (ticket_id, id, visibility, author, author_id, medium, text, created_at)
               select created.id, m.id, m.visibility, m.author, m.author_id, m.medium, m.text, $12
               from created, unnest($19::uuid[], $20::text[], $21::text[], $22::uuid[], $23::text[], $24::text[])
                    as m (id, visibility, author, author_id, medium, text)
           )
           select save_clocks(array[created.id], array[$25::jsonb]), seva.emit($26, $27, $28, $29, 1, $12, $30), seva.note($26, $29, '{*}'),
                  seva.remember($26, $31)
           from created"#,
        ticket.id,
        ticket.number,
        ticket.customer,
        ticket.kind.name(),
        ticket.priority.name(),
        ticket.title,
        ticket.stated_problem,
        matter.map(|matter| matter.kind.as_str()),
        matter.map(|matter| matter.subject.as_str()),
        matter.map(|matter| matter.version.as_str()),
        ticket.department,
        jiff_sqlx::Timestamp::from(ticket.created_at) as _,
        ticket.language.as_str(),
        ticket.follow_up_of,
        ticket.story.correlation_id,
        ticket.story.causation_id,
        ticket.story.hops,
        ticket.story.traceparent,
        &said(change, |message| message.id),
        &said(change, |message| message.visibility.name()) as _,
        &said(change, |message| message.author.name()) as _,
        &said(change, |message| message.author_id) as _,
        &said(change, |message| message.medium.name()) as _,
        &said(change, |message| message.text.clone()),
        ticket.clocks.writes() as _,
        context_of(write, ticket),
        new_id(),
        change.act.event_kind(),
        ticket.name(),
        event_of(change).encode_to_vec(),
        response.encode_to_vec(),
        ticket.clocks.next_due().map(jiff_sqlx::Timestamp::from) as _,
        ticket.tier.name(),
        Json(ticket.targets) as _,
        &ticket.tags,
        Json(&ticket.fields) as _,
        ticket.targets.weight,
    );
    insert.fetch_one(executor).await?;
    Ok(())
}

/// Saves a changed ticket; `false` when another write came first.
///
/// # Errors
/// `STAFF_MEMBER_UNAVAILABLE` for an assignee without a free place, `MATTER_HAS_TICKET` for one that is opened again.
pub async fn update(
    db: &Database,
    write: &Write,
    change: &Change,
    response: &impl prost::Message,
) -> Result<bool, Error> {
    change.tells_what_has_passed();
    let ticket = &change.ticket;
    let changed: Vec<String> = change.changed.iter().map(|&field| field.to_owned()).collect();
    let root = ticket.root_problem.as_ref();
    let update = sqlx::query!(
        // While it waits its schedule is routing's, too, which writes it without a version: what was read before may be older, and of both the
        // earlier one holds.
        r#"with updated as (
               update ticket
               set version = $2, priority = $3, state = $4, title = $5, root_cause = $6, root_description = $7, department = $8,
                   assignee = $9, over_limits = $10, wait_reason = $11,
                   route_at = case when state = 'new' and $4::text = 'new' then least(route_at, $12) else $12 end,
                   resolver = $13, reopen_count = $14,
                   resolution = $15, verification_attempts = $16, verification_due_at = $17, answered_resolution = $18,
                   answered_solved = $19, closure = $20, cancel_reason = $21, updated_at = $22, resolved_at = $23, closed_at = $24,
                   next_due_at = $39, targets = $40, wait_until = $41, wait_party = $42, merged_into = $43, merged_at = $44,
                   kind = $45, tags = $46, fields = $47, root_rule = $48, return_due_at = $54, returned_from = $55, return_count = $56, weight = $57,
                   verification = $58, verification_call_from = $59, unverified_reason = $60
               where id = $1 and version = $2::bigint - 1
               returning id
           ), said as (
               insert into message (ticket_id, id, visibility, author, author_id, medium, text, created_at, told_as)
               select updated.id, m.id, m.visibility, m.author, m.author_id, m.medium, m.text, $22, m.told_as
               from updated, unnest($25::uuid[], $26::text[], $27::text[], $28::uuid[], $29::text[], $30::text[], $61::text[])
                    as m (id, visibility, author, author_id, medium, text, told_as)
           ), attached as (
               insert into attachment (ticket_id, message_id, number, file_name, media_type, size_bytes, sha256, url)
               select updated.id, ($25::uuid[])[1], a.number, a.file_name, a.media_type, a.size_bytes, a.sha256, a.url
               from updated, unnest($49::text[], $50::text[], $51::bigint[], $52::bytea[], $53::text[]) with ordinality
                    as a (file_name, media_type, size_bytes, sha256, url, number)
           )
           select save_clocks(array[updated.id], array[$31::jsonb]), seva.emit($32, $33, $34, $35, $2, $22, $36), seva.note($32, $35, $37),
                  seva.remember($32, $38)
           from updated"#,
        ticket.id,
        ticket.version,
        ticket.priority.name(),
        ticket.state.name(),
        ticket.title,
        root.map(|root| Cause::name(root.cause)),
        root.map(|root| root.description.as_str()),
        ticket.department,
        ticket.assignee,
        ticket.over_limits,
        ticket.wait_reason.map(WaitReason::name),
        ticket.route_at.map(jiff_sqlx::Timestamp::from) as _,
        ticket.resolver,
        ticket.reopen_count,
        ticket.resolution,
        ticket.verification_attempts,
        ticket.verification_due_at.map(jiff_sqlx::Timestamp::from) as _,
        ticket.answered.map(|(resolution, _)| resolution),
        ticket.answered.map(|(_, solved)| solved),
        ticket.closure.map(Closure::name),
        ticket.cancel_reason.map(CancelReason::name),
        jiff_sqlx::Timestamp::from(ticket.updated_at) as _,
        ticket.resolved_at.map(jiff_sqlx::Timestamp::from) as _,
        ticket.closed_at.map(jiff_sqlx::Timestamp::from) as _,
        &said(change, |message| message.id),
        &said(change, |message| message.visibility.name()) as _,
        &said(change, |message| message.author.name()) as _,
        &said(change, |message| message.author_id) as _,
        &said(change, |message| message.medium.name()) as _,
        &said(change, |message| message.text.clone()),
        ticket.clocks.writes() as _,
        context_of(write, ticket),
        new_id(),
        change.act.event_kind(),
        ticket.name(),
        event_of(change).encode_to_vec(),
        &changed,
        response.encode_to_vec(),
        ticket.clocks.next_due().map(jiff_sqlx::Timestamp::from) as _,
        Json(ticket.targets) as _,
        ticket.wait_until.map(jiff_sqlx::Timestamp::from) as _,
        ticket.wait_party,
        ticket.merged_into.map(|(target, _)| target),
        ticket.merged_into.map(|(_, at)| jiff_sqlx::Timestamp::from(at)) as _,
        ticket.kind.name(),
        &ticket.tags,
        Json(&ticket.fields) as _,
        root.and_then(|root| root.rule.as_deref()),
        &attached(change, |attachment| attachment.file_name.clone()),
        &attached(change, |attachment| attachment.media_type.clone()),
        &attached(change, |attachment| attachment.size_bytes),
        &attached(change, |attachment| attachment.sha256.to_vec()),
        &attached(change, |attachment| attachment.url.clone()),
        ticket.return_due_at.map(jiff_sqlx::Timestamp::from) as _,
        ticket.returned_from,
        ticket.return_count,
        ticket.targets.weight,
        Json(&ticket.verification) as _,
        ticket.call_from.map(jiff_sqlx::Timestamp::from) as _,
        ticket.unverified.map(Unverified::name),
        &said(change, |_| change.told_as()) as _,
    );
    let saved = db.write(update.fetch_optional(db.calls())).await.map_err(refusal)?;
    Ok(saved.is_some())
}

/// What was said with a change, by column: none or one.
fn said<T>(change: &Change, of: impl Fn(&Message) -> T) -> Vec<T> {
    change.message.iter().map(of).collect()
}

/// What was attached to what was said, by column.
fn attached<T>(change: &Change, of: impl Fn(&Attachment) -> T) -> Vec<T> {
    change.message.iter().flat_map(|message| &message.attachments).map(of).collect()
}

/// What happens to a ticket is told as part of its story, whoever does it: under the story's name, and in a trace that is linked to its own.
pub(crate) fn context_of(write: &Write, ticket: &Ticket) -> serde_json::Value {
    context::of(&told_with(write, ticket))
}

/// The write as part of a ticket's story.
pub(crate) fn told_with(write: &Write, ticket: &Ticket) -> Write {
    if let Some(opening) =
        ticket.story.traceparent.as_deref().filter(|_| ticket.story.traceparent != write.story.traceparent)
    {
        telemetry::link(&tracing::Span::current(), opening);
    }
    let mut write = write.clone();
    write.story.correlation_id.clone_from(&ticket.story.correlation_id);
    write
}

/// What violated constraints mean to a caller.
pub(crate) fn refusal(fault: Fault) -> Error {
    if fault.violates("ticket_matter_open") {
        let message = "the matter has a ticket that is not over";
        return Error::new(Code::AlreadyExists, ErrorReason::MatterHasTicket, message).with_precondition(
            "TK7",
            "matter",
            "the matter's ticket is over: until then it is answered there",
        );
    }
    if fault.violates("staff_member_place_free") {
        return unavailable(Unavailable::NoFreePlace);
    }
    if fault.violates("ticket_without_open_work") {
        // It came between the look and the write: the same as the model's own refusal.
        return Error::precondition(ErrorReason::StateForbids, "TK11", "ticket", OPEN_WORK);
    }
    fault.into()
}

/// The refusal of an assignee.
pub fn unavailable(why: Unavailable) -> Error {
    Error::precondition(ErrorReason::StaffMemberUnavailable, "TK2", "assignee", why.description())
}
