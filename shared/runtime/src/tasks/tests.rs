use super::*;

#[tokio::test]
async fn a_task_that_fails_or_panics_stops_the_process_when_it_has_to() {
    for panics in [false, true] {
        let tasks = Tasks::new();
        tasks.spawn("worker", OnFailure::StopProcess, async move {
            assert!(!panics, "a planted panic");
            Err("a planted fault")
        });
        tokio::time::timeout(Duration::from_secs(2), tasks.failed().cancelled()).await.unwrap();
    }
}

#[tokio::test]
async fn a_failure_that_is_only_logged_stops_nothing() {
    let tasks = Tasks::new();
    tasks.spawn("worker", OnFailure::Log, async { Err("a planted fault") });

    assert!(tasks.stop(Duration::from_secs(2)).await);
    assert!(!tasks.failed().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_calls_and_workers_but_not_for_ever() {
    let tasks = Tasks::new();
    let token = tasks.stopping();
    tasks.spawn("worker", OnFailure::Log, async move {
        token.cancelled().await;
        Ok::<_, &str>(())
    });
    assert!(tasks.stop(Duration::from_secs(2)).await);

    let tasks = Tasks::new();
    let held = tasks.hold();
    assert!(!tasks.drain(Duration::from_secs(2)).await);
    drop(held);
    assert!(tasks.drain(Duration::from_secs(2)).await);
}
