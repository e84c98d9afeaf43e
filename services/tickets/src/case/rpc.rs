//! Cases over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AddTicketToCaseRequest, AddTicketToCaseResponse, CloseCaseRequest, CloseCaseResponse, CreateCaseRequest,
    CreateCaseResponse, GetCaseRequest, GetCaseResponse, ListCasesRequest, ListCasesResponse,
    RemoveTicketFromCaseRequest, RemoveTicketFromCaseResponse, case_service_server::CaseService,
};
use seva_runtime::{call::call_of, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{AddTicketToCase, CloseCase, Commands, CreateCase, RemoveTicketFromCase},
    convert, queries, store,
};
use crate::merge::may_go_across;

/// Serves cases.
#[derive(Debug, Clone)]
pub struct CaseRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl CaseRpc {
    /// Serves the cases of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl CaseService for CaseRpc {
    async fn create_case(&self, request: Request<CreateCaseRequest>) -> Result<Response<CreateCaseResponse>, Status> {
        may_go_across(&call_of(request.extensions())?, &request.get_ref().across_customers_reason)?;
        let (write, command) = incoming_write(request, CreateCase::try_from)?;
        Ok(Response::new(self.commands.create(&write, command).await?))
    }

    async fn add_ticket_to_case(
        &self,
        request: Request<AddTicketToCaseRequest>,
    ) -> Result<Response<AddTicketToCaseResponse>, Status> {
        may_go_across(&call_of(request.extensions())?, &request.get_ref().across_customers_reason)?;
        let (write, command) = incoming_write(request, AddTicketToCase::try_from)?;
        Ok(Response::new(self.commands.add(&write, command).await?))
    }

    async fn remove_ticket_from_case(
        &self,
        request: Request<RemoveTicketFromCaseRequest>,
    ) -> Result<Response<RemoveTicketFromCaseResponse>, Status> {
        let (write, command) = incoming_write(request, RemoveTicketFromCase::try_from)?;
        Ok(Response::new(self.commands.remove(&write, command).await?))
    }

    async fn get_case(&self, request: Request<GetCaseRequest>) -> Result<Response<GetCaseResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let case = store::load(&self.db, id).await?;
        Ok(Response::new(GetCaseResponse { case: Some((&case).into()) }))
    }

    async fn list_cases(&self, request: Request<ListCasesRequest>) -> Result<Response<ListCasesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let cases = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListCasesResponse { cases, next_page_token: page.next_page_token }))
    }

    async fn close_case(&self, request: Request<CloseCaseRequest>) -> Result<Response<CloseCaseResponse>, Status> {
        let (write, command) = incoming_write(request, CloseCase::try_from)?;
        Ok(Response::new(self.commands.close(&write, command).await?))
    }
}
