//! Senders over gRPC: parse, call, reply.

use seva_proto::customers::v1::{ResolveSendersRequest, ResolveSendersResponse, sender_service_server::SenderService};
use seva_runtime::incoming;
use seva_store::service::Foundation;
use tonic::{Request, Response, Status};

use super::{convert, directory::Directory};

/// Serves senders.
#[derive(Debug, Clone)]
pub struct SenderRpc {
    directory: Directory,
}

impl SenderRpc {
    /// Serves the customers of this database to those who take messages in.
    pub fn new(foundation: &Foundation) -> Self {
        Self { directory: Directory::new(foundation.db.clone(), foundation.clock.clone()) }
    }
}

#[tonic::async_trait]
impl SenderService for SenderRpc {
    async fn resolve_senders(
        &self,
        request: Request<ResolveSendersRequest>,
    ) -> Result<Response<ResolveSendersResponse>, Status> {
        let (call, senders) = incoming(request, convert::senders)?;
        let customers = self.directory.resolve(&call.principal.subject, &senders).await?;
        Ok(Response::new(ResolveSendersResponse {
            senders: customers.iter().map(|of| convert::resolved(of)).collect(),
        }))
    }
}
