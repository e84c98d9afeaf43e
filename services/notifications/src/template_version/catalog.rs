//! Puts the templates that Seva brings along into the database.

use std::collections::HashSet;

use seva_proto::notifications::v1::TemplateVersionEvent;
use seva_runtime::{BusinessClock, Error, call::Story};
use seva_store::{Database, Fault, NewEvent, context::hex, event};
use seva_values::new_id;
use sqlx::types::Json;

use super::convert::version_name;
use crate::template::{TemplateDraft, TemplateVersion, catalog};

/// Of the advisory lock that one starting process holds.
const LOCK: i64 = 0x5345_5641_4341_5441;

/// Makes every template of the catalog known, and sends from it where no person's text was published.
///
/// The same catalog again changes nothing; a newer one adds versions. Called at start, before events are read.
///
/// # Errors
/// When the database cannot be written.
pub async fn ensure_catalog(db: &Database, clock: &BusinessClock) -> Result<(), Error> {
    let mut transaction = db.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await.map_err(Fault::from)?;
    let known = sqlx::query!("select key, hash from template_version").fetch_all(&mut *transaction).await;
    let known: HashSet<(String, Vec<u8>)> = known.map_err(Fault::from)?.into_iter().map(|r| (r.key, r.hash)).collect();
    let now = clock.now();
    let mut events = Vec::new();
    for template in catalog::all() {
        let hash = template.hash().as_bytes().to_vec();
        if known.contains(&(template.key().to_owned(), hash.clone())) {
            continue;
        }
        let published = sqlx::query!(
            r#"with parent as (
                   insert into template as t (key, version) values ($1, 0)
                   on conflict on constraint template_pkey do update set version = t.version
                   returning t.key, t.published_number
               ), next as (
                   select parent.key, parent.published_number,
                          coalesce((select max(v.number) from template_version v where v.key = $1), 0) + 1 as number,
                          not exists (
                              select from template_version v
                              where v.key = $1 and v.number = parent.published_number and v.origin = 'person'
                          ) as takes_over
                   from parent
               )
               insert into template_version (id, key, number, origin, content, hash, created_at, published_at)
               select $2, next.key, next.number, 'catalog', $3, $4, $5::timestamptz, case when next.takes_over then $5::timestamptz end from next
               returning number, published_at is not null as "is_published!""#,
            template.key(),
            new_id(),
            Json(draft_of(template)) as _,
            hash,
            jiff_sqlx::Timestamp::from(now) as _,
        );
        let published = published.fetch_one(&mut *transaction).await.map_err(Fault::from)?;
        if !published.is_published {
            continue;
        }
        let update = sqlx::query!(
            "update template set published_number = $2, version = version + 1 where key = $1",
            template.key(),
            published.number
        );
        update.execute(&mut *transaction).await.map_err(Fault::from)?;
        let name = version_name(template.key(), Some(published.number));
        let payload = TemplateVersionEvent { template_version: name.clone(), hash: hex(&hash) };
        let kind = "seva.notifications.template_version.published.v1";
        events.push(NewEvent::new(kind, name, 1, now, Story::begun_by("catalog"), &payload));
    }
    event::append(&mut transaction, "worker:catalog", &events).await?;
    db.commit(transaction).await?;
    Ok(())
}

fn draft_of(template: &TemplateVersion) -> TemplateDraft {
    TemplateDraft {
        key: template.key().to_owned(),
        variables: template.variables().clone(),
        variants: template.variants().to_vec(),
    }
}
