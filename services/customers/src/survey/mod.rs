//! What customers were asked, as the surveys service tells it: a read model of the place, and lines of the timeline. Nobody's words are in it.

mod consumer;
pub(crate) mod convert;
pub(crate) mod store;

pub use consumer::Surveys;
