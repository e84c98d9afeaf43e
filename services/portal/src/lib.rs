//! The public web edge: what customers open from their messages, and where other systems post their events.
//!
//! It owns nothing: every page is asked of the service that owns what it shows, with the link's token as the customer's credential.
//! Pages are made here, without scripts; what is read changes nothing.
//!
//! - [`survey`], [`ticket`], [`place`], [`preferences`], [`unsubscribe`]: one page each
//! - [`events`]: CloudEvents over HTTP into the intake of customers
//! - [`dev_mail`]: the mails of an embedded run
//! - [`edge`]: what every request passes: trace, limits, headers, proof of forms
//! - [`fault`]: what callers are told when something is refused or fails
//! - [`texts`]: the words of all pages, in four languages, and how dates and amounts are written
//! - [`serve`]: connections, how many and how long

use std::{path::PathBuf, sync::Arc};

use opentelemetry::metrics::Histogram;
use seva_runtime::{auth::LinkSigner, client::Peer};
use tokio::sync::Semaphore;

pub mod dev_mail;
pub mod edge;
pub mod events;
pub mod fault;
pub mod page;
pub mod place;
pub mod preferences;
mod router;
pub mod serve;
pub mod survey;
pub mod texts;
pub mod ticket;
pub mod unsubscribe;

pub use edge::limits::Limits;

/// The service's name.
pub const NAME: &str = "portal";

/// The services that pages are asked of.
#[derive(Debug, Clone)]
pub struct Peers {
    /// Customers, called by the portal itself (`Identity::Service`).
    pub customers: Peer,
    /// Customers, called by nobody (`Identity::Anonymous`): each call carries the pushing system's own credential.
    pub intake: Peer,
    /// Tickets, called by the portal itself.
    pub tickets: Peer,
    /// Surveys, called by the portal itself.
    pub surveys: Peer,
    /// Notifications, called by the portal itself.
    pub notifications: Peer,
}

/// How a portal presents and protects itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where customers reach it, such as `https://help.example.com`. With https, browsers are told to come by no other way.
    pub public_url: http::Uri,
    /// The company's name, on every page.
    pub company: String,
    /// Proves that a form is ours. The ring may be the portal's own: nothing else has to be verified with it.
    pub forms: LinkSigner,
    /// The folder of sent mails, shown at `/dev/mail`: for an embedded run only, as anybody may look.
    pub mail_folder: Option<PathBuf>,
    /// How much it takes on.
    pub limits: Limits,
}

/// The web edge. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Portal {
    pub(crate) peers: Arc<Peers>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) readiness: serve::Readiness,
    /// One permit for each request in progress.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) durations: Histogram<f64>,
}

impl Portal {
    /// A portal in front of `peers`. To be made after telemetry, as its instruments would record nothing otherwise.
    pub fn new(peers: Peers, settings: Settings) -> Self {
        let room = Arc::new(Semaphore::new(settings.limits.max_requests));
        let durations = edge::trace::durations();
        Self {
            peers: Arc::new(peers),
            settings: Arc::new(settings),
            readiness: serve::Readiness::default(),
            room,
            durations,
        }
    }

    /// Its routes with everything that a request passes, for a server or a test.
    pub fn router(&self) -> axum::Router {
        router::routes(self)
    }
}
