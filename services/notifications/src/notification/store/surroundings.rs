//! What decisions are made from, read for many at once.

use seva_store::Fault;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    super::{
        milestone::Topic,
        model::Notification,
        plan::Surroundings,
        truth::{Matter, Standing},
    },
    NotificationRow,
};
use crate::{preference, recipient, template_version};

/// What is known of these customers and subjects, and of all categories and texts.
pub async fn load_surroundings(
    connection: &mut PgConnection,
    customers: &[Uuid],
    subjects: &[&str],
) -> Result<Surroundings, Fault> {
    let mut known = Surroundings {
        recipients: recipient::store::load(connection, customers).await?,
        wishes: preference::store::load_wishes(connection, customers).await?,
        categories: preference::store::load_categories(connection).await?,
        published: template_version::store::load_published(connection).await?,
        ..Surroundings::default()
    };
    let rows = sqlx::query!(
        "select customer_id, subject, topic, rank, sequence from known_truth where subject = any($1)",
        subjects as _
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let matter = Matter { customer: row.customer_id, subject: row.subject, topic: Topic::from_name(&row.topic)? };
        known.truths.learn(matter, Standing { rank: row.rank, sequence: row.sequence });
    }
    Ok(known)
}

/// Adds what customers were told of these subjects, and what waits to be told.
pub async fn load_told(
    connection: &mut PgConnection,
    subjects: &[&str],
    known: &mut Surroundings,
) -> Result<(), Fault> {
    let told = sqlx::query!(
        r#"select customer_id as "customer_id!", milestone as "milestone!", subject as "subject!", occasion as "occasion!"
           from notification where subject = any($1)
           union all
           select customer_id, milestone, subject, occasion from told_for_ever where subject = any($1)"#,
        subjects as _
    )
    .fetch_all(&mut *connection)
    .await?;
    known.told = told.into_iter().map(|row| (row.customer_id, row.milestone, row.subject, row.occasion)).collect();
    let waiting = sqlx::query_as!(
        NotificationRow,
        // Joined subject by subject: by the state first, the planner's other choice, every batch would read the whole backlog.
        r#"select n.* from unnest($1::text[]) as wanted (subject)
           cross join lateral (
               select * from notification where subject = wanted.subject and state in ('queued', 'deferred') offset 0
           ) as n"#,
        subjects as _
    )
    .fetch_all(connection)
    .await?;
    known.waiting = waiting.into_iter().map(Notification::try_from).collect::<Result<_, _>>()?;
    Ok(())
}
