//! Wishes and categories over gRPC: parse, call, reply.

use seva_proto::notifications::v1::{
    GetPreferencesRequest, GetPreferencesResponse, ListCategoriesRequest, ListCategoriesResponse, SetPreferenceRequest,
    SetPreferenceResponse, UpdateCategoryRequest, UpdateCategoryResponse, preference_service_server::PreferenceService,
};
use seva_runtime::{call::call_of, incoming, incoming_write};
use seva_store::{Database, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, SetPreference, UpdateCategory},
    convert, queries,
};

/// Serves wishes and categories.
#[derive(Debug, Clone)]
pub struct PreferenceRpc {
    db: Database,
    commands: Commands,
}

impl PreferenceRpc {
    /// Serves the wishes of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db }
    }
}

#[tonic::async_trait]
impl PreferenceService for PreferenceRpc {
    async fn get_preferences(
        &self,
        request: Request<GetPreferencesRequest>,
    ) -> Result<Response<GetPreferencesResponse>, Status> {
        let (call, customer) = incoming(request, |request| convert::customer_only(&request.customer))?;
        call.principal.may_reach_customer(customer)?;
        let preferences = queries::preferences(&self.db, customer).await?;
        Ok(Response::new(GetPreferencesResponse { preferences }))
    }

    async fn set_preference(
        &self,
        request: Request<SetPreferenceRequest>,
    ) -> Result<Response<SetPreferenceResponse>, Status> {
        let call = call_of(request.extensions())?;
        let (write, command) = incoming_write(request, SetPreference::try_from)?;
        call.principal.may_reach_customer(command.customer)?;
        Ok(Response::new(self.commands.set(&write, command).await?))
    }

    async fn list_categories(
        &self,
        _: Request<ListCategoriesRequest>,
    ) -> Result<Response<ListCategoriesResponse>, Status> {
        let categories = queries::categories(&self.db).await?;
        Ok(Response::new(ListCategoriesResponse { categories: categories.iter().map(Into::into).collect() }))
    }

    async fn update_category(
        &self,
        request: Request<UpdateCategoryRequest>,
    ) -> Result<Response<UpdateCategoryResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateCategory::try_from)?;
        Ok(Response::new(self.commands.update_category(&write, command).await?))
    }
}
