//! Problem records over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AttachTicketsRequest, AttachTicketsResponse, CloseProblemRecordRequest, CloseProblemRecordResponse,
    ConfirmCauseRequest, ConfirmCauseResponse, CreateProblemRecordRequest, CreateProblemRecordResponse,
    DetachTicketRequest, DetachTicketResponse, GetProblemRecordRequest, GetProblemRecordResponse,
    ListProblemRecordsRequest, ListProblemRecordsResponse, ListProblemTicketsRequest, ListProblemTicketsResponse,
    MarkFixedRequest, MarkFixedResponse, problem_record_service_server::ProblemRecordService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, due::Bell, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{AttachTickets, CloseProblem, Commands, ConfirmCause, DetachTicket, MarkFixed},
    convert,
    model::NewProblem,
    queries, store,
};

/// Serves problem records.
#[derive(Debug, Clone)]
pub struct ProblemRecordRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl ProblemRecordRpc {
    /// Serves the records of this database; rings `fixes` when tickets have their turn.
    pub fn new(foundation: &Foundation, fixes: Bell) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock, fixes), db, page_key }
    }
}

#[tonic::async_trait]
impl ProblemRecordService for ProblemRecordRpc {
    async fn create_problem_record(
        &self,
        request: Request<CreateProblemRecordRequest>,
    ) -> Result<Response<CreateProblemRecordResponse>, Status> {
        let (write, new) = incoming_write(request, NewProblem::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn get_problem_record(
        &self,
        request: Request<GetProblemRecordRequest>,
    ) -> Result<Response<GetProblemRecordResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let problem = store::load(&self.db, id).await?;
        Ok(Response::new(GetProblemRecordResponse { problem_record: Some((&problem).into()) }))
    }

    async fn list_problem_records(
        &self,
        request: Request<ListProblemRecordsRequest>,
    ) -> Result<Response<ListProblemRecordsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let problem_records = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListProblemRecordsResponse { problem_records, next_page_token: page.next_page_token }))
    }

    async fn list_problem_tickets(
        &self,
        request: Request<ListProblemTicketsRequest>,
    ) -> Result<Response<ListProblemTicketsResponse>, Status> {
        let (_, (id, page)) = incoming(request, |request| convert::tickets_query(&request, &self.page_key))?;
        let problem = store::load(&self.db, id).await?;
        let page = store::tickets(&self.db, problem.id, &page).await?;
        let problem_tickets = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListProblemTicketsResponse { problem_tickets, next_page_token: page.next_page_token }))
    }

    async fn attach_tickets(
        &self,
        request: Request<AttachTicketsRequest>,
    ) -> Result<Response<AttachTicketsResponse>, Status> {
        let (write, command) = incoming_write(request, AttachTickets::try_from)?;
        Ok(Response::new(self.commands.attach(&write, command).await?))
    }

    async fn detach_ticket(
        &self,
        request: Request<DetachTicketRequest>,
    ) -> Result<Response<DetachTicketResponse>, Status> {
        let (write, command) = incoming_write(request, DetachTicket::try_from)?;
        Ok(Response::new(self.commands.detach(&write, command).await?))
    }

    async fn confirm_cause(
        &self,
        request: Request<ConfirmCauseRequest>,
    ) -> Result<Response<ConfirmCauseResponse>, Status> {
        let (write, command) = incoming_write(request, ConfirmCause::try_from)?;
        Ok(Response::new(self.commands.confirm_cause(&write, command).await?))
    }

    async fn mark_fixed(&self, request: Request<MarkFixedRequest>) -> Result<Response<MarkFixedResponse>, Status> {
        let (write, command) = incoming_write(request, MarkFixed::try_from)?;
        Ok(Response::new(self.commands.mark_fixed(&write, command).await?))
    }

    async fn close_problem_record(
        &self,
        request: Request<CloseProblemRecordRequest>,
    ) -> Result<Response<CloseProblemRecordResponse>, Status> {
        let (write, command) = incoming_write(request, CloseProblem::try_from)?;
        Ok(Response::new(self.commands.close(&write, command).await?))
    }
}
