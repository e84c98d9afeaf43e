//! Reads of articles.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::Language;
use uuid::Uuid;

use super::{
    model::{Article, ArticleVersion, Audience, Solution, State},
    search::SearchArticles,
    store::{
        self, ArticleRow,
        feedback::SolutionRow,
        search::{self, Hit},
    },
};
use crate::ticket;

/// Orders that a list of articles allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "create_time", column: "created_at", descending: false },
    Order { name: "stale_time", column: "stale_at", descending: false },
];
/// The order of a ticket's solutions; it has its index.
const OLDEST_FIRST: &Order = &Order { name: "create_time", column: "created_at", descending: false };

/// Which article, in which version and for whom.
#[derive(Debug)]
pub struct GetArticle {
    pub id: Uuid,
    /// `None`: the published one.
    pub number: Option<i32>,
    /// `None`: all languages.
    pub language: Option<Language>,
}

/// Which articles to list.
#[derive(Debug)]
pub struct ListArticles {
    pub order: &'static Order,
    pub product: Option<String>,
    pub audience: Option<Audience>,
    pub state: Option<State>,
    pub language: Option<Language>,
    pub stale: bool,
    pub page: PageRequest,
}

impl Keyed for ArticleRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        let time = if order.column == "stale_at" { self.stale_at } else { Some(self.created_at) };
        // Whatever is listed by a time has one.
        (time.map_or(SortKey::None, |time| SortKey::Time(time.to_jiff())), self.id)
    }
}

impl Keyed for SolutionRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

/// An article with the version asked for, or with the published one, if there is any.
pub async fn get(db: &Database, query: GetArticle) -> Result<(Article, Option<ArticleVersion>), Error> {
    let article = store::load(db, query.id).await?;
    let Some(number) = query.number.or(article.published_number) else { return Ok((article, None)) };
    let version = store::load_version(db, query.id, number).await?;
    let version = match query.language {
        Some(language) => version.for_reader(&language),
        None => version,
    };
    Ok((article, Some(version)))
}

/// A page of articles.
pub async fn list(db: &Database, query: &ListArticles, now: Timestamp) -> Result<Page<Article>, Error> {
    let Page { items, next_page_token } = listing(query, now).fetch::<ArticleRow>(db.calls()).await?;
    let items = items.into_iter().map(Article::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The statement of a page of articles.
pub fn listing(query: &ListArticles, now: Timestamp) -> Listing<'_> {
    let listing = Listing::new(store::SELECT, query.order, &query.page)
        .and_value("product =", query.product.clone())
        .and_value("audience =", query.audience.map(Audience::name))
        .and_value("state =", query.state.map(State::name))
        .and_value("stale_at <=", query.stale.then(|| jiff_sqlx::Timestamp::from(now)));
    let listing = match &query.language {
        Some(language) => listing.and_around("", language.as_str().to_owned(), " = any(languages)"),
        None => listing,
    };
    if query.order.column == "stale_at" { listing.and("stale_at is not null") } else { listing }
}

/// What fits best.
pub async fn search(db: &Database, query: &SearchArticles) -> Result<Vec<Hit>, Error> {
    search::search(db, query).await
}

/// A page of what a ticket was solved with, oldest first.
pub async fn solutions(db: &Database, ticket: Uuid, page: &PageRequest) -> Result<Page<Solution>, Error> {
    ticket::store::load(db, ticket).await?;
    let listing = Listing::new(store::feedback::SELECT, OLDEST_FIRST, page).and_value("ticket_id =", Some(ticket));
    Ok(listing.fetch::<SolutionRow>(db.calls()).await?.map(Solution::from))
}
