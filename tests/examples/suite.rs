//! Runs a suite of separate processes until standard input ends, and prints where everything is as one line of JSON.
//!
//! `suite [--mail smtp://..] [--otlp http://..]`

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use serde_json::json;
use seva_runtime::auth::roles;
use seva_tests::{Suite, SuiteOptions, shop::SOURCE};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let place = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(place + 1).cloned()
    };
    // Telemetry as it comes, not in batches of seconds.
    let soon = [
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ];
    let environment = soon.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options =
        SuiteOptions { mail: after("--mail"), otlp_endpoint: after("--otlp"), environment, ..SuiteOptions::default() };
    let suite = Suite::start(options).await;
    let urls: BTreeMap<_, _> = suite.services().into_iter().map(|service| (service, suite.url(service))).collect();
    let people = roles::ROLES.iter().map(|(role, _)| *role).filter(|role| *role != roles::CUSTOMER);
    let tokens: BTreeMap<_, _> = people.map(|role| (role, suite.token(role).reveal().clone())).collect();
    let api_key = suite.api_key(&[SOURCE]).await.reveal().clone();
    let logs: BTreeMap<_, _> = suite.services().into_iter().map(|service| (service, suite.log_file(service))).collect();
    println!("{}", json!({ "urls": urls, "tokens": tokens, "api_key": api_key, "source": SOURCE, "logs": logs }));
    std::io::stdout().flush().expect("standard output is open");
    // Whoever started this ends it by closing the pipe.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    suite.stop().await;
}
