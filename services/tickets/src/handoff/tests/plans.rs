//! Lists are read from an index in their order, at a hundred thousand hand-offs; and departments are set side by side quickly and exactly.

use std::time::Instant;

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    handoff::{
        model::State,
        parity::ParityQuery,
        queries::{self, ListHandoffs, ORDERS},
        store,
    },
};

/// A department is asked and asks in a third of all; a ticket has one of a thousand; one of fifty is offered.
const SOMEBODY: Uuid = Uuid::from_u128(1);

async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        alter table handoff disable trigger handoff_holds_ticket;
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, route_at, language,
                            correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
        select lpad(to_hex(n), 32, '0')::uuid, 1, n, gen_random_uuid(), 'delivery', 'normal', 'new', 'Where is it?', '', '2026-01-01', 'hi', 'c', 'c', 0,
               '2026-01-01', '2026-01-01', 'standard', '{}'
        from generate_series(0, 4999) as n;
        insert into handoff (id, version, ticket_id, from_department_id, sender_id, department_id, state, member_id, wanted, bounces, ack_round,
                             done_round, ack_breached, ack_due_at, done_due_at, ack_us, done_us, offered_at, updated_at, answered_at, done_at, ended_at)
        select gen_random_uuid(), 1,
               case when n % 50 = 0 then lpad(to_hex(2000 + n / 50), 32, '0') else lpad(to_hex(n % 1000), 32, '0') end::uuid,
               lpad(to_hex((n + 1) % 3), 32, '0')::uuid, gen_random_uuid(), lpad(to_hex(n % 3), 32, '0')::uuid,
               case when n % 50 = 0 then 'offered' when n % 10 = 1 then 'refused' else 'confirmed' end,
               case when n % 50 <> 0 then gen_random_uuid() end, 'w', case when n % 100 = 2 then 1 else 0 end, n, n, n % 20 = 3,
               at + interval '1 hour', at + interval '8 hours', case when n % 50 <> 0 then n * 1000000::bigint end,
               case when n % 50 <> 0 and n % 10 <> 1 then n * 2000000::bigint end, at, at, case when n % 50 <> 0 then at end,
               case when n % 50 <> 0 and n % 10 <> 1 then at end, case when n % 50 <> 0 then at end
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        vacuum analyze handoff"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn all(token: &str) -> ListHandoffs {
    ListHandoffs {
        order: &ORDERS[0],
        ticket: None,
        department: None,
        from: None,
        state: None,
        page: PageRequest::parse(&PageKey::new(b"test"), "handoffs", "", 50, token).unwrap(),
    }
}

async fn expect_in_order(database: &TestDatabase, list: &ListHandoffs, is_first: bool, filter: &[&str]) {
    let after = ["'2026-01-01T09:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
    let values = if is_first { filter.to_vec() } else { [filter, &after[..]].concat() };
    let sql = list.listing().sql();
    plans::expect_in_order(database, &sql, &values).await;
}

/// TK49
#[tokio::test]
async fn every_list_of_handoffs_reads_an_index_in_order_and_tk49_the_report_is_exact() {
    let database = a_busy_year().await;
    let somebody = format!("'{SOMEBODY}'");
    let first = queries::list(&database.db, &all("")).await.unwrap();
    for token in ["", first.next_page_token.as_str()] {
        let is_first = token.is_empty();
        for order in ORDERS {
            expect_in_order(&database, &ListHandoffs { order, ..all(token) }, is_first, &[]).await;
            let to = ListHandoffs { order, department: Some(SOMEBODY), ..all(token) };
            expect_in_order(&database, &to, is_first, &[&somebody]).await;
            let from = ListHandoffs { order, from: Some(SOMEBODY), ..all(token) };
            expect_in_order(&database, &from, is_first, &[&somebody]).await;
            // Those of one ticket are few, and sorted.
            let inbox = ListHandoffs { order, department: Some(SOMEBODY), state: Some(State::Offered), ..all(token) };
            expect_in_order(&database, &inbox, is_first, &[&somebody, "'offered'"]).await;
        }
    }

    let at = |text: &str| text.parse().unwrap();
    let query = ParityQuery {
        from: at("2026-01-01T00:00:00Z"),
        until: at("2026-02-01T00:00:00Z"),
        now: at("2026-02-01T00:00:00Z"),
    };
    let began = Instant::now();
    let rows = store::parity(&database.db, &query).await.unwrap();
    println!("handoffs: departments side by side, of 100000 in {:.2?}", began.elapsed());
    assert_eq!(rows.len(), 3);
    let sum = |of: fn(&super::super::parity::Row) -> i64| rows.iter().map(of).sum::<i64>();
    assert_eq!((sum(|row| row.offered), sum(|row| row.under_way), sum(|row| row.refused)), (100_000, 2_000, 10_000));
    assert_eq!((sum(|row| row.accepted), sum(|row| row.bounced)), (88_000, 1_000));
    // One of twenty late, and whatever is not answered.
    assert_eq!((sum(|row| row.ack.counted), sum(|row| row.ack.breached)), (98_000, 7_000));
    assert_eq!((sum(|row| row.done.counted), sum(|row| row.done.breached)), (88_000, 2_000));
    for row in &rows {
        let middle = row.ack.median.unwrap() / 1_000_000;
        assert!((49_900..50_100).contains(&middle), "{middle}");
        assert!(row.done.p90.unwrap() > row.done.median.unwrap());
    }
    // Whatever the period, what it counts is what lies in it: halves add up to the whole.
    let middle = at("2026-01-01T04:00:00Z");
    let halves = [ParityQuery { until: middle, ..query }, ParityQuery { from: middle, ..query }];
    let mut counted = 0;
    for half in halves {
        counted += store::parity(&database.db, &half).await.unwrap().iter().map(|row| row.offered).sum::<i64>();
    }
    assert_eq!(counted, 100_000);
}
