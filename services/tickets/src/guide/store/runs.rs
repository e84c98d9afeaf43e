//! Runs and what was answered in them. Each write holds the ticket's row as it was read, so that a ticket is not over meanwhile.

use prost::Message;
use seva_proto::{common::v1::ErrorReason, tickets::v1::TroubleshootingRunEvent};
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault};
use seva_values::{format_name, new_id};
use tonic::Code;
use uuid::Uuid;

use super::super::{
    model::Outcome,
    run::{Act, Change, RUNS, Run, State, Step},
};
use crate::ticket::{Kind, Ticket, model::COLLECTION as TICKETS, store::save::context_of};

/// Every list of runs begins so.
pub const SELECT: &str = "select * from troubleshooting_run";

/// A run as the database holds it, without its steps.
#[derive(Debug, sqlx::FromRow)]
pub struct RunRow {
    pub id: Uuid,
    version: i64,
    ticket_id: Uuid,
    guide_id: Uuid,
    number: i32,
    state: String,
    step: i32,
    node_id: String,
    outcome: Option<String>,
    hand_over_kind: Option<String>,
    pub started_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    ended_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<RunRow> for Run {
    type Error = Error;

    fn try_from(row: RunRow) -> Result<Self, Error> {
        let RunRow {
            id,
            version,
            ticket_id,
            guide_id,
            number,
            state,
            step,
            node_id,
            outcome,
            hand_over_kind,
            started_at,
            updated_at,
            ended_at,
        } = row;
        let outcome = outcome.map(|outcome| Outcome::from_names(&outcome, hand_over_kind.as_deref())).transpose()?;
        Ok(Self {
            id,
            version,
            ticket: ticket_id,
            guide: guide_id,
            number,
            state: State::from_name(&state)?,
            step,
            node_id,
            outcome,
            steps: Vec::new(),
            started_at: started_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
            ended_at: ended_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// One run with its steps.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Run, Error> {
    let row = sqlx::query_as!(RunRow, "select * from troubleshooting_run where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let run = Run::try_from(row.ok_or_else(|| Error::not_found(format_name(RUNS, id)))?)?;
    // What was answered since is not of the run as it was read.
    let last = if run.state == State::Running { run.step - 1 } else { run.step };
    let rows = sqlx::query!(
        "select step, node_id, answer_id, answered_by, answered_at from run_step where run_id = $1 and step <= $2 order by step",
        id,
        last
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let steps = rows.into_iter().map(|row| Step {
        step: row.step,
        node_id: row.node_id,
        answer_id: row.answer_id,
        answered_by: row.answered_by,
        answered_at: row.answered_at.to_jiff(),
    });
    Ok(Run { steps: steps.collect(), ..run })
}

/// Records a run that begins; `false` when its ticket has changed since it was read.
///
/// # Errors
/// `RESOURCE_EXISTS` (TK86).
pub async fn insert(
    db: &Database,
    write: &Write,
    change: &Change,
    ticket: &Ticket,
    response: &impl Message,
) -> Result<bool, Error> {
    let Change { run, act } = change;
    let insert = sqlx::query!(
        r#"with standing as (
               select id from ticket where id = $2 and version = $3 for share
           ), started as (
               insert into troubleshooting_run
                   (id, version, ticket_id, guide_id, number, state, step, node_id, outcome, hand_over_kind, started_at, updated_at, ended_at)
               select $1, 1, standing.id, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12 from standing
               returning id
           )
           select seva.emit($13, $14, $15, $16, 1, $11, $17), seva.note($13, $16, '{*}'), seva.remember($13, $18)
           from started"#,
        run.id,
        run.ticket,
        ticket.version,
        run.guide,
        run.number,
        run.state.name(),
        run.step,
        run.node_id,
        run.outcome.map(Outcome::name),
        run.outcome.and_then(Outcome::hand_over_kind).map(Kind::name),
        jiff_sqlx::Timestamp::from(run.started_at) as _,
        run.ended_at.map(jiff_sqlx::Timestamp::from) as _,
        context_of(write, ticket),
        new_id(),
        act.event_kind(),
        run.name(),
        event_of(run),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_optional(db.calls())).await {
        Ok(row) => Ok(row.is_some()),
        Err(fault) if fault.violates("troubleshooting_run_one_at_a_time") => Err(under_way(db, run).await),
        Err(fault) => Err(fault.into()),
    }
}

/// Saves what happened to a run, with the step that was answered; `false` when it or its ticket has changed since they were read.
///
/// # Errors
/// When the statement fails.
pub async fn save(
    db: &Database,
    write: &Write,
    change: &Change,
    ticket: &Ticket,
    response: &impl Message,
) -> Result<bool, Error> {
    let Change { run, act } = change;
    let answered: Vec<&Step> = run.steps.last().filter(|_| *act != Act::Abandoned).into_iter().collect();
    let changed = if *act == Act::Answered { "step" } else { "state" };
    let update = sqlx::query!(
        r#"with standing as (
               select id from ticket where id = $2 and version = $3 for share
           ), saved as (
               update troubleshooting_run r
               set version = $4, state = $5, step = $6, node_id = $7, outcome = $8, hand_over_kind = $9, updated_at = $10, ended_at = $11
               from standing where r.id = $1 and r.ticket_id = standing.id and r.version = $4::bigint - 1
               returning r.id
           ), answered as (
               insert into run_step (run_id, step, node_id, answer_id, answered_by, answered_at)
               select saved.id, g.step, g.node_id, g.answer_id, g.answered_by, $10
               from saved, unnest($12::int[], $13::text[], $14::text[], $15::uuid[]) as g (step, node_id, answer_id, answered_by)
           )
           select seva.emit($16, $17, $18, $19, $4, $10, $20), seva.note($16, $19, $21), seva.remember($16, $22)
           from saved"#,
        run.id,
        run.ticket,
        ticket.version,
        run.version,
        run.state.name(),
        run.step,
        run.node_id,
        run.outcome.map(Outcome::name),
        run.outcome.and_then(Outcome::hand_over_kind).map(Kind::name),
        jiff_sqlx::Timestamp::from(run.updated_at) as _,
        run.ended_at.map(jiff_sqlx::Timestamp::from) as _,
        &answered.iter().map(|step| step.step).collect::<Vec<_>>(),
        &answered.iter().map(|step| step.node_id.clone()).collect::<Vec<_>>(),
        &answered.iter().map(|step| step.answer_id.clone()).collect::<Vec<_>>(),
        &answered.iter().map(|step| step.answered_by).collect::<Vec<_>>() as _,
        context_of(write, ticket),
        new_id(),
        act.event_kind(),
        run.name(),
        event_of(run),
        &[changed.to_owned()],
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

fn event_of(run: &Run) -> Vec<u8> {
    TroubleshootingRunEvent { troubleshooting_run: Some(run.into()) }.encode_to_vec()
}

/// The refusal of a second run, with the name of the first (TK86).
async fn under_way(db: &Database, second: &Run) -> Error {
    let message = "a run of this guide is under way for the ticket";
    let refusal = Error::new(Code::AlreadyExists, ErrorReason::ResourceExists, message).with_precondition(
        "TK86",
        format_name(TICKETS, second.ticket),
        "no run of this guide is under way: end or abandon it first",
    );
    let first = sqlx::query_scalar!(
        "select id from troubleshooting_run where ticket_id = $1 and guide_id = $2 and state = 'running'",
        second.ticket,
        second.guide
    );
    match first.fetch_optional(db.calls()).await {
        Ok(Some(first)) => refusal.with_metadata("run", format_name(RUNS, first)),
        _ => refusal,
    }
}
