//! A replay that was killed comes to the same state as one that was not, and the comparison that says so finds what is planted.

mod planted;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use jiff::Timestamp;
use seva_testkit::{
    kill::{kill9, postgres_of},
    tables::{AtRest, compare},
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    replay::{replay, table, timeline},
    world::folder,
};

/// Orders of the table: few, so that it takes seconds.
const ORDERS: usize = 5;
/// Longer than any wait of a replay: what a killed process had taken is waited for until its lease ends.
const PATIENCE: Duration = Duration::from_secs(180);

/// A table, and the two folders in which it is played.
struct Played {
    folder: TempDir,
    orders: PathBuf,
}

impl Played {
    fn new() -> Self {
        let folder = folder();
        let orders = folder.path().join("orders.csv");
        std::fs::write(&orders, table(ORDERS)).unwrap();
        Self { folder, orders }
    }

    fn data_dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Plays to the end, and answers what was told of it.
    async fn to_its_end(&self, name: &str) -> String {
        let ended = replay(&self.orders, &self.data_dir(name)).output().await.unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{told}");
        told
    }

    /// Plays with three kills on the way: one at its work, one while it starts again, and one together with its PostgreSQL. Answers what was told in
    /// the end.
    async fn with_kills(&self, name: &str) -> String {
        let timeline = timeline(ORDERS);
        let at = |quarter: usize| timeline.events()[timeline.events().len() * quarter / 4].fact.at;
        self.killed(name, at(2), 5, false).await;
        self.killed(name, at(2), 1000, false).await;
        self.killed(name, at(3), 30, true).await;
        self.to_its_end(name).await
    }

    /// Kills it on its way, some milliseconds after business time has come to a moment.
    async fn killed(&self, name: &str, moment: Timestamp, milliseconds: u64, with_postgres: bool) {
        let data_dir = self.data_dir(name);
        let mut command = replay(&self.orders, &data_dir);
        let mut replay = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let give_up = Instant::now() + PATIENCE;
        while business_time(&data_dir).is_none_or(|now| now < moment) {
            assert!(Instant::now() < give_up, "business time has not come to {moment}");
            assert!(replay.try_wait().unwrap().is_none(), "the replay ended before it could be killed at {moment}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // Into the middle of whatever it is doing.
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        let mut pids = vec![replay.id().unwrap()];
        if with_postgres {
            pids.extend(postgres_of(&data_dir));
            assert!(pids.len() > 5, "PostgreSQL runs");
        }
        kill9(&pids);
        assert!(!replay.wait().await.unwrap().success());
    }
}

fn business_time(data_dir: &Path) -> Option<Timestamp> {
    std::fs::read_to_string(data_dir.join("clock")).ok()?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_was_killed_comes_to_the_state_of_one_that_was_not() {
    let played = Played::new();
    let (_, told) = tokio::join!(played.to_its_end("whole"), played.with_kills("killed"));
    assert!(told.contains("Played on from"), "{told}");

    let mut whole = AtRest::open(&played.data_dir("whole")).await;
    let mut killed = AtRest::open(&played.data_dir("killed")).await;
    let comparison = compare(&mut whole, &mut killed).await;
    assert!(comparison.is_equal(), "{comparison}");
    assert_eq!(
        comparison.tables.iter().find(|table| table.table == "customers.customer_order").unwrap().rows,
        [ORDERS; 2]
    );
    assert_eq!(killed.faults().await, [""; 0]);
    planted::every_changed_row_is_found(&mut whole).await;
    planted::every_wrong_reference_is_found(&mut whole, &mut killed, &played.data_dir("whole").join("mail")).await;
    whole.close().await;
    killed.close().await;
}
