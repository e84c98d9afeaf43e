//! Figures, side by side in one run: each of ours against the same work without us, so that a busy machine slows both.
//!
//! `bench` prints a table and writes `target/bench.json`; `BENCH=short` runs every part for a moment only. A figure below its bar is marked
//! and does not fail the run: machines are shared and noisy.

mod create_customer;
mod create_ticket;
mod empty_call;
mod intake;
mod load;
mod mailbox;
mod report;
mod surroundings;
mod told;

use std::time::Duration;

use report::Report;
use surroundings::Surroundings;

/// Concurrent callers of every part.
const CALLERS: usize = 8;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let short = std::env::var("BENCH").is_ok_and(|length| length == "short");
    let span = Duration::from_secs(if short { 1 } else { 5 });
    let mut report = Report::default();

    empty_call::measure(&mut report, span).await?;
    let surroundings = Surroundings::start().await?;
    create_customer::measure(&mut report, &surroundings, span).await?;
    create_ticket::measure(&mut report, &surroundings, span).await?;
    intake::measure(&mut report, &surroundings, if short { 20_000 } else { 200_000 }).await?;
    told::measure(&mut report, &surroundings, if short { 5 } else { 30 }).await?;
    surroundings.stop().await?;

    print!("{report}");
    report.write("target/bench.json")?;
    Ok(())
}
