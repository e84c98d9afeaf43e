//! Participants over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AddParticipantRequest, AddParticipantResponse, ListParticipantsRequest, ListParticipantsResponse,
    RemoveParticipantRequest, RemoveParticipantResponse, participant_service_server::ParticipantService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, ParticipantOf},
    store,
};
use crate::ticket::{convert::parent, store as tickets};

/// Serves participants.
#[derive(Debug, Clone)]
pub struct ParticipantRpc {
    db: Database,
    commands: Commands,
}

impl ParticipantRpc {
    /// Serves the participants of this database's tickets.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db }
    }
}

#[tonic::async_trait]
impl ParticipantService for ParticipantRpc {
    async fn add_participant(
        &self,
        request: Request<AddParticipantRequest>,
    ) -> Result<Response<AddParticipantResponse>, Status> {
        let (write, command) = incoming_write(request, ParticipantOf::try_from)?;
        Ok(Response::new(self.commands.add(&write, command).await?))
    }

    async fn remove_participant(
        &self,
        request: Request<RemoveParticipantRequest>,
    ) -> Result<Response<RemoveParticipantResponse>, Status> {
        let (write, command) = incoming_write(request, ParticipantOf::try_from)?;
        Ok(Response::new(self.commands.remove(&write, command).await?))
    }

    async fn list_participants(
        &self,
        request: Request<ListParticipantsRequest>,
    ) -> Result<Response<ListParticipantsResponse>, Status> {
        let (_, ticket) = incoming(request, |request| parent(&request.parent))?;
        tickets::load(&self.db, ticket).await?;
        let participants = store::list(&self.db, ticket).await?.iter().map(Into::into).collect();
        Ok(Response::new(ListParticipantsResponse { participants }))
    }
}
