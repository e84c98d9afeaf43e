use std::{path::Path, process::Stdio, time::Duration};

use seva::replay::{csv, generator, run, summary, timeline::Timeline};

use crate::world::{folder, start};

/// The first lines of the sample.
fn table(lines: usize) -> String {
    generator::sample().lines().take(1 + lines).map(|line| format!("{line}\n")).collect()
}

fn timeline(lines: usize) -> Timeline {
    Timeline::of(csv::read(table(lines).as_bytes()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_of_a_table_agrees_with_it_and_a_second_replay_changes_nothing() {
    let folder = folder();
    let timeline = timeline(24);
    let instance = start(folder.path(), timeline.begins_at()).await;
    let played = run::play(&instance, &timeline).await.unwrap();
    assert_eq!(played.pushed.accepted, timeline.events().len() as u64);
    assert_eq!(Some(played.ended_at), run::end_of(&timeline));

    let first = summary::collect(&instance).await.unwrap();
    assert_eq!(first.differences(&timeline.expectation()), [""; 0]);
    assert_eq!(first.left_over(), [""; 0]);
    instance.stop(None).await;

    let instance = start(folder.path(), timeline.begins_at()).await;
    let again = run::play(&instance, &timeline).await.unwrap();
    assert!(again.was_over);
    assert_eq!(again.pushed, seva::shop::Pushed::default());
    assert_eq!(summary::collect(&instance).await.unwrap(), first);
    instance.stop(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_was_killed_goes_on_where_it_was() {
    let folder = folder();
    let file = folder.path().join("orders.csv");
    std::fs::write(&file, table(12)).unwrap();
    let data_dir = folder.path().join("replay");
    let timeline = timeline(12);

    for _ in 0..2 {
        let mut killed = replay(&file, &data_dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = until_clock_moves(&data_dir).await;
        // Into the middle of whatever it is doing.
        tokio::time::sleep(Duration::from_millis(300)).await;
        killed.start_kill().unwrap();
        killed.wait().await.unwrap();
        assert!(begun);
    }

    let ended = replay(&file, &data_dir).arg("--json").output().await.unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    assert!(told.contains("Played on from"), "{told}");
    let summary: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let placed = &summary["events"]["seva.customers.order.placed.v1"];
    assert_eq!(placed, timeline.expectation().events["order.placed.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_belongs_to_one_table() {
    let folder = folder();
    let file = folder.path().join("orders.csv");
    let data_dir = folder.path().join("replay");
    run::claim(&seva::data_dir::Layout::new(&data_dir), &timeline(3)).unwrap();
    std::fs::write(&file, table(4)).unwrap();

    let refused = replay(&file, &data_dir).output().await.unwrap();
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another table"), "{refused:?}");
}

fn replay(table: &Path, data_dir: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_seva"));
    command.arg("replay").arg(table).arg("--data-dir").arg(data_dir).kill_on_drop(true);
    command
}

/// Waits until a replay has got further than it was; longer than the lease on what a killed one had taken.
async fn until_clock_moves(data_dir: &Path) -> bool {
    let clock = data_dir.join("clock");
    let before = std::fs::read_to_string(&clock).ok();
    for _ in 0..9000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = std::fs::read_to_string(&clock).ok();
        if now.is_some() && now != before {
            return true;
        }
    }
    false
}
