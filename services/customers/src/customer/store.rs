//! All SQL of customers.

use jiff::Timestamp;
use prost::Message;
use serde::{Deserialize, Serialize};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{AvailabilityWindows, Email, Invalid, Language, Phone, Zone, new_id};
use sqlx::types::Json;
use tonic::Code;
use uuid::Uuid;

use super::{
    convert::event_of,
    mailbox::MailboxKey,
    model::{Address, Consent, ConsentChannel, ContactPoint, Customer, ExternalRef, Purpose, Tier},
    queries::name,
};

/// Every read of whole customers begins so.
pub const SELECT: &str = "select * from customer_whole";

/// A customer as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct CustomerRow {
    pub id: Uuid,
    version: i64,
    given_name: String,
    family_name: String,
    languages: Vec<String>,
    zone: String,
    availability: Json<AvailabilityWindows>,
    tier: String,
    provisional: bool,
    first_order_at: Option<jiff_sqlx::Timestamp>,
    order_count: i64,
    pub created_at: jiff_sqlx::Timestamp,
    pub updated_at: jiff_sqlx::Timestamp,
    contact_points: Json<Vec<ContactPointRow>>,
    external_refs: Json<Vec<ExternalRefRow>>,
    consents: Json<Vec<ConsentRow>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ContactPointRow {
    kind: String,
    value: String,
    primary: bool,
    shared: bool,
    verified_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ExternalRefRow {
    system: String,
    id: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ConsentRow {
    purpose: String,
    channel: String,
    granted: bool,
    evidence: String,
    captured_at: Timestamp,
}

/// The whole customer.
pub async fn load(db: &Database, id: Uuid) -> Result<Customer, Error> {
    load_all(db, &[id]).await?.pop().ok_or_else(|| Error::not_found(name(id)))
}

/// Those of these customers that exist, each once, in any order.
pub async fn load_all(db: &Database, ids: &[Uuid]) -> Result<Vec<Customer>, Error> {
    let rows = sqlx::query_as!(
        CustomerRow,
        r#"select id as "id!", version as "version!", given_name as "given_name!", family_name as "family_name!",
                  languages as "languages!", zone as "zone!", availability as "availability!: Json<AvailabilityWindows>",
                  tier as "tier!", provisional as "provisional!", first_order_at, order_count as "order_count!",
                  created_at as "created_at!", updated_at as "updated_at!",
                  contact_points as "contact_points!: Json<Vec<ContactPointRow>>",
                  external_refs as "external_refs!: Json<Vec<ExternalRefRow>>",
                  consents as "consents!: Json<Vec<ConsentRow>>"
           from customer_whole where id = any($1)"#,
        ids
    )
    .fetch_all(db.calls())
    .await
    .map_err(Fault::from)?;
    rows.into_iter().map(Customer::try_from).collect()
}

/// Whom another system knows by an id.
pub async fn find_by_external_ref(db: &Database, known_as: &ExternalRef) -> Result<Option<Uuid>, Error> {
    let found = sqlx::query_scalar!(
        "select customer_id from external_ref where system = $1 and foreign_id = $2",
        known_as.system,
        known_as.id
    );
    Ok(found.fetch_optional(db.calls()).await.map_err(Fault::from)?)
}

/// Records a new customer with its event, its audit row and the answer, in one statement.
pub async fn insert(
    db: &Database,
    mailboxes: &MailboxKey,
    write: &Write,
    customer: &Customer,
    response: &impl Message,
) -> Result<(), Error> {
    let event = event_of(customer, &["*"], mailboxes);
    let points = PointColumns::of(customer);
    let refs = RefColumns::of(customer);
    let insert = sqlx::query!(
        r#"with created as (
               insert into customer (id, version, given_name, family_name, languages, zone, availability, tier, provisional,
                                     created_at, updated_at)
               values ($1, 1, $2, $3, $4, $5, $6, $7, false, $8, $8)
               returning id
           ), points as (
               insert into contact_point (customer_id, kind, value, is_primary, shared, verified_at, number)
               select created.id, p.kind, p.value, p.is_primary, p.shared, null, p.number
               from created, unnest($9::text[], $10::text[], $11::bool[], $12::bool[])
                    with ordinality as p (kind, value, is_primary, shared, number)
           ), refs as (
               insert into external_ref (system, foreign_id, customer_id)
               select r.system, r.foreign_id, created.id
               from created, unnest($13::text[], $14::text[]) as r (system, foreign_id)
           )
           select seva.emit($15, $16, 'seva.customers.customer.created.v1', $17, 1, $8, $18),
                  seva.note($15, $17, '{*}'), seva.remember($15, $19)
           from created"#,
        customer.id,
        customer.given_name,
        customer.family_name,
        &languages(customer),
        customer.zone.name(),
        Json(&customer.availability) as _,
        customer.tier.name(),
        jiff_sqlx::Timestamp::from(customer.created_at) as _,
        &points.kinds as _,
        &points.values as _,
        &points.primaries,
        &points.shared,
        &refs.systems as _,
        &refs.ids as _,
        context::of(write),
        new_id(),
        name(customer.id),
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await.map_err(refusal)?;
    Ok(())
}

/// Saves a changed customer, and ends the links to the customer's place if told so (CU25); `false` when another write came first.
pub async fn save_updated(
    db: &Database,
    mailboxes: &MailboxKey,
    write: &Write,
    customer: &Customer,
    changed: &[&str],
    ends_links: bool,
    response: &impl Message,
) -> Result<bool, Error> {
    let event = event_of(customer, changed, mailboxes);
    let points = PointColumns::of(customer);
    let refs = RefColumns::of(customer);
    let changed: Vec<String> = changed.iter().map(|&field| field.to_owned()).collect();
    let update = sqlx::query!(
        r#"with updated as (
               update customer
               set version = $2, given_name = $3, family_name = $4, languages = $5, zone = $6, availability = $7, tier = $8,
                   provisional = $9, updated_at = $10, link_generation = link_generation + $23
               where id = $1 and version = $2::bigint - 1
               returning id
           ), removed_points as (
               delete from contact_point c using updated
               where c.customer_id = updated.id
                 and not exists (
                     select from unnest($11::text[], $12::text[]) as k (kind, value) where k.kind = c.kind and k.value = c.value
                 )
               returning 1
           ), points as (
               insert into contact_point as c (customer_id, kind, value, is_primary, shared, verified_at, number)
               select updated.id, p.kind, p.value, p.is_primary, p.shared, null, p.number
               -- The count makes the removal come first: a removed primary point would stand in a new one's way.
               from updated, (select count(*) from removed_points) as removed, unnest($11::text[], $12::text[], $13::bool[], $14::bool[])
                    with ordinality as p (kind, value, is_primary, shared, number)
               order by p.is_primary
               on conflict on constraint contact_point_pkey do update
               set is_primary = excluded.is_primary, shared = excluded.shared, number = excluded.number
           ), removed_refs as (
               delete from external_ref e using updated
               where e.customer_id = updated.id
                 and not exists (
                     select from unnest($15::text[], $16::text[]) as k (system, id) where k.system = e.system and k.id = e.foreign_id
                 )
               returning 1
           ), refs as (
               insert into external_ref (system, foreign_id, customer_id)
               select r.system, r.foreign_id, updated.id
               from updated, unnest($15::text[], $16::text[]) as r (system, foreign_id)
               where not exists (
                   select from external_ref e
                   where e.system = r.system and e.foreign_id = r.foreign_id and e.customer_id = updated.id
               )
           )
           select seva.emit($17, $18, 'seva.customers.customer.updated.v1', $19, $2, $10, $20),
                  seva.note($17, $19, $21), seva.remember($17, $22)
           from updated"#,
        customer.id,
        customer.version,
        customer.given_name,
        customer.family_name,
        &languages(customer),
        customer.zone.name(),
        Json(&customer.availability) as _,
        customer.tier.name(),
        customer.provisional,
        jiff_sqlx::Timestamp::from(customer.updated_at) as _,
        &points.kinds as _,
        &points.values as _,
        &points.primaries,
        &points.shared,
        &refs.systems as _,
        &refs.ids as _,
        context::of(write),
        new_id(),
        name(customer.id),
        event.encode_to_vec(),
        &changed,
        response.encode_to_vec(),
        i32::from(ends_links),
    );
    let saved = db.write(update.fetch_optional(db.calls())).await.map_err(refusal)?;
    Ok(saved.is_some())
}

/// Appends what the customer agreed to or refused; `false` when another write came first.
pub async fn save_consent(
    db: &Database,
    mailboxes: &MailboxKey,
    write: &Write,
    customer: &Customer,
    consent: &Consent,
    response: &impl Message,
) -> Result<bool, Error> {
    let event = event_of(customer, &["consents"], mailboxes);
    let update = sqlx::query!(
        r#"with updated as (
               update customer set version = $2, updated_at = $3 where id = $1 and version = $2::bigint - 1 returning id
           ), recorded as (
               insert into consent (customer_id, customer_version, purpose, channel, granted, evidence, captured_at)
               select updated.id, $2, $4, $5, $6, $7, $3 from updated
           )
           select seva.emit($8, $9, 'seva.customers.customer.consent_recorded.v1', $10, $2, $3, $11),
                  seva.note($8, $10, '{consents}'), seva.remember($8, $12)
           from updated"#,
        customer.id,
        customer.version,
        jiff_sqlx::Timestamp::from(customer.updated_at) as _,
        consent.purpose.name(),
        consent.channel.name(),
        consent.granted,
        consent.evidence,
        context::of(write),
        new_id(),
        name(customer.id),
        event.encode_to_vec(),
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await.map_err(Error::from)?.is_some())
}

/// What violated constraints mean to a caller.
fn refusal(fault: Fault) -> Error {
    let exists = |reason, message: &'static str| Error::new(Code::AlreadyExists, reason, message);
    if fault.violates("contact_point_value_once") {
        return exists(
            ErrorReason::ContactPointTaken,
            "a contact point belongs to another customer and is not shared (CU1)",
        );
    }
    if fault.violates("external_ref_pkey") {
        return exists(ErrorReason::ExternalRefTaken, "an external id belongs to another customer");
    }
    fault.into()
}

fn languages(customer: &Customer) -> Vec<String> {
    customer.languages.iter().map(|language| language.as_str().to_owned()).collect()
}

/// Contact points by column, for `unnest`.
struct PointColumns<'a> {
    kinds: Vec<&'a str>,
    values: Vec<&'a str>,
    primaries: Vec<bool>,
    shared: Vec<bool>,
}

impl<'a> PointColumns<'a> {
    fn of(customer: &'a Customer) -> Self {
        let points = &customer.contact_points;
        Self {
            kinds: points.iter().map(|point| point.address.kind()).collect(),
            values: points.iter().map(|point| point.address.as_str()).collect(),
            primaries: points.iter().map(|point| point.primary).collect(),
            shared: points.iter().map(|point| point.shared).collect(),
        }
    }
}

/// External refs by column, for `unnest`.
struct RefColumns<'a> {
    systems: Vec<&'a str>,
    ids: Vec<&'a str>,
}

impl<'a> RefColumns<'a> {
    fn of(customer: &'a Customer) -> Self {
        let refs = &customer.external_refs;
        Self {
            systems: refs.iter().map(|known_as| known_as.system.as_str()).collect(),
            ids: refs.iter().map(|known_as| known_as.id.as_str()).collect(),
        }
    }
}

impl TryFrom<CustomerRow> for Customer {
    type Error = Error;

    /// What was written was valid; anything else is a fault of ours.
    fn try_from(row: CustomerRow) -> Result<Self, Error> {
        read(row).map_err(|invalid| Error::internal(format!("a stored customer cannot be read: {invalid}")))
    }
}

fn read(row: CustomerRow) -> Result<Customer, Invalid> {
    let CustomerRow {
        id,
        version,
        given_name,
        family_name,
        languages,
        zone,
        availability: Json(availability),
        tier,
        provisional,
        first_order_at,
        order_count,
        created_at,
        updated_at,
        contact_points: Json(contact_points),
        external_refs: Json(external_refs),
        consents: Json(consents),
    } = row;
    Ok(Customer {
        id,
        version,
        given_name,
        family_name,
        languages: languages.iter().map(|tag| Language::parse(tag)).collect::<Result<_, _>>()?,
        zone: Zone::parse(&zone)?,
        availability,
        contact_points: contact_points.into_iter().map(ContactPoint::try_from).collect::<Result<_, _>>()?,
        external_refs: external_refs.into_iter().map(|row| ExternalRef { system: row.system, id: row.id }).collect(),
        tier: Tier::from_name(&tier)?,
        provisional,
        consents: consents.into_iter().map(Consent::try_from).collect::<Result<_, _>>()?,
        first_order_at: first_order_at.map(jiff_sqlx::Timestamp::to_jiff),
        order_count,
        created_at: created_at.to_jiff(),
        updated_at: updated_at.to_jiff(),
    })
}

impl TryFrom<ContactPointRow> for ContactPoint {
    type Error = Invalid;

    fn try_from(row: ContactPointRow) -> Result<Self, Invalid> {
        let ContactPointRow { kind, value, primary, shared, verified_at } = row;
        let address = match kind.as_str() {
            "email" => Address::Email(Email::parse(&value)?),
            "phone" => Address::Phone(Phone::parse(&value)?),
            other => return Err(Invalid::new("STORED_NAME_UNKNOWN", format!("{other} is no kind of contact point"))),
        };
        Ok(Self { address, primary, shared, verified_at })
    }
}

impl TryFrom<ConsentRow> for Consent {
    type Error = Invalid;

    fn try_from(row: ConsentRow) -> Result<Self, Invalid> {
        let ConsentRow { purpose, channel, granted, evidence, captured_at } = row;
        Ok(Self {
            purpose: Purpose::from_name(&purpose)?,
            channel: ConsentChannel::from_name(&channel)?,
            granted,
            evidence,
            captured_at,
        })
    }
}

/// Gives the variants of an enum the names under which they are stored.
macro_rules! stored_names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name under which it is stored.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads the stored name.
            pub fn from_name(name: &str) -> Result<Self, Invalid> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    other => Err(Invalid::new("STORED_NAME_UNKNOWN", format!("{other} is no {}", stringify!($type)))),
                }
            }
        }
    };
}

stored_names!(Tier { Standard = "standard", Loyal = "loyal", Vip = "vip" });
stored_names!(Purpose { Service = "service", Survey = "survey", Marketing = "marketing" });
stored_names!(ConsentChannel { All = "all", Email = "email", Phone = "phone", Sms = "sms", Push = "push" });
