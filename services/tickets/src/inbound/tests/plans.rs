//! Lists are read from an index in their order, at a hundred thousand messages.

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{expect_in_order, plans},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::super::{
    model::State,
    queries::{ListInbound, ORDERS, list, listing},
};
use crate::{MIGRATOR, NAME};

const SOMEBODY: Uuid = Uuid::from_u128(1);

/// One of fifty is held; a customer has one of a hundred, and a ticket as well.
async fn a_busy_quarter() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, closure, language,
                            correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
        select lpad(to_hex(n), 32, '0')::uuid, 1, n, lpad(to_hex(n), 32, '0')::uuid, 'question', 'normal', 'closed', '', '', 'verified',
               'hi', 'c', 'c', 0, '2026-01-01', '2026-01-01', 'standard', '{}'
        from generate_series(0, 99) as n;
        insert into inbound_message (id, source, external_id, hash, pushed_by, channel, posted_publicly, sender_kind, sender_address,
                                     sender_name, sender_proof, subject, body, attachments, automation, kind, in_reply_to, thread_id,
                                     state, reason, customer_id, ticket_id, message_id, received_at, recorded_at)
        select gen_random_uuid(), '//mail/support', n::text, '', 'key:mail', 'mail', false, 'email', n % 1000 || '@example.com', '', 'none',
               '', '', '[]', '{}', 'question', '{}', '', case when n % 50 = 0 then 'held' else 'delivered' end,
               case when n % 50 = 0 then 'too_many' end, lpad(to_hex(n % 100), 32, '0')::uuid, lpad(to_hex(n % 100), 32, '0')::uuid,
               case when n % 50 <> 0 then gen_random_uuid() end, at, at
        from generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        vacuum analyze inbound_message"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn all(token: &str) -> ListInbound {
    let page = PageRequest::parse(&PageKey::new(b"test"), "inboundMessages", "", 50, token).unwrap();
    ListInbound { order: &ORDERS[0], state: None, customer: None, ticket: None, page }
}

#[tokio::test]
async fn every_list_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_busy_quarter().await;
    let first = list(&database.db, &all("")).await.unwrap();
    assert_eq!(first.items.len(), 50);
    let somebody = format!("'{SOMEBODY}'");
    for token in ["", first.next_page_token.as_str()] {
        for order in ORDERS {
            for (query, filter) in [
                (ListInbound { order, ..all(token) }, vec![]),
                (ListInbound { order, state: Some(State::Held), ..all(token) }, vec!["'held'"]),
                (ListInbound { order, customer: Some(SOMEBODY), ..all(token) }, vec![somebody.as_str()]),
                (ListInbound { order, ticket: Some(SOMEBODY), ..all(token) }, vec![somebody.as_str()]),
            ] {
                let after = ["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
                let values = if token.is_empty() { filter } else { [&filter[..], &after[..]].concat() };
                let sql = listing(&query).sql();
                expect_in_order(&database, &sql, &values).await;
            }
        }
    }
}

/// TK94: what a sender has sent of late is counted from an index.
#[tokio::test]
async fn the_count_of_a_sender_reads_the_senders_own_messages() {
    let database = a_busy_quarter().await;
    let sql = "select count(*) from inbound_message where sender_kind = $1 and sender_address = $2 and received_at > $3
         and state in ('pending', 'delivered')";
    for plan in plans(&database, sql, &["'email'", "'7@example.com'", "'2026-01-01T05:00:00Z'"]).await {
        assert!(plan.contains("inbound_message_sender"), "{plan}");
    }
}
