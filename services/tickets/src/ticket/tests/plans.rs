//! Lists are read from an index in their order: no row more than a page is touched, at a hundred thousand tickets.

use seva_store::paging::{Order, PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    risk::Level,
    ticket::{
        Kind, Priority,
        filter::TicketFilter,
        queries::{self, ListTickets, ORDERS, View, listing_from},
        state::State,
        store::listed::{SELECT_BASIC, SELECT_FULL},
    },
};

/// One of five hundred is of each level of risk. A department has one ticket of three, a customer and a member one of a hundred; one of fifty waits, one of fifty is worked on, and one of a
/// thousand was opened again.
const SOMEBODY: Uuid = Uuid::from_u128(1);

async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        alter table ticket disable trigger user;
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, assignee, closure,
                            language, reopen_count, correlation_id, causation_id, hops, created_at, updated_at, tier, targets, next_due_at, risk_level)
        select gen_random_uuid(), 1, n, lpad(to_hex(n % 100), 32, '0')::uuid, 'delivery', 'normal', state, 'Where is it?', 'It has not come.',
               lpad(to_hex(n % 3), 32, '0')::uuid, case when state <> 'new' then lpad(to_hex(n % 100), 32, '0')::uuid end,
               case when state = 'closed' then 'verified' end, 'hi', case when n % 1000 = 7 then 1 else 0 end, 'c', 'c', 0, at, at, 'standard', '{}',
               case when state in ('new', 'open') then at + interval '1 day' end,
               case n % 500 when 1 then 'high' when 51 then 'critical' when 101 then 'elevated' else 'low' end
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t,
             lateral (select case n % 50 when 0 then 'new' when 1 then 'open' when 2 then 'pending_customer' else 'closed' end as state) as s;
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
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    ListTickets { order: &ORDERS[0], filter: TicketFilter::default(), view: View::Basic, page: page(token), now }
}

/// Filters that agents use, with their values in SQL. Of one member in one state there are few, and those may be sorted.
fn usual() -> Vec<(TicketFilter, Vec<&'static str>)> {
    const SOMEBODY_SQL: &str = "'00000000-0000-0000-0000-000000000001'";
    let department = || TicketFilter { department: Some(SOMEBODY), ..TicketFilter::default() };
    let assignee = || TicketFilter { assignee: Some(SOMEBODY), ..TicketFilter::default() };
    let states = vec![State::New, State::Open];
    vec![
        (department(), vec![SOMEBODY_SQL]),
        (TicketFilter { states: vec![State::New], ..department() }, vec![SOMEBODY_SQL]),
        (TicketFilter { states: states.clone(), ..department() }, vec![SOMEBODY_SQL]),
        (TicketFilter { unassigned: true, ..department() }, vec![SOMEBODY_SQL]),
        (
            TicketFilter { kinds: vec![Kind::Delivery], priorities: vec![Priority::Normal], ..department() },
            vec![SOMEBODY_SQL, "'{delivery}'", "'{normal}'"],
        ),
        (assignee(), vec![SOMEBODY_SQL]),
        (TicketFilter { states, ..TicketFilter::default() }, vec![]),
        (TicketFilter::default(), vec![]),
        (TicketFilter { risks: vec![Level::High, Level::Critical], ..TicketFilter::default() }, vec![]),
    ]
}

/// Expects that the first page and one in the middle are read in order.
async fn expect_in_order(database: &TestDatabase, list: &ListTickets, filter: &[&str]) {
    for token in ["", &some_token()] {
        let list = ListTickets { page: page(token), filter: list.filter.clone(), ..*list };
        let select = match list.view {
            View::Basic => SELECT_BASIC,
            View::Full => SELECT_FULL,
        };
        let sql = listing_from(select, &list).sql();
        for plan in plans(database, &sql, &values(&sql, filter, token)).await {
            assert!(is_read_in_order(&plan), "{}: {sql}\n{plan}", list.order.name);
        }
    }
}

/// The parameters of a statement, branch by branch.
fn values<'a>(sql: &str, filter: &[&'a str], token: &str) -> Vec<&'a str> {
    let after = ["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
    let branches = sql.matches("where true").count();
    let has_states = sql.contains("state = $");
    let has_risks = sql.contains("risk_level = $");
    let any_state = sql.contains("state = any(");
    let mut values = Vec::new();
    for _ in 0..branches {
        values.extend(filter);
        if any_state {
            values.push("'{new,open}'");
        }
        if has_states {
            values.push("'new'");
        }
        if has_risks {
            values.push("'high'");
        }
        if !token.is_empty() {
            values.extend(after);
        }
    }
    values
}

fn some_token() -> String {
    page("").cut_by_id(vec![SOMEBODY; 51], |id| *id).next_page_token
}

#[tokio::test]
async fn every_list_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_busy_year().await;
    let first = queries::summaries(&database.db, &all("")).await.unwrap();
    assert_eq!(first.items.len(), 50);
    for (filter, values) in usual() {
        // What is due, or was changed, of a state is sorted when it is little.
        let is_read = |order: &&Order| match order.column {
            "created_at" => true,
            "updated_at" => filter == TicketFilter::default(),
            _ => filter.states.is_empty() && !filter.unassigned && filter.risks.is_empty(),
        };
        for order in ORDERS.iter().filter(is_read) {
            for view in [View::Basic, View::Full] {
                let list = ListTickets { order, view, filter: filter.clone(), ..all("") };
                expect_in_order(&database, &list, &values).await;
            }
        }
    }
    let of_customer = TicketFilter { customer: Some(SOMEBODY), ..TicketFilter::default() };
    let somebody = format!("'{SOMEBODY}'");
    expect_in_order(&database, &ListTickets { filter: of_customer, ..all("") }, &[&somebody]).await;
    let reopened = TicketFilter { reopened: true, ..TicketFilter::default() };
    expect_in_order(&database, &ListTickets { filter: reopened, ..all("") }, &[]).await;
    let to_call = TicketFilter { needs_call: true, ..TicketFilter::default() };
    expect_in_order(&database, &ListTickets { filter: to_call, ..all("") }, &["'2026-01-02T00:00:00Z'"]).await;
}

#[tokio::test]
async fn what_is_open_is_found_without_passing_over_what_is_closed() {
    let database = a_busy_year().await;
    let somebody = format!("'{SOMEBODY}'");
    let queue = TicketFilter { department: Some(SOMEBODY), states: vec![State::New], ..TicketFilter::default() };
    for plan in plans(
        &database,
        &listing_from(SELECT_BASIC, &ListTickets { filter: queue, ..all("") }).sql(),
        &[&somebody, "'new'"],
    )
    .await
    {
        assert!(plan.contains("ticket_department") || plan.contains("ticket_state"), "{plan}");
    }
    let mine = TicketFilter { assignee: Some(SOMEBODY), states: vec![State::Open], ..TicketFilter::default() };
    for plan in plans(
        &database,
        &listing_from(SELECT_BASIC, &ListTickets { filter: mine, ..all("") }).sql(),
        &[&somebody, "'open'"],
    )
    .await
    {
        assert!(plan.contains("ticket_assignee"), "{plan}");
    }
    let due = |filter| ListTickets { order: &ORDERS[4], filter, ..all("") };
    let of_department = due(TicketFilter { department: Some(SOMEBODY), ..TicketFilter::default() });
    for plan in plans(&database, &listing_from(SELECT_BASIC, &of_department).sql(), &[&somebody]).await {
        assert!(plan.contains("ticket_due"), "{plan}");
    }
    let at_risk = TicketFilter { risks: vec![Level::High], ..TicketFilter::default() };
    for plan in
        plans(&database, &listing_from(SELECT_BASIC, &ListTickets { filter: at_risk, ..all("") }).sql(), &["'high'"])
            .await
    {
        assert!(plan.contains("ticket_at_risk"), "{plan}");
    }
    // The check sees what it is for.
    sqlx::query("drop index ticket_updated_at").execute(&database.owner).await.unwrap();
    let planted =
        plans(&database, &listing_from(SELECT_BASIC, &ListTickets { order: &ORDERS[2], ..all("") }).sql(), &[]).await;
    assert!(planted.iter().all(|plan| !is_read_in_order(plan)), "{planted:?}");
}
