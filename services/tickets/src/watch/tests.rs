//! One watcher over a real feed.

use std::time::Duration;

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{TicketEvent, ticket},
};
use seva_runtime::{BusinessClock, call::Story, error::reason_name};
use seva_store::{
    NewEvent, event,
    event::proto_timestamp,
    feed::{self, Feed},
    paging::PageKey,
    sequencer,
};
use seva_testkit::TestDatabase;
use seva_values::{format_name, new_id};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic_types::StatusExt;

use super::stream::{Answer, Watched, Watcher};
use crate::{
    MIGRATOR, NAME,
    ticket::{Kind, filter::TicketFilter},
};

struct Scene {
    database: TestDatabase,
    watched: Watched,
    work: JoinSet<()>,
}

async fn scene() -> Scene {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let feed = Feed::new(database.db.clone());
    let mut work = JoinSet::new();
    work.spawn(sequencer::run(database.db.clone(), feed.clone(), CancellationToken::new()));
    work.spawn(feed::follow(feed.clone(), CancellationToken::new()));
    let watched = Watched {
        db: database.db.clone(),
        clock: BusinessClock::system(),
        key: PageKey::new(b"test"),
        feed,
        filter: TicketFilter::default(),
        heartbeat: Duration::from_secs(20),
        patience: Duration::from_millis(200),
    };
    Scene { database, watched, work }
}

impl Scene {
    /// A ticket is opened that only the feed tells of.
    async fn opened(&self) {
        let now = BusinessClock::system().now();
        let name = format_name("tickets", new_id());
        let payload = TicketEvent {
            ticket: name.clone(),
            customer: format_name("customers", new_id()),
            kind: ticket::Kind::Question.into(),
            priority: ticket::Priority::Normal.into(),
            state: ticket::State::New.into(),
            create_time: Some(proto_timestamp(now)),
            version: 1,
            ..TicketEvent::default()
        };
        let kind = "seva.tickets.ticket.created.v1";
        let event = NewEvent::new(kind, name, 1, now, Story::begun_by("a test"), &payload);
        let mut transaction = self.database.db.begin().await.unwrap();
        event::append(&mut transaction, "a test", &[event]).await.unwrap();
        self.database.db.commit(transaction).await.unwrap();
    }

    async fn watch(&mut self, in_flight: usize) -> mpsc::Receiver<Answer> {
        let (sender, receiver) = mpsc::channel(in_flight + 1);
        let last_word = sender.clone().reserve_owned().await.unwrap();
        let watcher = Watcher::begin(self.watched.clone(), "", sender).await.unwrap();
        self.work.spawn(watcher.run(true, last_word));
        receiver
    }
}

#[tokio::test]
async fn a_watcher_that_takes_nothing_is_told_so_and_goes_on_from_its_last_token() {
    let mut scene = scene().await;
    let mut receiver = scene.watch(2).await;
    let snapshot = receiver.recv().await.unwrap().unwrap();
    assert!(snapshot.tickets.is_empty() && !snapshot.resume_token.is_empty());
    let mut told = 0;
    for _ in 0..5 {
        scene.opened().await;
        // Each in an answer of its own.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let mut last = snapshot.resume_token;
    let ended = loop {
        match receiver.recv().await.unwrap() {
            Ok(answer) => {
                told += answer.changes.len();
                last = answer.resume_token;
            }
            Err(ended) => break ended,
        }
    };
    let reason = ended.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!(reason, reason_name(ErrorReason::WatcherTooSlow));
    assert!(receiver.recv().await.is_none(), "it was the last word");

    let (sender, mut receiver) = mpsc::channel(9);
    let last_word = sender.clone().reserve_owned().await.unwrap();
    let watcher = Watcher::begin(scene.watched.clone(), &last, sender).await.unwrap();
    scene.work.spawn(watcher.run(false, last_word));
    while told < 5 {
        told += receiver.recv().await.unwrap().unwrap().changes.len();
    }
    assert_eq!(told, 5);
}

#[tokio::test]
async fn a_watcher_hears_where_it_stands_however_much_happens_that_it_does_not_follow() {
    let mut scene = scene().await;
    scene.watched.heartbeat = Duration::from_millis(300);
    scene.watched.filter.kinds = vec![Kind::Billing];
    let mut receiver = scene.watch(2).await;
    let snapshot = receiver.recv().await.unwrap().unwrap();
    let busy = async {
        loop {
            scene.opened().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let told = tokio::select! {
        () = busy => unreachable!("it never ends"),
        told = receiver.recv() => told.unwrap().unwrap(),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("nothing was told"),
    };
    assert!(told.changes.is_empty());
    assert_ne!(told.resume_token, snapshot.resume_token);
}

#[tokio::test]
async fn the_work_of_a_watcher_ends_when_it_leaves() {
    let mut scene = scene().await;
    let mut receiver = scene.watch(2).await;
    receiver.recv().await.unwrap().unwrap();
    drop(receiver);
    let ended = tokio::time::timeout(Duration::from_secs(30), scene.work.join_next()).await;
    ended.unwrap().unwrap().unwrap();
}
