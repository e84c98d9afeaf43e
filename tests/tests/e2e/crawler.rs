//! What may never happen on the customers' pages: that looking at them changes something, that another site or another link acts for the
//! customer, or that somebody's words become markup.
//!
//! Two customers live through the same over separate processes: one has harmless words, the other one hostile ones.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use seva_tests::{
    Installation, Suite, SuiteOptions,
    drained::drained_at,
    judge, mail,
    page::{self, Form},
    reader::{self, Opened},
    scene::{self, Words},
    shop::Shopper,
    web,
};
use seva_values::id::new_id;

const HARMLESS: Words = Words {
    given_name: "Alice",
    family_name: "Baker",
    order_number: "T-1001",
    title: "Where is my parcel",
    reply: "We are looking for it.",
    note: "It was found.",
    rejection: "It is not here.",
    answer: "Too late.",
};

const HOSTILE: Words = Words {
    given_name: "<script>document.title='ran'</script>",
    family_name: "\"><img src=x onerror=alert(1)>",
    order_number: "T-1'\"><svg onload=alert(1)>",
    title: "</p></main><form action=https://elsewhere.example><input name=seal>",
    reply: "<a href=\"javascript:alert(1)\">look</a> {{ 7 * 7 }} {% raw %} &lt;b&gt; \u{202e}",
    note: "<style>*{display:none}</style><!-- ]]> -->",
    rejection: "</textarea><script src=https://elsewhere.example/x.js></script>",
    answer: "</textarea><iframe src=https://elsewhere.example></iframe>",
};

/// The pages that a customer reaches by the links of their mails.
const PAGES: [&str; 5] = ["ticket", "survey", "place", "preferences", "unsubscribe"];

/// A customer, and the tokens of the links that they got, by page.
struct Reader {
    shopper: Shopper,
    tokens: BTreeMap<&'static str, String>,
}

impl Reader {
    async fn of(suite: &Suite, shopper: Shopper) -> Self {
        let mut tokens = BTreeMap::new();
        for page in PAGES {
            let path = format!("/{page}/");
            let milestone = match page {
                "survey" => "survey_invitation",
                _ => "ticket_resolved",
            };
            let mails = reader::mails_about(suite, &shopper.email, milestone).await;
            let [mail] = &mails[..] else { panic!("one mail of {milestone}: {mails:#?}") };
            let link = mail.link(&path).unwrap_or_else(|| panic!("no {page} in {milestone}: {:?}", mail.links()));
            let token = link.split(&path).nth(1).unwrap();
            tokens.insert(page, token.split('?').next().unwrap().to_owned());
        }
        Self { shopper, tokens }
    }

    fn address(&self, suite: &Suite, page: &str) -> String {
        format!("{}/{page}/{}", suite.portal_url(), self.tokens[page])
    }

    async fn open(&self, suite: &Suite, page: &str) -> Opened {
        Opened::at(&self.address(suite, page)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_forms_do_what_their_customer_wants_and_nothing_else() {
    let suite = Suite::start(SuiteOptions { clock: Some(scene::begin()), ..SuiteOptions::default() }).await;
    let [harmless, hostile] = two_customers(&suite).await;

    looking_changes_nothing(&suite).await;
    what_is_not_our_form_is_refused(&suite, &harmless, &hostile).await;
    another_link_shows_what_no_link_shows(&suite, &harmless, &hostile).await;
    words_stay_words(&suite, &harmless, &hostile).await;

    drained_at(&suite, scene::end()).await;
    assert_eq!(judge::broken(&suite, &[]).await.unwrap(), Vec::<String>::new());
    suite.stop().await;
}

/// Both are asked how a delivery was, and whether a problem is solved.
async fn two_customers(suite: &Suite) -> [Reader; 2] {
    let of = |words: &Words| {
        let name = (words.given_name.to_owned(), words.family_name.to_owned());
        Shopper { name, ..Shopper::new("en") }
    };
    let cast = [(of(&HARMLESS), &HARMLESS), (of(&HOSTILE), &HOSTILE)];
    scene::play(suite, &cast).await;
    let [(harmless, _), (hostile, _)] = cast;
    [Reader::of(suite, harmless).await, Reader::of(suite, hostile).await]
}

/// A scanner follows every link of every mail, with what links can choose beforehand, and every link and form's address of every page, twice.
async fn looking_changes_nothing(suite: &Suite) {
    let before = dump(suite).await;
    let mut links: Vec<_> = mail::all_in(&suite.mail).iter().flat_map(mail::Mail::links).collect();
    assert!(links.len() > 20, "{links:?}");
    for (page, query) in [
        ("survey", "score=1"),
        ("survey", "q_csat=1&q_words=words&action=complete&complete=1&correct=1"),
        ("ticket", "answered=yes&solved=yes&resolution=1"),
        ("preferences", "saved=1&wanted=categories/surveys"),
        ("unsubscribe", "List-Unsubscribe=One-Click"),
    ] {
        let path = format!("{}/{page}/", suite.portal_url());
        let chosen: Vec<_> =
            links.iter().filter(|link| link.starts_with(&path)).map(|link| format!("{link}?{query}")).collect();
        assert!(!chosen.is_empty(), "{page}");
        links.extend(chosen);
    }
    for _ in 0..2 {
        let (seen, outside) = crawl(suite.portal_url(), &links).await;
        for page in PAGES {
            let path = format!("{}/{page}/", suite.portal_url());
            assert!(seen.iter().any(|address| address.starts_with(&path)), "{page} was not reached: {seen:#?}");
        }
        let is_tracking = |address: &String| address.starts_with("https://carrier.example/");
        assert!(
            outside.iter().all(|address| is_tracking(address) || address.starts_with("http://mail.invalid/")),
            "{outside:?}"
        );
    }
    drained_at(suite, scene::end()).await;
    same(&before, &dump(suite).await);
}

/// Asks for everything on this origin that is reached from `links`, by GET and by HEAD; answers what was asked for, and what lies elsewhere.
async fn crawl(origin: &str, links: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut seen, mut outside) = (BTreeSet::new(), BTreeSet::new());
    let mut waiting = links.to_vec();
    while let Some(address) = waiting.pop() {
        if !address.starts_with(&format!("{origin}/")) {
            outside.insert(address);
            continue;
        }
        if !seen.insert(address.clone()) {
            continue;
        }
        let shown = web::get(&address).await.unwrap();
        let head = web::send(Method::HEAD, &address, &[], "").await.unwrap();
        assert_eq!((shown.status, head.status, head.text.as_str()), (200, 200, ""), "{address}");
        if shown.headers["content-type"].to_str().unwrap().starts_with("text/html") {
            waiting.extend(page::links(&address, &shown.text));
            waiting.extend(page::forms(&address, &shown.text).into_iter().map(|form| form.action));
        }
    }
    (seen, outside)
}

/// Every row of every table, and the names of the mails.
///
/// But for one thing: who of several processes reads a feed (the lease of its cursor) is renewed by machine time, whether or not anybody looks.
async fn dump(installation: &Installation) -> BTreeMap<String, Vec<String>> {
    let mut dump = BTreeMap::new();
    for service in installation.services() {
        let db = installation.database(service);
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_schema || '.' || table_name from information_schema.tables
             where table_schema in ('public', 'seva') and table_type = 'BASE TABLE'",
        )
        .fetch_all(db)
        .await
        .unwrap();
        assert!(tables.len() > 10, "{service}: {tables:?}");
        for table in tables {
            let row = if table == "seva.consumer_cursor" { "(consumer, source, feed_no, epoch)" } else { "t" };
            let sql = format!("select {row}::text from {table} t order by 1");
            let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(db).await.unwrap();
            dump.insert(format!("{service}: {table}"), rows);
        }
    }
    let mails = mail::all_in(&installation.mail).into_iter().map(|mail| mail.id).collect();
    dump.insert("mails".to_owned(), mails);
    dump
}

fn same(before: &BTreeMap<String, Vec<String>>, after: &BTreeMap<String, Vec<String>>) {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (table, rows) in before {
        assert_eq!(rows, &after[table], "{table} has changed");
    }
}

/// Forms that another site makes a browser send, and forms without the proof that they are ours, or with the proof for another page.
async fn what_is_not_our_form_is_refused(suite: &Suite, reader: &Reader, other: &Reader) {
    let before = dump(suite).await;
    for page in ["ticket", "survey", "preferences", "unsubscribe"] {
        let form = filled(reader, suite, page).await;
        let others = filled(other, suite, page).await;
        let another_page = if page == "ticket" { "survey" } else { "ticket" };
        let another_page = filled(reader, suite, another_page).await;
        let with_seal_of = |form: &Form, from: &Form| form.clone().with("seal", from.get("seal").unwrap());
        for (headers, form) in [
            (&[("origin", "https://elsewhere.example")][..], form.clone()),
            (&[("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site")], form.clone()),
            (&[("sec-fetch-site", "cross-site")], form.clone()),
            (&[("sec-fetch-site", "same-site"), ("origin", "null")], form.clone()),
            (&[("origin", "null")], form.clone().without("seal")),
            (&[("origin", "null")], form.clone().with("seal", "")),
            (&[("origin", "null")], with_seal_of(&form, &another_page)),
            (&[("origin", "null")], with_seal_of(&form, &others)),
        ] {
            let refused = web::post_form(&form.action, headers, &form.encoded()).await.unwrap();
            assert_eq!(refused.status, 403, "{page} with {headers:?}: {}", page::text(&refused.text));
        }
    }
    drained_at(suite, scene::end()).await;
    same(&before, &dump(suite).await);
}

/// A form of a page as a customer fills it in.
async fn filled(reader: &Reader, suite: &Suite, page: &str) -> Form {
    let opened = reader.open(suite, page).await;
    match page {
        "ticket" => opened.form("solved", "yes"),
        "survey" => opened.only_form().with("q_csat", "1").with("action", "complete"),
        _ => opened.only_form(),
    }
}

/// A link with any part changed, or one for another page, or a made-up one: all show the same, and act for nobody.
async fn another_link_shows_what_no_link_shows(suite: &Suite, reader: &Reader, other: &Reader) {
    let before = dump(suite).await;
    let url = suite.portal_url();
    for page in PAGES {
        let none = web::get(&format!("{url}/{page}/none")).await.unwrap();
        assert_eq!(none.status, 404);
        let form = if page == "place" { None } else { Some(filled(reader, suite, page).await) };
        for token in walked(reader, other, page) {
            let address = format!("{url}/{page}/{token}");
            let shown = web::get(&address).await.unwrap();
            assert_eq!((shown.status, &shown.text), (404, &none.text), "{address}");
            let names = |answer: &web::Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&shown), names(&none), "{address}");
            if let Some(form) = &form {
                let refused = Form { action: address.clone(), ..form.clone() }.send().await;
                assert_eq!(refused.status, 403, "{address}: {}", page::text(&refused.text));
            }
            if page == "unsubscribe" {
                let refused = web::post_form(&address, &[], "List-Unsubscribe=One-Click").await.unwrap();
                assert_eq!(refused.status, 404, "{address}");
            }
        }
    }
    drained_at(suite, scene::end()).await;
    same(&before, &dump(suite).await);
}

/// `purpose.subject.generation.expiry.kid.signature` with every part changed.
fn walked(reader: &Reader, other: &Reader, page: &str) -> Vec<String> {
    let token = &reader.tokens[page];
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let others: Vec<_> = other.tokens[page].split('.').map(str::to_owned).collect();
    let [purpose, subject, generation, expiry, kid, signature] = &parts[..] else { panic!("{page}: no token") };
    let later = (expiry.parse::<i64>().unwrap() + 1).to_string();
    let next = (generation.parse::<u32>().unwrap() + 1).to_string();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let signature_of = |changed: &str| format!("{changed}{}", &signature[1..]);
    let mut walked = Vec::new();
    for (place, changes) in [
        (0, PAGES.map(str::to_owned).into_iter().filter(|page| page != purpose).collect()),
        (1, vec![others[1].clone(), new_id().to_string(), subject.replace('-', ""), String::new()]),
        (2, vec![next, "0".to_owned() + generation, "-1".to_owned()]),
        (3, vec![later, "99999999999".to_owned(), String::new()]),
        (4, vec!["k2".to_owned(), format!("{kid}a"), "none".to_owned()]),
        (5, vec![others[5].clone(), signature_of(first), signature[1..].to_owned(), String::new()]),
    ] {
        for changed in changes {
            let mut parts = parts.clone();
            parts[place] = changed;
            walked.push(parts.join("."));
        }
    }
    // Good links, on a page that they are not for.
    walked.extend(reader.tokens.iter().filter(|(of, _)| **of != page).map(|(_, token)| token.clone()));
    walked.extend([
        new_id().to_string(),
        format!("{purpose}.{}", new_id()),
        format!("{token}.{token}"),
        token[1..].to_owned(),
    ]);
    walked
}

/// Hostile words are shown as they were said: page by page and mail by mail there is the same markup as with harmless ones.
async fn words_stay_words(suite: &Suite, harmless: &Reader, hostile: &Reader) {
    for page in PAGES {
        same_markup(&harmless.open(suite, page).await, &hostile.open(suite, page).await);
    }
    let mut milestones = BTreeSet::new();
    let sent: Vec<String> = sqlx::query_scalar("select milestone from notification where state = 'sent'")
        .fetch_all(suite.database("notifications"))
        .await
        .unwrap();
    milestones.extend(sent);
    assert!(milestones.len() > 5, "{milestones:?}");
    for milestone in &milestones {
        let one = reader::mails_about(suite, &harmless.shopper.email, milestone).await;
        let other = reader::mails_about(suite, &hostile.shopper.email, milestone).await;
        assert_eq!((one.len(), other.len()), (1, 1), "{milestone}");
        assert_eq!(page::outline(&one[0].html), page::outline(&other[0].html), "{milestone}: {}", other[0].html);
    }

    // What is said on the pages themselves, kept and refused.
    let mut shown = Vec::new();
    for (reader, words) in [(harmless, &HARMLESS), (hostile, &HOSTILE)] {
        let form = reader.open(suite, "survey").await.only_form().with("q_words", words.answer).with("action", "save");
        let saved = Opened::submit(&form.with("q_csat", "3")).await;
        assert_eq!(saved.only_form().get("q_words"), Some(words.answer), "the words are kept as they are");
        let form = reader.open(suite, "ticket").await.form("solved", "no");
        let rejected = Opened::submit(&form.with("text", words.rejection)).await;
        let (text, said) = (rejected.text(), words.rejection.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(text.contains(&said), "{said} is not in {text}");
        shown.push([saved, rejected]);
    }
    let [harmless, hostile] = &shown[..] else { unreachable!("there are two customers") };
    for (harmless, hostile) in harmless.iter().zip(hostile) {
        same_markup(harmless, hostile);
    }
}

fn same_markup(harmless: &Opened, hostile: &Opened) {
    assert_eq!(page::outline(&harmless.html), page::outline(&hostile.html), "{}: {}", hostile.address, hostile.html);
    assert!(!hostile.html.contains("<script"), "{}", hostile.html);
}
