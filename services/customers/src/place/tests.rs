//! The plan of a timeline's pages, and ages.

use jiff::{SignedDuration, Timestamp};
use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use seva_values::new_id;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    convert::age,
    queries::{self, ListTimeline, SHOWN, listing, of_customer, sent},
};
use crate::{MIGRATOR, NAME, survey, ticket, timeline::store::Kind};

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

#[test]
fn what_was_never_reported_has_no_age_and_what_is_ahead_of_the_clock_is_new() {
    assert_eq!(age(None, now()), seva_proto::customers::v1::PartAge::default());

    let seconds = |before: i64| age(Some(now() - SignedDuration::from_secs(before)), now()).age.unwrap().seconds;
    assert_eq!((seconds(90), seconds(0), seconds(-240)), (90, 0, 0));
}

/// A thousand customers, of whom this one has very many things.
async fn customers(customer: Uuid, things: &str) -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = format!(
        "insert into customer (id, version, given_name, family_name, languages, zone, availability, tier, provisional, created_at, updated_at)
         select case when n = 1 then '{customer}' else gen_random_uuid() end, 1, '', '', '{{bn}}', 'UTC', '{{}}', 'standard', false,
                '2026-01-01', '2026-01-01'
         from generate_series(1, 1000) as n;
         {things}"
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&database.owner).await.unwrap();
    database
}

async fn analyze(database: &TestDatabase, tables: &[&str]) {
    for table in tables {
        sqlx::query(AssertSqlSafe(format!("vacuum analyze {table}"))).execute(&database.owner).await.unwrap();
    }
}

#[tokio::test]
async fn a_timeline_is_read_from_its_index_with_and_without_a_kind_and_a_token() {
    let customer = new_id();
    let of_whom = format!("'{customer}'");
    let entries = format!(
        "insert into timeline_entry (customer_id, occurred_at, event_id, kind, subject, type, label, details, sequence)
         select c.id, '2026-01-01'::timestamptz + make_interval(secs => n / 3), gen_random_uuid(),
                (array['message', 'ticket', 'survey', 'order', 'order', 'order', 'order', 'order', 'order', 'order'])[n % 10 + 1],
                gen_random_uuid()::text, 'x', '', case when n % 20 = 0 then '{{\"state\": \"sent\"}}' else '{{}}' end::jsonb, 1
         from customer c, generate_series(1, case when c.id = '{customer}' then 50000 else 50 end) as n;"
    );
    let database = customers(customer, &entries).await;
    analyze(&database, &["timeline_entry"]).await;

    for kind in [None, Some(Kind::Message), Some(Kind::Ticket), Some(Kind::Survey)] {
        let page = |token: &str| PageRequest::parse(&PageKey::new(b"test"), "timeline", "", 50, token).unwrap();
        let first = page("");
        let query = ListTimeline { customer, kind, page: first.clone() };
        let found = queries::page(&database.db, &query).await.unwrap();
        assert_eq!(found.items.len(), 50);
        let id = format!("'{}'", new_id());
        let of_kind = kind.map(|kind| format!("'{}'", kind.name()));
        let filter: Vec<&str> = std::iter::once(of_whom.as_str()).chain(of_kind.as_deref()).collect();
        let after = ["'2026-01-01T02:00:00Z'", id.as_str()];
        for (token, after) in [("", &[][..]), (found.next_page_token.as_str(), &after[..])] {
            let sql = listing(customer, kind, &page(token)).sql();
            for plan in plans(&database, &sql, &[&filter, after].concat()).await {
                assert!(is_read_in_order(&plan), "{sql}\n{plan}");
            }
        }
    }

    let found = queries::newest_sent(&database.db, &shown(), customer).await.unwrap();
    assert_eq!((found.items.len(), found.more), (20, true));
    let sql = sent(customer, &shown()).sql();
    for plan in plans(&database, &sql, &[&of_whom]).await {
        assert!(is_read_in_order(&plan) && plan.contains("timeline_entry_sent"), "{sql}\n{plan}");
    }
}

fn shown() -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "place", "", SHOWN, "").unwrap()
}

#[tokio::test]
async fn the_newest_things_of_a_customer_are_read_from_their_indexes() {
    let customer = new_id();
    let of_whom = format!("'{customer}'");
    let many = format!("customer c, generate_series(1, case when c.id = '{customer}' then 50000 else 50 end) as n");
    let at = "'2026-01-01'::timestamptz + make_interval(secs => n)";
    let things = format!(
        "insert into customer_ticket (id, customer_id, sequence, number, kind, state, closure, subject, created_at, updated_at)
         select gen_random_uuid(), c.id, 1, n::text, 1, 1, 0, '', {at}, {at} from {many};
         insert into customer_invitation (id, customer_id, sequence, subject, state, suppress_reason, created_at, updated_at)
         select gen_random_uuid(), c.id, 1, '', 5, 0, {at}, {at} from {many};
         insert into customer_response (invitation_id, customer_id, sequence, score)
         select id, customer_id, 1, 5 from customer_invitation;"
    );
    let database = customers(customer, &things).await;
    analyze(&database, &["customer_ticket", "customer_invitation", "customer_response"]).await;

    let tickets = queries::newest_tickets(&database.db, &shown(), customer).await.unwrap();
    assert_eq!((tickets.items.len(), tickets.items[0].number.as_str(), tickets.more), (20, "50000", true));
    for select in [ticket::store::SELECT, survey::store::SELECT] {
        let sql = of_customer(select, customer, &shown()).sql();
        for plan in plans(&database, &sql, &[&of_whom]).await {
            assert!(is_read_in_order(&plan), "{sql}\n{plan}");
        }
    }

    // The check sees what it is for.
    sqlx::query("drop index customer_ticket_newest").execute(&database.owner).await.unwrap();
    let planted = plans(&database, &of_customer(ticket::store::SELECT, customer, &shown()).sql(), &[&of_whom]).await;
    assert!(planted.iter().all(|plan| !is_read_in_order(plan)), "{planted:?}");
}
