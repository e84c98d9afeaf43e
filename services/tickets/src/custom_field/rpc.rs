//! Fields over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    CreateCustomFieldRequest, CreateCustomFieldResponse, ListCustomFieldsRequest, ListCustomFieldsResponse,
    RetireCustomFieldRequest, RetireCustomFieldResponse, UpdateCustomFieldRequest, UpdateCustomFieldResponse,
    custom_field_service_server::CustomFieldService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{
    Database,
    paging::{Page, PageKey},
    service::Foundation,
};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, RetireCustomField, UpdateCustomField},
    convert,
    model::NewCustomField,
    queries,
};

/// Serves fields.
#[derive(Debug, Clone)]
pub struct CustomFieldRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl CustomFieldRpc {
    /// Serves the fields of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl CustomFieldService for CustomFieldRpc {
    async fn create_custom_field(
        &self,
        request: Request<CreateCustomFieldRequest>,
    ) -> Result<Response<CreateCustomFieldResponse>, Status> {
        let (write, new) = incoming_write(request, NewCustomField::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn update_custom_field(
        &self,
        request: Request<UpdateCustomFieldRequest>,
    ) -> Result<Response<UpdateCustomFieldResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateCustomField::try_from)?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn retire_custom_field(
        &self,
        request: Request<RetireCustomFieldRequest>,
    ) -> Result<Response<RetireCustomFieldResponse>, Status> {
        let (write, command) = incoming_write(request, RetireCustomField::try_from)?;
        Ok(Response::new(self.commands.retire(&write, command).await?))
    }

    async fn list_custom_fields(
        &self,
        request: Request<ListCustomFieldsRequest>,
    ) -> Result<Response<ListCustomFieldsResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let Page { items, next_page_token } = queries::list(&self.db, &page).await?;
        let custom_fields = items.iter().map(Into::into).collect();
        Ok(Response::new(ListCustomFieldsResponse { custom_fields, next_page_token }))
    }
}
