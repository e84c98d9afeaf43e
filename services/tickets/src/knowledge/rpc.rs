//! Articles over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    CreateArticleRequest, CreateArticleResponse, CreateArticleVersionRequest, CreateArticleVersionResponse,
    GetArticleRequest, GetArticleResponse, ListArticlesRequest, ListArticlesResponse, ListSolutionsRequest,
    ListSolutionsResponse, PublishArticleVersionRequest, PublishArticleVersionResponse, RateArticleRequest,
    RateArticleResponse, RecordSolutionRequest, RecordSolutionResponse, RetireArticleRequest, RetireArticleResponse,
    SearchArticlesRequest, SearchArticlesResponse, knowledge_service_server::KnowledgeService,
};
use seva_runtime::{BusinessClock, Error, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, CreateArticleVersion, PublishArticleVersion, RateArticle, RecordSolution, RetireArticle},
    convert,
    model::NewArticle,
    queries::{self, GetArticle},
    search::SearchArticles,
};

/// Serves articles.
#[derive(Debug, Clone)]
pub struct KnowledgeRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl KnowledgeRpc {
    /// Serves the articles of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock.clone()), db, clock, page_key }
    }
}

#[tonic::async_trait]
impl KnowledgeService for KnowledgeRpc {
    async fn create_article(
        &self,
        request: Request<CreateArticleRequest>,
    ) -> Result<Response<CreateArticleResponse>, Status> {
        let (write, new) = incoming_write(request, NewArticle::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn create_article_version(
        &self,
        request: Request<CreateArticleVersionRequest>,
    ) -> Result<Response<CreateArticleVersionResponse>, Status> {
        let (write, command) = incoming_write(request, CreateArticleVersion::try_from)?;
        Ok(Response::new(self.commands.create_version(&write, command).await?))
    }

    async fn publish_article_version(
        &self,
        request: Request<PublishArticleVersionRequest>,
    ) -> Result<Response<PublishArticleVersionResponse>, Status> {
        let (write, command) = incoming_write(request, PublishArticleVersion::try_from)?;
        Ok(Response::new(self.commands.publish(&write, command).await?))
    }

    async fn retire_article(
        &self,
        request: Request<RetireArticleRequest>,
    ) -> Result<Response<RetireArticleResponse>, Status> {
        let (write, command) = incoming_write(request, RetireArticle::try_from)?;
        Ok(Response::new(self.commands.retire(&write, command).await?))
    }

    async fn get_article(&self, request: Request<GetArticleRequest>) -> Result<Response<GetArticleResponse>, Status> {
        let (_, query) = incoming(request, GetArticle::try_from)?;
        let (article, version) = queries::get(&self.db, query).await?;
        let article_version = version.as_ref().map(Into::into);
        Ok(Response::new(GetArticleResponse { article: Some((&article).into()), article_version }))
    }

    async fn list_articles(
        &self,
        request: Request<ListArticlesRequest>,
    ) -> Result<Response<ListArticlesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query, self.clock.now()).await?;
        let articles = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListArticlesResponse { articles, next_page_token: page.next_page_token }))
    }

    async fn search_articles(
        &self,
        request: Request<SearchArticlesRequest>,
    ) -> Result<Response<SearchArticlesResponse>, Status> {
        let (_, query) = incoming(request, SearchArticles::try_from)?;
        let found = queries::search(&self.db, &query).await?;
        let hits = found.into_iter().map(convert::hit).collect::<Result<_, Error>>()?;
        Ok(Response::new(SearchArticlesResponse { hits }))
    }

    async fn rate_article(
        &self,
        request: Request<RateArticleRequest>,
    ) -> Result<Response<RateArticleResponse>, Status> {
        let (write, command) = incoming_write(request, RateArticle::try_from)?;
        Ok(Response::new(self.commands.rate(&write, command).await?))
    }

    async fn record_solution(
        &self,
        request: Request<RecordSolutionRequest>,
    ) -> Result<Response<RecordSolutionResponse>, Status> {
        let (write, command) = incoming_write(request, RecordSolution::try_from)?;
        Ok(Response::new(self.commands.record_solution(&write, command).await?))
    }

    async fn list_solutions(
        &self,
        request: Request<ListSolutionsRequest>,
    ) -> Result<Response<ListSolutionsResponse>, Status> {
        let (_, (ticket, page)) = incoming(request, |request| convert::solutions_query(&request, &self.page_key))?;
        let page = queries::solutions(&self.db, ticket, &page).await?;
        let solutions = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListSolutionsResponse { solutions, next_page_token: page.next_page_token }))
    }
}
