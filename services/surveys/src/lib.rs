//! What customers think, asked for rarely, measured honestly, and what was done about it.

pub mod programme;
pub mod score;
mod stored;
pub mod survey;

pub use programme::ensure_catalog;

/// The service's name.
pub const NAME: &str = "surveys";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
