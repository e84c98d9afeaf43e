//! Where events come from. The gRPC feed is the first implementation; a feed of the same process is read without the network.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use seva_proto::{
    common::v1::ErrorReason,
    events::v1::{
        SubscribeRequest, SubscribeResponse, event_feed_service_client::EventFeedServiceClient, subscribe_request,
    },
};
use seva_runtime::{Error, client::Peer};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    Event,
    feed::{Batch, Feed, Start},
};

/// Another service's events in feed order.
#[async_trait]
pub trait EventSource: Send + Sync + 'static {
    /// Whose, such as `//customers`.
    fn name(&self) -> String;

    /// Streams batches after `start`; the first may be empty. The stream ends from time to time and is taken up again at the cursor.
    ///
    /// # Errors
    /// `FEED_CURSOR_EXPIRED`, `FEED_CURSOR_AHEAD`, `FEED_EPOCH_CHANGED`, and unavailability.
    async fn subscribe(&self, start: Start) -> Result<BoxStream<'static, Result<Batch, Error>>, Error>;
}

/// The feed of another service over gRPC.
#[derive(Clone)]
pub struct GrpcSource {
    name: String,
    peer: Peer,
}

impl GrpcSource {
    /// The feed of `service`, such as `customers`, reached through `peer`.
    pub fn new(service: &str, peer: Peer) -> Self {
        Self { name: format!("//{service}"), peer }
    }
}

#[async_trait]
impl EventSource for GrpcSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn subscribe(&self, start: Start) -> Result<BoxStream<'static, Result<Batch, Error>>, Error> {
        let start = match start {
            Start::Earliest => subscribe_request::Start::Earliest(subscribe_request::Earliest {}),
            Start::Latest => subscribe_request::Start::Latest(subscribe_request::Latest {}),
            Start::After { feed_no, epoch } => {
                subscribe_request::Start::After(subscribe_request::After { feed_no, epoch: epoch.unwrap_or_default() })
            }
        };
        let mut client = EventFeedServiceClient::new(self.peer.clone()).max_decoding_message_size(64 << 20);
        let answers = client.subscribe(SubscribeRequest { start: Some(start) }).await.map_err(|s| refused(&s))?;
        let batches =
            answers.into_inner().map_err(|status| refused(&status)).and_then(|answer| async { batch(answer) });
        Ok(batches.boxed())
    }
}

fn batch(answer: SubscribeResponse) -> Result<Batch, Error> {
    let SubscribeResponse { events, last_feed_no, head, epoch, send_time: _ } = answer;
    let events = events.into_iter().map(|event| Event::try_from(event).map(Arc::new)).collect::<Result<_, _>>()?;
    Ok(Batch { events, last_feed_no, head, epoch })
}

/// Another service's refusal with its reason; all else is unavailability.
fn refused(status: &Status) -> Error {
    let reason = status
        .get_error_details()
        .error_info()
        .and_then(|info| ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)))
        .unwrap_or(ErrorReason::ServiceUnavailable);
    let code = if reason == ErrorReason::ServiceUnavailable { Code::Unavailable } else { status.code() };
    Error::new(code, reason, status.message().to_owned())
}

#[async_trait]
impl EventSource for Feed {
    fn name(&self) -> String {
        self.source()
    }

    async fn subscribe(&self, start: Start) -> Result<BoxStream<'static, Result<Batch, Error>>, Error> {
        let (cursor, epoch) = self.cursor(&start).await?;
        let first = Batch { events: Vec::new(), last_feed_no: cursor, head: self.head(), epoch: epoch.to_string() };
        let following = futures::stream::try_unfold((self.clone(), cursor), move |(feed, cursor)| async move {
            let events = loop {
                let events = feed.read_after(cursor).await?;
                if !events.is_empty() {
                    break events;
                }
                feed.wait_beyond(cursor).await;
            };
            let last_feed_no = events.last().map_or(cursor, |event| event.feed_no);
            let batch = Batch { events, last_feed_no, head: feed.head().max(last_feed_no), epoch: epoch.to_string() };
            Ok(Some((batch, (feed, last_feed_no))))
        });
        Ok(futures::stream::once(async { Ok(first) }).chain(following).boxed())
    }
}
