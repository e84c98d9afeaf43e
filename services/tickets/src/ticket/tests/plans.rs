//! Lists are read from an index in their order: no row more than a page is touched, at a hundred thousand tickets.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    ticket::{
        queries::{self, ListTickets, ORDERS, View, listing},
        state::State,
    },
};

/// A department has one ticket of three, a customer and an assignee one of a hundred; one of fifty waits.
const SOMEBODY: Uuid = Uuid::from_u128(1);

async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, assignee, closure,
                            language, correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
        select gen_random_uuid(), 1, n, lpad(to_hex(n % 100), 32, '0')::uuid, 'delivery', 'normal', case when n % 50 = 0 then 'new' else 'closed' end,
               'Where is it?', 'It has not come.', lpad(to_hex(n % 3), 32, '0')::uuid, case when n % 50 <> 0 then lpad(to_hex(n % 100), 32, '0')::uuid end,
               case when n % 50 <> 0 then 'verified' end, 'hi', 'c', 'c', 0, at, at, 'standard', '{}'
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        vacuum analyze ticket"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn page(token: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "tickets", "", 50, token).unwrap()
}

fn all(token: &str) -> ListTickets {
    ListTickets {
        order: &ORDERS[0],
        customer: None,
        department: None,
        assignee: None,
        state: None,
        kind: None,
        unassigned: false,
        view: View::Basic,
        page: page(token),
    }
}

async fn expect_in_order(database: &TestDatabase, list: &ListTickets, is_first: bool, filter: &[&str]) {
    let after = ["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
    let values = if is_first { filter.to_vec() } else { [filter, &after[..]].concat() };
    let sql = listing(list).sql();
    for plan in plans(database, &sql, &values).await {
        assert!(is_read_in_order(&plan), "{}: {sql}\n{plan}", list.order.name);
    }
}

#[tokio::test]
async fn every_list_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_busy_year().await;
    let somebody = format!("'{SOMEBODY}'");
    let first = queries::list(&database.db, &all("")).await.unwrap();
    assert_eq!(first.items.len(), 50);
    for token in ["", first.next_page_token.as_str()] {
        let is_first = token.is_empty();
        for order in ORDERS {
            for view in [View::Basic, View::Full] {
                expect_in_order(&database, &ListTickets { order, view, ..all(token) }, is_first, &[]).await;
            }
        }
        let queue = ListTickets { department: Some(SOMEBODY), state: Some(State::New), ..all(token) };
        expect_in_order(&database, &queue, is_first, &[&somebody, "'new'"]).await;
        let unassigned = ListTickets { department: Some(SOMEBODY), unassigned: true, ..all(token) };
        expect_in_order(&database, &unassigned, is_first, &[&somebody]).await;
        let of_customer = ListTickets { customer: Some(SOMEBODY), ..all(token) };
        expect_in_order(&database, &of_customer, is_first, &[&somebody]).await;
        let of_assignee = ListTickets { assignee: Some(SOMEBODY), ..all(token) };
        expect_in_order(&database, &of_assignee, is_first, &[&somebody]).await;
        let waiting = ListTickets { state: Some(State::New), ..all(token) };
        expect_in_order(&database, &waiting, is_first, &["'new'"]).await;
    }

    // The queue is found without passing over what is closed; at most over what waits elsewhere.
    let queue = ListTickets { department: Some(SOMEBODY), state: Some(State::New), ..all("") };
    for plan in plans(&database, &listing(&queue).sql(), &[&somebody, "'new'"]).await {
        assert!(plan.contains("ticket_department") || plan.contains("ticket_state"), "{plan}");
    }
    // The check sees what it is for.
    sqlx::query("drop index ticket_updated_at").execute(&database.owner).await.unwrap();
    let planted = plans(&database, &listing(&ListTickets { order: &ORDERS[2], ..all("") }).sql(), &[]).await;
    assert!(planted.iter().all(|plan| !is_read_in_order(plan)), "{planted:?}");
}
