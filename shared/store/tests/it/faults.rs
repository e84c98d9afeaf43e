//! What the database says, as data.

use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_store::{Database, Fault};
use seva_testkit::database::begin;
use sqlx::{AssertSqlSafe, PgPool};
use tonic::Code;

use crate::toy::{account, accounts};

async fn fault(pool: &PgPool, sql: &str) -> Fault {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await.unwrap_err().into()
}

#[tokio::test]
async fn what_can_never_succeed_is_permanent_and_what_may_pass_is_not() {
    let database = accounts().await;
    let id = account::open(&database.db).await;
    let pool = database.db.workers();

    let unique = fault(pool, &format!("insert into account values ('{id}', 0, 1)")).await;
    let check = fault(pool, "update account set balance = -1").await;
    let not_null = fault(pool, "update account set balance = null").await;
    let division = fault(pool, "select 1 / 0").await;
    let malformed = fault(pool, "select 'x'::uuid").await;
    let no_table = fault(pool, "select * from nothing_of_the_kind").await;
    let timeout = fault(pool, "set statement_timeout = '5ms'; select pg_sleep(1)").await;
    let ended = fault(pool, "select pg_terminate_backend(pg_backend_pid())").await;
    let raised = |code: &str| format!("do $$ begin raise exception 'x' using errcode = '{code}'; end $$");
    let serialization = fault(pool, &raised("40001")).await;
    let deadlock = fault(pool, &raised("40P01")).await;
    let full = fault(pool, &raised("53100")).await;
    let idle = fault(pool, &raised("25P03")).await;
    let too_long =
        fault(pool, "select to_tsvector('simple', string_agg(n::text, ' ')) from generate_series(1, 200000) as n")
            .await;

    assert!(unique.violates("account_pkey") && !unique.violates("account_not_overdrawn"));
    assert!(check.violates("account_not_overdrawn"));
    for permanent in [&unique, &check, &not_null, &division, &malformed, &no_table, &too_long] {
        assert!(permanent.is_permanent(), "{permanent:?}");
    }
    for passing in [&timeout, &ended, &serialization, &deadlock, &full, &idle] {
        assert!(!passing.is_permanent(), "{passing:?}");
    }
    assert!(matches!(timeout, Fault::TooLong), "{timeout:?}");
    assert_eq!(Error::from(timeout).reason(), ErrorReason::DatabaseUnavailable);
    for unavailable in [ended, full, idle] {
        assert!(matches!(unavailable, Fault::Unavailable(_)), "{unavailable:?}");
        assert_eq!(Error::from(unavailable).reason(), ErrorReason::DatabaseUnavailable);
    }
    for conflict in [serialization, deadlock] {
        assert!(matches!(conflict, Fault::Serialization));
        assert_eq!(Error::from(conflict).reason(), ErrorReason::WriteConflict);
    }
    for ours in [unique, division] {
        let told = Error::from(ours);
        assert_eq!((told.code(), told.to_string().as_str()), (Code::Internal, "internal error"));
    }
}

#[tokio::test]
async fn a_lock_that_another_holds_for_too_long_is_a_conflict() {
    let database = accounts().await;
    account::open(&database.db).await;
    let mut other = begin(&database.owner).await;
    sqlx::query("update account set version = 7").execute(&mut *other).await.unwrap();

    let fault = fault(database.db.workers(), "set lock_timeout = '20ms'; update account set version = 8").await;

    assert!(matches!(fault, Fault::LockTimeout), "{fault:?}");
    assert_eq!(Error::from(fault).reason(), ErrorReason::WriteConflict);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable_and_a_url_that_is_none_is_refused() {
    let nowhere = Database::open("nowhere", "postgres://nobody@localhost:1/nothing?sslmode=disable").unwrap();

    let refused = nowhere.ping().await.unwrap_err();

    assert_eq!((refused.code(), refused.reason()), (Code::Unavailable, ErrorReason::DatabaseUnavailable));
    assert!(Database::open("nowhere", "not a url").is_err());
}
