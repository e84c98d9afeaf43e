//! Scores by themselves.

mod statistics;
mod weeks;
