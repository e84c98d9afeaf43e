//! Callers in a closed loop, and what they measured.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::CALLERS;

/// Calls a second of [`CALLERS`] callers, each with a state of its own from `prepare`, for `span`.
pub async fn rate<S, P, F>(span: Duration, prepare: impl Fn(usize) -> S, call: P) -> anyhow::Result<f64>
where
    S: Send + 'static,
    P: Fn(S) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<S>> + Send,
{
    let mut callers = JoinSet::new();
    let begin = Instant::now();
    for number in 0..CALLERS {
        let mut state = prepare(number);
        let call = call.clone();
        callers.spawn(async move {
            let mut calls = 0_u64;
            while begin.elapsed() < span {
                state = call(state).await?;
                calls += 1;
            }
            anyhow::Ok(calls)
        });
    }
    let mut calls = 0;
    while let Some(called) = callers.join_next().await {
        calls += called??;
    }
    Ok(calls as f64 / begin.elapsed().as_secs_f64())
}

/// The middle of several measurements.
pub fn median(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured[measured.len() / 2]
}

/// The value below which this share of the measured ones lies.
pub fn percentile(measured: &mut [f64], share: f64) -> f64 {
    measured.sort_by(f64::total_cmp);
    let at = ((measured.len() as f64 * share).ceil() as usize).clamp(1, measured.len());
    measured[at - 1]
}
