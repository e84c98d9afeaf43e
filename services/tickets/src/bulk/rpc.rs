//! Jobs over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    CancelBulkJobRequest, CancelBulkJobResponse, CreateBulkJobRequest, CreateBulkJobResponse, GetBulkJobRequest,
    GetBulkJobResponse, ListBulkJobResultsRequest, ListBulkJobResultsResponse, ListBulkJobsRequest,
    ListBulkJobsResponse, bulk_job_service_server::BulkJobService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, due::Bell, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::Commands,
    convert::{self, CreateBulkJob},
    queries,
};
use crate::ticket;

/// Serves jobs.
#[derive(Debug, Clone)]
pub struct BulkJobRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl BulkJobRpc {
    /// Serves the jobs of this database; rings `bell` when there is one to be worked off.
    pub fn new(foundation: &Foundation, tickets: ticket::Commands, bell: Bell) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock, page_key.clone(), tickets, bell), db, page_key }
    }
}

#[tonic::async_trait]
impl BulkJobService for BulkJobRpc {
    async fn create_bulk_job(
        &self,
        request: Request<CreateBulkJobRequest>,
    ) -> Result<Response<CreateBulkJobResponse>, Status> {
        let (write, command) = incoming_write(request, |request| Ok(CreateBulkJob::from(request)))?;
        Ok(Response::new(self.commands.create(&write, command).await?))
    }

    async fn get_bulk_job(&self, request: Request<GetBulkJobRequest>) -> Result<Response<GetBulkJobResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::named("name", &request.name))?;
        let job = queries::get(&self.db, id).await?;
        Ok(Response::new(GetBulkJobResponse { bulk_job: Some((&job).into()) }))
    }

    async fn list_bulk_jobs(
        &self,
        request: Request<ListBulkJobsRequest>,
    ) -> Result<Response<ListBulkJobsResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &page).await?;
        let bulk_jobs = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListBulkJobsResponse { bulk_jobs, next_page_token: page.next_page_token }))
    }

    async fn cancel_bulk_job(
        &self,
        request: Request<CancelBulkJobRequest>,
    ) -> Result<Response<CancelBulkJobResponse>, Status> {
        let (write, id) = incoming_write(request, |request| convert::named("name", &request.name))?;
        Ok(Response::new(self.commands.cancel(&write, id).await?))
    }

    async fn list_bulk_job_results(
        &self,
        request: Request<ListBulkJobResultsRequest>,
    ) -> Result<Response<ListBulkJobResultsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::results_query(&request, &self.page_key))?;
        let page = queries::results(&self.db, &query).await?;
        let results = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListBulkJobResultsResponse { results, next_page_token: page.next_page_token }))
    }
}
