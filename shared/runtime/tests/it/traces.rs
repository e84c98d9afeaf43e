//! One trace from the caller through every server.

use std::sync::{Arc, Mutex};

use seva_proto::events::v1::{AdvanceToRequest, GetTimeRequest};
use seva_runtime::{call::current_traceparent, config::TelemetryConfig, telemetry};
use tracing::Instrument;

use crate::harness::{Setup, does};

fn trace_of(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap()
}

#[tokio::test]
async fn a_trace_goes_from_client_to_server_and_into_a_detached_write_and_on() {
    let config = TelemetryConfig { log: Some("off".into()), ..TelemetryConfig::default() };
    let hook = std::panic::take_hook();
    let guard = telemetry::init("test", &config).unwrap();
    // Other tests of this process want to be told how they failed.
    std::panic::set_hook(hook);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noting = |seen: &Arc<Mutex<Vec<String>>>| {
        let seen = Arc::clone(seen);
        does(move |_| {
            seen.lock().unwrap().push(current_traceparent().unwrap());
            async { Ok(()) }
        })
    };
    let inner = Setup { reads: noting(&seen), ..Setup::default() }.start().await;
    let onward = inner.ops();
    let noted = Arc::clone(&seen);
    let forwards = does(move |_| {
        let mut onward = onward.clone();
        noted.lock().unwrap().push(current_traceparent().unwrap());
        async move { onward.get_time(GetTimeRequest {}).await.map(|_| ()) }
    });
    let outer = Setup { writes: forwards, ..Setup::default() }.start().await;

    let story = tracing::info_span!("story");
    let begun = story.in_scope(|| current_traceparent().unwrap());
    outer.ops().advance_to(AdvanceToRequest { time: None }).instrument(story).await.unwrap();

    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert_eq!(trace_of(&seen[0]), trace_of(&begun));
    assert_eq!(trace_of(&seen[1]), trace_of(&begun));
    assert!(seen[0] != begun && seen[1] != seen[0], "each has a span of its own");
    guard.shutdown().await;
}

#[tokio::test]
async fn settings_of_telemetry_that_cannot_be_used_are_told() {
    let config = TelemetryConfig { log_format: "xml".into(), ..TelemetryConfig::default() };

    let faults = telemetry::init("test", &config).unwrap_err();

    assert_eq!(faults.len(), 1);
    assert!(faults[0].to_string().contains("--log-format"));
}
