//! Imports over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{ImportTicketsRequest, ImportTicketsResponse, import_service_server::ImportService};
use seva_runtime::{BusinessClock, incoming_write};
use seva_store::service::Foundation;
use tonic::{Request, Response, Status};

use super::{commands::Commands, convert};
use crate::{policy::Policies, ticket};

/// Takes tickets of other systems.
#[derive(Debug, Clone)]
pub struct ImportRpc {
    clock: BusinessClock,
    commands: Commands,
}

impl ImportRpc {
    /// Takes them into this database.
    pub fn new(foundation: &Foundation, policies: Policies, tickets: ticket::Commands) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { commands: Commands::new(db, clock.clone(), policies, tickets), clock }
    }
}

#[tonic::async_trait]
impl ImportService for ImportRpc {
    async fn import_tickets(
        &self,
        request: Request<ImportTicketsRequest>,
    ) -> Result<Response<ImportTicketsResponse>, Status> {
        let (write, command) = incoming_write(request, |request| convert::import(&request, self.clock.now()))?;
        Ok(Response::new(self.commands.import(&write, command).await?))
    }
}
