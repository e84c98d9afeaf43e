//! All SQL of programmes.

use jiff::SignedDuration;
use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::new_id;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{Programme, Trigger},
};

/// Every list of programmes begins so.
pub const SELECT: &str = "select * from programme";

/// A programme as the database holds it.
#[derive(sqlx::FromRow)]
pub struct ProgrammeRow {
    pub id: Uuid,
    version: i64,
    display_name: String,
    survey_id: Uuid,
    trigger: String,
    delay_seconds: i64,
    sampling_rate: f64,
    pause_seconds: i64,
    lifetime_seconds: i64,
    follow_low_scores: bool,
    priority: i32,
    active: bool,
    salt: Vec<u8>,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

/// One programme.
pub async fn load(db: &Database, id: Uuid) -> Result<Programme, Error> {
    find(db.calls(), &[id]).await?.pop().ok_or_else(|| Error::not_found(name(id)))
}

/// All active programmes of a trigger, by id.
pub async fn active(executor: impl PgExecutor<'_>, trigger: Trigger) -> Result<Vec<Programme>, Fault> {
    let rows = sqlx::query_as!(
        ProgrammeRow,
        r#"select id, version, display_name, survey_id, trigger, delay_seconds, sampling_rate, pause_seconds, lifetime_seconds,
                  follow_low_scores, priority, active, salt, created_at, updated_at
           from programme where trigger = $1 and active order by id"#,
        trigger.name()
    );
    read(rows.fetch_all(executor).await?)
}

/// The programmes of these ids that there are, by id.
pub async fn find(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Programme>, Fault> {
    let rows = sqlx::query_as!(
        ProgrammeRow,
        r#"select id, version, display_name, survey_id, trigger, delay_seconds, sampling_rate, pause_seconds, lifetime_seconds,
                  follow_low_scores, priority, active, salt, created_at, updated_at
           from programme where id = any ($1) order by id"#,
        ids
    );
    read(rows.fetch_all(executor).await?)
}

fn read(rows: Vec<ProgrammeRow>) -> Result<Vec<Programme>, Fault> {
    Ok(rows.into_iter().map(Programme::try_from).collect::<Result<_, Error>>()?)
}

/// Records a new programme with its event, its audit row and the answer, in one statement.
pub async fn insert(db: &Database, write: &Write, programme: &Programme, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into programme (
                   id, version, display_name, survey_id, trigger, delay_seconds, sampling_rate, pause_seconds, lifetime_seconds,
                   follow_low_scores, priority, active, salt, created_at, updated_at
               )
               values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
               returning id
           )
           select seva.emit($14, $15, 'seva.surveys.programme.created.v1', $16, 1, $13, $17),
                  seva.note($14, $16, '{*}'), seva.remember($14, $18)
           from created"#,
        programme.id,
        programme.display_name,
        programme.survey_id,
        programme.trigger.name(),
        programme.delay.as_secs(),
        programme.sampling_rate,
        programme.pause_between.as_secs(),
        programme.lifetime.as_secs(),
        programme.follow_low_scores,
        programme.priority,
        programme.active,
        programme.salt,
        jiff_sqlx::Timestamp::from(programme.created_at) as _,
        context::of(write),
        new_id(),
        name(programme.id),
        event_of(programme, &["*"]).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves a changed programme; `false` when another write came first.
pub async fn save_updated(
    db: &Database,
    write: &Write,
    programme: &Programme,
    changed: &[&str],
    response: &impl Message,
) -> Result<bool, Error> {
    let fields: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        r#"with updated as (
               update programme
               set version = $2, display_name = $3, delay_seconds = $4, sampling_rate = $5, pause_seconds = $6, lifetime_seconds = $7,
                   follow_low_scores = $8, priority = $9, active = $10, updated_at = $11
               where id = $1 and version = $2::bigint - 1
               returning id
           )
           select seva.emit($12, $13, 'seva.surveys.programme.updated.v1', $14, $2, $11, $15),
                  seva.note($12, $14, $16), seva.remember($12, $17)
           from updated"#,
        programme.id,
        programme.version,
        programme.display_name,
        programme.delay.as_secs(),
        programme.sampling_rate,
        programme.pause_between.as_secs(),
        programme.lifetime.as_secs(),
        programme.follow_low_scores,
        programme.priority,
        programme.active,
        jiff_sqlx::Timestamp::from(programme.updated_at) as _,
        context::of(write),
        new_id(),
        name(programme.id),
        event_of(programme, changed).encode_to_vec(),
        &fields,
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

impl TryFrom<ProgrammeRow> for Programme {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: ProgrammeRow) -> Result<Self, Error> {
        let ProgrammeRow {
            id,
            version,
            display_name,
            survey_id,
            trigger,
            delay_seconds,
            sampling_rate,
            pause_seconds,
            lifetime_seconds,
            follow_low_scores,
            priority,
            active,
            salt,
            created_at,
            updated_at,
        } = row;
        Ok(Self {
            id,
            version,
            display_name,
            survey_id,
            trigger: Trigger::from_name(&trigger)?,
            delay: SignedDuration::from_secs(delay_seconds),
            sampling_rate,
            pause_between: SignedDuration::from_secs(pause_seconds),
            lifetime: SignedDuration::from_secs(lifetime_seconds),
            follow_low_scores,
            priority,
            active,
            salt,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}
