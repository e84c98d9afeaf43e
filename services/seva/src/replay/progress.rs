//! How far a replay is: a bar on a terminal, plain lines elsewhere.

use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use tokio::time::Instant;

/// Between two plain lines.
const PERIOD: Duration = Duration::from_secs(5);

/// Tells how far a replay is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    plain: bool,
    started: Instant,
    first: u64,
    told_at: Instant,
}

impl Progress {
    /// At `passed` of `total` events.
    pub fn new(total: u64, passed: u64) -> Self {
        let plain = !stderr().is_terminal();
        let target = if plain { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} events  {per_sec}  {eta} left  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(passed);
        bar.reset_eta();
        Self { bar, plain, started: Instant::now(), first: passed, told_at: Instant::now() }
    }

    /// Now at `passed` events and business time `now`.
    pub fn tell(&mut self, passed: u64, now: Timestamp) {
        self.bar.set_position(passed);
        if !self.plain {
            self.bar.set_message(day(now));
        } else if self.told_at.elapsed() >= PERIOD {
            self.told_at = Instant::now();
            eprintln!("{}", self.line(passed, now));
        }
    }

    fn line(&self, passed: u64, now: Timestamp) -> String {
        let total = self.bar.length().unwrap_or(passed);
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = passed.saturating_sub(self.first) as f64 / seconds;
        #[expect(clippy::cast_precision_loss, reason = "a time for people")]
        let left =
            if rate > 0.0 { format!("{:.0} s", total.saturating_sub(passed) as f64 / rate) } else { "?".to_owned() };
        format!("{passed} of {total} events, {rate:.0} a second, {left} left, business time {}", day(now))
    }

    /// At the end.
    pub fn finish(self, now: Timestamp) {
        if self.plain {
            eprintln!("{}", self.line(self.bar.length().unwrap_or_default(), now));
        }
        self.bar.finish_and_clear();
    }
}

fn day(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d").to_string()
}
