//! Promises over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    ApologizeForPromiseRequest, ApologizeForPromiseResponse, AssignPromiseRequest, AssignPromiseResponse,
    AwaitExternalRequest, AwaitExternalResponse, BreakPromiseRequest, BreakPromiseResponse, GetPromiseRateRequest,
    GetPromiseRateResponse, GetPromiseRequest, GetPromiseResponse, KeepPromiseRequest, KeepPromiseResponse,
    ListPromisesRequest, ListPromisesResponse, MakePromiseRequest, MakePromiseResponse, RenewPromiseRequest,
    RenewPromiseResponse, ScheduleTicketRequest, ScheduleTicketResponse, WithdrawPromiseRequest,
    WithdrawPromiseResponse, promise_service_server::PromiseService,
};
use seva_runtime::{Error, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{Commands, convert, queries, store};

/// Serves promises.
#[derive(Debug, Clone)]
pub struct PromiseRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl PromiseRpc {
    /// Serves the promises of this database.
    #[must_use]
    pub fn new(foundation: &Foundation, commands: Commands) -> Self {
        let Foundation { db, page_key, .. } = foundation.clone();
        Self { db, page_key, commands }
    }
}

#[tonic::async_trait]
impl PromiseService for PromiseRpc {
    async fn make_promise(
        &self,
        request: Request<MakePromiseRequest>,
    ) -> Result<Response<MakePromiseResponse>, Status> {
        let (write, command) = incoming_write(request, convert::parse_make)?;
        Ok(Response::new(self.commands.make(&write, command).await?))
    }

    async fn await_external(
        &self,
        request: Request<AwaitExternalRequest>,
    ) -> Result<Response<AwaitExternalResponse>, Status> {
        let (write, command) = incoming_write(request, convert::parse_external)?;
        Ok(Response::new(self.commands.await_external(&write, command).await?))
    }

    async fn schedule_ticket(
        &self,
        request: Request<ScheduleTicketRequest>,
    ) -> Result<Response<ScheduleTicketResponse>, Status> {
        let (write, command) = incoming_write(request, convert::parse_slot)?;
        Ok(Response::new(self.commands.schedule(&write, command).await?))
    }

    async fn get_promise(&self, request: Request<GetPromiseRequest>) -> Result<Response<GetPromiseResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let promise = store::load(&self.db, id).await?;
        Ok(Response::new(GetPromiseResponse { promise: Some((&promise).into()) }))
    }

    async fn list_promises(
        &self,
        request: Request<ListPromisesRequest>,
    ) -> Result<Response<ListPromisesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let promises = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListPromisesResponse { promises, next_page_token: page.next_page_token }))
    }

    async fn keep_promise(
        &self,
        request: Request<KeepPromiseRequest>,
    ) -> Result<Response<KeepPromiseResponse>, Status> {
        let (write, which) = incoming_write(request, |request| convert::parse_keep(&request))?;
        Ok(Response::new(self.commands.keep(&write, which).await?))
    }

    async fn renew_promise(
        &self,
        request: Request<RenewPromiseRequest>,
    ) -> Result<Response<RenewPromiseResponse>, Status> {
        let (write, command) = incoming_write(request, |request| convert::parse_renew(&request))?;
        Ok(Response::new(self.commands.renew(&write, command).await?))
    }

    async fn break_promise(
        &self,
        request: Request<BreakPromiseRequest>,
    ) -> Result<Response<BreakPromiseResponse>, Status> {
        let parse =
            |request: BreakPromiseRequest| convert::with_words(&request.name, &request.etag, "reason", &request.reason);
        let (write, command) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.break_early(&write, command).await?))
    }

    async fn apologize_for_promise(
        &self,
        request: Request<ApologizeForPromiseRequest>,
    ) -> Result<Response<ApologizeForPromiseResponse>, Status> {
        let parse = |request: ApologizeForPromiseRequest| {
            convert::with_words(&request.name, &request.etag, "text", &request.text)
        };
        let (write, command) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.apologize(&write, command).await?))
    }

    async fn withdraw_promise(
        &self,
        request: Request<WithdrawPromiseRequest>,
    ) -> Result<Response<WithdrawPromiseResponse>, Status> {
        let parse =
            |request: WithdrawPromiseRequest| convert::with_words(&request.name, &request.etag, "text", &request.text);
        let (write, command) = incoming_write(request, parse)?;
        Ok(Response::new(self.commands.withdraw(&write, command).await?))
    }

    async fn assign_promise(
        &self,
        request: Request<AssignPromiseRequest>,
    ) -> Result<Response<AssignPromiseResponse>, Status> {
        let (write, command) = incoming_write(request, |request| convert::parse_assign(&request))?;
        Ok(Response::new(self.commands.assign(&write, command).await?))
    }

    async fn get_promise_rate(
        &self,
        request: Request<GetPromiseRateRequest>,
    ) -> Result<Response<GetPromiseRateResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::rate_query(&request))?;
        let counts = store::rates(&self.db, &query).await.map_err(Error::from)?;
        Ok(Response::new(convert::rates(&query, counts)))
    }
}
