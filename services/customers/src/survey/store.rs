//! All SQL of what customers were asked.

use jiff::Timestamp;
use seva_store::{
    Fault,
    paging::{Keyed, Order, SortKey},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// Every read of invitations with their scores begins so.
pub const SELECT: &str =
    "select id, subject, state, suppress_reason, score, created_at, updated_at from customer_survey";

/// An invitation as the database holds it, with the score of its answer; enums as the contract numbers them.
#[derive(Debug, sqlx::FromRow)]
pub struct SurveyRow {
    pub id: Uuid,
    pub subject: String,
    pub state: i32,
    pub suppress_reason: i32,
    pub score: Option<i32>,
    pub created_at: jiff_sqlx::Timestamp,
    pub updated_at: jiff_sqlx::Timestamp,
}

impl Keyed for SurveyRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// An invitation as an event tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldInvitation {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub sequence: i64,
    pub subject: String,
    pub state: i32,
    pub suppress_reason: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An answer as an event tells it: one each invitation.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldResponse {
    pub invitation_id: Uuid,
    pub customer_id: Uuid,
    pub sequence: i64,
    pub score: Option<i32>,
}

/// Keeps invitations as they were told; what is not newer than what is known is passed over (CU24), and so is a customer who is not known here.
/// No invitation may come twice.
pub async fn save_invitations(connection: &mut PgConnection, invitations: &[ToldInvitation]) -> Result<(), Fault> {
    if invitations.is_empty() {
        return Ok(());
    }
    let times = |value: fn(&ToldInvitation) -> Timestamp| {
        invitations.iter().map(|told| jiff_sqlx::Timestamp::from(value(told))).collect::<Vec<_>>()
    };
    sqlx::query!(
        "insert into customer_invitation as t
                (id, customer_id, sequence, subject, state, suppress_reason, created_at, updated_at)
         select g.id, g.customer_id, g.sequence, g.subject, g.state, g.suppress_reason, g.created_at, g.updated_at
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::int[], $6::int[], $7::timestamptz[], $8::timestamptz[])
              as g (id, customer_id, sequence, subject, state, suppress_reason, created_at, updated_at)
         where exists (select from customer c where c.id = g.customer_id)
         on conflict on constraint customer_invitation_pkey do update
         set sequence = excluded.sequence, subject = excluded.subject, state = excluded.state,
             suppress_reason = excluded.suppress_reason, updated_at = excluded.updated_at
         where excluded.sequence > t.sequence",
        &invitations.iter().map(|told| told.id).collect::<Vec<_>>(),
        &invitations.iter().map(|told| told.customer_id).collect::<Vec<_>>(),
        &invitations.iter().map(|told| told.sequence).collect::<Vec<_>>(),
        &invitations.iter().map(|told| told.subject.as_str()).collect::<Vec<_>>() as _,
        &invitations.iter().map(|told| told.state).collect::<Vec<_>>(),
        &invitations.iter().map(|told| told.suppress_reason).collect::<Vec<_>>(),
        &times(|told| told.created_at) as _,
        &times(|told| told.updated_at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the scores of answers as they were told, as [`save_invitations`] does invitations.
pub async fn save_responses(connection: &mut PgConnection, responses: &[ToldResponse]) -> Result<(), Fault> {
    if responses.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into customer_response as t (invitation_id, customer_id, sequence, score)
         select g.invitation_id, g.customer_id, g.sequence, g.score
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[]) as g (invitation_id, customer_id, sequence, score)
         where exists (select from customer c where c.id = g.customer_id)
         on conflict on constraint customer_response_pkey do update
         set sequence = excluded.sequence, score = excluded.score
         where excluded.sequence > t.sequence",
        &responses.iter().map(|told| told.invitation_id).collect::<Vec<_>>(),
        &responses.iter().map(|told| told.customer_id).collect::<Vec<_>>(),
        &responses.iter().map(|told| told.sequence).collect::<Vec<_>>(),
        &responses.iter().map(|told| told.score).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
