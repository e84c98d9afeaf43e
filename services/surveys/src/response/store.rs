//! All SQL of responses and their answers.

use std::collections::HashMap;

use seva_runtime::{Error, Write as Caller};
use seva_store::{Database, Fault, NewEvent, context, event};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{
    convert::{event_of, name},
    model::{Answered, Change, Response, Saved, State},
};
use crate::{
    invitation::{self, Invitation},
    loop_case::{self, LoopCase},
    survey::{Answer, QuestionKind, Value},
};

/// Every list begins so.
pub const SELECT: &str = "select * from response";

/// A response as the database holds it, without its answers.
#[derive(Debug, sqlx::FromRow)]
pub struct ResponseRow {
    pub id: Uuid,
    version: i64,
    invitation_id: Uuid,
    programme_id: Uuid,
    customer_id: Uuid,
    survey_id: Uuid,
    survey_number: i32,
    state: String,
    revision: i32,
    pub created_at: jiff_sqlx::Timestamp,
    completed_at: Option<jiff_sqlx::Timestamp>,
    saved_request: Uuid,
    saved_hash: Vec<u8>,
}

impl ResponseRow {
    fn read(self, answers: Vec<Answered>) -> Result<Response, Error> {
        let hash = self.saved_hash.try_into().map_err(|_| Error::internal("a stored hash has another length"))?;
        Ok(Response {
            id: self.id,
            version: self.version,
            invitation: self.invitation_id,
            programme: self.programme_id,
            customer: self.customer_id,
            survey_version: (self.survey_id, self.survey_number),
            state: State::from_name(&self.state)?,
            answers,
            revision: self.revision,
            created_at: self.created_at.to_jiff(),
            completed_at: self.completed_at.map(jiff_sqlx::Timestamp::to_jiff),
            saved_by: (self.saved_request, hash),
        })
    }
}

/// The response to an invitation, if there is one.
pub async fn of_invitation(executor: impl PgExecutor<'_> + Copy, invitation: Uuid) -> Result<Option<Response>, Error> {
    let row = sqlx::query_as!(ResponseRow, "select * from response where invitation_id = $1", invitation);
    let Some(row) = row.fetch_optional(executor).await.map_err(Fault::from)? else { return Ok(None) };
    Ok(with_answers(executor, vec![row]).await?.pop())
}

/// The responses to these invitations, which are locked.
pub async fn of_invitations(
    connection: &mut PgConnection,
    invitations: &[Uuid],
) -> Result<HashMap<Uuid, Response>, Fault> {
    let rows = sqlx::query_as!(ResponseRow, "select * from response where invitation_id = any($1)", invitations);
    let rows = rows.fetch_all(&mut *connection).await?;
    let responses = with_answers(connection, rows).await?;
    Ok(responses.into_iter().map(|response| (response.invitation, response)).collect())
}

/// Responses with their answers, in the order of their questions.
pub async fn with_answers(executor: impl PgExecutor<'_>, rows: Vec<ResponseRow>) -> Result<Vec<Response>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let found = sqlx::query!(
        "select response_id, question_id, position, kind, score, choice_id, text from answer
         where response_id = any($1) order by response_id, position",
        &ids
    )
    .fetch_all(executor)
    .await?;
    let mut answers: HashMap<Uuid, Vec<Answered>> = HashMap::new();
    for row in found {
        let value = match (row.score, row.choice_id, row.text) {
            (Some(score), ..) => Value::Score(score.into()),
            (None, Some(choice), _) => Value::Choice(choice),
            (None, None, text) => Value::Text(text.unwrap_or_default()),
        };
        let kind = QuestionKind::from_name(&row.kind)?;
        let answered = Answered { question_id: row.question_id, position: row.position, kind, value };
        answers.entry(row.response_id).or_default().push(answered);
    }
    let mut responses = Vec::with_capacity(rows.len());
    for row in rows {
        let answers = answers.remove(&row.id).unwrap_or_default();
        responses.push(row.read(answers)?);
    }
    Ok(responses)
}

/// What a save writes.
#[derive(Debug)]
pub struct Write<'a> {
    /// The invitation as it was read.
    pub known: &'a Invitation,
    /// What becomes of it and its response.
    pub saved: &'a Saved,
    /// Cases of low scores.
    pub opened: &'a [LoopCase],
    /// Which answers were given.
    pub given: &'a [Answer],
}

/// Saves answers and what follows from them in one statement; `false`: another write came first, and nothing was written. The invitation's
/// row lets one of many through (SU1, SU5): its revision changes with each save, its schedule when low scores were looked at.
pub async fn save(db: &Database, caller: &Caller, write: &Write<'_>) -> Result<bool, Error> {
    let Write { known, saved: Saved { change, invitation, due_at, taken_back }, opened, given } = write;
    let after = &change.after;
    let invitation_after = invitation.as_ref().map_or(*known, |change| &change.after);
    let is_given = |answered: &&Answered| given.iter().any(|given| given.question_id == answered.question_id);
    let answers: Vec<&Answered> = after.answers.iter().filter(is_given).collect();
    let mut events: Vec<NewEvent> = invitation.iter().map(invitation::convert::event_of).collect();
    events.push(event_of(change));
    let openings =
        opened.iter().map(|case| loop_case::model::Change { after: case.clone(), story: change.story.clone() });
    events.extend(openings.map(|opening| loop_case::convert::event_of(&opening)));
    let values =
        |of: fn(&Value) -> Option<&str>| answers.iter().map(|answered| of(&answered.value)).collect::<Vec<_>>();
    let statement = sqlx::query!(
        r#"with gate as (
               update invitation
               set version = $4, state = $5, due_at = $6, response_id = $7, revision = revision + 1
               where id = $1 and version = $2 and revision = $3 and due_at is not distinct from $40
               returning id, programme_id, customer_id, subject, survey_id, survey_number
           ), saved as (
               insert into response as r (
                   id, version, invitation_id, programme_id, customer_id, survey_id, survey_number, state, revision, created_at,
                   completed_at, saved_request, saved_hash
               )
               select $7, $8, gate.id, programme_id, customer_id, survey_id, survey_number, $9, $10, $11, $12, $13, $14 from gate
               on conflict on constraint response_invitation_once do update
               set version = excluded.version, state = excluded.state, revision = excluded.revision,
                   completed_at = excluded.completed_at, saved_request = excluded.saved_request, saved_hash = excluded.saved_hash
           ), answered as (
               insert into answer (response_id, question_id, position, kind, score, choice_id, text)
               select $7, t.* from gate, unnest($15::text[], $16::smallint[], $17::text[], $18::smallint[], $19::text[], $20::text[]) as t
               on conflict on constraint answer_pkey do update
               set score = excluded.score, choice_id = excluded.choice_id, text = excluded.text
           ), taken_back as (
               delete from answer using gate where response_id = $7 and question_id = any($21::text[])
           ), opened as (
               insert into loop_case (
                   id, version, response_id, customer_id, programme_id, question_id, score, subject, language, state, created_at, updated_at
               )
               select t.id, 1, $7, gate.customer_id, gate.programme_id, t.question_id, t.score, gate.subject, $22, 'open', $23, $23
               from gate, unnest($24::uuid[], $25::text[], $26::smallint[]) as t (id, question_id, score)
           )
           select seva.emit_all($27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37),
                  seva.note($38, $39, '{answers}')
           from gate"#,
        known.id,
        known.version,
        known.revision,
        invitation_after.version,
        invitation_after.state.name(),
        due_at.map(jiff_sqlx::Timestamp::from) as _,
        after.id,
        after.version,
        after.state.name(),
        after.revision,
        jiff_sqlx::Timestamp::from(after.created_at) as _,
        after.completed_at.map(jiff_sqlx::Timestamp::from) as _,
        after.saved_by.0,
        &after.saved_by.1[..],
        &answers.iter().map(|answered| answered.question_id.as_str()).collect::<Vec<_>>() as _,
        &answers.iter().map(|answered| answered.position).collect::<Vec<_>>(),
        &answers.iter().map(|answered| answered.kind.name()).collect::<Vec<_>>() as _,
        &answers.iter().map(|answered| score(&answered.value)).collect::<Vec<_>>() as _,
        &values(choice) as _,
        &values(text) as _,
        taken_back,
        opened.first().map_or("", |case| case.language.as_str()),
        jiff_sqlx::Timestamp::from(change.at) as _,
        &opened.iter().map(|case| case.id).collect::<Vec<_>>(),
        &opened.iter().map(|case| case.question_id.as_str()).collect::<Vec<_>>() as _,
        &opened.iter().map(loop_case::store::score).collect::<Vec<_>>(),
        caller.actor,
        &events.iter().map(|event| event.event_id).collect::<Vec<_>>(),
        &events.iter().map(|event| event.kind).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.sequence).collect::<Vec<_>>(),
        &events.iter().map(|event| jiff_sqlx::Timestamp::from(event.occurred_at)).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.story.correlation_id.as_str()).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.story.causation_id.as_str()).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.story.hops).collect::<Vec<_>>(),
        &events.iter().map(|event| event.story.traceparent.as_deref()).collect::<Vec<_>>() as _,
        &events.iter().map(|event| event.payload.as_slice()).collect::<Vec<_>>() as _,
        context::of(caller),
        name(after.id),
        known.due_at.map(jiff_sqlx::Timestamp::from) as _,
    );
    Ok(db.write(statement.fetch_optional(db.calls())).await?.is_some())
}

/// Saves responses whose time to answer has ended, with their events; their invitations are locked.
pub async fn save_ended(connection: &mut PgConnection, actor: &str, ended: &[Change]) -> Result<(), Fault> {
    if ended.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update response r set version = g.version, state = 'partial'
         from unnest($1::uuid[], $2::bigint[]) as g (id, version) where r.id = g.id",
        &ended.iter().map(|change| change.after.id).collect::<Vec<_>>(),
        &ended.iter().map(|change| change.after.version).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    let events: Vec<NewEvent> = ended.iter().map(event_of).collect();
    event::append(connection, actor, &events).await
}

fn score(value: &Value) -> Option<i16> {
    match value {
        Value::Score(score) => i16::try_from(*score).ok(),
        Value::Choice(_) | Value::Text(_) => None,
    }
}

fn choice(value: &Value) -> Option<&str> {
    match value {
        Value::Choice(choice) => Some(choice),
        Value::Score(_) | Value::Text(_) => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Score(_) | Value::Choice(_) => None,
    }
}
