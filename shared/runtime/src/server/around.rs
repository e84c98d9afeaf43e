//! The shape that all layers of a server share.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::Service;

use crate::{Error, auth::rules::MethodRule};

/// The answer of a layer; faults are answers too, so that none of them leaves as a broken stream.
pub(super) type Answering = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// What is inside a layer: another layer, or the router.
pub(super) trait Inner:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Inner for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

/// A layer: what is done around a call.
pub(super) trait Around: Send + Sync + 'static {
    /// Answers the call, by way of `inner` or without it.
    fn around<S: Inner>(&self, request: Request<Body>, inner: S) -> Answering;
}

/// A service with a layer around it.
pub(super) struct Layered<A, S> {
    layer: Arc<A>,
    inner: S,
}

impl<A, S> Layered<A, S> {
    pub(super) fn new(layer: A, inner: S) -> Self {
        Self { layer: Arc::new(layer), inner }
    }
}

impl<A, S: Clone> Clone for Layered<A, S> {
    fn clone(&self) -> Self {
        Self { layer: Arc::clone(&self.layer), inner: self.inner.clone() }
    }
}

impl<A: Around, S: Inner> Service<Request<Body>> for Layered<A, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        // The one that was asked whether it is ready is the one that is called.
        let fresh = self.inner.clone();
        self.layer.around(request, std::mem::replace(&mut self.inner, fresh))
    }
}

/// The rule of the called method, looked up once by the outermost layer; `None` when there is no such method.
#[derive(Debug, Clone)]
pub(super) struct Called(pub(super) Option<Arc<MethodRule>>);

/// The rule of the called method.
pub(super) fn called(request: &Request<Body>) -> Option<Arc<MethodRule>> {
    request.extensions().get::<Called>().and_then(|called| called.0.clone())
}

/// An error as an answer.
pub(super) fn refuse(error: &Error) -> Response<Body> {
    Status::from(error).into_http()
}
