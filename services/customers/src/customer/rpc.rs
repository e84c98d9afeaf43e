//! Customers over gRPC: parse, call, reply.

use seva_proto::customers::v1::{
    CreateCustomerRequest, CreateCustomerResponse, GetCustomerRequest, GetCustomerResponse, ListCustomersRequest,
    ListCustomersResponse, RecordConsentRequest, RecordConsentResponse, ResolveCustomerRequest,
    ResolveCustomerResponse, SearchCustomersRequest, SearchCustomersResponse, UpdateCustomerRequest,
    UpdateCustomerResponse, customer_service_server::CustomerService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, RecordConsent, UpdateCustomer},
    convert,
    model::NewCustomer,
    queries,
};

/// Serves customers.
#[derive(Debug, Clone)]
pub struct CustomerRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl CustomerRpc {
    /// Serves the customers of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl CustomerService for CustomerRpc {
    async fn create_customer(
        &self,
        request: Request<CreateCustomerRequest>,
    ) -> Result<Response<CreateCustomerResponse>, Status> {
        let (write, new) = incoming_write(request, NewCustomer::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn get_customer(
        &self,
        request: Request<GetCustomerRequest>,
    ) -> Result<Response<GetCustomerResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let customer = queries::get(&self.db, id).await?;
        Ok(Response::new(GetCustomerResponse { customer: Some((&customer).into()) }))
    }

    async fn update_customer(
        &self,
        request: Request<UpdateCustomerRequest>,
    ) -> Result<Response<UpdateCustomerResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateCustomer::try_from)?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn list_customers(
        &self,
        request: Request<ListCustomersRequest>,
    ) -> Result<Response<ListCustomersResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let customers = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListCustomersResponse { customers, next_page_token: page.next_page_token }))
    }

    async fn search_customers(
        &self,
        request: Request<SearchCustomersRequest>,
    ) -> Result<Response<SearchCustomersResponse>, Status> {
        let (_, (sought, page)) = incoming(request, |request| convert::search_query(request, &self.page_key))?;
        let page = queries::search(&self.db, &sought, &page).await?;
        let customers = page.items.iter().map(Into::into).collect();
        Ok(Response::new(SearchCustomersResponse { customers, next_page_token: page.next_page_token }))
    }

    async fn resolve_customer(
        &self,
        request: Request<ResolveCustomerRequest>,
    ) -> Result<Response<ResolveCustomerResponse>, Status> {
        let (_, known_as) = incoming(request, convert::resolve_query)?;
        let customer = queries::resolve(&self.db, &known_as).await?;
        Ok(Response::new(ResolveCustomerResponse { customer: Some((&customer).into()) }))
    }

    async fn record_consent(
        &self,
        request: Request<RecordConsentRequest>,
    ) -> Result<Response<RecordConsentResponse>, Status> {
        let (write, command) = incoming_write(request, RecordConsent::try_from)?;
        Ok(Response::new(self.commands.record_consent(&write, command).await?))
    }
}
