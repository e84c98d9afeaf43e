//! Lists are read from an index in their order: no row more than a page is touched, at a hundred thousand messages.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    notification::{
        queries::{self, ListNotifications},
        state::State,
    },
};

/// Has one message of a hundred.
const SOMEBODY: Uuid = Uuid::from_u128(7);

/// An order has ten messages; one of fifty waits.
async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into notification (id, version, customer_id, milestone, subject, occasion, category, state, reason, channel, language_fell_back,
                                  rank, sequence, variables, cause_event_id, correlation_id, hops, handovers, attempt, lapsed, due_at, expire_at,
                                  created_at)
        select gen_random_uuid(), 1, lpad(to_hex(n % 100), 32, '0')::uuid, 'm', 'orders/' || n / 10, n::text,
               (select min(key) from category), case when n % 50 = 0 then 'queued' else 'sent' end, 'accepted', 'email', false, 1, 1, '{}',
               gen_random_uuid(), 'c', 0, 0, 0, false, case when n % 50 = 0 then at end, at, at
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        vacuum analyze notification"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn page(token: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "notifications", "", 50, token).unwrap()
}

#[tokio::test]
async fn every_list_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_busy_year().await;
    let somebody = format!("'{SOMEBODY}'");
    let all = ListNotifications { customer: None, subject: None, state: None, page: page("") };
    let token = queries::list(&database.db, &all).await.unwrap().next_page_token;
    let middle = ["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
    for token in ["", token.as_str()] {
        for (customer, subject, state, value) in [
            (None, None, None, None),
            (Some(SOMEBODY), None, None, Some(somebody.as_str())),
            (None, Some("orders/77".to_owned()), None, Some("'orders/77'")),
            (None, None, Some(State::Queued), Some("'queued'")),
        ] {
            let list = ListNotifications { customer, subject, state, page: page(token) };
            let after = if token.is_empty() { &[][..] } else { &middle[..] };
            let values: Vec<&str> = value.into_iter().chain(after.iter().copied()).collect();
            let sql = list.listing().sql();
            for plan in plans(&database, &sql, &values).await {
                assert!(is_read_in_order(&plan), "{sql}\n{plan}");
            }
        }
    }

    // The check sees what it is for.
    sqlx::query("drop index notification_created_at").execute(&database.owner).await.unwrap();
    for plan in plans(&database, &all.listing().sql(), &[]).await {
        assert!(!is_read_in_order(&plan), "{plan}");
    }
}
