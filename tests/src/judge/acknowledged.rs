//! What clients were told is done, by their own journal.

use std::collections::{BTreeMap, BTreeSet};

use super::tell;
use crate::{Installation, journal::Acknowledged};

/// I1: what was acknowledged is there. I3: a request that was repeated answered the same.
pub async fn check(
    installation: &Installation,
    journal: &[Acknowledged],
    broken: &mut Vec<String>,
) -> Result<(), sqlx::Error> {
    let (db, tickets) = (installation.database("customers"), installation.database("tickets"));
    let customers: BTreeSet<String> =
        sqlx::query_scalar("select 'customers/' || id from customer").fetch_all(db).await?.into_iter().collect();
    let events: Vec<(String, String)> = sqlx::query_as("select source, id from intake_event").fetch_all(db).await?;
    let events: BTreeSet<_> = events.into_iter().collect();
    // A ticket's row and the audit of what was done to it are one commit: the step is there when its audit is.
    let steps: Vec<(String, String)> = sqlx::query_as(
        "select a.resource, a.request_id::text from seva.audit a join ticket t on a.resource = 'tickets/' || t.id
         where a.request_id is not null",
    )
    .fetch_all(tickets)
    .await?;
    let steps: BTreeSet<_> = steps.into_iter().collect();
    let mut lost: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut made: BTreeMap<&str, &str> = BTreeMap::new();
    let mut twice = Vec::new();
    for entry in journal {
        if let Acknowledged::Customer { name, request_id } | Acknowledged::Ticket { name, request_id } = entry
            // A repeated request answers the same customer, the same ticket.
            && made.insert(request_id, name).is_some_and(|before| before != name)
        {
            twice.push(request_id.clone());
        }
        let (service, missing) = match entry {
            Acknowledged::Customer { name, .. } => ("customers", (!customers.contains(name)).then(|| name.clone())),
            Acknowledged::Event { source, id } => {
                let is_there = events.contains(&(source.clone(), id.clone()));
                ("customers", (!is_there).then(|| format!("{source} {id}")))
            }
            Acknowledged::Ticket { name, request_id } => {
                let is_there = steps.contains(&(name.clone(), request_id.clone()));
                ("tickets", (!is_there).then(|| format!("{name} {request_id}")))
            }
        };
        lost.entry(service).or_default().extend(missing);
    }
    for (service, lost) in lost {
        tell("I1", service, "what was acknowledged is there", lost, broken);
    }
    tell("I3", "all services", "a repeated request answers the same", twice, broken);
    Ok(())
}
