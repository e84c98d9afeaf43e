//! Articles from and to the contract.

use std::collections::BTreeMap;

use seva_proto::tickets::v1::{self as pb, ArticleEvent, article as pb_article, article_rating, media_link};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    context::hex,
    event::proto_timestamp,
    paging::{Order, PageKey, PageRequest},
};
use seva_values::{Invalid, Language, format_name, parse_name, proto::parse_date, text};
use uuid::Uuid;

use super::{
    check::MOST_MEDIA,
    commands::{CreateArticleVersion, PublishArticleVersion, RateArticle, RecordSolution, RetireArticle},
    model::{
        Article, ArticleVersion, Audience, COLLECTION, Content, MediaKind, MediaLink, NewArticle, Rating, Solution,
        State, Text, choices,
    },
    queries::{GetArticle, ListArticles, ORDERS},
    search::{SearchArticles, identifiers, words},
    store::search::Hit,
};
use crate::{
    publishing::{self, format_version, parse_latest_or_version, parse_version, parts, texts, translations},
    roster::model::STAFF_MEMBERS,
    spoken::spoken_enums,
    ticket::model::COLLECTION as TICKETS,
};

/// Collections of what is said about articles.
pub const RATINGS: &str = "articleRatings";
pub const SOLUTIONS: &str = "solutions";

/// Longest name that staff give, product, link and query, in characters.
const LONGEST_LINE: usize = 200;
const LONGEST_LINK: usize = 2_048;
/// Longest body, in characters.
const LONGEST_BODY: usize = 20_000;
/// Languages of a version, and links that a draft may hold, faulty or not.
const MOST_LANGUAGES: usize = 40;
const MOST_DRAFTED_MEDIA: usize = 2 * MOST_MEDIA;
/// Hits when the caller does not say, and at most.
const USUAL_HITS: i32 = 20;
const MOST_HITS: i32 = 50;

fn required() -> Invalid {
    Invalid::new("FIELD_REQUIRED", "is required")
}

spoken_enums! {
    read_audience Audience = pb_article::Audience, "AUDIENCE_UNKNOWN", Public, Staff;
    read_state State = pb_article::State, "STATE_UNKNOWN", Draft, Published, Retired;
    read_media_kind MediaKind = media_link::Kind, "KIND_UNKNOWN", Video, Manual, Diagram, Page;
}

fn read_verdict(given: i32) -> Result<bool, Invalid> {
    match article_rating::Verdict::try_from(given) {
        Ok(article_rating::Verdict::Unspecified) => Err(required()),
        Ok(article_rating::Verdict::Helpful) => Ok(true),
        Ok(article_rating::Verdict::NotHelpful) => Ok(false),
        Err(_) => Err(Invalid::new("VERDICT_UNKNOWN", "has to be a known value")),
    }
}

/// Reads what a field leaves open when it is empty.
fn optional<T>(given: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<Option<T>, Invalid> {
    if given.is_empty() { Ok(None) } else { parse(given).map(Some) }
}

fn product(given: &str) -> Result<Option<String>, Invalid> {
    optional(given, |given| text::line(given, LONGEST_LINE))
}

impl TryFrom<pb::CreateArticleRequest> for NewArticle {
    type Error = Error;

    fn try_from(request: pb::CreateArticleRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(article) = violations.required("article", request.article) else { return Err(violations.into()) };
        let display_name =
            violations.take("article.display_name", text::required_line(&article.display_name, LONGEST_LINE));
        let product = violations.take("article.product", text::line(&article.product, LONGEST_LINE));
        let audience = read_audience(article.audience).and_then(|audience| audience.ok_or_else(required));
        let audience = violations.take("article.audience", audience);
        let new = || Some(Self { display_name: display_name?, product: product?, audience: audience? });
        let new = new();
        violations.finish(new)
    }
}

impl TryFrom<pb::CreateArticleVersionRequest> for CreateArticleVersion {
    type Error = Error;

    /// Refuses what is no draft at all. What an author has still to do is no fault here.
    fn try_from(request: pb::CreateArticleVersionRequest) -> Result<Self, Error> {
        let pb::CreateArticleVersionRequest { parent, article_version, etag, request_id: _ } = request;
        let mut violations = Violations::default();
        let article = violations.take("parent", parse_name(COLLECTION, &parent));
        let etag = violations.take("etag", Etag::parse(&etag));
        let draft = violations.required("article_version", article_version);
        let content = draft.and_then(|draft| content(&draft, &mut violations));
        let command = || Some(Self { article: article?, etag: etag?, content: content? });
        let command = command();
        violations.finish(command)
    }
}

fn content(draft: &pb::ArticleVersion, violations: &mut Violations) -> Option<Content> {
    let field = "article_version.texts";
    let read = parts(&draft.texts, MOST_LANGUAGES, field, violations, |given, field, violations| {
        let language = violations.take(format!("{field}.language"), Language::parse(&given.language));
        let title = violations.take(format!("{field}.title"), publishing::words(&given.title, LONGEST_BODY));
        let body = violations.take(format!("{field}.body"), publishing::words(&given.body, LONGEST_BODY));
        Some((language?, Text { title: title?, body: body? }))
    });
    let by_language = read.and_then(|read| {
        let mut texts = BTreeMap::new();
        for (at, (language, text)) in read.into_iter().enumerate() {
            if texts.insert(language, text).is_some() {
                let invalid = Invalid::new("LANGUAGE_REPEATED", "stands in the list before");
                violations.add(format!("{field}[{at}].language"), invalid);
                return None;
            }
        }
        Some(texts)
    });
    let field = "article_version.media";
    let media = parts(&draft.media, MOST_DRAFTED_MEDIA, field, violations, |given, field, violations| {
        let url = violations.take(format!("{field}.url"), text::line(&given.url, LONGEST_LINK));
        let kind = read_media_kind(given.kind).and_then(|kind| kind.ok_or_else(required));
        let kind = violations.take(format!("{field}.kind"), kind);
        let alt_texts = texts(&given.alt_texts, &format!("{field}.alt_texts"), violations);
        Some(MediaLink { url: url?, kind: kind?, alt_texts: alt_texts? })
    });
    let review_date = violations.take("article_version.review_date", optional(&draft.review_date, parse_date));
    Some(Content { texts: by_language?, media: media?, review_date: review_date? })
}

impl TryFrom<pb::PublishArticleVersionRequest> for PublishArticleVersion {
    type Error = Error;

    fn try_from(request: pb::PublishArticleVersionRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let name = violations.take("name", parse_version(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(name.zip(etag).map(|((article, number), etag)| Self { article, number, etag }))
    }
}

impl TryFrom<pb::RetireArticleRequest> for RetireArticle {
    type Error = Error;

    fn try_from(request: pb::RetireArticleRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let article = violations.take("name", parse_name(COLLECTION, &request.name));
        let etag = violations.take("etag", Etag::parse(&request.etag));
        violations.finish(article.zip(etag).map(|(article, etag)| Self { article, etag }))
    }
}

impl TryFrom<pb::RateArticleRequest> for RateArticle {
    type Error = Error;

    fn try_from(request: pb::RateArticleRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let article = violations.take("name", parse_name(COLLECTION, &request.name));
        let ticket = violations.take("ticket", optional(&request.ticket, |name| parse_name(TICKETS, name)));
        let helpful = violations.take("verdict", read_verdict(request.verdict));
        let command = || Some(Self { article: article?, ticket: ticket?, helpful: helpful? });
        let command = command();
        violations.finish(command)
    }
}

impl TryFrom<pb::RecordSolutionRequest> for RecordSolution {
    type Error = Error;

    fn try_from(request: pb::RecordSolutionRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ticket = violations.take("parent", parse_name(TICKETS, &request.parent));
        let article = violations.take("article", parse_latest_or_version(COLLECTION, &request.article));
        violations.finish(ticket.zip(article).map(|(ticket, (article, number))| Self { ticket, article, number }))
    }
}

impl TryFrom<pb::GetArticleRequest> for GetArticle {
    type Error = Error;

    fn try_from(request: pb::GetArticleRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let name = violations.take("name", parse_latest_or_version(COLLECTION, &request.name));
        let language = violations.take("language", optional(&request.language, Language::parse));
        violations.finish(name.zip(language).map(|((id, number), language)| Self { id, number, language }))
    }
}

impl TryFrom<pb::SearchArticlesRequest> for SearchArticles {
    type Error = Error;

    fn try_from(request: pb::SearchArticlesRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let query = violations.take("query", text::required_line(&request.query, LONGEST_LINE));
        let language = violations.take("language", optional(&request.language, Language::parse));
        let audience = violations.take("audience", read_audience(request.audience));
        let product = violations.take("product", product(&request.product));
        let limit = violations.take("page_size", hits(request.page_size));
        let search = || {
            let query = query?;
            Some(Self {
                words: words(&query),
                identifiers: identifiers(&query),
                languages: language?.as_ref().map(choices).unwrap_or_default(),
                audience: audience?,
                product: product?,
                limit: limit?,
            })
        };
        let search = search();
        violations.finish(search)
    }
}

fn hits(page_size: i32) -> Result<i64, Invalid> {
    match page_size {
        0 => Ok(USUAL_HITS.into()),
        1.. => Ok(page_size.min(MOST_HITS).into()),
        _ => Err(Invalid::new("PAGE_SIZE_NEGATIVE", "has to be 0 (the default of 20) to 50")),
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListArticlesRequest, key: &PageKey) -> Result<ListArticles, Error> {
    let pb::ListArticlesRequest { page_size, page_token, order_by, filter } = request;
    let pb::ArticleFilter { product: about, audience, state, language, stale } = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", Order::parse(ORDERS, &order_by));
    let product = violations.take("filter.product", product(&about));
    let audience = violations.take("filter.audience", read_audience(audience));
    let state = violations.take("filter.state", read_state(state));
    let language = violations.take("filter.language", optional(&language, Language::parse));
    let all = || Some((order?, product?, audience?, state?, language?));
    let all = all();
    let (order, product, audience, state, language) = violations.finish(all)?;
    let query = format!("{}/{product:?}/{audience:?}/{state:?}/{language:?}/{stale}", order.name);
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListArticles { order, product, audience, state, language, stale, page })
}

/// Reads a request for a ticket's solutions.
pub fn solutions_query(request: &pb::ListSolutionsRequest, key: &PageKey) -> Result<(Uuid, PageRequest), Error> {
    let ticket = parse_name(TICKETS, &request.parent).map_err(|invalid| Error::invalid_field("parent", invalid))?;
    let page = PageRequest::parse(key, SOLUTIONS, &ticket.to_string(), request.page_size, &request.page_token)?;
    Ok((ticket, page))
}

fn version_of(article: &Article, number: Option<i32>) -> String {
    number.map(|number| format_version(COLLECTION, article.id, number)).unwrap_or_default()
}

fn tags(languages: &[Language]) -> Vec<String> {
    languages.iter().map(|language| language.as_str().to_owned()).collect()
}

impl From<&Article> for pb::Article {
    fn from(article: &Article) -> Self {
        let Article {
            id: _,
            version,
            display_name,
            product,
            audience,
            state,
            published_number,
            draft_number,
            languages,
            stale_at,
            helpful_count,
            not_helpful_count,
            solved_count,
            created_at,
            updated_at,
        } = article;
        Self {
            name: article.name(),
            etag: Etag::format(*version),
            display_name: display_name.clone(),
            product: product.clone(),
            audience: pb_article::Audience::from(*audience).into(),
            state: pb_article::State::from(*state).into(),
            published_version: version_of(article, *published_number),
            draft_version: version_of(article, *draft_number),
            languages: tags(languages),
            stale_time: stale_at.map(proto_timestamp),
            helpful_count: *helpful_count,
            not_helpful_count: *not_helpful_count,
            solved_count: *solved_count,
            create_time: Some(proto_timestamp(*created_at)),
            update_time: Some(proto_timestamp(*updated_at)),
        }
    }
}

impl From<&ArticleVersion> for pb::ArticleVersion {
    fn from(version: &ArticleVersion) -> Self {
        let ArticleVersion { article: _, number: _, content, hash, created_at, published_at } = version;
        let Content { texts, media, review_date } = content;
        let text = |(language, text): (&Language, &Text)| pb::ArticleText {
            language: language.as_str().to_owned(),
            title: text.title.clone(),
            body: text.body.clone(),
        };
        Self {
            name: version.name(),
            texts: texts.iter().map(text).collect(),
            media: media.iter().map(Into::into).collect(),
            review_date: review_date.map(|date| date.to_string()).unwrap_or_default(),
            hash: hex(hash),
            create_time: Some(proto_timestamp(*created_at)),
            publish_time: published_at.map(proto_timestamp),
        }
    }
}

impl From<&MediaLink> for pb::MediaLink {
    fn from(link: &MediaLink) -> Self {
        let MediaLink { url, kind, alt_texts } = link;
        Self { url: url.clone(), kind: media_link::Kind::from(*kind).into(), alt_texts: translations(alt_texts) }
    }
}

impl From<&Rating> for pb::ArticleRating {
    fn from(rating: &Rating) -> Self {
        let Rating { id, article, number, rater: _, ticket, helpful, created_at } = rating;
        let verdict = if *helpful { article_rating::Verdict::Helpful } else { article_rating::Verdict::NotHelpful };
        Self {
            name: format_name(RATINGS, *id),
            article_version: format_version(COLLECTION, *article, *number),
            ticket: ticket.map(|ticket| format_name(TICKETS, ticket)).unwrap_or_default(),
            verdict: verdict.into(),
            create_time: Some(proto_timestamp(*created_at)),
        }
    }
}

impl From<&Solution> for pb::Solution {
    fn from(solution: &Solution) -> Self {
        let Solution { id, ticket, article, number, recorded_by, created_at } = solution;
        Self {
            name: format_name(SOLUTIONS, *id),
            ticket: format_name(TICKETS, *ticket),
            article_version: format_version(COLLECTION, *article, *number),
            staff_member: recorded_by.map(|member| format_name(STAFF_MEMBERS, member)).unwrap_or_default(),
            create_time: Some(proto_timestamp(*created_at)),
        }
    }
}

/// A hit as it is answered.
///
/// # Errors
/// `INTERNAL`: what was written was known.
pub fn hit(hit: Hit) -> Result<pb::ArticleHit, Error> {
    let Hit { article_id, published_number, language, title, excerpt, product, audience, solved_count } = hit;
    Ok(pb::ArticleHit {
        article: format_name(COLLECTION, article_id),
        article_version: format_version(COLLECTION, article_id, published_number),
        language,
        title,
        excerpt,
        product,
        audience: pb_article::Audience::from(Audience::from_name(&audience)?).into(),
        solved_count,
    })
}

/// An article as its event tells it.
pub fn event_of(article: &Article) -> ArticleEvent {
    let pb::Article { name, product, audience, state, published_version, draft_version, languages, .. } =
        article.into();
    ArticleEvent { article: name, product, audience, state, published_version, draft_version, languages }
}
