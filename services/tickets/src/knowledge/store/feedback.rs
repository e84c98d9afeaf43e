//! Ratings and solutions: recorded once each, and counted on their article.

use prost::Message;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{ArticleRatingEvent, SolutionEvent},
};
use seva_runtime::{Error, Write};
use seva_store::{Database, context};
use seva_values::{format_name, new_id};
use tonic::Code;
use uuid::Uuid;

use super::super::{
    convert::{RATINGS, SOLUTIONS},
    model::{COLLECTION, Rating, Solution},
};
use crate::ticket::{Ticket, model, store::save::context_of};

/// Every list of solutions begins so.
pub const SELECT: &str = "select id, ticket_id, article_id, number, recorded_by, created_at from solution";

/// A solution as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct SolutionRow {
    pub id: Uuid,
    ticket_id: Uuid,
    article_id: Uuid,
    number: i32,
    recorded_by: Option<Uuid>,
    pub created_at: jiff_sqlx::Timestamp,
}

impl From<SolutionRow> for Solution {
    fn from(row: SolutionRow) -> Self {
        let SolutionRow { id, ticket_id, article_id, number, recorded_by, created_at } = row;
        Self { id, ticket: ticket_id, article: article_id, number, recorded_by, created_at: created_at.to_jiff() }
    }
}

/// Records a rating and counts it (TK82); `false` when the version is no longer the published one.
///
/// # Errors
/// `RESOURCE_EXISTS`, `RESOURCE_NOT_FOUND` (the ticket).
pub async fn insert_rating(
    db: &Database,
    write: &Write,
    rating: &Rating,
    response: &impl Message,
) -> Result<bool, Error> {
    let name = format_name(RATINGS, rating.id);
    let event = ArticleRatingEvent { article_rating: Some(rating.into()) };
    let insert = sqlx::query!(
        r#"with counted as (
               update article
               set helpful_count = helpful_count + $6::boolean::int, not_helpful_count = not_helpful_count + (not $6)::int
               where id = $2 and state = 'published' and published_number = $3
               returning id
           ), rated as (
               insert into article_rating (id, article_id, number, rater, ticket_id, helpful, created_at)
               select $1, counted.id, $3, $4, $5, $6, $7 from counted
               returning id
           )
           select seva.emit($8, $9, 'seva.tickets.article_rating.recorded.v1', $10, 1, $7, $11), seva.note($8, $10, '{*}'),
                  seva.remember($8, $12)
           from rated"#,
        rating.id,
        rating.article,
        rating.number,
        rating.rater,
        rating.ticket,
        rating.helpful,
        jiff_sqlx::Timestamp::from(rating.created_at) as _,
        context::of(write),
        new_id(),
        name,
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_optional(db.calls())).await {
        Ok(row) => Ok(row.is_some()),
        Err(fault) if fault.violates("article_rating_once") => {
            let why = "it was not rated before, for this ticket or by this caller";
            Err(exists("it was rated before").with_precondition("TK82", format_name(COLLECTION, rating.article), why))
        }
        Err(fault) if fault.violates("article_rating_ticket") => {
            Err(Error::not_found(format_name(model::COLLECTION, rating.ticket.unwrap_or_default())))
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Records a solution of this ticket and counts it (TK83); `false` when the ticket has changed since it was read.
///
/// # Errors
/// `RESOURCE_EXISTS`.
pub async fn insert_solution(
    db: &Database,
    write: &Write,
    solution: &Solution,
    ticket: &Ticket,
    response: &impl Message,
) -> Result<bool, Error> {
    let name = format_name(SOLUTIONS, solution.id);
    let event = SolutionEvent { solution: Some(solution.into()) };
    let insert = sqlx::query!(
        r#"with standing as (
               select id from ticket where id = $2 and version = $6 for share
           ), counted as (
               update article set solved_count = solved_count + 1 from standing where article.id = $3 returning standing.id as ticket_id
           ), recorded as (
               insert into solution (id, ticket_id, article_id, number, recorded_by, created_at)
               select $1, counted.ticket_id, $3, $4, $5, $7 from counted
               returning id
           )
           select seva.emit($8, $9, 'seva.tickets.solution.recorded.v1', $10, 1, $7, $11), seva.note($8, $10, '{*}'),
                  seva.remember($8, $12)
           from recorded"#,
        solution.id,
        solution.ticket,
        solution.article,
        solution.number,
        solution.recorded_by,
        ticket.version,
        jiff_sqlx::Timestamp::from(solution.created_at) as _,
        context_of(write, ticket),
        new_id(),
        name,
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    match db.write(insert.fetch_optional(db.calls())).await {
        Ok(row) => Ok(row.is_some()),
        Err(fault) if fault.violates("solution_once") => {
            let why = "nobody has said before that the ticket was solved with this article";
            Err(exists("that was said before").with_precondition("TK83", ticket.name(), why))
        }
        Err(fault) => Err(fault.into()),
    }
}

fn exists(message: &'static str) -> Error {
    Error::new(Code::AlreadyExists, ErrorReason::ResourceExists, message)
}
