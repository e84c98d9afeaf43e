//! A shop's history, played through the intake as if it happened now.
//!
//! - [`csv`]: the table of orders as it comes; [`mapping`]: what each column becomes; [`people`]: customers, who are invented
//! - [`timeline`]: all events in order of time, and what they alone let expect; [`summary`]: what came of it, for a person to check
//! - [`run`]: the loop over all instants, with its [`progress`]; [`cast`]: what staff and customers do meanwhile
//! - [`generator`]: a small table of our own with the same defects as real ones; [`dice`]: chance from a seed

pub mod cast;
pub mod csv;
pub mod dice;
pub mod generator;
pub mod mapping;
pub mod people;
pub mod progress;
pub mod run;
pub mod summary;
pub mod timeline;

/// The seed of everything that is invented.
pub const SEED: u64 = 20_261_121;

/// Where the shop of the table is: its times and its promised days are of this zone.
pub const SHOP_ZONE: &str = "America/Sao_Paulo";
