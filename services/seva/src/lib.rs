//! The one program of the suite, `seva`: the one place that knows all services and wires them together.
//!
//! - [`assembly`]: the services, and what each is given
//! - [`instance`]: all of them running in one process; [`data_dir`], [`databases`], [`tokens`], [`clock`]: what an installation consists of
//! - [`drain`]: waiting until nothing is left to do; [`walk`]: business time moved by hand
//! - [`report`]: what a shop says of its orders, as events of the intake; [`shop`]: its way there
//! - [`cast`]: those who serve, and what they and customers do
//! - [`replay`]: a shop's history played through the suite on a clock that is moved by hand; [`demo`]: a small shop as it goes on;
//!   [`tour`]: one customer's story
//! - [`commands`], [`settings`], [`failure`]: what is typed, what it needs, and how it ends

pub mod assembly;
pub mod cast;
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
pub mod tour;
pub mod walk;
