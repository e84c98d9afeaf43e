use std::sync::{Arc, Mutex};

use super::*;
use crate::tasks::OnFailure;

#[tokio::test]
async fn calls_end_before_workers_stop_and_pools_close_last() {
    let tasks = Tasks::new();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let note = |step: &'static str| {
        let steps = Arc::clone(&steps);
        move || steps.lock().unwrap().push(step)
    };
    let (draining, stopping) = (tasks.draining(), tasks.stopping());
    let (call_ended, worker_stopped, closed) = (note("call ended"), note("worker stopped"), note("closed"));
    let worker_token = stopping.clone();
    tasks.spawn_call(async move {
        draining.cancelled().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!stopping.is_cancelled(), "workers go on while calls drain");
        call_ended();
    });
    tasks.spawn("worker", OnFailure::Log, async move {
        worker_token.cancelled().await;
        worker_stopped();
        Ok::<_, String>(())
    });

    let in_time = Sequence::new(tasks).closing("pool", async move { closed() }).run().await;

    assert!(in_time);
    assert_eq!(*steps.lock().unwrap(), ["call ended", "worker stopped", "closed"]);
}

#[tokio::test]
async fn a_step_that_hangs_is_given_up_at_its_bound_and_the_next_ones_run() {
    tokio::time::pause();
    let tasks = Tasks::new();
    tasks.spawn_call(std::future::pending::<()>());
    let closed = Arc::new(Mutex::new(false));
    let closing = Arc::clone(&closed);

    let in_time = Sequence::new(tasks)
        .closing("stuck", std::future::pending())
        .closing("pool", async move { *closing.lock().unwrap() = true })
        .run()
        .await;

    assert!(!in_time);
    assert!(*closed.lock().unwrap());
}

#[tokio::test]
async fn a_signal_to_the_process_is_noticed() {
    let asked = signal().unwrap();

    let killed = std::process::Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status().unwrap();

    assert!(killed.success());
    tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap();
}
