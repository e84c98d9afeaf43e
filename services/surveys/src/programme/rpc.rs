//! Programmes and their scores over gRPC: parse, call, reply.

use seva_proto::surveys::v1::{
    CreateProgrammeRequest, CreateProgrammeResponse, GetProgrammeRequest, GetProgrammeResponse, GetScoresRequest,
    GetScoresResponse, ListProgrammesRequest, ListProgrammesResponse, UpdateProgrammeRequest, UpdateProgrammeResponse,
    programme_service_server::ProgrammeService,
};
use seva_runtime::{BusinessClock, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, UpdateProgramme},
    convert,
    model::NewProgramme,
    queries,
};
use crate::score;

/// Serves programmes and their scores.
#[derive(Debug, Clone)]
pub struct ProgrammeRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl ProgrammeRpc {
    /// Serves the programmes of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock.clone()), db, clock, page_key }
    }
}

#[tonic::async_trait]
impl ProgrammeService for ProgrammeRpc {
    async fn create_programme(
        &self,
        request: Request<CreateProgrammeRequest>,
    ) -> Result<Response<CreateProgrammeResponse>, Status> {
        let (write, new) = incoming_write(request, NewProgramme::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn get_programme(
        &self,
        request: Request<GetProgrammeRequest>,
    ) -> Result<Response<GetProgrammeResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let programme = queries::get(&self.db, id).await?;
        Ok(Response::new(GetProgrammeResponse { programme: Some((&programme).into()) }))
    }

    async fn update_programme(
        &self,
        request: Request<UpdateProgrammeRequest>,
    ) -> Result<Response<UpdateProgrammeResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateProgramme::try_from)?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn list_programmes(
        &self,
        request: Request<ListProgrammesRequest>,
    ) -> Result<Response<ListProgrammesResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &page).await?;
        let programmes = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListProgrammesResponse { programmes, next_page_token: page.next_page_token }))
    }

    async fn get_scores(&self, request: Request<GetScoresRequest>) -> Result<Response<GetScoresResponse>, Status> {
        let (_, query) = incoming(request, |request| score::query(&request, self.clock.now()))?;
        let scores = score::scores(&self.db, &query).await?;
        Ok(Response::new((&scores).into()))
    }
}
