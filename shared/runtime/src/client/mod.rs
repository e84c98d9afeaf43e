//! Channels to other services.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use tonic::{Status, body::Body};

use crate::{auth::Signer, config::Secret};

/// Who the caller is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// A service with its own key, calling `audience` such as `service:customers`.
    Service {
        /// Its key.
        signer: Arc<Signer>,
        /// Whom it calls.
        audience: String,
    },
    /// A ready token.
    Bearer(Secret<String>),
    /// An API key.
    ApiKey(Secret<String>),
    /// Nobody.
    Anonymous,
}

/// A lazily connected channel.
#[derive(Debug, Clone)]
pub struct Peer;

impl Peer {
    /// Connects with the first call.
    ///
    /// # Errors
    /// The URL is none.
    pub fn connect_lazy(_url: &str, _identity: Identity) -> Result<Self, String> {
        Ok(Self)
    }
}

impl tower::Service<http::Request<Body>> for Peer {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        unimplemented!("written next")
    }
}
