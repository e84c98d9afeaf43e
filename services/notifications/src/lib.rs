//! Notifications: the customer is told before they have to ask.
//!
//! - [`notification`]: what a customer is told of a milestone, or why not; [`preference`]: what customers want
//! - [`recipient`]: what is known of customers, and where to reach them; [`provider`]: who takes messages on their way
//! - [`template`]: what is said, in each language; pure. [`template_version`]: the versions of it that are kept
//! - [`events`]: what is heard of the customers service; [`workers`]: what runs beside the calls; [`config`]: settings
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod config;
pub mod events;
mod metrics;
pub mod notification;
pub mod preference;
pub mod provider;
pub mod recipient;
mod stored;
pub mod template;
pub mod template_version;
pub mod workers;

use std::sync::Arc;

use seva_proto::notifications::v1::{
    notification_service_server::NotificationServiceServer, preference_service_server::PreferenceServiceServer,
    template_service_server::TemplateServiceServer,
};
use seva_store::{
    consumer::{Consumer, EventSource},
    due::{Bell, Due},
    feed::Feed,
    service::{Foundation, Service},
};

pub use config::{NotificationsConfig, Settings};
pub use notification::dispatch::Dispatch;
pub use recipient::Recipients;
pub use template_version::ensure_catalog;
pub use workers::notices::Notices;

/// The service's name.
pub const NAME: &str = "notifications";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The other services that this one needs.
#[derive(Clone)]
pub struct Peers {
    /// The events of `//customers`.
    pub customers: Arc<dyn EventSource>,
    /// Names and addresses; a `RecipientServiceClient` on any transport.
    pub recipients: Arc<dyn Recipients>,
}

/// Assembles the service. [`ensure_catalog`] has to have run on its database before it starts.
#[must_use]
pub fn service(foundation: Foundation, peers: Peers, settings: Settings) -> Service {
    let Foundation { db, clock, .. } = foundation.clone();
    let feed = Feed::new(db.clone());
    let bell = Bell::default();
    let notices = Notices::new(clock.clone(), bell.clone());
    let dispatch = Dispatch::new(db.clone(), clock, settings, peers.recipients);
    let consumers = vec![Consumer::new(workers::notices::NAME, db, peers.customers, Arc::new(notices))];
    let notifications = NotificationServiceServer::new(notification::NotificationRpc::new(&foundation));
    let preferences = PreferenceServiceServer::new(preference::PreferenceRpc::new(&foundation));
    let templates = TemplateServiceServer::new(template_version::TemplateRpc::new(&foundation));
    Service::new(NAME, foundation, feed, consumers, vec![Due::new(Arc::new(dispatch), bell)])
        .offering(notifications)
        .offering(preferences)
        .offering(templates)
}
