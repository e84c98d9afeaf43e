//! Template versions over gRPC: parse, call, reply.

use seva_proto::notifications::v1::{
    CreateTemplateVersionRequest, CreateTemplateVersionResponse, GetTemplateVersionRequest, GetTemplateVersionResponse,
    ListTemplateVersionsRequest, ListTemplateVersionsResponse, PreviewTemplateVersionRequest,
    PreviewTemplateVersionResponse, PublishTemplateVersionRequest, PublishTemplateVersionResponse,
    template_service_server::TemplateService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{commands::Commands, convert, queries};

/// Serves template versions.
#[derive(Debug, Clone)]
pub struct TemplateRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl TemplateRpc {
    /// Serves the templates of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl TemplateService for TemplateRpc {
    async fn create_template_version(
        &self,
        request: Request<CreateTemplateVersionRequest>,
    ) -> Result<Response<CreateTemplateVersionResponse>, Status> {
        let (write, draft) = incoming_write(request, convert::parse_draft)?;
        Ok(Response::new(self.commands.create(&write, draft).await?))
    }

    async fn publish_template_version(
        &self,
        request: Request<PublishTemplateVersionRequest>,
    ) -> Result<Response<PublishTemplateVersionResponse>, Status> {
        let (write, name) = incoming_write(request, |request| convert::parse_name(&request.name))?;
        Ok(Response::new(self.commands.publish(&write, name).await?))
    }

    async fn get_template_version(
        &self,
        request: Request<GetTemplateVersionRequest>,
    ) -> Result<Response<GetTemplateVersionResponse>, Status> {
        let (_, name) = incoming(request, |request| convert::parse_name(&request.name))?;
        let version = queries::get(&self.db, &name).await?;
        Ok(Response::new(GetTemplateVersionResponse { template_version: Some((&version).into()) }))
    }

    async fn list_template_versions(
        &self,
        request: Request<ListTemplateVersionsRequest>,
    ) -> Result<Response<ListTemplateVersionsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let template_versions = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListTemplateVersionsResponse { template_versions, next_page_token: page.next_page_token }))
    }

    async fn preview_template_version(
        &self,
        request: Request<PreviewTemplateVersionRequest>,
    ) -> Result<Response<PreviewTemplateVersionResponse>, Status> {
        let (_, preview) = incoming(request, convert::preview_query)?;
        Ok(Response::new(queries::preview(&self.db, &preview).await?))
    }
}
