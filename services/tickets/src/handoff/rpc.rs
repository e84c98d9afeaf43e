//! Hand-offs over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AcceptHandoffRequest, AcceptHandoffResponse, CompleteHandoffRequest, CompleteHandoffResponse,
    ConfirmHandoffRequest, ConfirmHandoffResponse, GetDepartmentParityRequest, GetDepartmentParityResponse,
    GetHandoffRequest, GetHandoffResponse, ListHandoffsRequest, ListHandoffsResponse, OfferHandoffRequest,
    OfferHandoffResponse, RefuseHandoffRequest, RefuseHandoffResponse, ReturnHandoffRequest, ReturnHandoffResponse,
    WithdrawHandoffRequest, WithdrawHandoffResponse, handoff_service_server::HandoffService,
};
use seva_runtime::{BusinessClock, Error, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{Commands, convert, queries, store};

/// Serves hand-offs.
#[derive(Debug, Clone)]
pub struct HandoffRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl HandoffRpc {
    /// Serves the hand-offs of this database.
    #[must_use]
    pub fn new(foundation: &Foundation, commands: Commands) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, page_key, commands }
    }
}

#[tonic::async_trait]
impl HandoffService for HandoffRpc {
    async fn offer_handoff(
        &self,
        request: Request<OfferHandoffRequest>,
    ) -> Result<Response<OfferHandoffResponse>, Status> {
        let (write, command) = incoming_write(request, |request| convert::parse_offer(&request))?;
        Ok(Response::new(self.commands.offer(&write, command).await?))
    }

    async fn get_handoff(&self, request: Request<GetHandoffRequest>) -> Result<Response<GetHandoffResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let handoff = store::load(&self.db, id).await?;
        Ok(Response::new(GetHandoffResponse { handoff: Some((&handoff).into()) }))
    }

    async fn list_handoffs(
        &self,
        request: Request<ListHandoffsRequest>,
    ) -> Result<Response<ListHandoffsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let handoffs = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListHandoffsResponse { handoffs, next_page_token: page.next_page_token }))
    }

    async fn accept_handoff(
        &self,
        request: Request<AcceptHandoffRequest>,
    ) -> Result<Response<AcceptHandoffResponse>, Status> {
        let parse = |request: AcceptHandoffRequest| convert::parse_which(&request.name, &request.etag);
        let (write, which) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.accept(&write, which).await?))
    }

    async fn refuse_handoff(
        &self,
        request: Request<RefuseHandoffRequest>,
    ) -> Result<Response<RefuseHandoffResponse>, Status> {
        let (write, command) = incoming_write(request, |request| convert::parse_refuse(&request))?;
        Ok(Response::new(self.commands.refuse(&write, command).await?))
    }

    async fn complete_handoff(
        &self,
        request: Request<CompleteHandoffRequest>,
    ) -> Result<Response<CompleteHandoffResponse>, Status> {
        let parse = |request: CompleteHandoffRequest| {
            convert::with_words(&request.name, &request.etag, "result", &request.result)
        };
        let (write, command) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.complete(&write, command).await?))
    }

    async fn confirm_handoff(
        &self,
        request: Request<ConfirmHandoffRequest>,
    ) -> Result<Response<ConfirmHandoffResponse>, Status> {
        let parse = |request: ConfirmHandoffRequest| convert::parse_which(&request.name, &request.etag);
        let (write, which) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.confirm(&write, which).await?))
    }

    async fn return_handoff(
        &self,
        request: Request<ReturnHandoffRequest>,
    ) -> Result<Response<ReturnHandoffResponse>, Status> {
        let parse = |request: ReturnHandoffRequest| {
            convert::with_words(&request.name, &request.etag, "reason", &request.reason)
        };
        let (write, command) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.give_back(&write, command).await?))
    }

    async fn withdraw_handoff(
        &self,
        request: Request<WithdrawHandoffRequest>,
    ) -> Result<Response<WithdrawHandoffResponse>, Status> {
        let parse = |request: WithdrawHandoffRequest| convert::parse_which(&request.name, &request.etag);
        let (write, which) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.withdraw(&write, which).await?))
    }

    async fn get_department_parity(
        &self,
        request: Request<GetDepartmentParityRequest>,
    ) -> Result<Response<GetDepartmentParityResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::parity_query(&request, self.clock.now()))?;
        let rows = store::parity(&self.db, &query).await.map_err(Error::from)?;
        Ok(Response::new(GetDepartmentParityResponse { departments: rows.iter().map(Into::into).collect() }))
    }
}
