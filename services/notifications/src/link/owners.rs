//! Links that other services sign: each purpose has one owner, asked in one call per batch.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use seva_proto::common::v1::{
    ErrorReason, LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item,
};
use seva_runtime::Error;
use tonic::{body::Body, client::GrpcService};

/// What one call asks for at most.
pub const MAX_LINKS: usize = 200;

/// Signs links of its purposes.
#[async_trait]
pub trait LinkOwner: Send + Sync + 'static {
    /// The token for each subject in its place; `None`: there is nothing to lead to, or no more. At most [`MAX_LINKS`].
    ///
    /// # Errors
    /// When it cannot be asked; then nothing is known of any of them.
    async fn mint(&self, purpose: LinkPurpose, subjects: &[String]) -> Result<Vec<Option<String>>, Error>;
}

/// Who signs what.
#[derive(Clone)]
pub struct LinkOwners {
    /// Signs links to tickets.
    pub tickets: Arc<dyn LinkOwner>,
    /// Signs links to questionnaires.
    pub surveys: Arc<dyn LinkOwner>,
    /// Signs links to customers' own places.
    pub places: Arc<dyn LinkOwner>,
}

/// A service over gRPC, or its server in the same process.
#[async_trait]
impl<T> LinkOwner for LinkServiceClient<T>
where
    T: GrpcService<Body> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
    T::ResponseBody: http_body::Body<Data = prost::bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    async fn mint(&self, purpose: LinkPurpose, subjects: &[String]) -> Result<Vec<Option<String>>, Error> {
        let items = subjects.iter().map(|subject| Item { purpose: purpose.into(), subject: subject.clone() });
        let request = MintLinksRequest { items: items.collect() };
        let answer = self.clone().mint_links(request).await.map_err(|status| unavailable(&status))?;
        let links = answer.into_inner().links;
        if links.len() != subjects.len() {
            return Err(Error::internal("a service answered for another number of links"));
        }
        Ok(links.into_iter().map(|link| Some(link.token).filter(|token| !token.is_empty())).collect())
    }
}

fn unavailable(status: &tonic::Status) -> Error {
    let message = format!("links cannot be asked for: {}", status.code());
    Error::unavailable(ErrorReason::ServiceUnavailable, message, Duration::from_secs(1))
}
