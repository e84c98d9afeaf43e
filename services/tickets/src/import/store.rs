//! All SQL of imports.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, NewEvent, context, event};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use super::model::{Imported, ImportedTicket, Stay};
use crate::{
    clock::Calendar,
    custom_field::{self, Schema},
    recipient::{self, Recipient},
    roster,
    ticket::{Change, Closure, Kind, convert::event_of, store::batch::write_rows},
};

/// What has to be known to replay histories.
pub struct Facts {
    /// What came before under the same identities.
    pub before: HashMap<(String, String), Before>,
    pub recipients: HashMap<Uuid, Recipient>,
    pub schema: Schema,
    /// Whether they serve.
    pub members: HashMap<Uuid, roster::State>,
    departments: HashMap<&'static str, (Uuid, Calendar)>,
}

/// A ticket that came before under an identity.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    pub ticket: Uuid,
    pub hash: [u8; 32],
}

impl Facts {
    /// The department that takes a kind, with its calendar.
    pub fn department(&self, kind: Kind) -> (Option<Uuid>, Calendar) {
        match self.departments.get(kind.name()) {
            Some((id, calendar)) => (Some(*id), calendar.clone()),
            None => (None, Calendar::always()),
        }
    }
}

/// All that has to be known of these tickets.
pub async fn facts(db: &Database, tickets: &[&ImportedTicket], members: &[Uuid]) -> Result<Facts, Error> {
    let customers: Vec<Uuid> = tickets.iter().map(|ticket| ticket.new.customer).collect();
    let recipients = recipient::store::find_all(db.calls(), &customers).await?;
    let members = roster::store::find(db.calls(), members).await?;
    let mut departments = HashMap::new();
    for ticket in tickets {
        let kind = ticket.new.kind;
        if !departments.contains_key(kind.name())
            && let Some(department) = roster::store::department_of_kind(db.calls(), kind).await?
        {
            departments.insert(kind.name(), department);
        }
    }
    let sources: Vec<&str> = tickets.iter().map(|ticket| ticket.source.as_str()).collect();
    let external_ids: Vec<&str> = tickets.iter().map(|ticket| ticket.external_id.as_str()).collect();
    Ok(Facts {
        schema: custom_field::store::schema(db.calls()).await?,
        before: known(db.calls(), &sources, &external_ids).await?,
        recipients: recipients.into_iter().map(|known| (known.customer, known)).collect(),
        members: members.into_iter().map(|member| (member.id, member.state)).collect(),
        departments,
    })
}

/// Takes the identities of tickets; answers those that had been taken, and by which ticket (TK127).
pub async fn take<'a>(
    connection: &mut PgConnection,
    tickets: impl Iterator<Item = &'a (&'a ImportedTicket, Imported)>,
) -> Result<HashMap<(String, String), Before>, Fault> {
    // In one order, and each once: of one request too the first comes first.
    let mut wanted: BTreeMap<(&str, &str), (Uuid, &[u8])> = BTreeMap::new();
    for (ticket, imported) in tickets {
        let identity = (ticket.source.as_str(), ticket.external_id.as_str());
        wanted.entry(identity).or_insert((imported.opened.ticket.id, ticket.hash.as_slice()));
    }
    let sources: Vec<&str> = wanted.keys().map(|(source, _)| *source).collect();
    let ids: Vec<&str> = wanted.keys().map(|(_, id)| *id).collect();
    sqlx::query!(
        "insert into ticket_import (source, external_id, ticket_id, hash)
         select * from unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[])
         on conflict on constraint ticket_import_pkey do nothing",
        &sources as _,
        &ids as _,
        &wanted.values().map(|(ticket, _)| *ticket).collect::<Vec<_>>(),
        &wanted.values().map(|(_, hash)| hash.to_vec()).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    known(connection, &sources, &ids).await
}

/// Tickets that came before under these identities.
pub async fn known(
    executor: impl PgExecutor<'_>,
    sources: &[&str],
    external_ids: &[&str],
) -> Result<HashMap<(String, String), Before>, Fault> {
    let rows = sqlx::query!(
        "select i.source, i.external_id, i.ticket_id, i.hash
         from unnest($1::text[], $2::text[]) as t (source, external_id)
         join ticket_import i on i.source = t.source and i.external_id = t.external_id",
        sources as _,
        external_ids as _,
    )
    .fetch_all(executor)
    .await?;
    let known = rows.into_iter().map(|row| {
        let hash = row.hash.try_into().map_err(|_| Error::internal("the hash of an import cannot be read"))?;
        Ok(((row.source, row.external_id), Before { ticket: row.ticket_id, hash }))
    });
    known.collect()
}

/// Writes tickets with all that happened to them; each is told once, as imported (TK129).
pub async fn insert(
    connection: &mut PgConnection,
    write: &Write,
    mut imported: Vec<Imported>,
    now: Timestamp,
) -> Result<(), Fault> {
    if imported.is_empty() {
        return Ok(());
    }
    let numbers = sqlx::query_scalar!(
        r#"select nextval('ticket_number') as "number!" from generate_series(1, $1::bigint)"#,
        i64::try_from(imported.len()).unwrap_or(i64::MAX),
    );
    let numbers = numbers.fetch_all(&mut *connection).await?;
    for (one, number) in imported.iter_mut().zip(numbers) {
        one.opened.ticket.number = number;
        one.changes.iter_mut().for_each(|change| change.ticket.number = number);
    }
    insert_opened(connection, &imported).await?;
    let told: Vec<Change> = imported.iter().map(Imported::told).collect();
    let stays: Vec<Stay> = imported.iter().flat_map(Imported::stays).collect();
    let changes: Vec<Change> =
        imported.into_iter().flat_map(|one| std::iter::once(one.opened).chain(one.changes)).collect();
    write_rows(connection, &changes).await?;
    write_stays(connection, &stays).await?;
    let events = told.iter().map(|change| {
        let (kind, ticket) = (change.act.event_kind(), &change.ticket);
        NewEvent::new(kind, ticket.name(), ticket.version, now, write.story.clone(), &event_of(change))
    });
    event::append(connection, &write.actor, &events.collect::<Vec<_>>()).await?;
    sqlx::query!(
        "select seva.note($1, name, '{*}') from unnest($2::text[]) as t (name)",
        context::of(write),
        &told.iter().map(|change| change.ticket.name()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_opened(connection: &mut PgConnection, imported: &[Imported]) -> Result<(), Fault> {
    let tickets: Vec<_> = imported.iter().map(|one| &one.opened.ticket).collect();
    let story = tickets.first().map(|ticket| &ticket.story);
    sqlx::query!(
        "insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, route_at, language,
                             correlation_id, causation_id, hops, traceparent, created_at, updated_at, tier, targets, tags, fields, weight,
                             channel)
         select g.id, 1, g.number, g.customer, g.kind, g.priority, 'new', g.title, g.stated_problem, g.department, g.at, g.language,
                $11, $12, $13, $14, g.at, g.at, g.tier, g.targets,
                array(select jsonb_array_elements_text(g.tags)), g.fields, g.weight, 'import'
         from unnest(
             $1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[],
             $10::timestamptz[], $15::text[], $16::jsonb[], $17::jsonb[], $18::jsonb[], $19::int[]
         ) as g (id, number, customer, kind, priority, title, stated_problem, department, language, at, tier, targets, tags, fields, weight)",
        &tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.number).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.customer).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.kind.name()).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.priority.name()).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.title.clone()).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.stated_problem.clone()).collect::<Vec<_>>(),
        &tickets.iter().map(|ticket| ticket.department).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.language.as_str()).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| jiff_sqlx::Timestamp::from(ticket.created_at)).collect::<Vec<_>>() as _,
        story.map(|story| story.correlation_id.as_str()),
        story.map(|story| story.causation_id.as_str()),
        story.map(|story| story.hops),
        story.and_then(|story| story.traceparent.as_deref()),
        &tickets.iter().map(|ticket| ticket.tier.name()).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| Json(ticket.targets)).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| Json(ticket.tags.clone())).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| Json(ticket.fields.clone())).collect::<Vec<_>>() as _,
        &tickets.iter().map(|ticket| ticket.targets.weight).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes in which states tickets were before, at the times of their history (TK130).
async fn write_stays(connection: &mut PgConnection, stays: &[Stay]) -> Result<(), Fault> {
    let times = |of: fn(&Stay) -> Timestamp| -> Vec<jiff_sqlx::Timestamp> {
        stays.iter().map(|stay| jiff_sqlx::Timestamp::from(of(stay))).collect()
    };
    sqlx::query!(
        "with stay as (
             insert into ticket_stay (ticket_id, state, since, until, next_state, next_closure)
             select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[])
             returning ticket_id, until
         )
         update ticket t set state_since = last.until
         from (select ticket_id, max(until) as until from stay group by ticket_id) as last
         where t.id = last.ticket_id",
        &stays.iter().map(|stay| stay.ticket).collect::<Vec<_>>(),
        &stays.iter().map(|stay| stay.state.name()).collect::<Vec<_>>() as _,
        times(|stay| stay.since) as _,
        times(|stay| stay.until) as _,
        &stays.iter().map(|stay| stay.next.0.name()).collect::<Vec<_>>() as _,
        &stays.iter().map(|stay| stay.next.1.map(Closure::name)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
