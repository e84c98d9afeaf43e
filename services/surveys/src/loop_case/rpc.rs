//! Loop cases over gRPC: parse, call, reply.

use seva_proto::surveys::v1::{
    GetLoopCaseRequest, GetLoopCaseResponse, ListLoopCasesRequest, ListLoopCasesResponse,
    loop_case_service_server::LoopCaseService,
};
use seva_runtime::incoming;
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{convert, queries, store};

/// Serves loop cases.
#[derive(Debug, Clone)]
pub struct LoopCaseRpc {
    db: Database,
    page_key: PageKey,
}

impl LoopCaseRpc {
    /// Serves the loop cases of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, page_key, .. } = foundation.clone();
        Self { db, page_key }
    }
}

#[tonic::async_trait]
impl LoopCaseService for LoopCaseRpc {
    async fn get_loop_case(
        &self,
        request: Request<GetLoopCaseRequest>,
    ) -> Result<Response<GetLoopCaseResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let case = store::load(&self.db, id).await?;
        Ok(Response::new(GetLoopCaseResponse { loop_case: Some((&case).into()) }))
    }

    async fn list_loop_cases(
        &self,
        request: Request<ListLoopCasesRequest>,
    ) -> Result<Response<ListLoopCasesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let loop_cases = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListLoopCasesResponse { loop_cases, next_page_token: page.next_page_token }))
    }
}
