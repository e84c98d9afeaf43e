//! Lists over many rows: an index for every order, and every row once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seva_store::paging::{Keyed, Listing, Order, PageKey, PageRequest, SortKey};
use seva_testkit::{
    TestDatabase,
    plans::{is_read_in_order, plans},
};
use sqlx::{FromRow, Row, postgres::PgRow};
use uuid::Uuid;

use crate::toy::{accounts, beside};

static ORDERS: &[Order] = &[
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "create_time", column: "created_at", descending: false },
    Order { name: "rank", column: "rank", descending: false },
    Order { name: "rank desc", column: "rank", descending: true },
    Order { name: "label", column: "label", descending: false },
    Order { name: "label desc", column: "label", descending: true },
    Order { name: "name", column: "id", descending: false },
];

struct Thing {
    id: Uuid,
    rank: i64,
    label: String,
    created_at: Timestamp,
}

impl FromRow<'_, PgRow> for Thing {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            rank: row.try_get("rank")?,
            label: row.try_get("label")?,
            created_at: row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.to_jiff(),
        })
    }
}

impl Keyed for Thing {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        let key = match order.column {
            "created_at" => SortKey::Time(self.created_at),
            "rank" => SortKey::Number(self.rank),
            "label" => SortKey::Text(self.label.clone()),
            _ => SortKey::None,
        };
        (key, self.id)
    }
}

/// Many rows of the same rank, label and time, so that the id decides.
async fn things(database: &TestDatabase, count: i32) {
    sqlx::query(
        "insert into thing (id, rank, label, created_at)
         select gen_random_uuid(), n % 1000, 'ছবি ' || n % 500, '2026-01-01'::timestamptz + make_interval(secs => n / 50)
         from generate_series(1, $1) as n",
    )
    .bind(count)
    .execute(&database.owner)
    .await
    .unwrap();
    sqlx::query("vacuum analyze thing").execute(&database.owner).await.unwrap();
}

fn page(order: &Order, size: i32, token: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "things", order.name, size, token).unwrap()
}

fn listing<'a>(order: &'static Order, page: &'a PageRequest) -> Listing<'a> {
    Listing::new("select id, rank, label, created_at from thing", order, page)
}

fn merged<'a>(order: &'static Order, page: &'a PageRequest) -> Listing<'a> {
    let labels = ["ছবি 1", "ছবি 2", "ছবি 3"];
    listing(order, page).and_value("rank <", Some(600_i64)).and_one_of("label =", labels)
}

/// A place in the middle of an order, as SQL.
fn middle(order: &Order) -> [&'static str; 2] {
    let key = match order.column {
        "created_at" => "'2026-01-01T00:15:00Z'",
        "rank" => "500",
        "label" => "'ছবি 250'",
        _ => "'88888888-0000-0000-0000-000000000000'",
    };
    [key, "'88888888-0000-0000-0000-000000000000'"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_is_read_from_an_index_with_and_without_a_token() {
    let database = accounts().await;
    things(&database, 100_000).await;

    for order in ORDERS {
        let first = page(order, 50, "");
        let token = listing(order, &first).fetch::<Thing>(database.db.calls()).await.unwrap().next_page_token;
        for token in ["", &token] {
            let request = page(order, 50, token);
            let sql = listing(order, &request).sql();
            assert_eq!(sql.contains("$2"), !token.is_empty(), "{sql}");
            let values = if token.is_empty() { Vec::new() } else { middle(order).to_vec() };
            for plan in plans(&database, &sql, &values).await {
                assert!(is_read_in_order(&plan), "{}: {sql}\n{plan}", order.name);
            }
        }
    }

    sqlx::query("drop index thing_rank").execute(&database.owner).await.unwrap();
    let request = page(&ORDERS[2], 50, "");
    let planted = plans(&database, &listing(&ORDERS[2], &request).sql(), &[]).await;
    assert!(planted.iter().all(|plan| plan.contains("Sort")), "the check does not see an order without an index");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_one_of_several_values_is_merged_from_an_index_of_each_and_shown_once() {
    let database = accounts().await;
    things(&database, 100_000).await;
    sqlx::query("create index thing_label_time on thing (label, created_at, id)")
        .execute(&database.owner)
        .await
        .unwrap();
    let wanted = "select count(*) from thing where label in ('ছবি 1', 'ছবি 2', 'ছবি 3') and rank < 600";
    let wanted: i64 = sqlx::query_scalar(wanted).fetch_one(&database.owner).await.unwrap();

    for order in &ORDERS[..2] {
        let first = page(order, 50, "");
        let values = ["600", "'ছবি 1'", "600", "'ছবি 2'", "600", "'ছবি 3'"];
        for plan in plans(&database, &merged(order, &first).sql(), &values).await {
            assert!(is_read_in_order(&plan) && plan.contains("Merge Append"), "{plan}");
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = page(order, 17, &token);
            let found = merged(order, &request).fetch::<Thing>(database.db.calls()).await.unwrap();
            seen.extend(found.items.iter().map(|thing| (thing.created_at, thing.id)));
            token = found.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        if order.descending {
            seen.reverse();
        }
        assert!(seen.is_sorted_by(|one, next| one < next));
        assert_eq!(i64::try_from(seen.len()).unwrap(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_pages_together_show_every_row_that_was_there_once_and_in_order() {
    let database = accounts().await;
    things(&database, 10_000).await;
    let before: Vec<Uuid> = sqlx::query_scalar("select id from thing").fetch_all(&database.owner).await.unwrap();
    let writer = database.owner.clone();
    let _writing = beside(move |stopping| async move {
        while !stopping.is_cancelled() {
            sqlx::query(
                "insert into thing (id, rank, label, created_at)
                 select gen_random_uuid(), random() * 1000, 'ছবি ' || (random() * 500)::integer,
                        '2026-01-01'::timestamptz + make_interval(secs => random() * 200)
                 from generate_series(1, 20)",
            )
            .execute(&writer)
            .await
            .unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    });

    for order in ORDERS {
        let mut seen: BTreeMap<Uuid, u32> = BTreeMap::new();
        let mut token = String::new();
        let mut last: Option<(SortKey, Uuid)> = None;
        loop {
            let request = page(order, 700, &token);
            let found = listing(order, &request).fetch::<Thing>(database.db.calls()).await.unwrap();
            for thing in &found.items {
                *seen.entry(thing.id).or_default() += 1;
                let place = thing.place(order);
                if let Some(last) = last.replace(place.clone()) {
                    assert_eq!(follows(&last, &place), !order.descending, "{}: {last:?}, {place:?}", order.name);
                }
            }
            token = found.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert!(seen.values().all(|times| *times == 1), "{}: something is shown twice", order.name);
        let missing = before.iter().filter(|id| !seen.contains_key(id)).count();
        assert_eq!(missing, 0, "{}: rows that were there are not shown", order.name);
        assert!(seen.len() > before.len(), "nothing was written meanwhile");
    }
}

/// Whether `next` lies after `last` in an ascending order.
fn follows(last: &(SortKey, Uuid), next: &(SortKey, Uuid)) -> bool {
    let by_key = match (&last.0, &next.0) {
        (SortKey::Time(last), SortKey::Time(next)) => last.cmp(next),
        (SortKey::Number(last), SortKey::Number(next)) => last.cmp(next),
        (SortKey::Text(last), SortKey::Text(next)) => last.as_bytes().cmp(next.as_bytes()),
        _ => std::cmp::Ordering::Equal,
    };
    by_key.then(last.1.cmp(&next.1)).is_lt()
}

#[tokio::test]
async fn conditions_narrow_a_list_and_bind_what_callers_say() {
    let database = accounts().await;
    things(&database, 2_000).await;
    let first = page(&ORDERS[2], 1000, "");

    let found = listing(&ORDERS[2], &first)
        .and("rank < 100")
        .and_value("label =", Some("ছবি 7"))
        .and_value("rank =", None::<i64>)
        .and_around("id in (select id from thing where rank <", 50_i64, ")")
        .fetch::<Thing>(database.db.calls())
        .await
        .unwrap();
    let hostile = listing(&ORDERS[2], &first)
        .and_value("label =", Some("' or true --"))
        .fetch::<Thing>(database.db.calls())
        .await
        .unwrap();

    assert_eq!(found.items.len(), 2);
    assert!(found.items.iter().all(|thing| thing.rank == 7 && thing.label == "ছবি 7"));
    assert!(hostile.items.is_empty());
}
