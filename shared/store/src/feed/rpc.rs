//! The feed over gRPC.

use std::{pin::Pin, time::Duration};

use futures::Stream;
use seva_proto::{
    common::v1::ErrorReason,
    events::v1::{
        self as pb, GetFeedHeadRequest, GetFeedHeadResponse, SubscribeRequest, SubscribeResponse,
        event_feed_service_server::EventFeedService, subscribe_request,
    },
};
use seva_runtime::{Error, call::call_of, clock::machine_now, server::end_of_stream, tasks::Tasks};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Feed, Start};
use crate::event::proto_timestamp;

/// How often a subscriber hears where the head is, when nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Batches that may lie between us and a slow subscriber.
const IN_FLIGHT: usize = 4;

/// Serves a feed to other services and to internal teams.
#[derive(Debug, Clone)]
pub struct FeedRpc {
    feed: Feed,
    tasks: Tasks,
}

impl FeedRpc {
    /// Serves `feed`; streams end when `tasks` stop.
    pub fn new(feed: Feed, tasks: Tasks) -> Self {
        Self { feed, tasks }
    }
}

#[tonic::async_trait]
impl EventFeedService for FeedRpc {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let call = call_of(request.extensions())?;
        let (cursor, epoch) = self.feed.cursor(&start_of(request.into_inner())?).await?;
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let end = end_of_stream(&self.tasks, &call.principal);
        let subscription = Subscription { feed: self.feed.clone(), cursor, epoch: epoch.to_string(), sender };
        self.tasks.spawn_call(async move {
            tokio::select! {
                () = subscription.run() => {}
                () = end => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn get_feed_head(
        &self,
        _request: Request<GetFeedHeadRequest>,
    ) -> Result<Response<GetFeedHeadResponse>, Status> {
        let bounds = self.feed.bounds().await.map_err(Error::from)?;
        let reply = GetFeedHeadResponse { head: bounds.head, floor: bounds.floor, epoch: bounds.epoch.to_string() };
        Ok(Response::new(reply))
    }
}

fn start_of(request: SubscribeRequest) -> Result<Start, Error> {
    match request.start {
        Some(subscribe_request::Start::Earliest(_)) => Ok(Start::Earliest),
        Some(subscribe_request::Start::Latest(_)) => Ok(Start::Latest),
        Some(subscribe_request::Start::After(pb::subscribe_request::After { feed_no, epoch })) => {
            Ok(Start::After { feed_no, epoch: (!epoch.is_empty()).then_some(epoch) })
        }
        None => {
            Err(Error::invalid(ErrorReason::FieldsInvalid, "start is required: earliest, latest or after a cursor"))
        }
    }
}

/// One subscriber's stream.
struct Subscription {
    feed: Feed,
    cursor: i64,
    epoch: String,
    sender: mpsc::Sender<Result<SubscribeResponse, Status>>,
}

impl Subscription {
    /// Sends until the subscriber leaves or falls out of the feed.
    async fn run(mut self) {
        // The first answer says where the reader stands, so that it can keep the epoch even before the first event.
        let mut next = Ok(Vec::new());
        loop {
            let answer = next.map(|events: Vec<_>| self.answer(&events)).map_err(Status::from);
            let failed = answer.is_err();
            if self.sender.send(answer).await.is_err() || failed {
                return;
            }
            next = tokio::select! {
                read = self.next_events() => read,
                () = self.sender.closed() => return,
            };
        }
    }

    /// The next events, or none after a heartbeat's time.
    async fn next_events(&self) -> Result<Vec<std::sync::Arc<crate::Event>>, Error> {
        let heartbeat = tokio::time::sleep(HEARTBEAT);
        tokio::pin!(heartbeat);
        loop {
            let events = self.feed.read_after(self.cursor).await?;
            if !events.is_empty() {
                return Ok(events);
            }
            tokio::select! {
                () = self.feed.wait_beyond(self.cursor) => {}
                () = &mut heartbeat => return Ok(events),
            }
        }
    }

    fn answer(&mut self, events: &[std::sync::Arc<crate::Event>]) -> SubscribeResponse {
        if let Some(last) = events.last() {
            self.cursor = last.feed_no;
        }
        SubscribeResponse {
            events: events.iter().map(|event| pb::Event::from(&**event)).collect(),
            last_feed_no: self.cursor,
            head: self.feed.head().max(self.cursor),
            epoch: self.epoch.clone(),
            send_time: Some(proto_timestamp(machine_now())),
        }
    }
}
