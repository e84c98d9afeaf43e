//! The accounts: every write is one statement, as services write.

use jiff::Timestamp;
use prost::Message;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{
    Error, Write,
    call::{RequestIdentity, Story},
};
use seva_store::{Database, Etag, Fault, context, fault::write_conflict, idempotency::once};
use seva_values::id::new_id;
use sqlx::{PgConnection, Row, migrate::Migrator};
use uuid::Uuid;

pub static MIGRATOR: Migrator = sqlx::migrate!("tests/it/toy/account");

/// The answer of a deposit, and the payload of its event.
#[derive(Clone, PartialEq, Message)]
pub struct Deposited {
    #[prost(int64, tag = "1")]
    pub amount: i64,
    #[prost(int64, tag = "2")]
    pub balance: i64,
    #[prost(int64, tag = "3")]
    pub version: i64,
}

pub const KIND: &str = "seva.accounts.account.deposited.v1";

/// Business time of all that the toys do.
pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub fn subject(id: Uuid) -> String {
    format!("accounts/{id}")
}

/// A caller's write; `hash` stands for the message.
pub fn request(id: Uuid, hash: u8) -> Write {
    Write {
        actor: "user:someone".to_owned(),
        on_behalf_of: None,
        method: "/toy.AccountService/Deposit".to_owned(),
        request: Some(RequestIdentity { id, hash: [hash; 32] }),
        story: Story::begun_by(id.to_string()),
    }
}

/// A write that no caller repeats.
pub fn unrepeated() -> Write {
    Write::by_worker("toy", "test")
}

/// Opens an account with nothing in it, in one statement.
pub async fn open(db: &Database) -> Uuid {
    let id = new_id();
    let statement = sqlx::query(
        "with created as (insert into account (id, balance, version) values ($1, 0, 1) returning version)
         select seva.emit($2, $3, 'seva.accounts.account.opened.v1', $4, version, $5, ''),
                seva.note($2, $4, array['balance']), seva.remember($2, '')
         from created",
    )
    .bind(id)
    .bind(context::of(&unrepeated()))
    .bind(new_id())
    .bind(subject(id))
    .bind(jiff_sqlx::Timestamp::from(NOW));
    db.write(statement.execute(db.calls())).await.unwrap();
    id
}

/// What a write leaves out, to see that it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    Nothing,
    ToRemember,
    ToCompareVersions,
}

/// Puts `amount` into an account or takes it out: load, decide, one statement.
pub async fn deposit(db: &Database, write: &Write, id: Uuid, amount: i64, etag: Etag) -> Result<Deposited, Error> {
    deposit_faulty(db, write, id, amount, etag, Fails::Nothing).await
}

pub async fn deposit_faulty(
    db: &Database,
    write: &Write,
    id: Uuid,
    amount: i64,
    etag: Etag,
    fails: Fails,
) -> Result<Deposited, Error> {
    once(db, write, async {
        // More often than a service tries, because the toys are written to harder.
        for _ in 0..50 {
            let (balance, version) = load(db, id).await?;
            etag.check(version)?;
            let deposited = Deposited { amount, balance: balance + amount, version: version + 1 };
            if deposited.balance < 0 {
                return Err(Error::precondition(
                    ErrorReason::StateForbids,
                    "TOY1",
                    subject(id),
                    "an account is not overdrawn",
                ));
            }
            let statement = sqlx::query(
                "with changed as (
                     update account set balance = $3, version = version + 1
                     where id = $1 and (version = $2 or $9)
                     returning version
                 )
                 select seva.emit($4, $5, $10, $6, version, $7, $8),
                        seva.note($4, $6, array['balance']),
                        case when not $11 then seva.remember($4, $8) end
                 from changed",
            )
            .bind(id)
            .bind(version)
            .bind(deposited.balance)
            .bind(context::of(write))
            .bind(new_id())
            .bind(subject(id))
            .bind(jiff_sqlx::Timestamp::from(NOW))
            .bind(deposited.encode_to_vec())
            .bind(fails == Fails::ToCompareVersions)
            .bind(KIND)
            .bind(fails == Fails::ToRemember);
            let changed = db.write(statement.fetch_optional(db.calls())).await?;
            if changed.is_some() {
                return Ok(deposited);
            }
        }
        Err(write_conflict())
    })
    .await
}

/// Balance and version.
pub async fn load(db: &Database, id: Uuid) -> Result<(i64, i64), Error> {
    let row = sqlx::query("select balance, version from account where id = $1")
        .bind(id)
        .fetch_optional(db.calls())
        .await
        .map_err(Fault::from)?
        .ok_or_else(|| Error::not_found(subject(id)))?;
    Ok((row.get(0), row.get(1)))
}

/// Adds to an account inside a transaction of several statements; answers the event's id.
pub async fn add_within(connection: &mut PgConnection, id: Uuid, amount: i64) -> Uuid {
    let event_id = new_id();
    let changed = sqlx::query(
        "with changed as (
             update account set balance = balance + $2, version = version + 1 where id = $1 returning version
         )
         select seva.emit($3, $4, $5, $6, version, $7, $8) from changed",
    )
    .bind(id)
    .bind(amount)
    .bind(context::of(&unrepeated()))
    .bind(event_id)
    .bind(KIND)
    .bind(subject(id))
    .bind(jiff_sqlx::Timestamp::from(NOW))
    .bind(Deposited { amount, balance: 0, version: 0 }.encode_to_vec())
    .execute(connection)
    .await
    .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    event_id
}
