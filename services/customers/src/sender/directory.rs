//! Looks senders up, and makes customers of those whom nobody knows.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use seva_runtime::{BusinessClock, Error, call::Story};
use seva_store::{Database, Fault, NewEvent, event::lock_subjects, fault::write_conflict};
use seva_values::{Language, format_name, new_id};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::model::{From, Key, Sender};
use crate::{
    customer::{
        convert::{COLLECTION, event_of},
        mailbox::Mailboxes,
        model::Customer,
        store,
    },
    events::Told,
    intake::{self, Changes},
};

/// How often it is tried when another call or the intake makes the same customer at the same time.
const TRIES: u32 = 3;
/// Pause before the second try; it grows with each.
const PAUSE: Duration = Duration::from_millis(20);
/// Constraints that are violated then: the next try sees what the other has written.
const RACES: [&str; 2] = ["contact_point_value_once", "external_ref_pkey"];
/// The language of somebody of whom none is known.
const ENGLISH: &str = "en";

/// Who has which address.
#[derive(Debug, Clone)]
pub struct Directory {
    db: Database,
    clock: BusinessClock,
    mailboxes: Mailboxes,
}

impl Directory {
    /// Of this database.
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { mailboxes: Mailboxes::new(db.clone()), db, clock }
    }

    /// The customers of each sender, the longest known first; never none. `actor` makes those who are new.
    ///
    /// # Errors
    /// When the database cannot be asked, or other writes come between again and again.
    pub async fn resolve(&self, actor: &str, senders: &[Sender]) -> Result<Vec<Vec<Customer>>, Error> {
        let by_key: BTreeMap<Key, &Sender> = senders.iter().rev().map(|sender| (sender.key(), sender)).collect();
        let found = self.known_or_made(actor, &by_key).await?;
        let ids: Vec<Uuid> = found.values().flatten().copied().collect();
        let customers = store::load_all(&self.db, &ids).await?;
        let customers: HashMap<Uuid, Customer> =
            customers.into_iter().map(|customer| (customer.id, customer)).collect();
        let of_sender = |sender: &Sender| {
            let ids = found.get(&sender.key()).map(Vec::as_slice).unwrap_or_default();
            ids.iter().filter_map(|id| customers.get(id).cloned()).collect()
        };
        Ok(senders.iter().map(of_sender).collect())
    }

    async fn known_or_made(
        &self,
        actor: &str,
        senders: &BTreeMap<Key, &Sender>,
    ) -> Result<BTreeMap<Key, Vec<Uuid>>, Error> {
        let known = find(self.db.calls(), senders).await?;
        if known.len() == senders.len() {
            return Ok(known);
        }
        for tries in 1..=TRIES {
            match self.make(actor, senders).await {
                Err(fault)
                    if RACES.iter().any(|constraint| fault.violates(constraint))
                        || matches!(fault, Fault::Serialization) =>
                {
                    tokio::time::sleep(PAUSE * tries).await;
                }
                made => return Ok(made?),
            }
        }
        Err(write_conflict())
    }

    /// Looks again under locks, and makes a customer of everybody who is still unknown.
    async fn make(&self, actor: &str, senders: &BTreeMap<Key, &Sender>) -> Result<BTreeMap<Key, Vec<Uuid>>, Fault> {
        let mailboxes = self.mailboxes.key().await?;
        let now = self.clock.now();
        let mut transaction = self.db.begin().await?;
        let locks: Vec<String> =
            senders.keys().map(|(kind, system, value)| format!("{kind}:{system}:{value}")).collect();
        lock_subjects(&mut transaction, &locks).await?;
        let mut known = find(&mut *transaction, senders).await?;
        let mut changes = Changes::default();
        for (key, sender) in senders.iter().filter(|(key, _)| !known.contains_key(*key)).collect::<Vec<_>>() {
            let english = Language::parse(ENGLISH).expect("en is a language");
            let customer = sender.provisional(new_id(), english, now);
            let name = format_name(COLLECTION, customer.id);
            let told = event_of(&customer, &["*"], &mailboxes);
            let kind = "seva.customers.customer.created.v1";
            let story = Story::begun_by(name.clone());
            changes.told.push(Told::of_customer(NewEvent::new(kind, name, 1, now, story, &told)));
            match &sender.from {
                From::Address(_) => {
                    let points = customer.contact_points.iter().cloned();
                    changes.contact_points.extend(points.map(|point| (customer.id, point, 1)));
                }
                From::Account(account) => changes.external_refs.push((account.clone(), customer.id)),
            }
            known.insert(key.clone(), vec![customer.id]);
            changes.customers.insert(customer.id, (customer, 0));
        }
        intake::write(&mut transaction, actor, &[], &changes).await?;
        self.db.commit(transaction).await?;
        Ok(known)
    }
}

/// Who has these addresses; those whom nobody has are left out.
async fn find(
    executor: impl PgExecutor<'_>,
    senders: &BTreeMap<Key, &Sender>,
) -> Result<BTreeMap<Key, Vec<Uuid>>, Fault> {
    let rows = sqlx::query!(
        r#"select t.number as "number!", coalesce(p.customer_id, r.customer_id) as "customer!"
           from unnest($1::text[], $2::text[], $3::text[]) with ordinality as t (kind, system, value, number)
           left join contact_point p on p.kind = t.kind and lower(p.value) = lower(t.value)
           left join external_ref r on t.kind = 'account' and r.system = t.system and r.foreign_id = t.value
           where coalesce(p.customer_id, r.customer_id) is not null
           order by 1, 2"#,
        &senders.keys().map(|(kind, ..)| *kind).collect::<Vec<_>>() as _,
        &senders.keys().map(|(_, system, _)| system.as_str()).collect::<Vec<_>>() as _,
        &senders.values().map(|sender| sender.from.as_str()).collect::<Vec<_>>() as _,
    );
    let keys: Vec<&Key> = senders.keys().collect();
    let mut found: BTreeMap<Key, Vec<Uuid>> = BTreeMap::new();
    for row in rows.fetch_all(executor).await? {
        let key =
            usize::try_from(row.number - 1).ok().and_then(|at| keys.get(at)).expect("ordinality counts what was given");
        let customers = found.entry((*key).clone()).or_default();
        if !customers.contains(&row.customer) {
            customers.push(row.customer);
        }
    }
    Ok(found)
}
