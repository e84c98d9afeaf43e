//! Escalations over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AcknowledgeEscalationRequest, AcknowledgeEscalationResponse, CloseEscalationRequest, CloseEscalationResponse,
    DeEscalateRequest, DeEscalateResponse, DeclareCrisisRequest, DeclareCrisisResponse, GetEscalationRequest,
    GetEscalationResponse, ListEscalationsRequest, ListEscalationsResponse, RaiseEscalationRequest,
    RaiseEscalationResponse, StartActingRequest, StartActingResponse, escalation_service_server::EscalationService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{
        AcknowledgeEscalation, CloseEscalation, Commands, DeEscalate, DeclareCrisis, RaiseEscalation, StartActing,
    },
    convert, queries, store,
};

/// Serves escalations.
#[derive(Debug, Clone)]
pub struct EscalationRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl EscalationRpc {
    /// Serves the escalations of this database.
    pub fn new(foundation: &Foundation, commands: Commands) -> Self {
        let Foundation { db, page_key, .. } = foundation.clone();
        Self { db, page_key, commands }
    }
}

#[tonic::async_trait]
impl EscalationService for EscalationRpc {
    async fn raise_escalation(
        &self,
        request: Request<RaiseEscalationRequest>,
    ) -> Result<Response<RaiseEscalationResponse>, Status> {
        let (write, command) = incoming_write(request, RaiseEscalation::try_from)?;
        Ok(Response::new(self.commands.raise(&write, command).await?))
    }

    async fn acknowledge_escalation(
        &self,
        request: Request<AcknowledgeEscalationRequest>,
    ) -> Result<Response<AcknowledgeEscalationResponse>, Status> {
        let (write, command) = incoming_write(request, AcknowledgeEscalation::try_from)?;
        Ok(Response::new(self.commands.acknowledge(&write, command).await?))
    }

    async fn start_acting(
        &self,
        request: Request<StartActingRequest>,
    ) -> Result<Response<StartActingResponse>, Status> {
        let (write, command) = incoming_write(request, StartActing::try_from)?;
        Ok(Response::new(self.commands.start_acting(&write, command).await?))
    }

    async fn de_escalate(&self, request: Request<DeEscalateRequest>) -> Result<Response<DeEscalateResponse>, Status> {
        let (write, command) = incoming_write(request, DeEscalate::try_from)?;
        Ok(Response::new(self.commands.de_escalate(&write, command).await?))
    }

    async fn declare_crisis(
        &self,
        request: Request<DeclareCrisisRequest>,
    ) -> Result<Response<DeclareCrisisResponse>, Status> {
        let (write, command) = incoming_write(request, DeclareCrisis::try_from)?;
        Ok(Response::new(self.commands.declare_crisis(&write, command).await?))
    }

    async fn close_escalation(
        &self,
        request: Request<CloseEscalationRequest>,
    ) -> Result<Response<CloseEscalationResponse>, Status> {
        let (write, command) = incoming_write(request, CloseEscalation::try_from)?;
        Ok(Response::new(self.commands.close(&write, command).await?))
    }

    async fn get_escalation(
        &self,
        request: Request<GetEscalationRequest>,
    ) -> Result<Response<GetEscalationResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::escalation_name(&request.name))?;
        let escalation = store::load(&self.db, id).await?;
        Ok(Response::new(GetEscalationResponse { escalation: Some((&escalation).into()) }))
    }

    async fn list_escalations(
        &self,
        request: Request<ListEscalationsRequest>,
    ) -> Result<Response<ListEscalationsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let escalations = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListEscalationsResponse { escalations, next_page_token: page.next_page_token }))
    }
}
