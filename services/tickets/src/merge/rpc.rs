//! Merges and splits over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    MergeTicketRequest, MergeTicketResponse, SplitTicketRequest, SplitTicketResponse, UnmergeTicketRequest,
    UnmergeTicketResponse, merge_service_server::MergeService,
};
use seva_runtime::{call::call_of, incoming_write};
use seva_store::{due::Bell, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, MergeTicket, SplitTicket, UnmergeTicket},
    may_go_across,
};
use crate::ticket;

/// Serves merges and splits.
#[derive(Debug, Clone)]
pub struct MergeRpc(Commands);

impl MergeRpc {
    /// Serves the tickets of this database; opens what is split off as `tickets` does.
    pub fn new(foundation: &Foundation, tickets: ticket::Commands, routing: Bell) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self(Commands::new(db, clock, tickets, routing))
    }
}

#[tonic::async_trait]
impl MergeService for MergeRpc {
    async fn merge_ticket(
        &self,
        request: Request<MergeTicketRequest>,
    ) -> Result<Response<MergeTicketResponse>, Status> {
        may_go_across(&call_of(request.extensions())?, &request.get_ref().across_customers_reason)?;
        let (write, command) = incoming_write(request, MergeTicket::try_from)?;
        Ok(Response::new(self.0.merge(&write, command).await?))
    }

    async fn unmerge_ticket(
        &self,
        request: Request<UnmergeTicketRequest>,
    ) -> Result<Response<UnmergeTicketResponse>, Status> {
        let (write, command) = incoming_write(request, UnmergeTicket::try_from)?;
        Ok(Response::new(self.0.unmerge(&write, command).await?))
    }

    async fn split_ticket(
        &self,
        request: Request<SplitTicketRequest>,
    ) -> Result<Response<SplitTicketResponse>, Status> {
        let (write, command) = incoming_write(request, SplitTicket::try_from)?;
        Ok(Response::new(self.0.split(&write, command).await?))
    }
}
