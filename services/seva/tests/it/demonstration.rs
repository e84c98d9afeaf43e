use std::fs;

use crate::world::{folder, start};

#[tokio::test(flavor = "multi_thread")]
async fn in_every_story_the_customer_is_told_of_every_step() {
    let folder = folder();
    let instance = start(folder.path(), None).await;

    seva::demo::tell_each(&instance).await.unwrap();
    let summary = seva::replay::summary::collect(&instance).await.unwrap();
    assert_eq!(summary.orders.values().sum::<u64>(), 6);
    assert_eq!(summary.tickets.get("closed: verified"), Some(&1), "{:?}", summary.tickets);
    assert_eq!(summary.left_over(), [""; 0]);
    let files = fs::read_dir(instance.layout().mail()).unwrap().count() as u64;
    assert_eq!(files, summary.messages_sent(), "every message is a file");
    instance.stop(None).await;
}
