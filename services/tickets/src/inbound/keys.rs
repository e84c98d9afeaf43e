//! The keys of adapters, which the customers service keeps.

use async_trait::async_trait;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{GetApiKeyProofRequest, api_key_service_client::ApiKeyServiceClient},
};
use seva_runtime::{
    Error,
    auth::{ApiKeys, StoredApiKey},
};
use seva_store::event::timestamp;
use seva_values::format_name;
use tonic::{Code, body::Body, client::GrpcService};
use uuid::Uuid;

/// Collection of keys' names.
const COLLECTION: &str = "apiKeys";

/// The keys as the customers service tells them.
#[derive(Debug, Clone)]
pub struct KeysOfCustomers<T>(pub ApiKeyServiceClient<T>);

#[async_trait]
impl<T> ApiKeys for KeysOfCustomers<T>
where
    T: GrpcService<Body> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
    T::ResponseBody: http_body::Body<Data = prost::bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
        let request = GetApiKeyProofRequest { name: format_name(COLLECTION, id) };
        let proof = match self.0.clone().get_api_key_proof(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => {
                let message = format!("API keys cannot be asked for: {}", status.code());
                return Err(Error::unavailable(
                    ErrorReason::ServiceUnavailable,
                    message,
                    std::time::Duration::from_secs(1),
                ));
            }
        };
        let secret_sha256 = proof.secret_sha256.try_into();
        Ok(Some(StoredApiKey {
            id,
            secret_sha256: secret_sha256.map_err(|_| Error::internal("a hash that was told is not of 32 bytes"))?,
            scopes: proof.scopes,
            sources: proof.sources,
            expires_at: timestamp(proof.expire_time),
            revoked: proof.revoked,
        }))
    }
}
