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
    commands::SetPreference,
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
    let row = sqlx::query_as!(CategoryRow, "select * from category where key = $1", key);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(category_name(key)))?.try_into()
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

/// Records a wish beside the earlier ones, which are kept.
pub async fn save_wish(
    db: &Database,
    write: &Write,
    command: &SetPreference,
    now: Timestamp,
    response: &impl Message,
) -> Result<(), Error> {
    let SetPreference { customer, category, wanted, evidence } = command;
    let event =
        PreferenceEvent { customer: customer_name(*customer), category: category_name(category), wanted: *wanted };
    let subject = format!("{}/preferences/{category}", customer_name(*customer));
    let insert = sqlx::query!(
        r#"with wish as (
               insert into preference as p (customer_id, category, version, wanted, set_at) values ($1, $2, 1, $3, $4)
               on conflict on constraint preference_pkey do update
               set version = p.version + 1, wanted = excluded.wanted, set_at = excluded.set_at
               returning p.version
           ), change as (
               insert into preference_change (customer_id, category, number, wanted, evidence, actor, set_at)
               select $1, $2, wish.version, $3, $5, $6, $4 from wish
           )
           select seva.emit($7, $8, 'seva.notifications.preference.changed.v1', $9, wish.version, $4, $10),
                  seva.note($7, $9, '{wanted}'), seva.remember($7, $11)
           from wish"#,
        customer,
        category,
        wanted,
        jiff_sqlx::Timestamp::from(now) as _,
        evidence,
        write.actor,
        context::of(write),
        new_id(),
        subject,
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
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
