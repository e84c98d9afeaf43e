//! Automations over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    CreateAutomationRequest, CreateAutomationResponse, DryRunAutomationRequest, DryRunAutomationResponse,
    GetAutomationRequest, GetAutomationResponse, ListAutomationVersionsRequest, ListAutomationVersionsResponse,
    ListAutomationsRequest, ListAutomationsResponse, ListFiringsRequest, ListFiringsResponse, UpdateAutomationRequest,
    UpdateAutomationResponse, automation_service_server::AutomationService,
};
use seva_runtime::{BusinessClock, incoming, incoming_write};
use seva_store::{Database, due::Bell, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::Commands,
    convert::{self, CreateAutomation, UpdateAutomation},
    dry_run::dry_run,
    queries,
};
use crate::ticket;

/// Serves automations.
#[derive(Debug, Clone)]
pub struct AutomationRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    tickets: ticket::Commands,
    commands: Commands,
}

impl AutomationRpc {
    /// Serves the automations of this database; rings `bell` when there may be something to do about time.
    pub fn new(foundation: &Foundation, tickets: ticket::Commands, bell: Bell) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock.clone(), bell), db, clock, page_key, tickets }
    }
}

#[tonic::async_trait]
impl AutomationService for AutomationRpc {
    async fn create_automation(
        &self,
        request: Request<CreateAutomationRequest>,
    ) -> Result<Response<CreateAutomationResponse>, Status> {
        let (write, command) = incoming_write(request, |request| Ok(CreateAutomation::from(request)))?;
        Ok(Response::new(self.commands.create(&write, command).await?))
    }

    async fn get_automation(
        &self,
        request: Request<GetAutomationRequest>,
    ) -> Result<Response<GetAutomationResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::named("name", &request.name))?;
        let automation = queries::get(&self.db, id).await?;
        Ok(Response::new(GetAutomationResponse { automation: Some((&automation).into()) }))
    }

    async fn list_automations(
        &self,
        request: Request<ListAutomationsRequest>,
    ) -> Result<Response<ListAutomationsResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &page).await?;
        let automations = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListAutomationsResponse { automations, next_page_token: page.next_page_token }))
    }

    async fn update_automation(
        &self,
        request: Request<UpdateAutomationRequest>,
    ) -> Result<Response<UpdateAutomationResponse>, Status> {
        let (write, command) = incoming_write(request, |request| Ok(UpdateAutomation::from(request)))?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn list_automation_versions(
        &self,
        request: Request<ListAutomationVersionsRequest>,
    ) -> Result<Response<ListAutomationVersionsResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::named("parent", &request.parent))?;
        let versions = queries::versions(&self.db, id).await?;
        let versions = versions.into_iter().map(Into::into).collect();
        Ok(Response::new(ListAutomationVersionsResponse { versions }))
    }

    async fn dry_run_automation(
        &self,
        request: Request<DryRunAutomationRequest>,
    ) -> Result<Response<DryRunAutomationResponse>, Status> {
        let (_, asked) = incoming(request, |request| Ok(convert::dry_run(request)))?;
        let previews = dry_run(&self.db, &self.clock, &self.tickets, asked).await?;
        Ok(Response::new(DryRunAutomationResponse { previews: previews.iter().map(Into::into).collect() }))
    }

    async fn list_firings(
        &self,
        request: Request<ListFiringsRequest>,
    ) -> Result<Response<ListFiringsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::firings_query(&request, &self.page_key))?;
        let page = queries::firings(&self.db, &query).await?;
        let firings = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListFiringsResponse { firings, next_page_token: page.next_page_token }))
    }
}
