//! Lists are read from an index in their order: no row more than a page is touched, at a hundred thousand of each.

use seva_store::paging::{Listing, PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    invitation::{State, queries::ListInvitations},
    loop_case::{self, queries::ListLoopCases},
    response::{self, queries::ListResponses},
};

/// A customer has one row of a hundred, a programme a third of all.
const CUSTOMER: Uuid = Uuid::from_u128(7);
const PROGRAMME: Uuid = Uuid::from_u128(2);

/// A hundred thousand of each, of which few share a moment.
async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        insert into survey (id, version, display_name, created_at) values (gen_random_uuid(), 1, 's', '2026-01-01');
        insert into programme (id, version, display_name, survey_id, trigger, delay_seconds, sampling_rate, pause_seconds, lifetime_seconds,
                               follow_low_scores, priority, active, salt, created_at, updated_at)
        select lpad(to_hex(n), 32, '0')::uuid, 1, 'p', survey.id, 'order_delivered', 3600, 1, 86400, 86400, true, 0, true,
               decode(repeat('00', 32), 'hex'), '2026-01-01', '2026-01-01'
        from survey, generate_series(1, 3) as n;
        insert into invitation (id, version, programme_id, trigger, customer_id, subject, triggered_by, survey_id, survey_number, state,
                                suppress_reason, inclusion_probability, from_low_score, language, decide_at, expire_at, due_at,
                                correlation_id, causation_id, hops, created_at)
        select gen_random_uuid(), 1, lpad(to_hex(1 + n % 3), 32, '0')::uuid, 'order_delivered', lpad(to_hex(n % 100), 32, '0')::uuid,
               'orders/' || n, 1, survey.id, 1, case when n % 50 = 0 then 'queued' when n % 50 = 1 then 'held' when n % 2 = 0 then 'suppressed' else 'completed' end,
               case when n % 50 <> 0 and n % 2 = 0 then 'throttled' end, 1, false, 'hi', at, at, case when n % 50 < 2 then at end,
               'c', 'c', 0, at
        from survey, generate_series(1, 100000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        insert into response (id, version, invitation_id, programme_id, customer_id, survey_id, survey_number, state, revision, created_at,
                              completed_at, saved_request, saved_hash)
        select gen_random_uuid(), 1, id, programme_id, customer_id, survey_id, 1, 'completed', 1, created_at, created_at, id, decode(repeat('00', 32), 'hex')
        from invitation;
        insert into loop_case (id, version, response_id, customer_id, programme_id, question_id, score, subject, language, state,
                               created_at, updated_at)
        select gen_random_uuid(), 1, id, customer_id, programme_id, 'csat', 1, 'orders/1', 'hi',
               case when extract(second from created_at)::int % 20 = 0 then 'open' else 'verified' end, created_at, created_at
        from response;
        insert into throttle_entry (invitation_id, programme_id, customer_id, mailbox_id, asked_at)
        select id, programme_id, customer_id, customer_id, decide_at from invitation;
        insert into known_ticket (ticket_id, customer_id, sequence, is_open, contacted_at)
        select id, customer_id, 1, state = 'queued', created_at from invitation;
        vacuum analyze invitation; vacuum analyze response; vacuum analyze loop_case; vacuum analyze throttle_entry;
        vacuum analyze known_ticket"#;
    for statement in script.split(';').filter(|statement| !statement.trim().is_empty()) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

fn page(token: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "a list", "", 50, token).unwrap()
}

/// With the value of a list's condition, and its place in the middle of the year's first day.
async fn expect_in_order(database: &TestDatabase, listing: Listing<'_>, is_first: bool, filter: Option<&str>) {
    let mut values = Vec::from_iter(filter);
    if !is_first {
        values.extend(["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"]);
    }
    let sql = listing.sql();
    for plan in plans(database, &sql, &values).await {
        assert!(is_read_in_order(&plan), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn every_list_reads_an_index_in_order_with_each_filter_on_the_first_page_and_in_the_middle() {
    let database = a_busy_year().await;
    let (of_programme, of_customer) = (format!("'{PROGRAMME}'"), format!("'{CUSTOMER}'"));
    let first = ListResponses { programme: None, customer: None, page: page("") };
    let token = response::queries::list(&database.db, &first).await.unwrap().next_page_token;
    for token in ["", token.as_str()] {
        let is_first = token.is_empty();
        for (programme, customer, state, values) in [
            (None, None, None, None),
            (Some(PROGRAMME), None, None, Some(of_programme.as_str())),
            (None, Some(CUSTOMER), None, Some(of_customer.as_str())),
            (None, None, Some(State::Queued), Some("'queued'")),
            (None, None, Some(State::Suppressed), Some("'suppressed'")),
        ] {
            let list = ListInvitations { programme, customer, state, page: page(token) };
            expect_in_order(&database, list.listing(), is_first, values).await;
        }
        for (programme, customer, values) in [
            (None, None, None),
            (Some(PROGRAMME), None, Some(of_programme.as_str())),
            (None, Some(CUSTOMER), Some(&of_customer)),
        ] {
            let list = ListResponses { programme, customer, page: page(token) };
            expect_in_order(&database, list.listing(), is_first, values).await;
        }
        for (customer, state, values) in [
            (None, None, None),
            (Some(CUSTOMER), None, Some(of_customer.as_str())),
            (None, Some(loop_case::State::Open), Some("'open'")),
            (None, Some(loop_case::State::Verified), Some("'verified'")),
        ] {
            let list = ListLoopCases { customer, state, page: page(token) };
            expect_in_order(&database, list.listing(), is_first, values).await;
        }
    }

    // The check sees what it is for.
    sqlx::query("drop index response_customer").execute(&database.owner).await.unwrap();
    sqlx::query("drop index response_created_at").execute(&database.owner).await.unwrap();
    let list = ListResponses { programme: None, customer: Some(CUSTOMER), page: page("") };
    let planted = plans(&database, &list.listing().sql(), &[&of_customer]).await;
    assert!(planted.iter().all(|plan| !is_read_in_order(plan)), "{planted:?}");
}

#[tokio::test]
async fn what_is_due_and_who_was_asked_are_found_by_their_indexes() {
    let database = a_busy_year().await;
    for (sql, index) in [
        ("select id from invitation where state = 'held' and due_at <= $1 order by due_at limit 200", "to_decide"),
        (
            "select id from invitation where state in ('queued', 'sent', 'started') and due_at <= $1 order by due_at limit 200",
            "to_expire",
        ),
        (
            "select * from invitation where customer_id = any($1) and state = 'held' and due_at <= '2026-01-01 12:00'",
            "invitation_",
        ),
        ("select * from invitation where subject = any($1) and state = 'held'", "held_subject"),
        ("select * from throttle_entry where customer_id = any($1)", "throttle_entry_customer"),
        ("select * from throttle_entry where mailbox_id = any($1)", "throttle_entry_mailbox"),
        (
            "select * from known_ticket where customer_id = any($1) and contacted_at > '2026-01-01 05:00'",
            "known_ticket_contacted",
        ),
        ("select distinct customer_id from known_ticket where is_open and customer_id = any($1)", "known_ticket_open"),
        (
            "select distinct customer_id from loop_case
             where state not in ('verified', 'unreachable', 'canceled') and customer_id = any($1)",
            "loop_case_not_over",
        ),
    ] {
        let values = match sql.contains("subject = any") {
            true => "'{orders/1}'".to_owned(),
            false if sql.contains("any($1)") => format!("'{{{CUSTOMER}}}'"),
            false => "'2026-02-01'".to_owned(),
        };
        for plan in plans(&database, sql, &[&values]).await {
            assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{sql}\n{plan}");
        }
    }
}
