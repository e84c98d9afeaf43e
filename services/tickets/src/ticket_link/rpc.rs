//! Links over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    LinkTicketsRequest, LinkTicketsResponse, ListLinksRequest, ListLinksResponse, UnlinkTicketsRequest,
    UnlinkTicketsResponse, ticket_link_service_server::TicketLinkService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, LinkTickets},
    convert, store,
};
use crate::ticket;

/// Serves links.
#[derive(Debug, Clone)]
pub struct TicketLinkRpc {
    db: Database,
    commands: Commands,
}

impl TicketLinkRpc {
    /// Serves the links of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db }
    }
}

#[tonic::async_trait]
impl TicketLinkService for TicketLinkRpc {
    async fn link_tickets(
        &self,
        request: Request<LinkTicketsRequest>,
    ) -> Result<Response<LinkTicketsResponse>, Status> {
        let (write, command) = incoming_write(request, LinkTickets::try_from)?;
        Ok(Response::new(self.commands.link(&write, command).await?))
    }

    async fn unlink_tickets(
        &self,
        request: Request<UnlinkTicketsRequest>,
    ) -> Result<Response<UnlinkTicketsResponse>, Status> {
        let (write, id) = incoming_write(request, |request| convert::name_only(&request.name))?;
        Ok(Response::new(self.commands.unlink(&write, id).await?))
    }

    async fn list_links(&self, request: Request<ListLinksRequest>) -> Result<Response<ListLinksResponse>, Status> {
        let (_, ticket) = incoming(request, |request| ticket::convert::parent(&request.parent))?;
        let ticket = ticket::store::load(&self.db, ticket).await?;
        let links = store::of_ticket(&self.db, ticket.id).await?;
        Ok(Response::new(ListLinksResponse { ticket_links: links.iter().map(Into::into).collect() }))
    }
}
