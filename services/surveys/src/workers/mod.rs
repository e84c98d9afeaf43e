//! What runs beside the calls: no logic of its own.

pub mod closings;
pub mod decisions;
pub mod deliveries;
pub mod deliveries_of_mail;
pub mod expiries;
