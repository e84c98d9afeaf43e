use std::path::Path;

use seva::replay::{csv, generator, run, summary, timeline::Timeline};

use crate::world::{folder, start};

/// The first lines of the sample.
pub fn table(lines: usize) -> String {
    generator::sample().lines().take(1 + lines).map(|line| format!("{line}\n")).collect()
}

pub fn timeline(lines: usize) -> Timeline {
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
    // The sample has late orders and arrived ones, so that every number says something.
    assert!(first.tickets_opened.values().sum::<u64>() > 0 && first.tickets_assigned > 0, "{first}");
    assert!(first.surveys_invited > 0, "{first}");
    instance.stop(None).await;

    let instance = start(folder.path(), timeline.begins_at()).await;
    let again = run::play(&instance, &timeline).await.unwrap();
    assert!(again.was_over);
    assert_eq!(again.pushed, seva::shop::Pushed::default());
    assert_eq!(summary::collect(&instance).await.unwrap(), first);
    instance.stop(None).await;
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

/// A replay as it is typed.
pub fn replay(table: &Path, data_dir: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_seva"));
    command.arg("replay").arg(table).arg("--data-dir").arg(data_dir).kill_on_drop(true);
    command
}
