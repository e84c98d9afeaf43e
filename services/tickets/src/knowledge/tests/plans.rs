//! Lists are read from an index in their order, and a search reads the indexes of words and identifiers, at a hundred thousand rows.

use std::{collections::BTreeSet, time::Instant};

use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{
    TestDatabase,
    plans::{self, plans},
};
use sqlx::AssertSqlSafe;

use super::{Audience, State, language, now};
use crate::{
    MIGRATOR, NAME,
    knowledge::{
        queries::{self, ListArticles, ORDERS, listing},
        search::{SearchArticles, identifiers, words},
        store::search::statement,
    },
};

/// Words of four languages; letters are drawn so that few words begin alike.
const WORD: &str = r#"
    create function word(n int, language text) returns text language sql immutable
    return translate(
        ((n::bigint * 7919 + 104729) * 15485863 % 9999991)::text, '0123456789',
        case language when 'en' then 'lorestnuda' when 'hi' then 'कमलनरसपतवह' when 'bn' then 'কমলনরসপতবহ' else 'کملنرسپتوہ' end
    )"#;

/// So many articles, in `languages` of these languages each, of so many words; one in ten is for staff, one in fifty was retired, and one in a
/// hundred is about each product.
async fn a_library(articles: i32, languages: i32, words: i32) -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = format!(
        r#"{WORD};
        select setseed(0.5);
        insert into article (id, version, display_name, product, audience, state, published_number, languages, stale_at, created_at, updated_at)
        select lpad(to_hex(n), 32, '0')::uuid, 1, 'Article', 'P-' || n % 100, case when n % 10 = 0 then 'staff' else 'public' end,
               case when n % 50 = 0 then 'retired' else 'published' end, 1,
               (array['bn', 'en', 'hi', 'ur', 'bn', 'en', 'hi', 'ur'])[n % 4 + 1:n % 4 + {languages}],
               case when n % 50 <> 0 then at + interval '100 days' end, at, at
        from generate_series(1, {articles}) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
        insert into article_text (article_id, language, audience, product, title, body, identifiers)
        select a.id, l.language, a.audience, a.product, word((a.n * 7 % 5000)::int, l.language), b.body, ' e' || a.n % 1000 || ' wm' || a.n
        from (select row_number() over (order by id) as n, * from article where state = 'published') as a
        cross join unnest(a.languages) as l (language)
        cross join lateral (
            select string_agg(word((power(random(), 3) * 4999)::int + 0 * w, l.language), ' ') as body
            from generate_series(1, {words}) as w where w + a.n > 0
        ) as b;
        vacuum analyze article;
        vacuum analyze article_text"#
    );
    for statement in script.split(";\n") {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

/// The nth most common word of a language.
async fn word(database: &TestDatabase, language: &str, n: i32) -> String {
    let word = sqlx::query_scalar("select word($2, $1)").bind(language).bind(n);
    word.fetch_one(&database.owner).await.unwrap()
}

fn page(token: &str) -> PageRequest {
    PageRequest::parse(&PageKey::new(b"test"), "articles", "", 50, token).unwrap()
}

fn all(token: &str) -> ListArticles {
    ListArticles {
        order: &ORDERS[0],
        product: None,
        audience: None,
        state: None,
        language: None,
        stale: false,
        page: page(token),
    }
}

fn asked(query: &str, tag: &str) -> SearchArticles {
    SearchArticles {
        words: words(query),
        identifiers: identifiers(query),
        languages: vec![language(tag), language("en")],
        audience: Some(Audience::Public),
        product: None,
        limit: 20,
    }
}

async fn expect_in_order(database: &TestDatabase, list: &ListArticles, is_first: bool, filter: &[&str]) {
    let after = ["'2026-01-01T02:00:00Z'", "'00000000-0000-0000-0000-000000005000'"];
    let values = if is_first { filter.to_vec() } else { [filter, &after[..]].concat() };
    let sql = listing(list, now()).sql();
    plans::expect_in_order(database, &sql, &values).await;
}

#[tokio::test]
async fn lists_and_searches_read_indexes_at_a_hundred_thousand_articles() {
    let database = a_library(100_000, 1, 3).await;
    let first = queries::list(&database.db, &all(""), now()).await.unwrap();
    assert_eq!(first.items.len(), 50);
    for token in ["", first.next_page_token.as_str()] {
        let is_first = token.is_empty();
        for order in ORDERS {
            expect_in_order(&database, &ListArticles { order, ..all(token) }, is_first, &[]).await;
        }
        let of_product = ListArticles { product: Some("P-7".to_owned()), ..all(token) };
        expect_in_order(&database, &of_product, is_first, &["'P-7'"]).await;
        let retired = ListArticles { state: Some(State::Retired), ..all(token) };
        expect_in_order(&database, &retired, is_first, &["'retired'"]).await;
        let of_staff = ListArticles { audience: Some(Audience::Staff), language: Some(language("hi")), ..all(token) };
        expect_in_order(&database, &of_staff, is_first, &["'staff'", "'hi'"]).await;
        let stale = ListArticles { order: &ORDERS[2], stale: true, ..all(token) };
        expect_in_order(&database, &stale, is_first, &["'2026-05-01T00:00:00Z'"]).await;
    }

    let languages = "array['hi', 'en']";
    let query = word(&database, "hi", 700).await;
    let bound = format!("'{query}'");
    let by_words = [bound.as_str(), bound.as_str(), languages, "'public'", languages];
    for plan in plans(&database, statement(&asked(&query, "hi")).sql().as_str(), &by_words).await {
        assert!(plan.contains("article_text_document") && !plan.contains("Seq Scan"), "{plan}");
    }
    let by_number = ["'% e17%'", languages, "'public'", languages];
    for plan in plans(&database, statement(&asked("E-17", "hi")).sql().as_str(), &by_number).await {
        assert!(plan.contains("article_text_identifiers") && !plan.contains("Seq Scan"), "{plan}");
    }
    let found = queries::search(&database.db, &asked(&query, "hi")).await.unwrap();
    assert!(!found.is_empty() && found.iter().all(|hit| hit.language == "hi"), "{found:?}");
}

/// `cargo test --release -p seva-tickets --lib knowledge::tests::plans::figures -- --ignored --nocapture`
#[tokio::test]
#[ignore = "prints how long a search takes among 10,000 articles of 200 words in four languages"]
async fn figures() {
    const TAGS: [&str; 4] = ["en", "hi", "bn", "ur"];
    let database = a_library(10_000, 4, 200).await;
    let rows = [
        ("a word of one text in forty", vec![2_000]),
        ("three common words", vec![30, 50, 80]),
        ("the most common word", vec![1]),
    ];
    for (what, numbers) in rows {
        let mut queries = Vec::new();
        for tag in TAGS {
            let mut query = String::new();
            for n in &numbers {
                query = query + " " + &word(&database, tag, *n).await;
            }
            queries.push(asked(&query, tag));
        }
        measure(&database, what, &queries).await;
    }
    let of_numbers: Vec<_> =
        TAGS.iter().zip(["E-17", "e417", "WM-2000", "wm77"]).map(|(tag, query)| asked(query, tag)).collect();
    measure(&database, "a number of a part", &of_numbers).await;
}

/// A thousand searches, one after the other.
async fn measure(database: &TestDatabase, what: &str, queries: &[SearchArticles]) {
    let (mut micros, mut hits) = (Vec::new(), BTreeSet::new());
    for round in 0..1_000 {
        let started = Instant::now();
        hits.insert(queries::search(&database.db, &queries[round % queries.len()]).await.unwrap().len());
        micros.push(started.elapsed().as_micros());
    }
    micros.sort_unstable();
    let mean = micros.iter().sum::<u128>() / 1_000;
    println!("{what}: mean {mean} us, p50 {} us, p99 {} us, hits {hits:?}", micros[500], micros[990]);
}
