//! All SQL of categories and wishes.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use seva_proto::notifications::v1::{CategoryEvent, PreferenceEvent};
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::new_id;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert::{category_name, customer_name},
    model::{Category, Class, DuplicatePolicy, Wish},
};

/// A category as the database holds it.
struct CategoryRow {
    key: String,
    version: i64,
    class: String,
    interruptive: bool,
    duplicate_policy: String,
    time_to_live_seconds: i64,
}

impl TryFrom<CategoryRow> for Category {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: CategoryRow) -> Result<Self, Error> {
        Ok(Self {
            key: row.key,
            version: row.version,
            class: Class::from_name(&row.class)?,
            interruptive: row.interruptive,
            duplicate_policy: DuplicatePolicy::from_name(&row.duplicate_policy)?,
            time_to_live: SignedDuration::from_secs(row.time_to_live_seconds),
        })
    }
}

/// Every category, by key.
pub async fn load_categories(connection: &mut PgConnection) -> Result<HashMap<String, Category>, Fault> {
    let rows = sqlx::query_as!(CategoryRow, "select * from category").fetch_all(connection).await?;
    let categories = rows.into_iter().map(|row| Ok((row.key.clone(), row.try_into()?)));
    categories.collect()
}

/// Every category, in the order of keys.
pub async fn list_categories(db: &Database) -> Result<Vec<Category>, Error> {
    let rows = sqlx::query_as!(CategoryRow, "select * from category order by key");
    rows.fetch_all(db.calls()).await.map_err(Fault::from)?.into_iter().map(Category::try_from).collect()
}

/// One category.
pub async fn load_category(db: &Database, key: &str) -> Result<Category, Error> {
    find_category(db, key).await?.ok_or_else(|| Error::not_found(category_name(key)))
}

/// One category, if there is such a one.
pub async fn find_category(db: &Database, key: &str) -> Result<Option<Category>, Error> {
    let row = sqlx::query_as!(CategoryRow, "select * from category where key = $1", key);
    row.fetch_optional(db.calls()).await.map_err(Fault::from)?.map(Category::try_from).transpose()
}

/// The wishes of these customers, by category.
pub async fn load_wishes(
    connection: &mut PgConnection,
    customers: &[Uuid],
) -> Result<HashMap<(Uuid, String), bool>, Fault> {
    let rows =
        sqlx::query!("select customer_id, category, wanted from preference where customer_id = any($1)", customers);
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| ((row.customer_id, row.category), row.wanted)).collect())
}

/// The wishes of one customer, by category.
pub async fn load_wishes_of(db: &Database, customer: Uuid) -> Result<HashMap<String, Wish>, Error> {
    let rows = sqlx::query!("select category, wanted, set_at from preference where customer_id = $1", customer);
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    let wish = |wanted, set_at: jiff_sqlx::Timestamp| Wish { wanted, set_at: set_at.to_jiff() };
    Ok(rows.into_iter().map(|row| (row.category, wish(row.wanted, row.set_at))).collect())
}

/// What a customer said.
#[derive(Debug)]
pub struct Said<'a> {
    pub customer: Uuid,
    /// Keys of categories, in their order, and whether messages of them are wanted.
    pub wishes: &'a [(&'a str, bool)],
    /// How it was said.
    pub evidence: &'a str,
    /// Leaves out what stands already, also when it came to stand meanwhile (NO12).
    pub only_news: bool,
}

/// Records wishes beside the earlier ones, which are kept; the answer is kept also when there are none.
pub async fn save_wishes(
    db: &Database,
    write: &Write,
    said: &Said<'_>,
    now: Timestamp,
    response: &impl Message,
) -> Result<(), Error> {
    let Said { customer, wishes, evidence, only_news } = said;
    let payload = |(category, wanted): &(&str, bool)| {
        let (customer, category) = (customer_name(*customer), category_name(category));
        PreferenceEvent { customer, category, wanted: *wanted }.encode_to_vec()
    };
    let statement = sqlx::query!(
        r#"with given as (
               select * from unnest($2::text[], $3::bool[], $4::uuid[], $5::bytea[]) as g (category, wanted, event_id, payload)
           ), wish as (
               insert into preference as p (customer_id, category, version, wanted, set_at)
               select $1, g.category, 1, g.wanted, $6::timestamptz from given g
               on conflict on constraint preference_pkey do update
               set version = p.version + 1, wanted = excluded.wanted, set_at = excluded.set_at
               where not $7 or p.wanted is distinct from excluded.wanted
               returning p.category, p.version
           ), change as (
               insert into preference_change (customer_id, category, number, wanted, evidence, actor, set_at)
               select $1, w.category, w.version, g.wanted, $8, $9, $6 from wish w join given g using (category)
           ), told as (
               select seva.emit(
                          $10, g.event_id, 'seva.notifications.preference.changed.v1', $11 || w.category, w.version, $6, g.payload
                      ),
                      seva.note($10, $11 || w.category, '{wanted}')
               from wish w join given g using (category)
           )
           select count(*) as "count!", seva.remember($10, $12) from told"#,
        customer,
        &wishes.iter().map(|(category, _)| *category).collect::<Vec<_>>() as _,
        &wishes.iter().map(|(_, wanted)| *wanted).collect::<Vec<_>>(),
        &wishes.iter().map(|_| new_id()).collect::<Vec<_>>(),
        &wishes.iter().map(payload).collect::<Vec<_>>(),
        jiff_sqlx::Timestamp::from(now) as _,
        only_news,
        evidence,
        write.actor,
        context::of(write),
        format!("{}/preferences/", customer_name(*customer)),
        response.encode_to_vec(),
    );
    db.write(statement.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves a changed category; `false` when another write came first.
pub async fn save_category(
    db: &Database,
    write: &Write,
    category: &Category,
    changed: &[String],
    now: Timestamp,
    response: &impl Message,
) -> Result<bool, Error> {
    let name = category_name(&category.key);
    let event = CategoryEvent { category: name.clone(), interruptive: category.interruptive };
    let update = sqlx::query!(
        r#"with updated as (
               update category set version = $2, interruptive = $3, time_to_live_seconds = $4
               where key = $1 and version = $2::bigint - 1
               returning key
           )
           select seva.emit($5, $6, 'seva.notifications.category.updated.v1', $7, $2::bigint - 1, $8, $9),
                  seva.note($5, $7, $10), seva.remember($5, $11)
           from updated"#,
        category.key,
        category.version,
        category.interruptive,
        category.time_to_live.as_secs(),
        context::of(write),
        new_id(),
        name,
        jiff_sqlx::Timestamp::from(now) as _,
        event.encode_to_vec(),
        changed,
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}
