//! Lists are read from an index in their order, at a hundred thousand promises; and their rates are counted quickly.

use std::time::Instant;

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    promise::{
        model::State,
        queries::{self, ListPromises, ORDERS},
        rate::RateQuery,
        store,
    },
};

/// A department has one promise of three, an owner and a ticket one of a hundred; one of fifty is open.
const SOMEBODY: Uuid = Uuid::from_u128(1);

async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, route_at, language,
                            correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
        select lpad(to_hex(n), 32, '0')::uuid, 1, n, gen_random_uuid(), 'delivery', 'normal', 'new', 'Where is it?', '', '2026-01-01', 'hi', 'c', 'c', 0,
               '2026-01-01', '2026-01-01', 'standard', '{}'
        from generate_series(0, 99) as n;
        insert into promise (id, version, ticket_id, customer_id, department_id, owner_id, state, words, due_at, first_due_at, round,
                             created_at, updated_at, kept_at, broken_at)
        select gen_random_uuid(), 1, lpad(to_hex(n % 100), 32, '0')::uuid, gen_random_uuid(), lpad(to_hex(n % 3), 32, '0')::uuid,
               case when n % 200 <> 0 then lpad(to_hex(n % 100), 32, '0')::uuid end,
               case when n % 50 = 0 then 'open' when n % 7 = 0 then 'broken' else 'kept' end, 'w', at, at, n, '2025-01-01', '2025-01-01',
               case when n % 50 <> 0 and n % 7 <> 0 then '2025-02-01'::timestamptz end, case when n % 50 <> 0 and n % 7 = 0 then at end
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        vacuum analyze promise"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn all(token: &str) -> ListPromises {
    ListPromises {
        order: &ORDERS[0],
        ticket: None,
        department: None,
        owner: None,
        state: None,
        without_owner: false,
        page: PageRequest::parse(&PageKey::new(b"test"), "promises", "", 50, token).unwrap(),
    }
}

async fn expect_in_order(database: &TestDatabase, list: &ListPromises, is_first: bool, filter: &[&str]) {
    let after = ["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
    let values = if is_first { filter.to_vec() } else { [filter, &after[..]].concat() };
    let sql = list.listing().sql();
    plans::expect_in_order(database, &sql, &values).await;
}

#[tokio::test]
async fn every_list_of_promises_reads_an_index_in_order_and_their_rates_are_exact() {
    let database = a_busy_year().await;
    let somebody = format!("'{SOMEBODY}'");
    let first = queries::list(&database.db, &all("")).await.unwrap();
    for token in ["", first.next_page_token.as_str()] {
        let is_first = token.is_empty();
        for order in ORDERS {
            expect_in_order(&database, &ListPromises { order, ..all(token) }, is_first, &[]).await;
            let of_owner = ListPromises { order, owner: Some(SOMEBODY), ..all(token) };
            expect_in_order(&database, &of_owner, is_first, &[&somebody]).await;
            let of_department = ListPromises { order, department: Some(SOMEBODY), ..all(token) };
            expect_in_order(&database, &of_department, is_first, &[&somebody]).await;
            let of_ticket = ListPromises { order, ticket: Some(SOMEBODY), ..all(token) };
            expect_in_order(&database, &of_ticket, is_first, &[&somebody]).await;
            let open = ListPromises { order, state: Some(State::Open), ..all(token) };
            expect_in_order(&database, &open, is_first, &["'open'"]).await;
            let waiting = ListPromises { order, without_owner: true, ..all(token) };
            expect_in_order(&database, &waiting, is_first, &[]).await;
        }
    }

    let (from, until) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-02-01T00:00:00Z".parse().unwrap());
    let query = RateQuery { from, until, by_owner: false, department: None, owner: None };
    let began = Instant::now();
    let rates = store::rates(&database.db, &query).await.unwrap();
    println!("promises: the rate of 100000 in {:.2?}", began.elapsed());
    assert_eq!(rates.len(), 3);
    let total =
        rates.iter().fold(Default::default(), |total: crate::promise::rate::Counts, (_, counts)| total.and(*counts));
    assert_eq!((total.due, total.open, total.broken), (100_000, 2_000, 14_000));
    assert_eq!(total.kept + total.open + total.broken, total.due);
}
