//! Lists are read from an index in their order: no row more than a page is touched.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::{
    MIGRATOR, NAME,
    customer::{
        model::Tier,
        queries::{self, ListCustomers, ORDERS, Sought, listing, searching},
    },
};

/// The plans of a statement for these values: as it is made once for all values, and for these alone.
pub async fn plans(database: &TestDatabase, sql: &str, values: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let mut plans = Vec::new();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let script = format!("set plan_cache_mode = {mode}; deallocate all; prepare listing as {sql}");
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut connection).await.unwrap();
        let lines = sqlx::raw_sql(AssertSqlSafe(format!("explain execute listing({values})")))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        plans.push(lines.iter().map(|line| line.get::<String, _>(0)).collect::<Vec<_>>().join("\n"));
    }
    plans
}

/// Whether the rows come from an index in their order. What is done for each row of the page alone, below it, may sort its few.
pub fn is_read_in_order(plan: &str) -> bool {
    let of_the_page = plan.split("SubPlan").next().unwrap_or_default();
    !of_the_page.contains("Sort") && of_the_page.contains("Index") && !plan.contains("Seq Scan")
}

/// Many customers, each with contact points, ids and consents; few of them share a moment.
async fn customers() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into customer (id, version, given_name, family_name, languages, zone, availability, tier, provisional, created_at, updated_at)
        select gen_random_uuid(), 1, 'প্রিয়া ' || n, 'शर्मा', '{bn}', 'Asia/Kolkata', '{"zone": "UTC"}', case when n % 100 = 0 then 'vip' else 'standard' end,
               n % 10 = 0, '2026-01-01'::timestamptz + make_interval(secs => n / 3), '2026-02-01'::timestamptz - make_interval(secs => n / 3)
        from generate_series(1, 100000) as n;
        insert into contact_point (customer_id, kind, value, is_primary, shared, number)
        select id, 'email', id || '@example.com', true, false, 1 from customer;
        insert into external_ref (system, foreign_id, customer_id) select '//shop.example', id::text, id from customer;
        insert into consent (customer_id, customer_version, purpose, channel, granted, evidence, captured_at)
        select id, 1, 'survey', 'all', true, 'web', created_at from customer;
        vacuum analyze customer; vacuum analyze contact_point; vacuum analyze external_ref; vacuum analyze consent;"#;
    for statement in script.split(';').filter(|statement| !statement.trim().is_empty()) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn page(token: &str, query: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "customers", query, 50, token).unwrap()
}

#[tokio::test]
async fn every_order_of_customers_is_read_from_its_index_with_and_without_a_token_and_filter() {
    let database = customers().await;

    for order in ORDERS {
        for provisional in [None, Some(false)] {
            let list = |token: &str| ListCustomers { order, tier: None, provisional, page: page(token, order.name) };
            let filter = provisional.map_or("", |_| "false, ");
            let first = queries::list(&database.db, &list("")).await.unwrap();
            assert_eq!(first.items.len(), 50);
            let after = "'2026-01-15T00:00:00Z', '88888888-0000-0000-0000-000000000000', ";
            for (token, after) in [("", ""), (first.next_page_token.as_str(), after)] {
                let sql = listing(&list(token)).sql();
                for plan in plans(&database, &sql, &format!("{filter}{after}51")).await {
                    assert!(is_read_in_order(&plan), "{}: {sql}\n{plan}", order.name);
                }
            }
        }
    }

    // The check sees what it is for.
    sqlx::query("drop index customer_updated_at").execute(&database.owner).await.unwrap();
    let list = ListCustomers { order: &ORDERS[2], tier: None, provisional: None, page: page("", "") };
    let planted = plans(&database, &listing(&list).sql(), "51").await;
    assert!(planted.iter().all(|plan| !is_read_in_order(plan)), "{planted:?}");

    // A rare tier is found along the order.
    let rare = ListCustomers { order: &ORDERS[0], tier: Some(Tier::Vip), provisional: None, page: page("", "") };
    for plan in plans(&database, &listing(&rare).sql(), "'vip', 51").await {
        assert!(is_read_in_order(&plan), "{plan}");
    }
}

#[tokio::test]
async fn searches_use_the_indexes_of_names_and_contact_points() {
    let database = customers().await;

    let by_address = Sought::parse("x@example.com").unwrap();
    let request = page("", "");
    let sql = searching(&by_address, &request).sql();
    for plan in plans(&database, &sql, "'email', 'x@example.com', 51").await {
        assert!(plan.contains("contact_point_value") && !plan.contains("Seq Scan"), "{plan}");
    }
    let by_name = Sought::parse("প্রিয়া 77777").unwrap();
    let sql = searching(&by_name, &request).sql();
    let plan = &plans(&database, &sql, "'%প্রিয়া 77777%', 51").await[1];
    assert!(plan.contains("customer_name") && !plan.contains("Seq Scan"), "{plan}");
}
