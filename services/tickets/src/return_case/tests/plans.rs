//! Lists of returns are read from an index in their order.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;

use crate::{
    MIGRATOR, NAME,
    return_case::{
        kinds::State,
        queries::{self, ListReturns},
    },
};

/// Each of a hundred customers, of whom nothing else is there, has as many; one return of fifty is requested, and one of fifty goes beyond its rule.
async fn a_year_of_returns() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        alter table return_case drop constraint return_case_ticket_id_fkey, drop constraint return_case_order_id_fkey;
        alter table return_case disable trigger user;
        insert into return_case (id, version, ticket_id, customer_id, order_id, order_number, items, wish, reason, state, outcome,
                                 decision_reason, handbook_rule, is_exception, decider, decided_at, created_at, updated_at)
        select gen_random_uuid(), 1, somebody, somebody, somebody, 'A', '[]', 'refund', 'It does not fit.',
               case when n % 50 = 0 then 'requested' else 'declined' end, case when n % 50 <> 0 then 'declined' end,
               case when n % 50 <> 0 then 'No.' end, case when n % 50 <> 0 then '3' end, case when n % 50 <> 0 then n % 50 = 1 end,
               case when n % 50 <> 0 then somebody end, case when n % 50 <> 0 then at end, at, at
        from generate_series(1, 100000) as n, lateral (
            select '2026-01-01'::timestamptz + make_interval(mins => n * 5) as at, lpad(to_hex(n % 100), 32, '0')::uuid as somebody
        ) as t;
        vacuum analyze return_case"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

#[tokio::test]
async fn every_list_of_returns_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_year_of_returns().await;
    let page = |token: &str| PageRequest::parse(&PageKey::new(b"test"), "returns", "", 50, token).unwrap();
    let all = |token: &str| ListReturns {
        ticket: None,
        customer: None,
        order: None,
        state: None,
        is_exception: false,
        page: page(token),
    };
    let first = queries::list(&database.db, &all("")).await.unwrap();
    let somebody = uuid::Uuid::from_u128(1);
    let name = format!("'{somebody}'");
    for token in ["", first.next_page_token.as_str()] {
        for (list, filter) in [
            (all(token), None),
            (ListReturns { is_exception: true, ..all(token) }, None),
            (ListReturns { ticket: Some(somebody), ..all(token) }, Some(name.as_str())),
            (ListReturns { customer: Some(somebody), ..all(token) }, Some(name.as_str())),
            (ListReturns { order: Some(somebody), ..all(token) }, Some(name.as_str())),
            (ListReturns { state: Some(State::Requested), ..all(token) }, Some("'requested'")),
        ] {
            let after = ["'2026-08-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
            let after = if token.is_empty() { &[][..] } else { &after[..] };
            let values: Vec<&str> = filter.into_iter().chain(after.iter().copied()).collect();
            let sql = list.listing().sql();
            plans::expect_in_order(&database, &sql, &values).await;
        }
    }
}
