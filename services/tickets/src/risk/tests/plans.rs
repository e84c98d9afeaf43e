//! Lists are read from an index in their order, at a hundred thousand tickets of which one in ten is at some risk.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;

use crate::{
    MIGRATOR, NAME,
    risk::{
        model::Level,
        queries::{self, ListRiskAssessments},
    },
};

/// Tickets with assessments and escalations, most of them closed.
pub async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, language, correlation_id,
                            causation_id, hops, created_at, updated_at, tier, targets, risk_level)
        select gen_random_uuid(), 1, n, gen_random_uuid(), 'delivery', 'normal', 'new', '', '', 'hi', 'c', 'c', 0, at, at, 'standard', '{}',
               case when n % 100 = 0 then 'high' when n % 10 = 0 then 'elevated' else 'low' end
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        insert into risk_assessment (id, version, score, level, reasons, policy_version, assessed_at)
        select id, 1, number % 100, risk_level, '[]', 1, created_at from ticket;
        insert into escalation (id, version, ticket_id, department, level, state, critical, owner, acknowledge_due_at, created_at, updated_at,
                                acknowledged_at, closed_at)
        select gen_random_uuid(), 1, id, lpad(to_hex(number % 3), 32, '0')::uuid, 1 + number % 3, stands, false,
               case when stands <> 'raised' then lpad(to_hex(number % 100), 32, '0')::uuid end,
               case when stands = 'raised' then created_at end, created_at, created_at, case when stands <> 'raised' then created_at end,
               case when stands = 'closed' then created_at end
        from ticket, lateral (select case when number % 50 = 0 then 'raised' when number % 20 = 0 then 'acting' else 'closed' end as stands) as t;
        vacuum analyze"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

pub fn page(list: &str, token: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), list, "", 50, token).unwrap()
}

#[tokio::test]
async fn assessments_are_read_from_an_index_in_their_order() {
    let database = a_busy_year().await;
    let list = |level, token: &str| ListRiskAssessments { level, page: page("riskAssessments", token) };
    let first = queries::list(&database.db, &list(None, "")).await.unwrap();
    assert_eq!(first.items.len(), 50);
    let after = ["50", "'80000000-0000-0000-0000-000000000000'"];
    for token in ["", first.next_page_token.as_str()] {
        for (level, filter) in [(None, vec![]), (Some(Level::High), vec!["'high'"])] {
            let values = if token.is_empty() { filter } else { [filter.as_slice(), &after].concat() };
            let sql = list(level, token).listing().sql();
            plans::expect_in_order(&database, &sql, &values).await;
        }
    }
}
