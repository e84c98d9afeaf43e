//! What is known of all that a batch speaks of: a handful of queries, under locks.

use std::collections::{BTreeSet, HashMap};

use seva_store::{Database, Fault, event::lock_subjects};
use sqlx::PgConnection;
use uuid::Uuid;

use super::parse::{About, Incoming, Received};
use crate::{
    customer::{
        self,
        model::{Customer, ExternalRef},
    },
    invoice::{self, model::Invoice},
    order::{self, model::Order},
};

/// A source and a number there.
pub type Key = (String, String);

/// Sources and numbers there, each once.
type Numbers<'e> = BTreeSet<(&'e str, &'e str)>;

/// What is known when a batch begins.
#[derive(Debug, Default)]
pub struct Known {
    /// Events that came before, by source and id.
    pub identities: HashMap<Key, Identity>,
    pub customer_ids: HashMap<ExternalRef, Uuid>,
    /// Those that may change: of unknown orders, and provisional ones of whom more is said.
    pub customers: HashMap<Uuid, Customer>,
    /// Who has the addresses that are reported for them, and whether they share it; by kind and address.
    pub holders: HashMap<(&'static str, String), Vec<(Uuid, bool)>>,
    pub orders: HashMap<Key, Order>,
    pub invoices: HashMap<Key, Invoice>,
}

/// An event that came before.
#[derive(Debug, Clone)]
pub struct Identity {
    pub hash: Vec<u8>,
    /// The order or invoice that it is about.
    pub subject: String,
}

/// Locks what a batch speaks of until the transaction's end, and reads it.
pub async fn known(connection: &mut PgConnection, db: &Database, batch: &[Received]) -> Result<Known, Fault> {
    let valid: Vec<_> = batch.iter().filter_map(|event| Some((event, event.read.as_ref().ok()?))).collect();
    if valid.is_empty() {
        return Ok(Known::default());
    }
    lock_subjects(connection, &lock_keys(&valid)).await?;
    let mut known = Known { identities: identities(connection, &valid).await?, ..Known::default() };
    let (orders, invoices) = numbers(&valid);
    if !orders.is_empty() {
        let (sources, numbers): (Vec<_>, Vec<_>) = orders.into_iter().unzip();
        let found = order::store::find(&mut *connection, &[], &sources, &numbers).await?;
        known.orders =
            found.into_iter().map(|order| ((order.source.clone(), order.order_number.clone()), order)).collect();
    }
    if !invoices.is_empty() {
        let (sources, numbers): (Vec<_>, Vec<_>) = invoices.into_iter().unzip();
        let found = invoice::store::find(&mut *connection, &sources, &numbers).await?;
        let key = |invoice: &Invoice| (invoice.source.clone(), invoice.invoice_number.clone());
        known.invoices = found.into_iter().map(|invoice| (key(&invoice), invoice)).collect();
    }
    customers(connection, db, &valid, &mut known).await?;
    holders(connection, &valid, &mut known).await?;
    Ok(known)
}

/// Stable names of what a batch may create or change. One writer at a time for each, before anything is read.
fn lock_keys(valid: &[(&Received, &Incoming)]) -> Vec<String> {
    let keys = valid.iter().flat_map(|(event, incoming)| {
        let collection = match incoming.about {
            About::Order(_) => "orders",
            About::Invoice(_) => "invoices",
            About::Billing(_) => "billing",
        };
        let Incoming { number, reporter, .. } = incoming;
        [format!("{collection}:{}:{number}", event.source), format!("refs:{}:{}", event.source, reporter.known_as.id)]
    });
    keys.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The orders and the invoices that a batch speaks of.
fn numbers<'e>(valid: &[(&'e Received, &'e Incoming)]) -> (Numbers<'e>, Numbers<'e>) {
    let mut numbers = (BTreeSet::new(), BTreeSet::new());
    for (event, incoming) in valid {
        let of_kind = match incoming.about {
            About::Order(_) => &mut numbers.0,
            About::Invoice(_) => &mut numbers.1,
            About::Billing(_) => continue,
        };
        of_kind.insert((event.source.as_str(), incoming.number.as_str()));
    }
    numbers
}

async fn identities(
    connection: &mut PgConnection,
    valid: &[(&Received, &Incoming)],
) -> Result<HashMap<Key, Identity>, Fault> {
    let sources: Vec<_> = valid.iter().map(|(event, _)| event.source.as_str()).collect();
    let ids: Vec<_> = valid.iter().map(|(event, _)| event.id.as_str()).collect();
    let rows = sqlx::query!(
        "select e.source, e.id, e.hash, e.subject
         from unnest($1::text[], $2::text[]) as t (source, id) join intake_event e on e.source = t.source and e.id = t.id",
        &sources as _,
        &ids as _,
    );
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| ((row.source, row.id), Identity { hash: row.hash, subject: row.subject })).collect())
}

/// Who the reported customers are, and the whole of those that may change.
async fn customers(
    connection: &mut PgConnection,
    db: &Database,
    valid: &[(&Received, &Incoming)],
    known: &mut Known,
) -> Result<(), Fault> {
    let refs: BTreeSet<_> = valid.iter().map(|(_, incoming)| &incoming.reporter.known_as).collect();
    let systems: Vec<_> = refs.iter().map(|known_as| known_as.system.as_str()).collect();
    let ids: Vec<_> = refs.iter().map(|known_as| known_as.id.as_str()).collect();
    let rows = sqlx::query!(
        "select r.system, r.foreign_id, r.customer_id, c.provisional
         from unnest($1::text[], $2::text[]) as t (system, foreign_id)
         join external_ref r on r.system = t.system and r.foreign_id = t.foreign_id
         join customer c on c.id = r.customer_id",
        &systems as _,
        &ids as _,
    );
    let mut provisional = BTreeSet::new();
    for row in rows.fetch_all(connection).await? {
        if row.provisional {
            provisional.insert(row.customer_id);
        }
        known.customer_ids.insert(ExternalRef { system: row.system, id: row.foreign_id }, row.customer_id);
    }
    let may_change = valid.iter().filter_map(|(event, incoming)| {
        let id = *known.customer_ids.get(&incoming.reporter.known_as)?;
        let is_order = matches!(incoming.about, About::Order(_));
        let is_new_order = is_order && !known.orders.contains_key(&(event.source.clone(), incoming.number.clone()));
        (is_new_order || (provisional.contains(&id) && incoming.reporter.says_more())).then_some(id)
    });
    let may_change: Vec<_> = may_change.collect::<BTreeSet<_>>().into_iter().collect();
    if !may_change.is_empty() {
        let customers = customer::store::load_all(db, &may_change).await.map_err(Fault::Decided)?;
        known.customers = customers.into_iter().map(|customer| (customer.id, customer)).collect();
    }
    Ok(())
}

/// Who has the addresses of customers that are new or lack one.
async fn holders(
    connection: &mut PgConnection,
    valid: &[(&Received, &Incoming)],
    known: &mut Known,
) -> Result<(), Fault> {
    let sought = valid.iter().filter(|(_, incoming)| match known.customer_ids.get(&incoming.reporter.known_as) {
        None => true,
        Some(id) => known.customers.get(id).is_some_and(|customer| customer.provisional),
    });
    let addresses = sought.flat_map(|(_, incoming)| incoming.reporter.addresses());
    let addresses: BTreeSet<_> = addresses.map(|address| (address.kind(), address.as_str().to_owned())).collect();
    if addresses.is_empty() {
        return Ok(());
    }
    let (kinds, values): (Vec<_>, Vec<_>) = addresses.iter().map(|(kind, value)| (*kind, value.as_str())).unzip();
    let rows = sqlx::query!(
        r#"select t.number as "number!", p.customer_id, p.shared
           from unnest($1::text[], $2::text[]) with ordinality as t (kind, value, number)
           join contact_point p on p.kind = t.kind and p.value = t.value"#,
        &kinds as _,
        &values as _,
    );
    let addresses: Vec<_> = addresses.iter().cloned().collect();
    for row in rows.fetch_all(connection).await? {
        let address = usize::try_from(row.number - 1).ok().and_then(|at| addresses.get(at)).cloned();
        let address = address.expect("ordinality counts what was given");
        known.holders.entry(address).or_default().push((row.customer_id, row.shared));
    }
    Ok(())
}
