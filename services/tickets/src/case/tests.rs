//! The steps of a case by themselves, and how its list is read.

use proptest::prelude::*;
use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    model::{Case, MAX_TICKETS, Member, State},
    queries::{ListCases, listing},
};
use crate::{MIGRATOR, NAME};

const CUSTOMER: Uuid = Uuid::from_u128(1);

fn a_case() -> Case {
    Case::open(Uuid::from_u128(2), CUSTOMER, "The kitchen".to_owned(), "2026-03-02T09:00:00Z".parse().unwrap())
}

fn member(ticket: u128, is_over: bool) -> Member {
    Member { ticket: Uuid::from_u128(ticket), customer: CUSTOMER, is_over }
}

#[test]
fn tk57_a_case_holds_two_hundred_tickets_at_most() {
    let mut case = a_case();
    let members: Vec<Member> = (0..MAX_TICKETS as u128).map(|ticket| member(ticket, false)).collect();
    case.hold(&members, false).unwrap();
    assert!(case.clone().hold(&[member(1000, false)], false).unwrap_err().is_refused_by("TK57"));
    case.let_go(Uuid::from_u128(7)).unwrap();
    case.hold(&[member(1000, false)], false).unwrap();
    assert!(case.let_go(Uuid::from_u128(7)).unwrap_err().is_refused_by("TK57"), "it went before");
}

proptest! {
    /// TK57: whatever went in and out, it is closed exactly when all that are in it are over.
    #[test]
    fn a_case_is_closed_when_all_its_tickets_are_over(steps in proptest::collection::vec((any::<bool>(), 0..8_u128, any::<bool>()), 0..30)) {
        let mut case = a_case();
        let mut inside = std::collections::BTreeMap::new();
        for (goes_in, ticket, is_over) in steps {
            if goes_in && !inside.contains_key(&ticket) {
                case.hold(&[member(ticket, is_over)], false).unwrap();
                inside.insert(ticket, is_over);
            } else if !goes_in {
                prop_assert_eq!(case.let_go(Uuid::from_u128(ticket)).is_ok(), inside.remove(&ticket).is_some());
            }
            prop_assert_eq!(case.tickets.len(), inside.len());
        }
        let members: Vec<Member> = inside.iter().map(|(ticket, is_over)| member(*ticket, *is_over)).collect();
        let now = case.updated_at;
        prop_assert_eq!(case.close(&members, now).is_ok(), inside.values().all(|is_over| *is_over));
        prop_assert!(case.state == State::Open || case.hold(&[], false).is_err());
        // One of a closed case may be opened again, and be a matter of another case.
        prop_assert!(inside.keys().all(|ticket| case.let_go(Uuid::from_u128(*ticket)).is_ok()));
    }
}

#[tokio::test]
async fn every_list_of_cases_reads_an_index_in_order() {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = "insert into ticket_case (id, version, customer_id, title, state, created_at, updated_at, closed_at)
                  select gen_random_uuid(), 1, lpad(to_hex(n % 100), 32, '0')::uuid, 't', case when n % 50 = 0 then 'open' else 'closed' end, at, at,
                         case when n % 50 <> 0 then at end
                  from generate_series(1, 50000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
                  vacuum analyze ticket_case";
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    let page = || PageRequest::parse(&PageKey::new(b"test"), "cases", "", 50, "").unwrap();
    let customer = format!("'{CUSTOMER}'");
    let all = ListCases { customer: None, state: None, page: page() };
    let of_customer = ListCases { customer: Some(CUSTOMER), state: None, page: page() };
    let open = ListCases { customer: None, state: Some(State::Open), page: page() };
    for (query, values) in [(all, vec![]), (of_customer, vec![customer.as_str()]), (open, vec!["'open'"])] {
        let sql = listing(&query).sql();
        plans::expect_in_order(&database, &sql, &values).await;
    }
}
