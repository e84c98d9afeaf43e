use std::process::Stdio;

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

/// As it is typed: every step is told with the trace that it can be looked up by.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_told_with_its_trace() {
    let folder = folder();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_seva"));
    command.arg("tour").arg("--data-dir").arg(folder.path().join("tour")).stderr(Stdio::piped()).kill_on_drop(true);
    let told = command.output().await.unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success(), "{text}\n{}", String::from_utf8_lossy(&told.stderr));

    // A step begins with its number, and its traces stand under it.
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let words = line.trim_start();
        let number = words.split_once(". ").filter(|(number, _)| number.parse::<usize>().is_ok());
        if number.is_some() {
            steps.push((line, Vec::new()));
        } else if let Some((trace, (_, traces))) = words.strip_prefix("trace ").zip(steps.last_mut()) {
            traces.push(trace);
        }
    }
    assert!(steps.len() >= 10, "{text}");
    for (step, traces) in steps {
        let is_id = |trace: &&str| trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(!traces.is_empty() && traces.iter().all(is_id), "{step}: {traces:?}\n{text}");
    }
}
