//! How a service uses PostgreSQL: everything that is the same for all of them, written once.
//!
//! - [`database`]: pools and their limits; [`migrate`]: the shared schema `seva` and the service's own; [`fault`]: what went wrong, as data
//! - [`context`], [`idempotency`], [`etag`]: what a write records beside its rows, and how a repetition gets the first answer
//! - [`event`]: events in and out; [`sequencer`] and [`feed`]: the dense order in which readers see them
//! - [`consumer`]: another service's events, each applied once; [`dead_letter`]: those that cannot be
//! - [`due`]: work whose time comes; [`paging`]: lists; [`keeper`]: retention; [`metrics`]: what operators watch
//! - [`service`]: the parts of a service and how they run
//!
//! The SQL of the shared tables stands here and in `migrations/` alone. A service calls `seva.emit`, `seva.note` and `seva.remember` in the
//! statement that changes its rows.

pub mod consumer;
pub mod context;
pub mod database;
pub mod dead_letter;
pub mod due;
pub mod etag;
pub mod event;
pub mod fault;
pub mod feed;
pub mod idempotency;
pub mod keeper;
pub mod metrics;
pub mod migrate;
pub mod paging;
pub mod sequencer;
pub mod service;

pub use database::Database;
pub use etag::Etag;
pub use event::{Event, NewEvent};
pub use fault::Fault;
