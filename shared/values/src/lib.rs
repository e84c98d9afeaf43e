//! The pure value types of the suite: what a value may be, and nothing about where it is stored or sent.
//!
//! Every type here is parsed once, at the edge, and cannot be wrong afterwards; a refusal is an [`Invalid`] with a
//! stable reason. Nothing here knows a clock (callers bring the instant), a database, a runtime or a wire format.
//!
//! - identity: [`id`] (time-ordered ids and resource names), [`HumanNumber`] (a short number a person can read out)
//! - reaching a person: [`Email`], [`Phone`], [`Language`], [`LocalizedText`], [`WebLink`], [`PublicUrl`]
//! - money: [`Money`], [`Currency`]; [`text`]: lines and words
//! - time in a place: [`Zone`], [`PromisedDate`] (a day we named), [`AvailabilityWindows`] (when a customer may be
//!   interrupted), [`BusinessCalendar`] (when we work, and how clocks of working time run)
//!
//! [`Email`] and [`Phone`] are personal data: their `Debug` is redacted and no [`Invalid`] quotes them.

pub mod calendar;
pub mod email;
pub mod human_number;
pub mod id;
pub mod invalid;
pub mod language;
pub mod localized;
pub mod money;
pub mod phone;
pub mod promised;
#[cfg(feature = "proto")]
pub mod proto;
pub mod public_url;
#[cfg(test)]
mod samples;
pub mod text;
pub mod tracking;
pub mod weekly;
pub mod windows;
pub mod zone;

pub use calendar::BusinessCalendar;
pub use email::Email;
pub use human_number::HumanNumber;
pub use id::{format_name, new_id, new_id_at, parse_name};
pub use invalid::Invalid;
pub use language::{Direction, Language};
pub use localized::LocalizedText;
pub use money::{Currency, Money};
pub use phone::Phone;
pub use promised::PromisedDate;
pub use public_url::PublicUrl;
pub use tracking::WebLink;
pub use weekly::{DatedException, DayInterval, WeeklyInterval};
pub use windows::AvailabilityWindows;
pub use zone::Zone;

pub use uuid::Uuid;
