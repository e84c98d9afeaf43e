//! Writes of articles: load, decide, save.

use std::future::{Future, ready};

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        CreateArticleResponse, CreateArticleVersionResponse, PublishArticleVersionResponse, RateArticleResponse,
        RecordSolutionResponse, RetireArticleResponse,
    },
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::{format_name, new_id};
use uuid::Uuid;

use super::{
    model::{Act, Article, Change, Content, NewArticle, Rating, Solution},
    store::{self, feedback},
};
use crate::{
    roster,
    ticket::{self, State},
};

/// How often a write is tried again when other writes come between.
const TRIES: usize = 3;

/// What articles' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A draft of an article's next version.
#[derive(Debug)]
pub struct CreateArticleVersion {
    pub article: Uuid,
    pub etag: Etag,
    pub content: Content,
}

/// A draft that is to be shown.
#[derive(Debug)]
pub struct PublishArticleVersion {
    pub article: Uuid,
    pub number: i32,
    pub etag: Etag,
}

/// An article that is to be found no more.
#[derive(Debug)]
pub struct RetireArticle {
    pub article: Uuid,
    pub etag: Etag,
}

/// What a reader thinks.
#[derive(Debug)]
pub struct RateArticle {
    pub article: Uuid,
    pub ticket: Option<Uuid>,
    pub helpful: bool,
}

/// What a ticket was solved with.
#[derive(Debug)]
pub struct RecordSolution {
    pub ticket: Uuid,
    pub article: Uuid,
    /// `None`: the published one.
    pub number: Option<i32>,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records an article of which nothing is written yet.
    pub async fn create(&self, write: &Write, new: NewArticle) -> Result<CreateArticleResponse, Error> {
        let article = Article::create(new_id(), new, self.clock.now());
        let response = CreateArticleResponse { article: Some((&article).into()) };
        once(&self.db, write, async {
            let change = Change { article, version: None, act: Act::Created };
            store::insert(&self.db, write, &change, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Records a draft, faulty or not, in place of the one before.
    pub async fn create_version(
        &self,
        write: &Write,
        command: CreateArticleVersion,
    ) -> Result<CreateArticleVersionResponse, Error> {
        let CreateArticleVersion { article, etag, content } = command;
        let decide = |article: Article, now| ready(article.draft(content.clone(), now));
        self.change(write, article, etag, decide, |change| CreateArticleVersionResponse {
            article: Some((&change.article).into()),
            article_version: change.version.as_ref().map(Into::into),
        })
        .await
    }

    /// Freezes a draft and shows it from now on.
    pub async fn publish(
        &self,
        write: &Write,
        command: PublishArticleVersion,
    ) -> Result<PublishArticleVersionResponse, Error> {
        let PublishArticleVersion { article, number, etag } = command;
        let decide = |article: Article, now| async move {
            let version = store::load_version(&self.db, article.id, number).await?;
            article.publish(version, now)
        };
        self.change(write, article, etag, decide, |change| PublishArticleVersionResponse {
            article: Some((&change.article).into()),
            article_version: change.version.as_ref().map(Into::into),
        })
        .await
    }

    /// Takes an article out of search.
    pub async fn retire(&self, write: &Write, command: RetireArticle) -> Result<RetireArticleResponse, Error> {
        let RetireArticle { article, etag } = command;
        let decide = |article: Article, now| ready(article.retire(now));
        self.change(write, article, etag, decide, |change| RetireArticleResponse {
            article: Some((&change.article).into()),
        })
        .await
    }

    /// Records whether an article helped.
    pub async fn rate(&self, write: &Write, command: RateArticle) -> Result<RateArticleResponse, Error> {
        let RateArticle { article, ticket, helpful } = command;
        let caller = write.on_behalf_of.as_ref().unwrap_or(&write.actor);
        let rater = ticket.map_or_else(|| caller.clone(), |ticket| format_name(ticket::model::COLLECTION, ticket));
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let number = store::load(&self.db, article).await?.published("TK82")?;
                let (id, rater, created_at) = (new_id(), rater.clone(), self.clock.now());
                let rating = Rating { id, article, number, rater, ticket, helpful, created_at };
                let response = RateArticleResponse { article_rating: Some((&rating).into()) };
                if feedback::insert_rating(&self.db, write, &rating, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Records what a ticket was solved with.
    pub async fn record_solution(
        &self,
        write: &Write,
        command: RecordSolution,
    ) -> Result<RecordSolutionResponse, Error> {
        let RecordSolution { ticket, article, number } = command;
        once(&self.db, write, async {
            let number = self.published(article, number).await?;
            let recorded_by = roster::store::member_of_caller(self.db.calls(), write).await?;
            for _ in 0..TRIES {
                let ticket = ticket::store::load(&self.db, ticket).await?;
                if matches!(ticket.state, State::Canceled | State::Merged) {
                    let description = "the ticket was neither called off nor merged into another one";
                    return Err(Error::precondition(ErrorReason::StateForbids, "TK83", ticket.name(), description));
                }
                let (id, created_at) = (new_id(), self.clock.now());
                let solution = Solution { id, ticket: ticket.id, article, number, recorded_by, created_at };
                let response = RecordSolutionResponse { solution: Some((&solution).into()) };
                if feedback::insert_solution(&self.db, write, &solution, &ticket, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// The number of the version that is named, if it was ever published, or else that of the published one.
    async fn published(&self, article: Uuid, number: Option<i32>) -> Result<i32, Error> {
        let Some(number) = number else { return store::load(&self.db, article).await?.published("TK83") };
        let version = store::load_version(&self.db, article, number).await?;
        if version.published_at.is_none() {
            let description = "the version is or was published";
            return Err(Error::precondition(ErrorReason::StateForbids, "TK83", version.name(), description));
        }
        Ok(number)
    }

    /// Loads, decides and saves, again when other writes come between.
    async fn change<R: prost::Message + Default, D: Future<Output = Result<Change, Error>> + Send>(
        &self,
        write: &Write,
        id: Uuid,
        etag: Etag,
        decide: impl Fn(Article, Timestamp) -> D + Send + Sync,
        answer: impl Fn(&Change) -> R + Send + Sync,
    ) -> Result<R, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let article = store::load(&self.db, id).await?;
                etag.check(article.version)?;
                let change = decide(article, self.clock.now()).await?;
                let response = answer(&change);
                if store::save(&self.db, write, &change, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
