//! The own place over gRPC: parse, call, reply. The link is the customer's credential.

use seva_proto::customers::v1::{GetOwnPlaceRequest, GetOwnPlaceResponse, own_place_service_server::OwnPlaceService};
use seva_runtime::{
    BusinessClock, Error,
    auth::{LinkSigner, links::Link},
    incoming,
};
use seva_store::{Database, paging::PageRequest, service::Foundation};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{PURPOSE, convert, queries};
use crate::place::{Readers, convert::shown};

/// Serves customers' own places.
#[derive(Clone)]
pub struct OwnPlaceRpc {
    db: Database,
    clock: BusinessClock,
    links: LinkSigner,
    readers: Readers,
    shown: PageRequest,
}

impl OwnPlaceRpc {
    /// Serves the customers of this database, to whoever brings a link of `links`, with what `readers` read of other services.
    pub fn new(foundation: &Foundation, links: LinkSigner, readers: Readers) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, links, readers, shown: shown(&page_key) }
    }

    /// Where a link leads.
    fn verified(&self, token: &str) -> Result<(Uuid, u32), Error> {
        let Link { subject, generation, .. } = self.links.verify(token, PURPOSE, self.clock.now())?;
        let id = Uuid::try_parse(&subject).map_err(|_| Error::internal("a link of ours leads to no customer"))?;
        Ok((id, generation))
    }
}

#[tonic::async_trait]
impl OwnPlaceService for OwnPlaceRpc {
    async fn get_own_place(
        &self,
        request: Request<GetOwnPlaceRequest>,
    ) -> Result<Response<GetOwnPlaceResponse>, Status> {
        let (_, (id, generation)) = incoming(request, |request| self.verified(&request.token))?;
        let place = queries::get(&self.db, &self.readers, &self.shown, id, generation).await?;
        Ok(Response::new(GetOwnPlaceResponse { place: Some(convert::answer(&place, self.clock.now())) }))
    }
}
