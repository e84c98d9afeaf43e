//! The one program of the suite, `seva`: the one place that knows all services and wires them together.
//!
//! - [`report`]: what a shop says of its orders, as events of the intake
//! - [`replay`]: a shop's history played through the suite on a clock that is moved by hand

pub mod replay;
pub mod report;
