//! Figures, side by side in one run: each of ours against the same work without us, so that a busy machine slows both.
//!
//! `bench` prints a table and writes `target/bench.json`; `BENCH=short` runs every part for a moment only, `PARTS=create_ticket,told` only the
//! parts that are named. A figure below its bar is marked and does not fail the run: machines are shared and noisy.

mod create_customer;
mod create_ticket;
mod empty_call;
mod find_tickets;
mod intake;
mod load;
mod mailbox;
mod report;
mod surroundings;
mod told;

use std::time::Duration;

use report::Report;
use surroundings::Surroundings;

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// All that is measured, in this order.
const PARTS: [&str; 6] = ["empty_call", "create_customer", "create_ticket", "find_tickets", "intake", "told"];
/// Concurrent callers of every part.
const CALLERS: usize = 8;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let short = std::env::var("BENCH").is_ok_and(|length| length == "short");
    let span = Duration::from_secs(if short { 1 } else { 5 });
    let wanted = wanted(&std::env::var("PARTS").unwrap_or_default())?;
    let mut report = Report::default();
    // Before the services are there to share the machine with.
    if wanted.contains(&"empty_call") {
        empty_call::measure(&mut report, span).await?;
    }
    let surroundings = Surroundings::start().await?;
    for part in wanted {
        match part {
            "empty_call" => {}
            "create_customer" => create_customer::measure(&mut report, &surroundings, span).await?,
            "create_ticket" => create_ticket::measure(&mut report, &surroundings, span).await?,
            "find_tickets" => {
                let many = if short { 100_000 } else { 1_000_000 };
                find_tickets::measure(&mut report, &surroundings, span, many).await?;
            }
            "intake" => intake::measure(&mut report, &surroundings, if short { 20_000 } else { 200_000 }).await?,
            _ => told::measure(&mut report, &surroundings, if short { 5 } else { 30 }).await?,
        }
    }
    surroundings.stop().await?;

    print!("{report}");
    report.write("target/bench.json")?;
    Ok(())
}

/// The parts that are named, all when none is.
fn wanted(named: &str) -> anyhow::Result<Vec<&'static str>> {
    let named: Vec<&str> = named.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if let Some(unknown) = named.iter().find(|part| !PARTS.contains(part)) {
        anyhow::bail!("there is no part {unknown}; the parts are {}", PARTS.join(", "));
    }
    Ok(PARTS.into_iter().filter(|part| named.is_empty() || named.contains(part)).collect())
}
