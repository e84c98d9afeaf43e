//! The intake over gRPC: parse, call, reply.

use futures::{
    Stream,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use seva_proto::{
    customers::v1::{
        EventResult, PublishEventsRequest, PublishEventsResponse, StreamEventsRequest, StreamEventsResponse,
        intake_service_server::IntakeService,
    },
    io::cloudevents::v1::CloudEvent,
};
use seva_runtime::{
    Error,
    auth::Principal,
    call::call_of,
    incoming,
    server::{detached, end_of_stream, message_fault},
    tasks::Tasks,
};
use seva_store::service::Foundation;
use seva_values::Invalid;
use tonic::{Request, Response, Status, Streaming};

use super::Intake;

/// Events of one batch at most.
const MAX_EVENTS: usize = 500;

/// Serves the intake.
#[derive(Debug, Clone)]
pub struct IntakeRpc {
    intake: Intake,
    tasks: Tasks,
}

impl IntakeRpc {
    /// Serves this intake.
    pub fn new(foundation: &Foundation, intake: Intake) -> Self {
        Self { intake, tasks: foundation.tasks.clone() }
    }

    /// Takes a batch of a stream to its end, whether or not the caller is still there.
    async fn take(&self, principal: &Principal, events: Vec<CloudEvent>) -> Result<Vec<EventResult>, Error> {
        let events = checked(events)?;
        let (intake, principal) = (self.intake.clone(), principal.clone());
        detached(&self.tasks, async move { intake.take(&principal, events).await }).await?
    }
}

#[tonic::async_trait]
impl IntakeService for IntakeRpc {
    async fn publish_events(
        &self,
        request: Request<PublishEventsRequest>,
    ) -> Result<Response<PublishEventsResponse>, Status> {
        let (call, events) = incoming(request, |request| checked(request.events))?;
        let results = self.intake.take(&call.principal, events).await?;
        Ok(Response::new(PublishEventsResponse { results }))
    }

    type StreamEventsStream = BoxStream<'static, Result<StreamEventsResponse, Status>>;

    async fn stream_events(
        &self,
        request: Request<Streaming<StreamEventsRequest>>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let principal = call_of(request.extensions())?.principal;
        Ok(Response::new(self.answers(principal, request.into_inner())))
    }
}

impl IntakeRpc {
    /// An answer for each batch that comes, until the caller is done, a batch fails or the stream has to end.
    pub(super) fn answers(
        &self,
        principal: Principal,
        batches: impl Stream<Item = Result<StreamEventsRequest, Status>> + Send + Unpin + 'static,
    ) -> BoxStream<'static, Result<StreamEventsResponse, Status>> {
        let end: BoxFuture<'static, ()> = Box::pin(end_of_stream(&self.tasks, &principal));
        let answers = stream::unfold(Some((self.clone(), principal, batches, end)), |state| async move {
            let (rpc, principal, mut batches, mut end) = state?;
            let batch = tokio::select! {
                biased;
                () = &mut end => return None,
                batch = futures::StreamExt::next(&mut batches) => batch?,
            };
            let taken = match batch {
                Ok(StreamEventsRequest { events }) => rpc.take(&principal, events).await.map_err(Status::from),
                Err(status) => Err(message_fault(status)),
            };
            match taken {
                Ok(results) => Some((Ok(StreamEventsResponse { results }), Some((rpc, principal, batches, end)))),
                Err(status) => Some((Err(status), None)),
            }
        });
        Box::pin(answers)
    }
}

fn checked(events: Vec<CloudEvent>) -> Result<Vec<CloudEvent>, Error> {
    match events.len() {
        1..=MAX_EVENTS => Ok(events),
        0 => Err(Error::invalid_field("events", Invalid::new("FIELD_REQUIRED", "needs one event at least"))),
        _ => Err(Error::invalid_field("events", Invalid::new("EVENTS_TOO_MANY", "takes 500 events at most"))),
    }
}
