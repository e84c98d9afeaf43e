//! Returns over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AppealReturnRequest, AppealReturnResponse, CancelReturnRequest, CancelReturnResponse, CloseReturnRequest,
    CloseReturnResponse, DecideReturnRequest, DecideReturnResponse, GetReturnRequest, GetReturnResponse,
    ListReturnsRequest, ListReturnsResponse, OpenReturnRequest, OpenReturnResponse, RecordInTransitRequest,
    RecordInTransitResponse, RecordInspectedRequest, RecordInspectedResponse, RecordLabelSentRequest,
    RecordLabelSentResponse, RecordReceivedRequest, RecordReceivedResponse, ReviewReturnRequest, ReviewReturnResponse,
    SettleReturnRequest, SettleReturnResponse, return_service_server::ReturnService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{AppealReturn, Commands, DecideReturn, OpenReturn, RecordInspected, RecordLabelSent, SettleReturn},
    convert::{self, which},
    queries, store,
};

/// Serves returns.
#[derive(Debug, Clone)]
pub struct ReturnRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl ReturnRpc {
    /// Serves the returns of this database.
    pub fn new(foundation: &Foundation, commands: Commands) -> Self {
        let Foundation { db, page_key, .. } = foundation.clone();
        Self { db, page_key, commands }
    }
}

#[tonic::async_trait]
impl ReturnService for ReturnRpc {
    async fn open_return(&self, request: Request<OpenReturnRequest>) -> Result<Response<OpenReturnResponse>, Status> {
        let (write, command) = incoming_write(request, OpenReturn::try_from)?;
        Ok(Response::new(self.commands.open(&write, command).await?))
    }

    async fn review_return(
        &self,
        request: Request<ReviewReturnRequest>,
    ) -> Result<Response<ReviewReturnResponse>, Status> {
        let (write, command) = incoming_write(request, |request| which(&request.name, &request.etag))?;
        Ok(Response::new(self.commands.review(&write, command).await?))
    }

    async fn decide_return(
        &self,
        request: Request<DecideReturnRequest>,
    ) -> Result<Response<DecideReturnResponse>, Status> {
        let (write, command) = incoming_write(request, DecideReturn::try_from)?;
        Ok(Response::new(self.commands.decide(&write, command).await?))
    }

    async fn appeal_return(
        &self,
        request: Request<AppealReturnRequest>,
    ) -> Result<Response<AppealReturnResponse>, Status> {
        let (write, command) = incoming_write(request, AppealReturn::try_from)?;
        Ok(Response::new(self.commands.appeal(&write, command).await?))
    }

    async fn record_label_sent(
        &self,
        request: Request<RecordLabelSentRequest>,
    ) -> Result<Response<RecordLabelSentResponse>, Status> {
        let (write, command) = incoming_write(request, RecordLabelSent::try_from)?;
        Ok(Response::new(self.commands.label_sent(&write, command).await?))
    }

    async fn record_in_transit(
        &self,
        request: Request<RecordInTransitRequest>,
    ) -> Result<Response<RecordInTransitResponse>, Status> {
        let (write, command) = incoming_write(request, |request| which(&request.name, &request.etag))?;
        Ok(Response::new(self.commands.in_transit(&write, command).await?))
    }

    async fn record_received(
        &self,
        request: Request<RecordReceivedRequest>,
    ) -> Result<Response<RecordReceivedResponse>, Status> {
        let (write, command) = incoming_write(request, |request| which(&request.name, &request.etag))?;
        Ok(Response::new(self.commands.received(&write, command).await?))
    }

    async fn record_inspected(
        &self,
        request: Request<RecordInspectedRequest>,
    ) -> Result<Response<RecordInspectedResponse>, Status> {
        let (write, command) = incoming_write(request, RecordInspected::try_from)?;
        Ok(Response::new(self.commands.inspected(&write, command).await?))
    }

    async fn settle_return(
        &self,
        request: Request<SettleReturnRequest>,
    ) -> Result<Response<SettleReturnResponse>, Status> {
        let (write, command) = incoming_write(request, SettleReturn::try_from)?;
        Ok(Response::new(self.commands.settle(&write, command).await?))
    }

    async fn cancel_return(
        &self,
        request: Request<CancelReturnRequest>,
    ) -> Result<Response<CancelReturnResponse>, Status> {
        let (write, command) = incoming_write(request, |request| which(&request.name, &request.etag))?;
        Ok(Response::new(self.commands.cancel(&write, command).await?))
    }

    async fn close_return(
        &self,
        request: Request<CloseReturnRequest>,
    ) -> Result<Response<CloseReturnResponse>, Status> {
        let (write, command) = incoming_write(request, |request| which(&request.name, &request.etag))?;
        Ok(Response::new(self.commands.close(&write, command).await?))
    }

    async fn get_return(&self, request: Request<GetReturnRequest>) -> Result<Response<GetReturnResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::return_name(&request.name))?;
        let case = store::load(&self.db, id).await?;
        Ok(Response::new(GetReturnResponse { return_case: Some((&case).into()) }))
    }

    async fn list_returns(
        &self,
        request: Request<ListReturnsRequest>,
    ) -> Result<Response<ListReturnsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let return_cases = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListReturnsResponse { return_cases, next_page_token: page.next_page_token }))
    }
}
