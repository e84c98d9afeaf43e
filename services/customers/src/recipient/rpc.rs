//! Recipients over gRPC: parse, call, reply.

use std::collections::HashMap;

use seva_proto::customers::v1::{
    ResolveRecipientsRequest, ResolveRecipientsResponse, recipient_service_server::RecipientService,
};
use seva_runtime::incoming;
use seva_store::{Database, service::Foundation};
use tonic::{Request, Response, Status};

use super::convert;
use crate::customer::store;

/// Serves recipients.
#[derive(Debug, Clone)]
pub struct RecipientRpc {
    db: Database,
}

impl RecipientRpc {
    /// Serves the customers of this database to those who hand messages over.
    pub fn new(foundation: &Foundation) -> Self {
        Self { db: foundation.db.clone() }
    }
}

#[tonic::async_trait]
impl RecipientService for RecipientRpc {
    async fn resolve_recipients(
        &self,
        request: Request<ResolveRecipientsRequest>,
    ) -> Result<Response<ResolveRecipientsResponse>, Status> {
        let (_, items) = incoming(request, convert::items)?;
        let ids: Vec<_> = items.iter().map(|item| item.customer).collect();
        let customers = store::load_all(&self.db, &ids).await?;
        let known: HashMap<_, _> = customers.iter().map(|customer| (customer.id, customer)).collect();
        let recipient = |item| convert::recipient(item, &item.decide(known.get(&item.customer).copied()));
        Ok(Response::new(ResolveRecipientsResponse { recipients: items.iter().map(recipient).collect() }))
    }
}
