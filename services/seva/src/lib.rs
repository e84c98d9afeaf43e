//! The one program of the suite, `seva`: the one place that knows all services and wires them together.
//!
//! - [`assembly`]: the services, and what each is given
//! - [`instance`]: all of them running in one process; [`data_dir`], [`databases`], [`tokens`], [`clock`]: what an installation consists of
//! - [`drain`]: waiting until nothing is left to do
//! - [`report`]: what a shop says of its orders, as events of the intake; [`shop`]: its way there
//! - [`replay`]: a shop's history played through the suite on a clock that is moved by hand; [`demo`]: a small shop as it goes on
//! - [`commands`], [`settings`], [`failure`]: what is typed, what it needs, and how it ends

pub mod assembly;
pub mod clock;
pub mod commands;
pub mod data_dir;
pub mod databases;
pub mod demo;
pub mod drain;
pub mod failure;
pub mod instance;
pub mod replay;
pub mod report;
pub mod settings;
pub mod shop;
pub mod tokens;
