//! One watcher's stream.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{Ticket, WatchTicketsResponse},
};
use seva_runtime::{BusinessClock, Error};
use seva_store::{
    Database, Event,
    feed::{Feed, Start},
    paging::PageKey,
};
use tokio::{
    sync::mpsc::{OwnedPermit, Sender, error::SendTimeoutError},
    time::Instant,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    convert::{change, too_many},
    known::Known,
};
use crate::ticket::{
    filter::TicketFilter,
    queries::{self, AskedList, View},
};

/// How often a watcher hears where it stands, when nothing happens that it follows.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long a watcher may leave answers untaken.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Tickets of one part of the snapshot.
const SNAPSHOT_PAGE: i32 = 200;

/// What an answer is, on its way.
pub type Answer = Result<WatchTicketsResponse, Status>;

/// What a watcher follows.
#[derive(Debug, Clone)]
pub struct Watched {
    pub db: Database,
    pub clock: BusinessClock,
    pub key: PageKey,
    pub feed: Feed,
    pub filter: TicketFilter,
    /// [`HEARTBEAT`]
    pub heartbeat: Duration,
    /// [`PATIENCE`]
    pub patience: Duration,
}

/// Where a watcher stands.
pub struct Watcher {
    watched: Watched,
    /// Names the filter in its tokens.
    query: String,
    cursor: i64,
    epoch: Uuid,
    known: Known,
    /// When it was told something last.
    told_at: Instant,
    sender: Sender<Answer>,
}

/// Why a watch ends.
enum End {
    /// The watcher has left.
    Left,
    /// It is told why.
    Told(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl Watcher {
    /// Begins after a token, or, when it is empty, where the feed ends: a snapshot that is read from now on has everything before.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID`, and whatever the feed refuses a cursor with.
    pub async fn begin(watched: Watched, token: &str, sender: Sender<Answer>) -> Result<Self, Error> {
        let query = format!("{:?}", watched.filter);
        let (start, known) = if token.is_empty() {
            (Start::Latest, Known::from_snapshot())
        } else {
            let (feed_no, epoch) = watched.key.open_cursor("watch", &query, token)?;
            (Start::After { feed_no, epoch: Some(epoch.to_string()) }, Known::resumed())
        };
        let (cursor, epoch) = watched.feed.cursor(&start).await?;
        Ok(Self { watched, query, cursor, epoch, known, told_at: Instant::now(), sender })
    }

    /// Tells until the watcher leaves; whatever it is refused with goes through a place that is kept for it.
    pub async fn run(mut self, with_snapshot: bool, last_word: OwnedPermit<Answer>) {
        let told = async {
            if with_snapshot {
                self.snapshot().await?;
            }
            self.follow().await
        };
        if let Err(End::Told(error)) = told.await {
            last_word.send(Err(error.into()));
        }
    }

    async fn snapshot(&mut self) -> Result<(), End> {
        let now = self.watched.clock.now();
        let mut page_token = String::new();
        loop {
            let (tickets, next) = self.snapshot_page(page_token, now).await?;
            let is_whole = next.is_empty();
            let resume_token = if is_whole { self.token() } else { String::new() };
            self.tell(WatchTicketsResponse { tickets, changes: Vec::new(), resume_token }).await?;
            if is_whole {
                return Ok(());
            }
            page_token = next;
        }
    }

    /// In the order in which they were opened, which does not change while the pages are read.
    async fn snapshot_page(&mut self, page_token: String, now: Timestamp) -> Result<(Vec<Ticket>, String), Error> {
        let Watched { db, key, filter, .. } = &self.watched;
        let asked = AskedList {
            order_by: String::new(),
            filter: filter.clone(),
            view: View::Basic,
            page_size: SNAPSHOT_PAGE,
            page_token,
        };
        let page = queries::summaries(db, &asked.of(key, None, now)?).await?;
        for ticket in &page.items {
            self.known.shown(ticket.id, ticket.version).map_err(too_many)?;
        }
        Ok((page.items.into_iter().map(Into::into).collect(), page.next_page_token))
    }

    async fn follow(&mut self) -> Result<(), End> {
        loop {
            let sender = self.sender.clone();
            let events = tokio::select! {
                read = self.next_events() => read?,
                () = sender.closed() => return Err(End::Left),
            };
            let mut changes = Vec::new();
            for event in &events {
                changes.extend(change(&self.watched.filter, &mut self.known, event)?);
                self.cursor = event.feed_no;
            }
            // Of what it does not follow a watcher hears nothing but, now and then, where it stands.
            if !changes.is_empty() || self.told_at.elapsed() >= self.watched.heartbeat {
                let resume_token = self.token();
                self.tell(WatchTicketsResponse { tickets: Vec::new(), changes, resume_token }).await?;
            }
        }
    }

    /// The next events, or none when it is time for a heartbeat.
    async fn next_events(&self) -> Result<Vec<Arc<Event>>, Error> {
        let heartbeat = tokio::time::sleep_until(self.told_at + self.watched.heartbeat);
        tokio::pin!(heartbeat);
        loop {
            let events = self.watched.feed.read_after(self.cursor).await?;
            if !events.is_empty() {
                return Ok(events);
            }
            tokio::select! {
                () = self.watched.feed.wait_beyond(self.cursor) => {}
                () = &mut heartbeat => return Ok(events),
            }
        }
    }

    async fn tell(&mut self, answer: WatchTicketsResponse) -> Result<(), End> {
        self.told_at = Instant::now();
        self.sender.send_timeout(Ok(answer), self.watched.patience).await.map_err(|fault| match fault {
            SendTimeoutError::Closed(_) => End::Left,
            SendTimeoutError::Timeout(_) => {
                let message = "changes were not taken in time; watch again from the last resume token";
                End::Told(Error::new(Code::ResourceExhausted, ErrorReason::WatcherTooSlow, message))
            }
        })
    }

    fn token(&self) -> String {
        self.watched.key.seal_cursor("watch", &self.query, self.cursor, self.epoch)
    }
}
