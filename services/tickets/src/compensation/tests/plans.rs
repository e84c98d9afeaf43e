//! Lists of grants are read from an index in their order, and so is what was given.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;

use crate::{
    MIGRATOR, NAME,
    compensation::{
        model::State,
        queries::{self, ListGrants},
    },
};

/// Of a hundred customers, members and tickets, of which nothing else is there, each has as many; one grant of fifty waits.
async fn a_generous_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        alter table compensation_grant drop constraint compensation_grant_ticket_id_fkey;
        alter table compensation_grant disable trigger user;
        insert into compensation_grant (id, version, ticket_id, customer_id, kind, amount, currency, reason, state, exceeded_limits, proposer,
                                        giver, counted_at, due_at, external_key, settled_at, created_at, updated_at)
        select gen_random_uuid(), 1, somebody, somebody, 'credit', 100, 'INR', 'It came late.', case when waits then 'awaiting_approval' else 'settled' end,
               case when waits then array['per_grant'] else '{}' end, somebody, somebody, case when not waits then at end, case when waits then at end,
               case when not waits then n::text end, case when not waits then at end, at, at
        from generate_series(1, 100000) as n, lateral (
            select '2026-01-01'::timestamptz + make_interval(mins => n * 5) as at, n % 50 = 0 as waits, lpad(to_hex(n % 100), 32, '0')::uuid as somebody
        ) as t;
        vacuum analyze compensation_grant"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

#[tokio::test]
async fn every_list_of_grants_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_generous_year().await;
    let page = |token: &str| PageRequest::parse(&PageKey::new(b"test"), "grants", "", 50, token).unwrap();
    let all = |token: &str| ListGrants { ticket: None, customer: None, proposer: None, state: None, page: page(token) };
    let first = queries::list(&database.db, &all("")).await.unwrap();
    let somebody = uuid::Uuid::from_u128(1);
    let name = format!("'{somebody}'");
    for token in ["", first.next_page_token.as_str()] {
        for (list, filter) in [
            (all(token), None),
            (ListGrants { ticket: Some(somebody), ..all(token) }, Some(name.as_str())),
            (ListGrants { customer: Some(somebody), ..all(token) }, Some(name.as_str())),
            (ListGrants { proposer: Some(somebody), ..all(token) }, Some(name.as_str())),
            (ListGrants { state: Some(State::AwaitingApproval), ..all(token) }, Some("'awaiting_approval'")),
        ] {
            let after = ["'2026-08-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
            let after = if token.is_empty() { &[][..] } else { &after[..] };
            let values: Vec<&str> = filter.into_iter().chain(after.iter().copied()).collect();
            let sql = list.listing().sql();
            plans::expect_in_order(&database, &sql, &values).await;
        }
    }
}
