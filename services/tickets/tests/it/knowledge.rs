//! Articles: written, published, listed, and found in four languages.

use std::sync::Arc;

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        Article, ArticleFilter, ArticleHit, ArticleText, ArticleVersion, CreateArticleRequest,
        CreateArticleVersionRequest, CreateArticleVersionResponse, GetArticleRequest, GetArticleResponse,
        ListArticlesRequest, MediaLink, PublishArticleVersionRequest, PublishArticleVersionResponse,
        RetireArticleRequest, SearchArticlesRequest,
        article::{Audience, State},
        knowledge_service_client::KnowledgeServiceClient,
        media_link,
    },
};
use seva_runtime::client::Peer;
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::Status;
use tonic_types::StatusExt;

use crate::world::{World, invariant, is_refused};

fn writer(world: &World) -> KnowledgeServiceClient<Peer> {
    KnowledgeServiceClient::new(world.server.as_role("lead"))
}

pub fn reader(world: &World) -> KnowledgeServiceClient<Peer> {
    KnowledgeServiceClient::new(world.server.as_role("agent"))
}

fn text(language: &str, title: &str, body: &str) -> ArticleText {
    ArticleText { language: language.to_owned(), title: title.to_owned(), body: body.to_owned() }
}

/// A washing machine that drips, in all four languages.
pub fn drips() -> ArticleVersion {
    let alt = |(language, text): (&str, &str)| Translation { language: language.to_owned(), text: text.to_owned() };
    ArticleVersion {
        texts: vec![
            text("en", "The washing machine drips", "Error E-17: close the tap and clean the door's seal."),
            text("hi", "वॉशिंग मशीन से पानी टपकता है", "त्रुटि E-17: नल बंद करें और दरवाज़े की सील साफ़ करें।"),
            text("bn", "ওয়াশিং মেশিন থেকে জল পড়ে", "ত্রুটি E-17: কল বন্ধ করুন এবং দরজার সিল পরিষ্কার করুন।"),
            text("ur", "واشنگ مشین سے پانی ٹپکتا ہے", "خرابی E-17: نل بند کریں اور دروازے کی سیل صاف کریں۔"),
        ],
        media: vec![MediaLink {
            url: "https://help.example.com/seal.mp4".to_owned(),
            kind: media_link::Kind::Video.into(),
            alt_texts: [("en", "The seal"), ("hi", "सील"), ("bn", "সিল"), ("ur", "سیل")].map(alt).to_vec(),
        }],
        review_date: "2026-09-01".to_owned(),
        ..ArticleVersion::default()
    }
}

/// How to log a noisy one, for staff, in English alone.
pub fn noise() -> ArticleVersion {
    let body = "Ask for the serial number. A machine of series WM-2000 rattles when its door is worn, and drips.";
    ArticleVersion {
        texts: vec![text("en", "Noise of the machine", body)],
        review_date: "2026-04-01".to_owned(),
        ..ArticleVersion::default()
    }
}

pub async fn create(world: &World, audience: Audience) -> Article {
    let article = Article {
        display_name: "About machines".to_owned(),
        product: "WM-2000".to_owned(),
        audience: audience.into(),
        ..Article::default()
    };
    let request = CreateArticleRequest { article: Some(article), request_id: new_id().to_string() };
    writer(world).create_article(request).await.unwrap().into_inner().article.unwrap()
}

pub async fn draft(
    world: &World,
    article: &Article,
    version: ArticleVersion,
) -> Result<CreateArticleVersionResponse, Status> {
    let request = CreateArticleVersionRequest {
        parent: article.name.clone(),
        article_version: Some(version),
        etag: article.etag.clone(),
        request_id: new_id().to_string(),
    };
    Ok(writer(world).create_article_version(request).await?.into_inner())
}

pub async fn publish(world: &World, name: &str) -> Result<PublishArticleVersionResponse, Status> {
    let request = PublishArticleVersionRequest {
        name: name.to_owned(),
        request_id: new_id().to_string(),
        ..PublishArticleVersionRequest::default()
    };
    Ok(writer(world).publish_article_version(request).await?.into_inner())
}

pub async fn published(world: &World, audience: Audience, version: ArticleVersion) -> Article {
    let article = create(world, audience).await;
    let name = draft(world, &article, version).await.unwrap().article_version.unwrap().name;
    publish(world, &name).await.unwrap().article.unwrap()
}

async fn retire(world: &World, name: &str) -> Result<Article, Status> {
    let request = RetireArticleRequest {
        name: name.to_owned(),
        request_id: new_id().to_string(),
        ..RetireArticleRequest::default()
    };
    Ok(writer(world).retire_article(request).await?.into_inner().article.unwrap())
}

pub async fn get(world: &World, name: &str, language: &str) -> Result<GetArticleResponse, Status> {
    let request = GetArticleRequest { name: name.to_owned(), language: language.to_owned() };
    Ok(reader(world).get_article(request).await?.into_inner())
}

pub async fn search(world: &World, query: &str, language: &str, audience: Audience) -> Vec<ArticleHit> {
    let request = SearchArticlesRequest {
        query: query.to_owned(),
        language: language.to_owned(),
        audience: audience.into(),
        ..SearchArticlesRequest::default()
    };
    reader(world).search_articles(request).await.unwrap().into_inner().hits
}

async fn list(world: &World, filter: ArticleFilter, order_by: &str) -> Vec<String> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListArticlesRequest {
            page_size: 1,
            page_token,
            order_by: order_by.to_owned(),
            filter: Some(filter.clone()),
        };
        let page = reader(world).list_articles(request).await.unwrap().into_inner();
        names.extend(page.articles.into_iter().map(|article| article.name));
        if page.next_page_token.is_empty() {
            return names;
        }
        page_token = page.next_page_token;
    }
}

fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let told = details.bad_request().unwrap().field_violations.iter().map(|violation| {
        let reason = violation.description.split(':').next().unwrap();
        (violation.field.clone(), reason.to_owned())
    });
    told.collect()
}

async fn told(world: &World, subject: &str) -> Vec<String> {
    sqlx::query_scalar("select type from seva.outbox where subject = $1 order by sequence")
        .bind(subject)
        .fetch_all(&world.database.owner)
        .await
        .unwrap()
}

/// TK81: a publication tells everything that is wrong, and a draft is replaced until nothing is.
#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_written_checked_published_replaced_and_retired() {
    let world = World::new().await;
    let article = create(&world, Audience::Public).await;
    assert_eq!((article.state(), article.published_version.as_str()), (State::Draft, ""));
    assert_eq!(get(&world, &article.name, "").await.unwrap().article_version, None);

    let faulty = ArticleVersion {
        texts: vec![text("hi", "पानी", "")],
        media: vec![MediaLink { url: "http://example.com".to_owned(), kind: 1, ..MediaLink::default() }],
        ..ArticleVersion::default()
    };
    let drafted = draft(&world, &article, faulty).await.unwrap();
    let name = drafted.article_version.unwrap().name;
    assert_eq!(name, format!("{}/versions/1", article.name));
    let refused = is_refused(publish(&world, &name).await, ErrorReason::DraftFaulty);
    let expected = [
        ("texts", "LANGUAGE_MISSING"),
        ("texts[0].body", "TEXT_EMPTY"),
        ("review_date", "REVIEW_DATE_MISSING"),
        ("media[0].url", "LINK_SCHEME"),
        ("media[0].alt_texts", "LANGUAGE_MISSING"),
        ("media[0].alt_texts", "LANGUAGE_MISSING"),
    ];
    assert_eq!(violations(&refused), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));

    // Somebody who has not seen the draft does not write over it.
    is_refused(draft(&world, &article, drips()).await, ErrorReason::EtagMismatch);
    let drafted = draft(&world, &drafted.article.unwrap(), drips()).await.unwrap();
    assert_eq!(drafted.article_version.unwrap().name, name, "it replaces the draft");
    let shown = publish(&world, &name).await.unwrap();
    let (article, version) = (shown.article.unwrap(), shown.article_version.unwrap());
    assert_eq!(
        (article.state(), &article.published_version, article.draft_version.as_str()),
        (State::Published, &name, "")
    );
    assert_eq!(
        (article.languages.join(" "), version.texts.len(), version.hash.len()),
        ("bn en hi ur".to_owned(), 4, 64)
    );

    // TK80
    let again = is_refused(publish(&world, &name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&again), "TK80");
    for statement in ["update article_version set content = '{}'", "delete from article_version"] {
        let fault = sqlx::query(statement).execute(&world.database.owner).await.unwrap_err();
        assert_eq!(fault.as_database_error().unwrap().constraint(), Some("article_version_frozen"));
    }

    let next = draft(&world, &article, noise()).await.unwrap();
    assert_eq!(next.article.as_ref().unwrap().published_version, name, "a draft is not shown");
    assert_eq!(get(&world, &article.name, "").await.unwrap().article_version.unwrap(), version);
    let second = next.article_version.unwrap().name;
    publish(&world, &second).await.unwrap();
    assert_eq!(get(&world, &article.name, "").await.unwrap().article_version.unwrap().name, second);
    assert_eq!(get(&world, &name, "").await.unwrap().article_version.unwrap(), version, "what was published stays");

    let retired = retire(&world, &article.name).await.unwrap();
    assert_eq!((retired.state(), retired.stale_time), (State::Retired, None));
    let refused = is_refused(draft(&world, &retired, drips()).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK81");
    is_refused(retire(&world, &article.name).await, ErrorReason::StateForbids);
    let acts = ["created", "drafted", "drafted", "published", "drafted", "published", "retired"];
    assert_eq!(told(&world, &article.name).await, acts.map(|act| format!("seva.tickets.article.{act}.v1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gets_the_text_in_the_own_language_or_in_english() {
    let world = World::new().await;
    let article = published(&world, Audience::Public, drips()).await;
    for (language, given) in [("bn-BD", "bn"), ("ur", "ur"), ("ta", "en")] {
        let texts = get(&world, &article.name, language).await.unwrap().article_version.unwrap().texts;
        assert_eq!(texts.iter().map(|text| text.language.as_str()).collect::<Vec<_>>(), [given]);
    }
    is_refused(get(&world, &article.name, "no language").await, ErrorReason::FieldsInvalid);
    is_refused(get(&world, &format!("{}/versions/2", article.name), "").await, ErrorReason::ResourceNotFound);
    is_refused(get(&world, &format!("{}/versions/01", article.name), "").await, ErrorReason::FieldsInvalid);
    is_refused(get(&world, &format!("articles/{}", new_id()), "").await, ErrorReason::ResourceNotFound);
}

/// TK84
#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_found_in_every_language_and_by_numbers_and_nothing_else_is() {
    let world = World::new().await;
    let article = published(&world, Audience::Public, drips()).await;
    let of_staff = published(&world, Audience::Staff, noise()).await;
    draft(&world, &create(&world, Audience::Public).await, drips()).await.unwrap();

    let found = [
        // Words, and how they begin.
        ("en", "washing drip"),
        ("en", "SEAL"),
        ("hi", "पानी टपक"),
        ("hi", "दरवाज़े"),
        // A letter with a dot, as one sign and as two.
        ("hi", "दरवाज\u{93c}े"),
        ("bn", "পড়ে"),
        ("bn", "জল মেশিন"),
        ("ur", "پانی"),
        // On an Arabic keyboard.
        ("ur", "پاني ٹپكتا"),
        // Numbers, however they are written.
        ("en", "E-17"),
        ("hi", "e17"),
        ("ur", "سیل E17"),
        // A reader of another language finds the English one.
        ("ta", "tap"),
        ("", "পরিষ্কার"),
    ];
    for (language, query) in found {
        let hits = search(&world, query, language, Audience::Unspecified).await;
        assert_eq!(hits.len(), 1, "{language}: {query}: {hits:?}");
        assert_eq!(hits[0].article, article.name, "{query}");
        let given = match language {
            "" => "bn",
            "ta" => "en",
            own => own,
        };
        assert_eq!(hits[0].language, given, "{query}");
    }
    let nothing = [
        ("en", "dryer"),
        ("en", "E-18"),
        ("en", "drips dryer"),
        ("ur", "টপক"),
        ("en", "?!"),
        ("en", "ashing"),
        ("hi", "पान 7' \\ :* & | !"),
    ];
    for (language, query) in nothing {
        assert_eq!(search(&world, query, language, Audience::Unspecified).await, [], "{query}");
    }
    // Of both the one with the word in its title comes first.
    let both = search(&world, "drips", "en", Audience::Unspecified).await;
    assert_eq!(both.iter().map(|hit| &hit.article).collect::<Vec<_>>(), [&article.name, &of_staff.name]);
    assert_eq!(search(&world, "machine", "en", Audience::Public).await.len(), 1);
    assert_eq!(search(&world, "wm2000", "bn", Audience::Staff).await.len(), 1);

    // What replaces a version replaces what is found; what is retired is found no more.
    let next = draft(&world, &article, noise()).await.unwrap().article_version.unwrap().name;
    publish(&world, &next).await.unwrap();
    assert_eq!(search(&world, "पानी", "hi", Audience::Unspecified).await, []);
    assert_eq!(search(&world, "rattles", "hi", Audience::Public).await[0].article_version, next);
    retire(&world, &article.name).await.unwrap();
    assert_eq!(search(&world, "rattles", "hi", Audience::Public).await, []);
    assert_eq!(world.count("select count(*) from article_text").await, 1);

    let wrong = SearchArticlesRequest { page_size: -1, language: "?".to_owned(), ..SearchArticlesRequest::default() };
    let refused = is_refused(reader(&world).search_articles(wrong).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&refused).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn articles_are_listed_by_what_they_are_about_and_when_somebody_has_to_look_at_them() {
    let world = World::new().await;
    let drips = published(&world, Audience::Public, drips()).await.name;
    world.pass(1);
    let noise = published(&world, Audience::Staff, noise()).await.name;
    world.pass(1);
    let unwritten = create(&world, Audience::Staff).await.name;
    let filter = ArticleFilter::default;
    let table = [
        (filter(), "", vec![&unwritten, &noise, &drips]),
        (filter(), "create_time", vec![&drips, &noise, &unwritten]),
        (filter(), "stale_time", vec![&noise, &drips]),
        (ArticleFilter { product: "WM-2000".to_owned(), ..filter() }, "create_time", vec![&drips, &noise, &unwritten]),
        (ArticleFilter { product: "WM-1".to_owned(), ..filter() }, "", vec![]),
        (ArticleFilter { audience: Audience::Staff.into(), ..filter() }, "create_time", vec![&noise, &unwritten]),
        (ArticleFilter { state: State::Draft.into(), ..filter() }, "", vec![&unwritten]),
        (ArticleFilter { language: "hi".to_owned(), ..filter() }, "", vec![&drips]),
        (ArticleFilter { stale: true, ..filter() }, "", vec![]),
    ];
    for (filter, order_by, expected) in table {
        assert_eq!(list(&world, filter.clone(), order_by).await.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    // The first of April passes.
    world.pass(24 * 31);
    assert_eq!(list(&world, ArticleFilter { stale: true, ..filter() }, "stale_time").await, [noise]);
    let wrong = ListArticlesRequest { order_by: "title".to_owned(), ..ListArticlesRequest::default() };
    is_refused(reader(&world).list_articles(wrong).await, ErrorReason::FieldsInvalid);
}

/// The one draft that is published at once by many is published once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_publish_a_draft_one_does() {
    let world = Arc::new(World::new().await);
    let article = create(&world, Audience::Public).await;
    let name = draft(&world, &article, drips()).await.unwrap().article_version.unwrap().name;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (world, name) = (world.clone(), name.clone());
        callers.spawn(async move { publish(&world, &name).await });
    }
    let published = callers.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(published, 1);
    assert_eq!(told(&world, &article.name).await.len(), 3);
}
