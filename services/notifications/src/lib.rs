//! Notifications: the customer is told before they have to ask.
//!
//! - [`notification`]: what a customer is told of a milestone, or why not; [`preference`]: what customers want
//! - [`recipient`]: what is known of customers, and where to reach them; [`link`]: where messages lead; [`provider`]: who takes messages on
//!   their way
//! - [`template`]: what is said, in each language; pure. [`template_version`]: the versions of it that are kept
//! - [`events`]: what is heard of other services; [`workers`]: what runs beside the calls; [`config`]: settings
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod config;
pub mod events;
pub mod link;
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

use seva_proto::{
    common::v1::link_service_server::LinkServiceServer,
    notifications::v1::{
        notification_service_server::NotificationServiceServer,
        own_preference_service_server::OwnPreferenceServiceServer, preference_service_server::PreferenceServiceServer,
        template_service_server::TemplateServiceServer,
    },
};
use seva_runtime::auth::LinkSigner;
use seva_store::{
    consumer::{Consumer, EventSource},
    due::{Bell, Due},
    feed::Feed,
    service::{Foundation, Service},
};

pub use config::{NotificationsConfig, Settings};
pub use link::{LinkOwner, LinkOwners};
pub use notification::dispatch::Dispatch;
pub use recipient::Recipients;
pub use template_version::ensure_catalog;
pub use workers::notices::Notices;

/// The service's name.
pub const NAME: &str = "notifications";
/// Batches of messages that are handed over beside each other.
const DISPATCH_LANES: usize = 2;

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The other services that this one needs.
#[derive(Clone)]
pub struct Peers {
    /// The events of `//customers`.
    pub customers: Arc<dyn EventSource>,
    /// The events of `//tickets`.
    pub tickets: Arc<dyn EventSource>,
    /// The events of `//surveys`.
    pub surveys: Arc<dyn EventSource>,
    /// Names and addresses; a `RecipientServiceClient` on any transport.
    pub recipients: Arc<dyn Recipients>,
    /// Links to what other services own; each a `LinkServiceClient` on any transport.
    pub links: LinkOwners,
}

/// Assembles the service; `signer` signs the links to customers' wishes. [`ensure_catalog`] has to have run on its database before it starts.
#[must_use]
pub fn service(foundation: Foundation, peers: Peers, settings: Settings, signer: LinkSigner) -> Service {
    let Foundation { db, clock, .. } = foundation.clone();
    let Peers { customers, tickets, surveys, recipients, links } = peers;
    let feed = Feed::new(db.clone());
    let bell = Bell::default();
    let default_language = settings.default_language.clone();
    let consumer = |name, source| {
        Consumer::new(name, db.clone(), source, Arc::new(Notices::new(name, clock.clone(), bell.clone())))
    };
    let consumers = vec![
        consumer(workers::notices::NAME, customers),
        consumer(workers::notices::OF_TICKETS, tickets),
        consumer(workers::notices::OF_SURVEYS, surveys),
    ];
    let dispatch = Dispatch::new(db.clone(), clock.clone(), settings, recipients, links, signer.clone());
    let mut due = vec![Due::new(Arc::new(dispatch), bell.clone()).in_lanes(DISPATCH_LANES)];
    // On a clock that is moved by hand, years pass between two rounds: what is kept would hang on when the process happened to start.
    if !clock.is_manual() {
        let retention = workers::retention::Retention::new(db.clone());
        due.push(Due::new(Arc::new(retention), Bell::default()));
    }

    let notifications = NotificationServiceServer::new(notification::NotificationRpc::new(&foundation));
    let preferences = PreferenceServiceServer::new(preference::PreferenceRpc::new(&foundation));
    let own = preference::OwnPreferenceRpc::new(&foundation, signer.clone(), default_language);
    let own = OwnPreferenceServiceServer::new(own);
    let templates = TemplateServiceServer::new(template_version::TemplateRpc::new(&foundation));
    let links = LinkServiceServer::new(link::LinkRpc::new(&foundation, signer));
    Service::new(NAME, foundation, feed, consumers, due)
        .offering(notifications)
        .offering(preferences)
        .offering(own)
        .offering(templates)
        .offering(links)
}
