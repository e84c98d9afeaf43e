//! Lists are read from an index in their order: no row more than a page is touched.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use sqlx::AssertSqlSafe;

use crate::{
    MIGRATOR, NAME,
    customer::{
        model::Tier,
        queries::{self, ListCustomers, ORDERS, Sought, listing, searching},
    },
};

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
            let filter: &[&str] = if provisional.is_some() { &["false"] } else { &[] };
            let first = queries::list(&database.db, &list("")).await.unwrap();
            assert_eq!(first.items.len(), 50);
            let after = ["'2026-01-15T00:00:00Z'", "'88888888-0000-0000-0000-000000000000'"];
            for (token, after) in [("", &[][..]), (first.next_page_token.as_str(), &after[..])] {
                let sql = listing(&list(token)).sql();
                for plan in plans(&database, &sql, &[filter, after].concat()).await {
                    assert!(is_read_in_order(&plan), "{}: {sql}\n{plan}", order.name);
                }
            }
        }
    }

    // The check sees what it is for.
    sqlx::query("drop index customer_updated_at").execute(&database.owner).await.unwrap();
    let list = ListCustomers { order: &ORDERS[2], tier: None, provisional: None, page: page("", "") };
    let planted = plans(&database, &listing(&list).sql(), &[]).await;
    assert!(planted.iter().all(|plan| !is_read_in_order(plan)), "{planted:?}");

    // A rare tier is found along the order.
    let rare = ListCustomers { order: &ORDERS[0], tier: Some(Tier::Vip), provisional: None, page: page("", "") };
    for plan in plans(&database, &listing(&rare).sql(), &["'vip'"]).await {
        assert!(is_read_in_order(&plan), "{plan}");
    }
}

#[tokio::test]
async fn searches_use_the_indexes_of_names_and_contact_points() {
    let database = customers().await;

    let by_address = Sought::parse("x@example.com").unwrap();
    let request = page("", "");
    let sql = searching(&by_address, &request).sql();
    for plan in plans(&database, &sql, &["'email'", "'x@example.com'"]).await {
        assert!(plan.contains("contact_point_value") && !plan.contains("Seq Scan"), "{plan}");
    }
    let by_name = Sought::parse("প্রিয়া 77777").unwrap();
    let sql = searching(&by_name, &request).sql();
    let plan = &plans(&database, &sql, &["'%প্রিয়া 77777%'"]).await[1];
    assert!(plan.contains("customer_name") && !plan.contains("Seq Scan"), "{plan}");
}
