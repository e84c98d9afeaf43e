//! What came of rules is read from an index in its order, of a hundred thousand firings.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    automation::{
        firing::Outcome,
        queries::{ListFirings, firing_list, firings},
    },
};

/// One rule of three, one ticket of a thousand.
const SOMETHING: Uuid = Uuid::from_u128(1);

async fn a_busy_month() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into automation (id, version, display_name, weight, enabled, enabled_at, rule, rule_version, created_at, updated_at)
        select lpad(to_hex(n), 32, '0')::uuid, 1, 'A rule', 0, true, at, '', 1, at, at
        from generate_series(0, 2) as n, lateral (select '2026-01-01'::timestamptz as at) as t;
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, language, correlation_id,
                            causation_id, hops, created_at, updated_at, tier, targets)
        select lpad(to_hex(n), 32, '0')::uuid, 1, n, gen_random_uuid(), 'delivery', 'normal', 'new', 'Where is it?', 'It has not come.', 'hi',
               'c', 'c', 0, at, at, 'standard', '{}'
        from generate_series(0, 999) as n, lateral (select '2026-01-01'::timestamptz as at) as t;
        insert into automation_firing (id, automation_id, rule_version, ticket_id, event_id, outcome, reason, told, at)
        select gen_random_uuid(), lpad(to_hex(n % 3), 32, '0')::uuid, 1, lpad(to_hex(n % 1000), 32, '0')::uuid, gen_random_uuid(),
               case when n % 50 = 0 then 'suppressed' else 'done' end, case when n % 50 = 0 then 'STATE_FORBIDS' end, '{}',
               '2026-01-01'::timestamptz + make_interval(secs => n)
        from generate_series(1, 100000) as n;
        vacuum analyze automation_firing"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn all(token: &str) -> ListFirings {
    let page = PageRequest::parse(&PageKey::new(b"test"), "firings", "", 50, token).unwrap();
    ListFirings { automation: None, ticket: None, outcome: None, page }
}

#[tokio::test]
async fn every_list_of_firings_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_busy_month().await;
    let something = format!("'{SOMETHING}'");
    let first = firings(&database.db, &all("")).await.unwrap();
    assert_eq!(first.items.len(), 50);
    for token in ["", first.next_page_token.as_str()] {
        // Those of one ticket are few, and sorted.
        let lists = [
            (all(token), Vec::new()),
            (ListFirings { automation: Some(SOMETHING), ..all(token) }, vec![something.as_str()]),
            (ListFirings { outcome: Some(Outcome::Suppressed), ..all(token) }, vec!["'suppressed'"]),
        ];
        for (list, mut values) in lists {
            if !token.is_empty() {
                values.extend(["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"]);
            }
            let sql = firing_list(&list).sql();
            plans::expect_in_order(&database, &sql, &values).await;
        }
    }
}
