//! All SQL of invitations: reading here, occasions and changes in [`changes`], what is due in [`due`].

mod changes;
mod due;

pub use changes::{insert_held, lock_held_about, save};
pub use due::{Schedule, claim, held_of, next_due, wait, wait_for_end};

use std::collections::HashMap;

use seva_runtime::{Error, call::Story};
use seva_store::{Database, Fault};
use seva_values::Language;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::name,
    model::Invitation,
    state::{State, SuppressReason},
};
use crate::{programme::Trigger, stored::malformed};

/// Every list begins so.
pub const SELECT: &str = "select * from invitation";

/// An invitation as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct InvitationRow {
    pub id: Uuid,
    version: i64,
    programme_id: Uuid,
    trigger: String,
    customer_id: Uuid,
    subject: String,
    triggered_by: i64,
    survey_id: Option<Uuid>,
    survey_number: Option<i32>,
    state: String,
    suppress_reason: Option<String>,
    staff_member_id: Option<Uuid>,
    inclusion_probability: f64,
    from_low_score: bool,
    language: Option<String>,
    next_eligible_at: Option<jiff_sqlx::Timestamp>,
    decide_at: jiff_sqlx::Timestamp,
    sent_at: Option<jiff_sqlx::Timestamp>,
    expire_at: Option<jiff_sqlx::Timestamp>,
    link_generation: i32,
    response_id: Option<Uuid>,
    revision: i32,
    due_at: Option<jiff_sqlx::Timestamp>,
    #[expect(dead_code, reason = "claims look at it, in SQL")]
    leased_until: Option<jiff_sqlx::Timestamp>,
    correlation_id: String,
    causation_id: String,
    hops: i16,
    traceparent: Option<String>,
    pub created_at: jiff_sqlx::Timestamp,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = Fault;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: InvitationRow) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            version: row.version,
            programme: row.programme_id,
            trigger: Trigger::from_name(&row.trigger)?,
            customer: row.customer_id,
            subject: row.subject,
            triggered_by: row.triggered_by,
            survey_version: row.survey_id.zip(row.survey_number),
            state: State::from_name(&row.state)?,
            suppress_reason: row.suppress_reason.as_deref().map(SuppressReason::from_name).transpose()?,
            staff_member: row.staff_member_id,
            inclusion_probability: row.inclusion_probability,
            from_low_score: row.from_low_score,
            language: row.language.as_deref().map(Language::parse).transpose().map_err(malformed)?,
            next_eligible_at: row.next_eligible_at.map(jiff_sqlx::Timestamp::to_jiff),
            decide_at: row.decide_at.to_jiff(),
            sent_at: row.sent_at.map(jiff_sqlx::Timestamp::to_jiff),
            expire_at: row.expire_at.map(jiff_sqlx::Timestamp::to_jiff),
            link_generation: u32::try_from(row.link_generation).map_err(Error::internal)?,
            response: row.response_id,
            revision: row.revision,
            due_at: row.due_at.map(jiff_sqlx::Timestamp::to_jiff),
            story: Story {
                correlation_id: row.correlation_id,
                causation_id: row.causation_id,
                hops: row.hops,
                traceparent: row.traceparent,
            },
            created_at: row.created_at.to_jiff(),
        })
    }
}

fn read(rows: Vec<InvitationRow>) -> Result<Vec<Invitation>, Fault> {
    rows.into_iter().map(Invitation::try_from).collect()
}

/// One invitation.
pub async fn load(db: &Database, id: Uuid) -> Result<Invitation, Error> {
    find(db.calls(), &[id]).await?.remove(&id).ok_or_else(|| Error::not_found(name(id)))
}

/// These invitations, as far as there are any.
pub async fn find(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Invitation>, Fault> {
    let rows = sqlx::query_as!(InvitationRow, "select * from invitation where id = any($1)", ids);
    let invitations = read(rows.fetch_all(executor).await?)?;
    Ok(invitations.into_iter().map(|invitation| (invitation.id, invitation)).collect())
}

/// Locks these invitations for the rest of the transaction, in one order for all.
pub async fn lock(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Invitation>, Fault> {
    let rows =
        sqlx::query_as!(InvitationRow, "select * from invitation where id = any($1) order by id for update", ids);
    read(rows.fetch_all(connection).await?)
}
