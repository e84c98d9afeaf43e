//! All SQL of scores: everything is counted by the database, in one statement over the invitations of the weeks asked for.

use std::collections::BTreeMap;

use jiff::civil;
use seva_runtime::Error;
use seva_store::{Database, Fault};
use sqlx::types::Json;

use super::{
    model::{Counts, ScoreQuery},
    statistics::{Recommendation, Satisfaction},
};

/// What there is of each week, by its Monday.
///
/// Answers count to the question of each kind that the survey asked last: those to another question are never mixed in (SU7). A question that
/// was skipped has no answer and is in no denominator; a partial response counts with what it answered.
pub async fn count(db: &Database, query: &ScoreQuery) -> Result<BTreeMap<civil::Date, Counts>, Error> {
    let (from, until) = query.weeks.bounds();
    let rows = sqlx::query!(
        r#"with question as (
               select distinct on (q.kind) q.question_id, q.kind
               from asked_question q join programme p on p.survey_id = q.survey_id
               where p.id = $1 and q.kind in ('csat', 'nps')
               order by q.kind, q.asked_at desc, q.question_id
           ), decided as materialized (
               select i.id, date_trunc('week', i.decide_at at time zone 'UTC')::date as week, i.state, i.response_id,
                      (i.sent_at is not null or i.response_id is not null) and i.state <> 'undeliverable' as is_invited,
                      case i.state when 'suppressed' then i.suppress_reason when 'undeliverable' then i.state end as not_asked
               from invitation i
               where i.programme_id = $1 and i.decide_at >= $2 and i.decide_at < $3 and i.state <> 'held'
           ), asked as (
               select week, count(*) filter (where is_invited) as invited, count(*) filter (where state = 'completed') as completed
               from decided group by week
           ), reason as (
               select week, jsonb_object_agg(not_asked, number) as not_asked
               from (select week, not_asked, count(*) as number from decided where not_asked is not null group by week, not_asked) as r
               group by week
           ), answered as (
               select d.week,
                      count(*) filter (where q.kind = 'csat') as csat_answers,
                      count(*) filter (where q.kind = 'csat' and a.score >= 4) as satisfied,
                      count(*) filter (where q.kind = 'nps') as nps_answers,
                      count(*) filter (where q.kind = 'nps' and a.score >= 9) as promoters,
                      count(*) filter (where q.kind = 'nps' and a.score <= 6) as detractors
               from decided d
               join response r on r.id = d.response_id and r.state in ('completed', 'partial')
               join answer a on a.response_id = r.id and a.score is not null
               join question q on q.question_id = a.question_id
               where d.is_invited
               group by d.week
           )
           select week as "week!", asked.invited as "invited!", asked.completed as "completed!",
                  coalesce(answered.csat_answers, 0) as "csat_answers!", coalesce(answered.satisfied, 0) as "satisfied!",
                  coalesce(answered.nps_answers, 0) as "nps_answers!", coalesce(answered.promoters, 0) as "promoters!",
                  coalesce(answered.detractors, 0) as "detractors!",
                  coalesce(reason.not_asked, '{}') as "not_asked!: Json<BTreeMap<String, i64>>"
           from asked left join reason using (week) left join answered using (week)"#,
        query.programme,
        jiff_sqlx::Timestamp::from(from) as _,
        jiff_sqlx::Timestamp::from(until) as _,
    );
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let counts = rows.into_iter().map(|row| {
        let counts = Counts {
            invited: row.invited,
            completed: row.completed,
            satisfaction: Satisfaction { answers: row.csat_answers, satisfied: row.satisfied },
            recommendation: Recommendation {
                answers: row.nps_answers,
                promoters: row.promoters,
                detractors: row.detractors,
            },
            not_asked: row.not_asked.0,
        };
        (row.week.to_jiff(), counts)
    });
    Ok(counts.collect())
}
