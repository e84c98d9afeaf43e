//! All SQL of returns. Everybody locks tickets before returns, and orders and invoices last.

use jiff::Timestamp;
use prost::Message as _;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{format_name, new_id};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    convert::event_of,
    kinds::{Condition, Outcome, State, Way},
    model::{Appeal, COLLECTION, Change, Decision, Item, ReturnCase},
};
use crate::compensation::model::Grant;

/// Every list of returns begins so.
pub const SELECT: &str = "select * from return_case";

/// A return as the database holds it.
#[derive(sqlx::FromRow)]
pub struct ReturnRow {
    pub id: Uuid,
    version: i64,
    ticket_id: Uuid,
    customer_id: Uuid,
    order_id: Uuid,
    order_number: String,
    items: Json<Vec<Item>>,
    wish: String,
    reason: String,
    state: String,
    reviewer: Option<Uuid>,
    outcome: Option<String>,
    decision_reason: Option<String>,
    handbook_rule: Option<String>,
    is_exception: Option<bool>,
    decider: Option<Uuid>,
    decided_at: Option<jiff_sqlx::Timestamp>,
    first_decider: Option<Uuid>,
    appeal_reason: Option<String>,
    tracking_number: Option<String>,
    condition: Option<String>,
    inspection_note: Option<String>,
    settlement: Option<String>,
    grant_id: Option<Uuid>,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    settled_at: Option<jiff_sqlx::Timestamp>,
}

/// One return.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<ReturnCase, Error> {
    let row = sqlx::query_as!(
        ReturnRow,
        r#"select id, version, ticket_id, customer_id, order_id, order_number, items as "items: Json<Vec<Item>>", wish, reason, state,
                  reviewer, outcome, decision_reason, handbook_rule, is_exception, decider, decided_at, first_decider, appeal_reason,
                  tracking_number, condition, inspection_note, settlement, grant_id, created_at, updated_at, settled_at
           from return_case where id = $1"#,
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// Locks a return; its ticket, or the one that carries that on, is locked.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<ReturnCase, Fault> {
    let row = sqlx::query_as!(
        ReturnRow,
        r#"select id, version, ticket_id, customer_id, order_id, order_number, items as "items: Json<Vec<Item>>", wish, reason, state,
                  reviewer, outcome, decision_reason, handbook_rule, is_exception, decider, decided_at, first_decider, appeal_reason,
                  tracking_number, condition, inspection_note, settlement, grant_id, created_at, updated_at, settled_at
           from return_case where id = $1 for update"#,
        id
    );
    let row = row.fetch_optional(connection).await?;
    Ok(row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()?)
}

/// Records a new return with what the customer is told, its event, its audit row and the answer; its ticket is locked.
///
/// # Errors
/// `STATE_FORBIDS` for a ticket that is resolved or over (TK78).
pub async fn insert(
    connection: &mut PgConnection,
    write: &Write,
    change: &Change,
    response: &impl prost::Message,
) -> Result<(), Fault> {
    let (case, notice) = (&change.case, change.notice());
    sqlx::query!(
        r#"with created as (
               insert into return_case (
                   id, version, ticket_id, customer_id, order_id, order_number, items, wish, reason, state, created_at, updated_at
               )
               values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
               returning ticket_id
           ), told as (
               insert into message (ticket_id, id, visibility, author, author_id, medium, text, created_at)
               select ticket_id, $11, $12, $13, null, $14, $15, $10 from created
           )
           select seva.emit($16, $17, $18, $19, 1, $10, $20), seva.note($16, $19, '{*}'), seva.remember($16, $21)
           from created"#,
        case.id,
        case.ticket,
        case.customer,
        case.order,
        case.order_number,
        Json(&case.items) as _,
        case.wish.name(),
        case.reason,
        case.state.name(),
        jiff_sqlx::Timestamp::from(case.created_at) as _,
        notice.id,
        notice.visibility.name(),
        notice.author.name(),
        notice.medium.name(),
        notice.text,
        context::of(write),
        new_id(),
        change.act.event_kind(),
        case.name(),
        event_of(case).encode_to_vec(),
        response.encode_to_vec(),
    )
    .fetch_one(connection)
    .await
    .map_err(|error| refusal(case.ticket, error.into()))?;
    Ok(())
}

/// Saves what has become of a locked return with what the customer is told, its event, its audit row and the answer. The customer is told on the
/// ticket that carries on that of the return; both are locked (TK53).
///
/// # Errors
/// `STATE_FORBIDS` for one that is looked at again while that ticket is resolved or over (TK78).
pub async fn update(
    connection: &mut PgConnection,
    write: &Write,
    change: &Change,
    carrier: Uuid,
    response: &impl prost::Message,
) -> Result<(), Fault> {
    let (case, notice) = (&change.case, change.notice());
    let decision = case.decision.as_ref();
    sqlx::query!(
        r#"with updated as (
               update return_case
               set version = $2, items = $3, state = $4, reviewer = $5, outcome = $6, decision_reason = $7, handbook_rule = $8,
                   is_exception = $9, decider = $10, decided_at = $11, first_decider = $12, appeal_reason = $13, tracking_number = $14,
                   condition = $15, inspection_note = $16, settlement = $17, grant_id = $18, updated_at = $19, settled_at = $20
               where id = $1 and version = $2::bigint - 1
               returning ticket_id
           ), told as (
               insert into message (ticket_id, id, visibility, author, author_id, medium, text, created_at)
               select $32, $21, $22, $23, null, $24, $25, $19 from updated
           ), redirected as (
               insert into message_redirect (message_id, source_id) select $21, ticket_id from updated where ticket_id <> $32
           )
           select seva.emit($26, $27, $28, $29, $2, $19, $30), seva.note($26, $29, '{state}'), seva.remember($26, $31)
           from updated"#,
        case.id,
        case.version,
        Json(&case.items) as _,
        case.state.name(),
        case.reviewer,
        decision.map(|decision| Outcome::name(decision.outcome)),
        decision.map(|decision| decision.reason.as_str()),
        decision.map(|decision| decision.handbook_rule.as_str()),
        decision.map(|decision| decision.is_exception),
        decision.map(|decision| decision.decider),
        decision.map(|decision| jiff_sqlx::Timestamp::from(decision.at)) as _,
        case.appeal.as_ref().map(|appeal| appeal.first_decider),
        case.appeal.as_ref().map(|appeal| appeal.reason.as_str()),
        case.tracking_number,
        case.condition.map(Condition::name),
        case.inspection_note,
        case.settlement.map(Way::name),
        case.grant,
        jiff_sqlx::Timestamp::from(case.updated_at) as _,
        case.settled_at.map(jiff_sqlx::Timestamp::from) as _,
        notice.id,
        notice.visibility.name(),
        notice.author.name(),
        notice.medium.name(),
        notice.text,
        context::of(write),
        new_id(),
        change.act.event_kind(),
        case.name(),
        event_of(case).encode_to_vec(),
        response.encode_to_vec(),
        carrier,
    )
    .fetch_one(connection)
    .await
    .map_err(|error| refusal(carrier, error.into()))?;
    Ok(())
}

/// Takes over what billing says of the grant that settles a return; the grant's ticket, which carries on that of the return, is locked. A reversal
/// is an affair of its own.
///
/// # Errors
/// When a statement fails.
pub async fn confirm(
    connection: &mut PgConnection,
    write: &Write,
    id: Uuid,
    grant: &Grant,
    now: Timestamp,
) -> Result<(), Fault> {
    let case = lock(&mut *connection, id).await?;
    match case.confirmed(grant.id, grant.settled_at.is_some(), now) {
        Some(change) => update(connection, write, &change, grant.ticket, &()).await,
        None => Ok(()),
    }
}

/// What violated constraints mean to a caller.
fn refusal(ticket: Uuid, fault: Fault) -> Fault {
    if !fault.violates("ticket_without_open_work") {
        return fault;
    }
    let why = "the ticket is neither resolved nor over: reopen it first, or name the one that carries it on";
    Error::precondition(ErrorReason::StateForbids, "TK78", format_name("tickets", ticket), why).into()
}

impl TryFrom<ReturnRow> for ReturnCase {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: ReturnRow) -> Result<Self, Error> {
        let ReturnRow {
            id,
            version,
            ticket_id,
            customer_id,
            order_id,
            order_number,
            items,
            wish,
            reason,
            state,
            reviewer,
            outcome,
            decision_reason,
            handbook_rule,
            is_exception,
            decider,
            decided_at,
            first_decider,
            appeal_reason,
            tracking_number,
            condition,
            inspection_note,
            settlement,
            grant_id,
            created_at,
            updated_at,
            settled_at,
        } = row;
        // All of a decision is there, or nothing of it (TK74).
        let decision = match (outcome, decision_reason, handbook_rule, is_exception, decider, decided_at) {
            (Some(outcome), Some(reason), Some(handbook_rule), Some(is_exception), Some(decider), Some(at)) => {
                let outcome = Outcome::from_name(&outcome)?;
                Some(Decision { outcome, reason, handbook_rule, is_exception, decider, at: at.to_jiff() })
            }
            _ => None,
        };
        let appeal = first_decider.zip(appeal_reason).map(|(first_decider, reason)| Appeal { first_decider, reason });
        Ok(Self {
            id,
            version,
            ticket: ticket_id,
            customer: customer_id,
            order: order_id,
            order_number,
            items: items.0,
            wish: Way::from_name(&wish)?,
            reason,
            state: State::from_name(&state)?,
            reviewer,
            decision,
            appeal,
            tracking_number,
            condition: condition.as_deref().map(Condition::from_name).transpose()?,
            inspection_note,
            settlement: settlement.as_deref().map(Way::from_name).transpose()?,
            grant: grant_id,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            settled_at: settled_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
