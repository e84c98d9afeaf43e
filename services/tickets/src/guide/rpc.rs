//! Guides and runs over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AbandonRunRequest, AbandonRunResponse, AnswerStepRequest, AnswerStepResponse, CreateGuideRequest,
    CreateGuideResponse, CreateGuideVersionRequest, CreateGuideVersionResponse, GetGuideRequest, GetGuideResponse,
    GetRunRequest, GetRunResponse, ListGuidesRequest, ListGuidesResponse, ListRunsRequest, ListRunsResponse,
    PublishGuideVersionRequest, PublishGuideVersionResponse, StartRunRequest, StartRunResponse,
    guide_service_server::GuideService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{AnswerStep, Commands, CreateGuide, CreateGuideVersion, PublishGuideVersion, StartRun},
    convert, queries,
};

/// Serves guides and runs.
#[derive(Debug, Clone)]
pub struct GuideRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl GuideRpc {
    /// Serves the guides of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl GuideService for GuideRpc {
    async fn create_guide(
        &self,
        request: Request<CreateGuideRequest>,
    ) -> Result<Response<CreateGuideResponse>, Status> {
        let (write, command) = incoming_write(request, CreateGuide::try_from)?;
        Ok(Response::new(self.commands.create(&write, command).await?))
    }

    async fn create_guide_version(
        &self,
        request: Request<CreateGuideVersionRequest>,
    ) -> Result<Response<CreateGuideVersionResponse>, Status> {
        let (write, command) = incoming_write(request, CreateGuideVersion::try_from)?;
        Ok(Response::new(self.commands.create_version(&write, command).await?))
    }

    async fn publish_guide_version(
        &self,
        request: Request<PublishGuideVersionRequest>,
    ) -> Result<Response<PublishGuideVersionResponse>, Status> {
        let (write, command) = incoming_write(request, PublishGuideVersion::try_from)?;
        Ok(Response::new(self.commands.publish(&write, command).await?))
    }

    async fn get_guide(&self, request: Request<GetGuideRequest>) -> Result<Response<GetGuideResponse>, Status> {
        let (_, wanted) = incoming(request, |request| convert::guide_or_version(&request.name))?;
        let (guide, version) = queries::get(&self.db, wanted).await?;
        let guide_version = version.as_ref().map(Into::into);
        Ok(Response::new(GetGuideResponse { guide: Some((&guide).into()), guide_version }))
    }

    async fn list_guides(&self, request: Request<ListGuidesRequest>) -> Result<Response<ListGuidesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let guides = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListGuidesResponse { guides, next_page_token: page.next_page_token }))
    }

    async fn start_run(&self, request: Request<StartRunRequest>) -> Result<Response<StartRunResponse>, Status> {
        let (write, command) = incoming_write(request, StartRun::try_from)?;
        Ok(Response::new(self.commands.start(&write, command).await?))
    }

    async fn answer_step(&self, request: Request<AnswerStepRequest>) -> Result<Response<AnswerStepResponse>, Status> {
        let (write, command) = incoming_write(request, AnswerStep::try_from)?;
        Ok(Response::new(self.commands.answer(&write, command).await?))
    }

    async fn abandon_run(&self, request: Request<AbandonRunRequest>) -> Result<Response<AbandonRunResponse>, Status> {
        let (write, run) = incoming_write(request, |request| convert::run_name(&request.name))?;
        Ok(Response::new(self.commands.abandon(&write, run).await?))
    }

    async fn get_run(&self, request: Request<GetRunRequest>) -> Result<Response<GetRunResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::run_name(&request.name))?;
        let (run, node) = queries::get_run(&self.db, id).await?;
        Ok(Response::new(GetRunResponse { run: Some((&run).into()), node: node.as_ref().map(Into::into) }))
    }

    async fn list_runs(&self, request: Request<ListRunsRequest>) -> Result<Response<ListRunsResponse>, Status> {
        let (_, (ticket, page)) = incoming(request, |request| convert::runs_query(&request, &self.page_key))?;
        let page = queries::list_runs(&self.db, ticket, &page).await?;
        let runs = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListRunsResponse { runs, next_page_token: page.next_page_token }))
    }
}
