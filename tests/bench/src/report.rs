//! The figures as a table and as JSON.

use std::{fmt, fs};

use serde::Serialize;

/// All figures of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    figures: Vec<Figure>,
}

/// One figure and its bar.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
    reached: Option<bool>,
}

/// What a figure has to reach.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum Bar {
    /// No bar: told for its own sake.
    #[serde(rename = "at_least")]
    AtLeast(f64),
    /// A bound from above.
    #[serde(rename = "at_most")]
    AtMost(f64),
}

impl Report {
    /// Notes a figure with its bar.
    pub fn against(&mut self, name: impl Into<String>, value: f64, unit: &'static str, bar: Bar) {
        let reached = match bar {
            Bar::AtLeast(least) => value >= least,
            Bar::AtMost(most) => value <= most,
        };
        self.add(Figure { name: name.into(), value, unit, bar: Some(bar), reached: Some(reached) });
    }

    /// Notes a figure without a bar.
    pub fn note(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.add(Figure { name: name.into(), value, unit, bar: None, reached: None });
    }

    fn add(&mut self, figure: Figure) {
        eprintln!("{figure}");
        self.figures.push(figure);
    }

    /// Writes the figures as JSON.
    pub fn write(&self, path: &str) -> anyhow::Result<()> {
        fs::write(path, serde_json::to_string_pretty(self)?)?;
        Ok(())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, bar, reached } = self;
        let digits = if *value < 10.0 { 2 } else { 0 };
        write!(f, "{name:<62} {value:>10.digits$} {unit:<9}")?;
        match bar {
            Some(Bar::AtLeast(least)) => write!(f, " at least {least}")?,
            Some(Bar::AtMost(most)) => write!(f, " at most {most}")?,
            None => {}
        }
        match reached {
            Some(false) => write!(f, "  MISSED"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        self.figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}
