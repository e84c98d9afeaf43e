//! API keys over gRPC: parse, call, reply.

use seva_proto::customers::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, GetApiKeyProofRequest, GetApiKeyProofResponse, ListApiKeysRequest,
    ListApiKeysResponse, RevokeApiKeyRequest, RevokeApiKeyResponse, api_key_service_server::ApiKeyService,
};
use seva_runtime::{Error, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{commands::Commands, convert, model::NewApiKey, queries, store};

/// Serves API keys.
#[derive(Debug, Clone)]
pub struct ApiKeyRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl ApiKeyRpc {
    /// Serves the keys of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl ApiKeyService for ApiKeyRpc {
    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let (write, new) = incoming_write(request, NewApiKey::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &page).await?;
        let api_keys = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListApiKeysResponse { api_keys, next_page_token: page.next_page_token }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokeApiKeyResponse>, Status> {
        let (write, id) = incoming_write(request, |request| convert::wanted(&request.name))?;
        Ok(Response::new(self.commands.revoke(&write, id).await?))
    }

    async fn get_api_key_proof(
        &self,
        request: Request<GetApiKeyProofRequest>,
    ) -> Result<Response<GetApiKeyProofResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::wanted(&request.name))?;
        let key = store::find_stored(&self.db, id).await?;
        let key = key.ok_or_else(|| Error::not_found(convert::name(id)))?;
        Ok(Response::new(convert::proof(key)))
    }
}
