//! Searches over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{SearchTicketsRequest, SearchTicketsResponse, search_service_server::SearchService};
use seva_runtime::{BusinessClock, incoming};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    convert,
    queries::{self, Asked, Found},
};
use crate::view;

/// Serves searches.
#[derive(Debug, Clone)]
pub struct SearchRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
}

impl SearchRpc {
    /// Searches the tickets of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, page_key }
    }
}

#[tonic::async_trait]
impl SearchService for SearchRpc {
    async fn search_tickets(
        &self,
        request: Request<SearchTicketsRequest>,
    ) -> Result<Response<SearchTicketsResponse>, Status> {
        let (call, asked) = incoming(request, convert::asked)?;
        let member = view::member(&self.db, &call.principal, asked.filter.mine).await?;
        let asked = Asked { filter: asked.filter.of_caller(member), ..asked };
        let found = queries::search(&self.db, &self.page_key, asked, self.clock.now()).await?;
        let Found { tickets, next_page_token, truncated } = found;
        let results = tickets.into_iter().map(Into::into).collect();
        Ok(Response::new(SearchTicketsResponse { results, next_page_token, truncated }))
    }
}
