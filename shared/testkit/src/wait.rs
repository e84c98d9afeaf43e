//! Waiting until something is so.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

/// How long a condition may take; far longer than it ever does, because the machines that run tests are shared.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `condition` answers something and hands it on.
///
/// # Panics
/// When it takes longer than a minute; `what` says what was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let answer = tokio::time::timeout_at(give_up, condition()).await;
        let Ok(answer) = answer else { panic!("waited {PATIENCE:?} in vain until {what}; the last look did not end") };
        if let Some(found) = answer {
            return found;
        }
        assert!(Instant::now() < give_up, "waited {PATIENCE:?} in vain until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
