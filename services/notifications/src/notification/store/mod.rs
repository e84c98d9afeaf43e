//! All SQL of notifications, by act: reading, deciding about events, claiming what is due, finishing it, calling off,
//! forgetting.

mod cancel;
mod decide;
mod due;
mod forget;
mod numbers;
mod surroundings;

pub use cancel::save_canceled;
pub use decide::{save_created, save_superseded, save_truths};
pub use due::{Claimed, Finish, RENEW_EVERY, claim, finish, next_due, renew};
pub use forget::forget;
pub use numbers::{load_numbers, save_numbers};
pub use surroundings::{load_surroundings, load_told};

use seva_runtime::{Error, call::Story};
use seva_store::{Database, Fault};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    convert::name,
    milestone::Topic,
    model::{Decision, Notification, Written},
    state::{Reason, State},
};
use crate::template::Variables;

/// Every list begins so.
pub const SELECT: &str = "select * from notification";

/// A notification as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct NotificationRow {
    pub id: Uuid,
    version: i64,
    customer_id: Uuid,
    milestone: String,
    subject: String,
    ticket: Option<String>,
    occasion: String,
    category: String,
    state: String,
    reason: String,
    #[expect(dead_code, reason = "mail is the only channel so far")]
    channel: String,
    language: Option<String>,
    language_fell_back: bool,
    template_number: Option<i32>,
    template_hash: Option<Vec<u8>>,
    topic: Option<String>,
    rank: i32,
    sequence: i64,
    variables: serde_json::Value,
    cause_event_id: Uuid,
    correlation_id: String,
    hops: i16,
    traceparent: Option<String>,
    handovers: i32,
    attempt: i32,
    #[expect(dead_code, reason = "claims look at it, in SQL")]
    leased_until: Option<jiff_sqlx::Timestamp>,
    lapsed: bool,
    due_at: Option<jiff_sqlx::Timestamp>,
    expire_at: jiff_sqlx::Timestamp,
    sent_at: Option<jiff_sqlx::Timestamp>,
    pub created_at: jiff_sqlx::Timestamp,
}

impl TryFrom<NotificationRow> for Notification {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: NotificationRow) -> Result<Self, Error> {
        let written = match (row.language, row.template_number, row.template_hash) {
            (Some(language), Some(template_number), Some(hash)) => Some(Written {
                language,
                fell_back: row.language_fell_back,
                template_number,
                template_hash: hash.try_into().map_err(|_| Error::internal("a stored hash has another length"))?,
            }),
            _ => None,
        };
        let variables: Variables = serde_json::from_value(row.variables).map_err(Error::internal)?;
        Ok(Self {
            id: row.id,
            version: row.version,
            customer: row.customer_id,
            milestone: row.milestone,
            subject: row.subject,
            ticket: row.ticket,
            occasion: row.occasion,
            category: row.category,
            state: State::from_name(&row.state)?,
            reason: Reason::from_name(&row.reason)?,
            written,
            topic: row.topic.as_deref().map(Topic::from_name).transpose()?,
            rank: row.rank,
            sequence: row.sequence,
            variables,
            story: Story {
                correlation_id: row.correlation_id,
                causation_id: row.cause_event_id.to_string(),
                hops: row.hops,
                traceparent: row.traceparent,
            },
            handovers: row.handovers,
            due_at: row.due_at.map(jiff_sqlx::Timestamp::to_jiff),
            expire_at: row.expire_at.to_jiff(),
            sent_at: row.sent_at.map(jiff_sqlx::Timestamp::to_jiff),
            created_at: row.created_at.to_jiff(),
        })
    }
}

/// One notification.
pub async fn load(db: &Database, id: Uuid) -> Result<Notification, Error> {
    let row = sqlx::query_as!(NotificationRow, "select * from notification where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(name(id)))?.try_into()
}

/// The newest notification to a customer of a milestone of a subject.
pub async fn find(
    db: &Database,
    customer: Uuid,
    subject: &str,
    milestone: &str,
) -> Result<Option<Notification>, Error> {
    let row = sqlx::query_as!(
        NotificationRow,
        "select * from notification where customer_id = $1 and milestone = $2 and subject = $3
         order by created_at desc, id desc limit 1",
        customer,
        milestone,
        subject
    );
    row.fetch_optional(db.calls()).await.map_err(Fault::from)?.map(Notification::try_from).transpose()
}

/// The decisions of a notification, in order.
pub async fn load_decisions(db: &Database, id: Uuid) -> Result<Vec<Decision>, Error> {
    let rows = sqlx::query_as!(
        DecisionRow,
        "select number, state, reason, detail, decided_at from decision where notification_id = $1 order by number",
        id
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let decision = |row: DecisionRow| {
        Ok(Decision {
            number: row.number,
            state: State::from_name(&row.state)?,
            reason: Reason::from_name(&row.reason)?,
            detail: row.detail,
            decided_at: row.decided_at.to_jiff(),
        })
    };
    rows.into_iter().map(decision).collect()
}

struct DecisionRow {
    number: i64,
    state: String,
    reason: String,
    detail: String,
    decided_at: jiff_sqlx::Timestamp,
}

fn variables(notification: &Notification) -> Json<&Variables> {
    Json(&notification.variables)
}
