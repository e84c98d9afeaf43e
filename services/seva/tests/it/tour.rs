use seva::tour;

use crate::world::{folder, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_late_order_ends_with_a_problem_that_is_solved_and_can_be_told_again_some_days_later() {
    let folder = folder();
    let begins_at = tour::begins_at("2026-03-01T00:00:00Z".parse().unwrap());
    let instance = start(folder.path(), Some(begins_at)).await;

    tour::play(&instance).await.unwrap();
    let first = instance.clock.now();
    tour::play(&instance).await.unwrap();

    assert!(instance.clock.now() > first);
    let summary = seva::replay::summary::collect(&instance).await.unwrap();
    assert_eq!(summary.left_over(), [""; 0]);
    assert_eq!(summary.tickets.get("closed: verified"), Some(&4), "two tickets a tour: {:?}", summary.tickets);
    instance.stop(None).await;
}
