//! All SQL of surveys and their versions.

use std::collections::HashMap;

use prost::Message;
use seva_proto::surveys::v1::SurveyVersionEvent;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context, context::hex};
use seva_values::new_id;
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

use super::{
    check::Asked,
    convert::{event_of, name, version_name},
    model::{Content, Survey, SurveyVersion},
};

/// Every list of surveys begins so.
pub const SELECT: &str = "select id, version, display_name, published_number, created_at from survey";

/// A survey as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct SurveyRow {
    pub id: Uuid,
    version: i64,
    display_name: String,
    published_number: Option<i32>,
    pub created_at: jiff_sqlx::Timestamp,
}

impl From<SurveyRow> for Survey {
    fn from(row: SurveyRow) -> Self {
        let SurveyRow { id, version, display_name, published_number, created_at } = row;
        Self { id, version, display_name, published_number, created_at: created_at.to_jiff() }
    }
}

/// One survey.
pub async fn load(db: &Database, id: Uuid) -> Result<Survey, Error> {
    let row = sqlx::query_as!(
        SurveyRow,
        "select id, version, display_name, published_number, created_at from survey where id = $1",
        id
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.map(Survey::from).ok_or_else(|| Error::not_found(name(id)))
}

/// The number of the version that is asked now, by survey; a survey of which none is asked is left out.
pub async fn published(executor: impl PgExecutor<'_>, surveys: &[Uuid]) -> Result<HashMap<Uuid, i32>, Fault> {
    let rows = sqlx::query!(
        r#"select id, published_number as "number!" from survey where id = any ($1) and published_number is not null"#,
        surveys
    );
    Ok(rows.fetch_all(executor).await?.into_iter().map(|row| (row.id, row.number)).collect())
}

/// One version, and the version of its survey.
pub async fn load_version(db: &Database, survey: Uuid, number: i32) -> Result<(SurveyVersion, i64), Error> {
    let row = sqlx::query!(
        r#"select v.content as "content: Json<Content>", v.hash, v.created_at, v.published_at, s.version,
                  s.published_number is not distinct from v.number as "is_current!"
           from survey_version v join survey s on s.id = v.survey_id
           where v.survey_id = $1 and v.number = $2"#,
        survey,
        number
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let row = row.ok_or_else(|| Error::not_found(version_name(survey, number)))?;
    let Content { titles, questions } = row.content.0;
    let version = SurveyVersion {
        survey,
        number,
        titles,
        questions,
        hash: hash(row.hash)?,
        created_at: row.created_at.to_jiff(),
        published_at: row.published_at.map(jiff_sqlx::Timestamp::to_jiff),
        is_current: row.is_current,
    };
    Ok((version, row.version))
}

/// What published versions of a survey have asked.
pub async fn load_asked(db: &Database, survey: Uuid) -> Result<Asked, Error> {
    let rows = sqlx::query!("select question_id, scale_hash from asked_question where survey_id = $1", survey);
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    rows.into_iter().map(|row| Ok((row.question_id, hash(row.scale_hash)?))).collect()
}

fn hash(stored: Vec<u8>) -> Result<[u8; 32], Error> {
    stored.try_into().map_err(|_| Error::internal("a stored hash is no SHA-256"))
}

/// Records a new survey with its event, its audit row and the answer, in one statement.
pub async fn insert(db: &Database, write: &Write, survey: &Survey, response: &impl Message) -> Result<(), Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into survey (id, version, display_name, created_at) values ($1, 1, $2, $3) returning id
           )
           select seva.emit($4, $5, 'seva.surveys.survey.created.v1', $6, 1, $3, $7),
                  seva.note($4, $6, '{*}'), seva.remember($4, $8)
           from created"#,
        survey.id,
        survey.display_name,
        jiff_sqlx::Timestamp::from(survey.created_at) as _,
        context::of(write),
        new_id(),
        name(survey.id),
        event_of(survey).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// The number of a survey's next version.
pub async fn next_number(db: &Database, survey: Uuid) -> Result<i32, Error> {
    let next = sqlx::query_scalar!(
        r#"select coalesce((select max(v.number) from survey_version v where v.survey_id = s.id), 0) + 1 as "next!"
           from survey s where s.id = $1"#,
        survey
    );
    let next = next.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    next.ok_or_else(|| Error::not_found(name(survey)))
}

/// Records a draft; `false` when another draft has taken the number.
pub async fn insert_version(
    db: &Database,
    write: &Write,
    draft: &SurveyVersion,
    response: &impl Message,
) -> Result<bool, Error> {
    let insert = sqlx::query!(
        r#"with created as (
               insert into survey_version (survey_id, number, origin, content, hash, created_at)
               values ($1, $2, 'person', $3, $4, $5)
               returning 1
           )
           select seva.note($6, $7, '{*}'), seva.remember($6, $8) from created"#,
        draft.survey,
        draft.number,
        Json(draft.content()) as _,
        &draft.hash,
        jiff_sqlx::Timestamp::from(draft.created_at) as _,
        context::of(write),
        version_name(draft.survey, draft.number),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_one(db.calls())).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.violates("survey_version_pkey") => Ok(false),
        Err(fault) => Err(fault.into()),
    }
}

/// Publishes a version, retires the one before and notes what is asked; `false` when the survey is no longer as in `survey_version`: of many
/// who publish at once each decides on what the one before has asked (SU22).
pub async fn save_published(
    db: &Database,
    write: &Write,
    version: &SurveyVersion,
    survey_version: i64,
    response: &impl Message,
) -> Result<bool, Error> {
    let name = version_name(version.survey, version.number);
    let event = SurveyVersionEvent { survey_version: name.clone(), hash: hex(&version.hash) };
    let AskedColumns { ids, kinds, scales } = AskedColumns::of(version);
    let update = sqlx::query!(
        r#"with current as (
               update survey set published_number = $2, version = $3::bigint + 1 where id = $1 and version = $3 returning id
           ), published as (
               update survey_version v set published_at = $4
               from current where v.survey_id = current.id and v.number = $2 and v.published_at is null
               returning v.survey_id
           ), asked as (
               insert into asked_question as a (survey_id, question_id, kind, scale_hash, asked_at)
               select published.survey_id, q.question_id, q.kind, q.scale_hash, $4
               from published, unnest($5::text[], $6::text[], $7::bytea[]) as q (question_id, kind, scale_hash)
               on conflict on constraint asked_question_pkey do update set asked_at = excluded.asked_at
           )
           select seva.emit($8, $9, 'seva.surveys.survey_version.published.v1', $10, 1, $4, $11),
                  seva.note($8, $10, '{state}'), seva.remember($8, $12)
           from published"#,
        version.survey,
        version.number,
        survey_version,
        version.published_at.map(jiff_sqlx::Timestamp::from) as _,
        &ids as _,
        &kinds as _,
        &scales,
        context::of(write),
        new_id(),
        name,
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

/// What a version asks by column, for `unnest`.
pub struct AskedColumns<'a> {
    pub ids: Vec<&'a str>,
    pub kinds: Vec<&'static str>,
    pub scales: Vec<Vec<u8>>,
}

impl<'a> AskedColumns<'a> {
    pub fn of(version: &'a SurveyVersion) -> Self {
        let questions = &version.questions;
        Self {
            ids: questions.iter().map(|question| question.question_id.as_str()).collect(),
            kinds: questions.iter().map(|question| question.kind.name()).collect(),
            scales: questions.iter().map(|question| question.scale_hash().to_vec()).collect(),
        }
    }
}
