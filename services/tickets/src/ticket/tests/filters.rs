//! A filter means the same wherever it stands: in a list of any order, for a watcher, as a count, and in the contract.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use prost::Message;
use seva_proto::tickets::v1 as pb;
use seva_store::paging::PageKey;
use seva_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::{
    MIGRATOR, NAME,
    ticket::{
        Kind, Priority, State,
        convert::parse_kept_filter,
        filter::{DUE, Range, Seen, TicketFilter},
        queries::{self, AskedList, ORDERS, View},
    },
    view::counts::{self, Count},
};

/// Filters of the test.
const FILTERS: usize = 120;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn at(hours: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

/// Tickets of every sort, changed here and there; of their changes some are folded into the counts.
async fn tickets() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = "
        alter table ticket disable trigger ticket_inserted_with_place;
        alter table ticket disable trigger ticket_place;
        select setseed(0.5);
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, assignee, language,
                            reopen_count, correlation_id, causation_id, hops, created_at, updated_at, tier, targets, tags, next_due_at)
        select gen_random_uuid(), 1, n, lpad(to_hex(1 + n % 3), 32, '0')::uuid, (array['question', 'delivery', 'billing'])[1 + (random() * 2)::int],
               (array['low', 'normal', 'high', 'urgent'])[1 + (random() * 3)::int], 'new', '', '',
               case when random() < 0.8 then lpad(to_hex(1 + n % 2), 32, '0')::uuid end, null, 'en', (random() * 0.7)::int, 'c', 'c', 0, created_at,
               created_at + make_interval(hours => (random() * 20)::int), 'standard', '{}',
               case when random() < 0.3 then array['gift', 'b2b'] when random() < 0.5 then array['gift'] else '{}' end,
               case when random() < 0.7 then created_at + make_interval(hours => (random() * 40)::int) end
        from generate_series(1, 300) as n, lateral (select timestamptz '2026-01-01' + make_interval(hours => (random() * n)::int) as created_at) as t;
        select fold_ticket_counts(100);
        update ticket set state = 'open', assignee = lpad(to_hex(1 + number % 3), 32, '0')::uuid where number % 2 = 0;
        select fold_ticket_counts(250);
        update ticket set state = 'canceled', cancel_reason = 'spam', next_due_at = null where number % 5 = 0;
        update ticket set state = 'resolved', root_cause = 'carrier', root_description = '', verification_due_at = created_at + interval '9 days',
                          verification_call_from = created_at + interval '4 hours' where number % 22 = 0 and state = 'open';
        update ticket set priority = 'urgent' where number % 7 = 0";
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

async fn all_seen(database: &TestDatabase) -> Vec<(Uuid, Seen)> {
    let rows = sqlx::query("select * from ticket").fetch_all(&database.owner).await.unwrap();
    let time = |time: jiff_sqlx::Timestamp| time.to_jiff();
    let seen = rows.iter().map(|row| {
        let seen = Seen {
            customer: row.get("customer_id"),
            department: row.get("department"),
            assignee: row.get("assignee"),
            state: State::from_name(row.get("state")).unwrap(),
            kind: Kind::from_name(row.get("kind")).unwrap(),
            priority: Priority::from_name(row.get("priority")).unwrap(),
            created_at: time(row.get("created_at")),
            updated_at: time(row.get("updated_at")),
            next_due_at: row.get::<Option<jiff_sqlx::Timestamp>, _>("next_due_at").map(time),
            reopen_count: row.get("reopen_count"),
            tags: row.get("tags"),
            call_from: row.get::<Option<jiff_sqlx::Timestamp>, _>("verification_call_from").map(time),
        };
        (row.get("id"), seen)
    });
    seen.collect()
}

fn filter() -> impl Strategy<Value = TicketFilter> {
    let one = |of: u128| prop::option::weighted(0.3, (1..=of).prop_map(id));
    let some_of = |count: usize| prop::collection::btree_set(0..count, 0..3);
    let states = some_of(State::ALL.len()).prop_map(|at| at.into_iter().map(|at| State::ALL[at]).collect::<Vec<_>>());
    let kinds = some_of(3)
        .prop_map(|at| at.into_iter().map(|at| [Kind::Question, Kind::Delivery, Kind::Billing][at]).collect());
    let priorities = some_of(2).prop_map(|at| at.into_iter().map(|at| [Priority::Urgent, Priority::Low][at]).collect());
    let hour = || prop::option::weighted(0.15, (0_i64..300).prop_map(at));
    let range = || (hour(), hour()).prop_map(|(start, end)| Range { start, end });
    let rarely = || prop::bool::weighted(0.1);
    (
        (one(3), one(2), one(3)),
        (states, kinds, priorities),
        (range(), range(), range()),
        (rarely(), rarely(), rarely(), rarely(), prop::collection::btree_set("gift|b2b", 0..2)),
    )
        .prop_map(|(who, of, when, (unassigned, overdue, reopened, needs_call, tags))| TicketFilter {
            customer: who.0,
            department: who.1,
            assignee: who.2,
            mine: false,
            states: of.0,
            kinds: of.1,
            priorities: of.2,
            created: when.0,
            updated: when.1,
            due: when.2,
            unassigned,
            overdue,
            reopened,
            tags: tags.into_iter().collect(),
            risks: Vec::new(),
            needs_call,
        })
}

/// All pages, in their order.
async fn listed(database: &TestDatabase, filter: &TicketFilter, order: &str, now: Timestamp) -> Vec<Uuid> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let asked = AskedList {
            order_by: order.to_owned(),
            filter: filter.clone(),
            view: View::Basic,
            page_size: 17,
            page_token: page_token.clone(),
        };
        let asked = asked.of(&PageKey::new(b"test"), None, now).unwrap();
        let page = queries::summaries(&database.db, &asked).await.unwrap();
        found.extend(page.items.iter().map(|ticket| ticket.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

#[tokio::test]
async fn tk100_a_filter_means_the_same_in_every_order_to_a_watcher_and_as_a_count() {
    let database = tickets().await;
    let seen = all_seen(&database).await;
    let now = at(150);
    let mut runner = TestRunner::deterministic();
    let filters: Vec<TicketFilter> = (0..FILTERS)
        .map(|_| filter().new_tree(&mut runner).unwrap().current())
        .chain([TicketFilter::default()])
        .collect();
    let counts = counts::count(&database.db, &filters, now).await.unwrap();
    let mut matched = 0;
    for (filter, count) in filters.iter().zip(counts) {
        let wanted: BTreeSet<Uuid> =
            seen.iter().filter(|(_, seen)| filter.matches(seen, now)).map(|(id, _)| *id).collect();
        matched += usize::from(!wanted.is_empty());
        assert_eq!(count, Count::Exact(i64::try_from(wanted.len()).unwrap()), "{filter:?}");
        for order in ORDERS {
            let found = listed(&database, filter, order.name, now).await;
            let of_order = |(id, seen): &&(Uuid, Seen)| {
                wanted.contains(id)
                    && (order.column != DUE || !matches!(seen.state, State::Closed | State::Canceled | State::Merged))
            };
            let wanted: BTreeSet<Uuid> = seen.iter().filter(of_order).map(|(id, _)| *id).collect();
            assert_eq!(found.len(), wanted.len(), "{}: {filter:?}", order.name);
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted, "{}: {filter:?}", order.name);
        }
        assert_eq!(&parse_kept_filter(&pb::TicketFilter::from(filter).encode_to_vec()).unwrap(), filter);
    }
    assert!(matched > FILTERS / 4, "{matched} filters match something");
}

#[tokio::test]
async fn what_is_due_comes_in_its_order_and_what_is_not_last() {
    let database = tickets().await;
    let due = |seen: &Seen| seen.next_due_at.unwrap_or(crate::ticket::filter::NEVER);
    let mut wanted: Vec<(Timestamp, Uuid)> = all_seen(&database)
        .await
        .iter()
        .filter(|(_, seen)| seen.state != State::Canceled)
        .map(|(id, seen)| (due(seen), *id))
        .collect();
    wanted.sort_unstable();
    let found = listed(&database, &TicketFilter::default(), "next_due_time", at(0)).await;
    assert_eq!(found, wanted.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}

#[test]
fn a_filter_may_name_every_state_of_the_contract() {
    let named = (1..).map_while(|number| pb::ticket::State::try_from(number).ok()).count();
    assert_eq!(named, State::ALL.len());
    for state in State::ALL {
        let filter = TicketFilter { states: vec![state], ..TicketFilter::default() };
        assert_eq!(parse_kept_filter(&pb::TicketFilter::from(&filter).encode_to_vec()).unwrap(), filter);
    }
}
