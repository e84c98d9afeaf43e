//! What the application's role may not do, and how databases are migrated.

use seva_store::{Database, migrate};
use seva_testkit::TestDatabase;
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrator;

use crate::toy::{account, accounts, ledger};

async fn code(database: &TestDatabase, sql: &str) -> Option<String> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(database.db.workers()).await;
    done.err().map(|error| error.as_database_error().unwrap().code().unwrap().into_owned())
}

#[tokio::test]
async fn the_application_cannot_change_history_or_the_schema() {
    let database = accounts().await;
    account::open(&database.db).await;
    let partition: String =
        sqlx::query_scalar("select 'seva.' || c.relname from seva.outbox o join pg_class c on c.oid = o.tableoid")
            .fetch_one(&database.owner)
            .await
            .unwrap();
    assert_ne!(partition, "seva.outbox_default");

    let forbidden = [
        "update seva.outbox set actor = 'user:other'".to_owned(),
        "delete from seva.outbox".to_owned(),
        "truncate seva.outbox".to_owned(),
        format!("update {partition} set actor = 'user:other'"),
        format!("delete from {partition}"),
        "delete from seva.outbox_default".to_owned(),
        "update seva.audit set actor = 'user:other'".to_owned(),
        "delete from seva.audit".to_owned(),
        "truncate seva.audit".to_owned(),
        "delete from seva._sqlx_migrations".to_owned(),
        "create table public.mine ()".to_owned(),
        "create table seva.mine ()".to_owned(),
        "create schema mine".to_owned(),
        "alter table account add column mine text".to_owned(),
        "drop table account".to_owned(),
        "create or replace function seva.remember(jsonb, bytea) returns void language sql as ''".to_owned(),
        "set role seva".to_owned(),
    ];

    for sql in forbidden {
        assert_eq!(code(&database, &sql).await.as_deref(), Some("42501"), "{sql}");
    }
    for allowed in
        ["select count(*) from seva.outbox", "select count(*) from seva.audit", "update account set version = 2"]
    {
        assert_eq!(code(&database, allowed).await, None, "{allowed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_migrate_at_once_and_again() {
    static NOTHING: Migrator = Migrator::DEFAULT;
    let template = TestDatabase::new("ledger", &ledger::MIGRATOR).await;
    sqlx::raw_sql("drop schema seva cascade; drop schema public cascade; create schema public")
        .execute(&template.owner)
        .await
        .unwrap();
    let behind = migrate::check(&template.db, &NOTHING).await.unwrap_err();

    let migrating = || migrate::run(&template.owner_url, Some("seva_application"), &ledger::MIGRATOR);
    let (one, other, third) = tokio::join!(migrating(), migrating(), migrating());
    for migrated in [one, other, third, migrating().await] {
        migrated.unwrap();
    }

    assert!(matches!(behind, migrate::Error::Database(_)), "{behind}");
    migrate::check(&template.db, &ledger::MIGRATOR).await.unwrap();
    let missing = migrate::check(&template.db, &account::MIGRATOR).await;
    assert!(missing.is_ok(), "the toys' histories have the same numbers");
    sqlx::raw_sql("delete from public._sqlx_migrations").execute(&template.owner).await.unwrap();
    let behind = migrate::check(&template.db, &ledger::MIGRATOR).await.unwrap_err();
    assert!(matches!(behind, migrate::Error::Behind { version: 1, .. }), "{behind}");
}

#[tokio::test]
async fn every_connection_bounds_statements_locks_and_idle_transactions_and_says_whose_it_is() {
    let database = accounts().await;
    let again = Database::open("accounts", &database.url).unwrap();

    for pool in [again.calls(), again.workers()] {
        let settings: (String, String, String, String) = sqlx::query_as(
            "select current_setting('statement_timeout'), current_setting('lock_timeout'),
                    current_setting('idle_in_transaction_session_timeout'), current_setting('application_name')",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        let expected = ["5s", "2s", "10s", "seva-accounts"].map(str::to_owned);
        assert_eq!(<[String; 4]>::from(settings), expected);
    }
}
