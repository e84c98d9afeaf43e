//! Watches over gRPC: parse, call, reply.

use std::pin::Pin;

use futures::Stream;
use seva_proto::tickets::v1::{WatchTicketsRequest, WatchTicketsResponse, watch_service_server::WatchService};
use seva_runtime::{BusinessClock, Error, incoming, server::end_of_stream, tasks::Tasks};
use seva_store::{Database, feed::Feed, paging::PageKey, service::Foundation};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    convert::{self, Asked},
    stream::{Answer, HEARTBEAT, PATIENCE, Watched, Watcher},
};
use crate::view;

/// Answers that may lie between us and a slow watcher, and the place of the last word.
const IN_FLIGHT: usize = 8 + 1;

/// Serves watches.
#[derive(Debug, Clone)]
pub struct WatchRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    tasks: Tasks,
    feed: Feed,
}

impl WatchRpc {
    /// Watches the tickets of this database, of which `feed` tells.
    #[must_use]
    pub fn new(foundation: &Foundation, feed: Feed) -> Self {
        let Foundation { db, clock, page_key, tasks } = foundation.clone();
        Self { db, clock, page_key, tasks, feed }
    }
}

#[tonic::async_trait]
impl WatchService for WatchRpc {
    type WatchTicketsStream = Pin<Box<dyn Stream<Item = Result<WatchTicketsResponse, Status>> + Send>>;

    async fn watch_tickets(
        &self,
        request: Request<WatchTicketsRequest>,
    ) -> Result<Response<Self::WatchTicketsStream>, Status> {
        let (call, Asked { saved_view, filter, resume_token }) = incoming(request, convert::asked)?;
        let kept = view::in_place(&self.db, &call.principal, saved_view).await?;
        let filter = kept.map_or(filter, |(filter, _)| filter);
        if let Some((_, refusal)) = convert::not_watched(&filter).pop() {
            return Err(Error::invalid_field("saved_view", refusal).into());
        }
        let member = view::member(&self.db, &call.principal, filter.mine).await?;
        let (db, clock, key, feed) = (self.db.clone(), self.clock.clone(), self.page_key.clone(), self.feed.clone());
        let filter = filter.of_caller(member);
        let watched = Watched { db, clock, key, feed, filter, heartbeat: HEARTBEAT, patience: PATIENCE };
        let end = end_of_stream(&self.tasks, &call.principal);
        Ok(Response::new(Box::pin(ReceiverStream::new(self.watch(watched, &resume_token, end).await?))))
    }
}

impl WatchRpc {
    async fn watch(
        &self,
        watched: Watched,
        resume_token: &str,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> Result<mpsc::Receiver<Answer>, Error> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let last_word = sender.clone().reserve_owned().await.map_err(Error::internal)?;
        let watcher = Watcher::begin(watched, resume_token, sender).await?;
        let with_snapshot = resume_token.is_empty();
        self.tasks.spawn_call(async move {
            tokio::select! {
                () = watcher.run(with_snapshot, last_word) => {}
                () = end => {}
            }
        });
        Ok(receiver)
    }
}
