use std::path::Path;

use tokio::process::Command;

use crate::world::{folder, start};

async fn seva(folder: &Path, line: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_seva")).args(line).arg("--data-dir").arg(folder).output().await.unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), told)
}

/// Cursor and distance of a consumer, from the listing.
fn standing(listing: &str, consumer: &str) -> (i64, i64) {
    let line = listing.lines().find(|line| line.split_whitespace().nth(1) == Some(consumer)).unwrap();
    let numbers: Vec<i64> = line.split_whitespace().skip(3).map(|number| number.parse().unwrap()).collect();
    (numbers[0], numbers[1])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_set_back_applies_everything_again_and_nothing_happens_twice() {
    let folder = folder();
    let instance = start(folder.path(), None).await;
    seva::demo::tell_each(&instance).await.unwrap();
    let before = seva::replay::summary::collect(&instance).await.unwrap();

    // While the instance runs its databases are found by what it says of itself.
    let (code, listing) = seva(folder.path(), &["consumers", "list"]).await;
    assert_eq!(code, Some(0), "{listing}");
    let (cursor, behind) = standing(&listing, "notices");
    assert!(cursor > 0 && behind == 0, "{listing}");
    instance.stop(None).await;

    // When none runs, the cluster is started for the command.
    let (code, told) = seva(folder.path(), &["consumers", "rebase", "notices", "//customers"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("notices reads //customers from 1 on again"), "{told}");
    let (_, listing) = seva(folder.path(), &["consumers", "list"]).await;
    assert_eq!(standing(&listing, "notices"), (0, cursor), "{listing}");

    let instance = start(folder.path(), None).await;
    let patience = std::time::Duration::from_secs(60);
    seva::drain::until_drained(&instance.services, &instance.clock, patience).await.unwrap();
    let after = seva::replay::summary::collect(&instance).await.unwrap();
    assert_eq!(after.told, before.told);
    assert_eq!(after.left_over(), [""; 0]);
    instance.stop(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_with_a_new_epoch_refuses_its_readers_until_they_are_rebased() {
    let folder = folder();
    let instance = start(folder.path(), None).await;
    seva::demo::tell_each(&instance).await.unwrap();
    let epoch = instance.services[0].feed.bounds().await.unwrap().epoch;
    instance.stop(None).await;

    let (code, told) = seva(folder.path(), &["feed", "new-epoch", "customers"]).await;
    assert_eq!(code, Some(0), "{told}");
    let instance = start(folder.path(), None).await;
    assert_ne!(instance.services[0].feed.bounds().await.unwrap().epoch, epoch);
    let patience = std::time::Duration::from_secs(2);
    let unrest = seva::drain::until_drained(&instance.services, &instance.clock, patience).await.unwrap_err();
    assert!(unrest.to_string().contains("notices is at"), "{unrest}");
    instance.stop(None).await;

    // Each reader of it: the place, notifications, tickets and surveys.
    for consumer in ["own_record", "notices", "customers", "deliveries"] {
        let (code, told) = seva(folder.path(), &["consumers", "rebase", consumer, "//customers"]).await;
        assert_eq!(code, Some(0), "{told}");
    }
    let instance = start(folder.path(), None).await;
    let patience = std::time::Duration::from_secs(60);
    seva::drain::until_drained(&instance.services, &instance.clock, patience).await.unwrap();
    instance.stop(None).await;
}

#[tokio::test]
async fn what_is_asked_of_nobody_is_refused() {
    let folder = folder();
    let (code, told) = seva(folder.path(), &["consumers", "list"]).await;
    assert_eq!(code, Some(69), "{told}");
    let (code, told) = seva(folder.path(), &["feed", "new-epoch", "kitchen"]).await;
    assert_eq!(code, Some(64), "{told}");
    let (code, told) = seva(folder.path(), &["migrate", "kitchen"]).await;
    assert_eq!(code, Some(64), "{told}");
    let (code, told) = seva(folder.path(), &["migrate", "all"]).await;
    assert_eq!(code, Some(64), "{told}");
    assert!(
        told.contains("SEVA_CUSTOMERS_OWNER_DATABASE_URL") && told.contains("SEVA_NOTIFICATIONS_OWNER_DATABASE_URL"),
        "{told}"
    );

    let (code, told) = seva(folder.path(), &["migrate", "all", "--private"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("has the present schema").count(), 5, "{told}");
}
