//! The place over gRPC: parse, call, reply.

use seva_proto::customers::v1::{
    GetPlaceRequest, GetPlaceResponse, ListTimelineRequest, ListTimelineResponse, place_service_server::PlaceService,
};
use seva_runtime::{BusinessClock, incoming};
use seva_store::{
    Database,
    paging::{PageKey, PageRequest},
    service::Foundation,
};
use tonic::{Request, Response, Status};

use super::{
    convert,
    queries::{self, Readers},
};

/// Serves the place.
#[derive(Clone)]
pub struct PlaceRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    readers: Readers,
    shown: PageRequest,
}

impl PlaceRpc {
    /// Serves the customers of this database, with what `readers` read of other services.
    pub fn new(foundation: &Foundation, readers: Readers) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, shown: convert::shown(&page_key), page_key, readers }
    }
}

#[tonic::async_trait]
impl PlaceService for PlaceRpc {
    async fn get_place(&self, request: Request<GetPlaceRequest>) -> Result<Response<GetPlaceResponse>, Status> {
        let (call, id) = incoming(request, convert::whose)?;
        let place = queries::get(&self.db, &call.principal, &self.readers, &self.shown, id).await?;
        Ok(Response::new(convert::answer(&place, self.clock.now())))
    }

    async fn list_timeline(
        &self,
        request: Request<ListTimelineRequest>,
    ) -> Result<Response<ListTimelineResponse>, Status> {
        let (call, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list_timeline(&self.db, &call.principal, &query).await?;
        let entries = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListTimelineResponse { entries, next_page_token: page.next_page_token }))
    }
}
