//! The plan of a timeline's pages, and ages.

use jiff::{SignedDuration, Timestamp};
use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::TestDatabase;
use seva_values::new_id;
use sqlx::AssertSqlSafe;

use super::{
    convert::age,
    queries::{ListTimeline, listing},
};
use crate::{
    MIGRATOR, NAME,
    customer::tests::plans::{is_read_in_order, plans},
    timeline::store::Kind,
};

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

#[test]
fn what_was_never_reported_has_no_age_and_what_is_ahead_of_the_clock_is_new() {
    assert_eq!(age(None, now()), seva_proto::customers::v1::PartAge::default());

    let seconds = |before: i64| age(Some(now() - SignedDuration::from_secs(before)), now()).age.unwrap().seconds;
    assert_eq!((seconds(90), seconds(0), seconds(-240)), (90, 0, 0));
}

#[tokio::test]
async fn a_timeline_is_read_from_its_index_with_and_without_a_kind_and_a_token() {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let customer = new_id();
    let script = format!(
        "insert into customer (id, version, given_name, family_name, languages, zone, availability, tier, provisional, created_at, updated_at)
         select case when n = 1 then '{customer}' else gen_random_uuid() end, 1, '', '', '{{bn}}', 'UTC', '{{}}', 'standard', false,
                '2026-01-01', '2026-01-01'
         from generate_series(1, 1000) as n;
         insert into timeline_entry (customer_id, occurred_at, event_id, kind, subject, type, label, sequence)
         select c.id, '2026-01-01'::timestamptz + make_interval(secs => n / 3), gen_random_uuid(),
                case when n % 10 = 0 then 'message' else 'order' end, gen_random_uuid()::text, 'x', '', 1
         from customer c, generate_series(1, case when c.id = '{customer}' then 50000 else 50 end) as n;"
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&database.owner).await.unwrap();
    sqlx::query("vacuum analyze timeline_entry").execute(&database.owner).await.unwrap();

    for kind in [None, Some(Kind::Message)] {
        let page = |token: &str| PageRequest::parse(&PageKey::new(b"test"), "timeline", "", 50, token).unwrap();
        let first = page("");
        let query = ListTimeline { customer, kind, page: first.clone() };
        let found = super::queries::page(&database.db, &query).await.unwrap();
        assert_eq!(found.items.len(), 50);
        let of_kind = kind.map_or(String::new(), |kind| format!("'{}', ", kind.name()));
        let after = format!("'2026-01-01T02:00:00Z', '{}', ", new_id());
        for (token, after) in [("", ""), (found.next_page_token.as_str(), after.as_str())] {
            let sql = listing(customer, kind, &page(token)).sql();
            for plan in plans(&database, &sql, &format!("'{customer}', {of_kind}{after}51")).await {
                assert!(is_read_in_order(&plan), "{sql}\n{plan}");
            }
        }
    }
}
