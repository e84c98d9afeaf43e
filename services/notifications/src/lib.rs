//! Notifications: the customer is told before they have to ask.
//!
//! - [`template`]: what is said, in each language; pure, without a database, a clock or a network

pub mod template;
