//! The one place that knows everything about a customer, and the front door for events of other systems.
//!
//! - [`customer`]: people, how to reach them, what they agreed to
//! - [`intake`]: events of other systems; [`order`] and [`invoice`]: what they become; [`events`]: what this service says of it
//! - [`place`]: everything about one customer in one answer; [`own_place`]: what customers see of themselves, by link
//! - [`timeline`]: what happened to them; [`ticket`], [`survey`]: what other services tell of them
//! - [`recipient`]: where a message goes, asked at the moment of sending; [`sender`]: whom one comes from, asked when it comes
//! - [`api_key`]: with which other systems push
//! - [`workers`]: loops beside the calls; [`config`]: settings
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod api_key;
pub mod config;
pub mod customer;
pub mod events;
pub mod intake;
pub mod invoice;
mod newest;
pub mod order;
pub mod own_place;
pub mod place;
mod progress;
pub mod recipient;
pub mod sender;
pub mod survey;
pub mod ticket;
pub mod timeline;
pub mod workers;

use std::sync::Arc;

use seva_proto::{
    common::v1::link_service_server::LinkServiceServer,
    customers::v1::{
        api_key_service_server::ApiKeyServiceServer, customer_service_server::CustomerServiceServer,
        intake_service_server::IntakeServiceServer, order_service_server::OrderServiceServer,
        own_place_service_server::OwnPlaceServiceServer, place_service_server::PlaceServiceServer,
        recipient_service_server::RecipientServiceServer, sender_service_server::SenderServiceServer,
    },
};
use seva_runtime::auth::LinkSigner;
use seva_store::{
    consumer::{Consumer, EventSource},
    due::{Bell, Due},
    feed::Feed,
    service::{Foundation, Service},
};

pub use config::{CustomersConfig, Settings};

/// The service's name.
pub const NAME: &str = "customers";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The feeds that this service follows.
#[derive(Clone)]
pub struct Peers {
    /// Of the service that tells customers.
    pub notifications: Arc<dyn EventSource>,
    /// Of the service that carries their problems.
    pub tickets: Arc<dyn EventSource>,
    /// Of the service that asks how it went.
    pub surveys: Arc<dyn EventSource>,
}

/// Assembles the service; `links` signs what leads customers to their own places.
#[must_use]
pub fn service(foundation: Foundation, peers: Peers, settings: Settings, links: LinkSigner) -> Service {
    let db = &foundation.db;
    let feed = Feed::new(db.clone());
    let own_record = Consumer::new("own_record", db.clone(), Arc::new(feed.clone()), Arc::new(timeline::OwnRecord));
    let readers = place::Readers {
        messages: Consumer::new("messages", db.clone(), peers.notifications, Arc::new(timeline::Messages)),
        tickets: Consumer::new("tickets", db.clone(), peers.tickets, Arc::new(ticket::Tickets)),
        surveys: Consumer::new("surveys", db.clone(), peers.surveys, Arc::new(survey::Surveys)),
    };
    let consumers = vec![own_record, readers.messages.clone(), readers.tickets.clone(), readers.surveys.clone()];
    let retention = Due::new(Arc::new(workers::retention::Retention::new(db.clone())), Bell::default());

    let rules = settings.order_rules;
    let promised_days_bell = Bell::default();
    let promised_days = Due::new(
        Arc::new(workers::promised_days::PromisedDays::new(db.clone(), rules.clone())),
        promised_days_bell.clone(),
    );
    let intake = intake::Intake::new(db.clone(), foundation.clock.clone(), rules, promised_days_bell);

    let intake = IntakeServiceServer::new(intake::IntakeRpc::new(&foundation, intake));
    let orders = OrderServiceServer::new(order::OrderRpc::new(&foundation));
    let customers = CustomerServiceServer::new(customer::CustomerRpc::new(&foundation));
    let places = PlaceServiceServer::new(place::PlaceRpc::new(&foundation, readers.clone()));
    let own_places = own_place::OwnPlaceRpc::new(&foundation, links.clone(), readers);
    let own_places = OwnPlaceServiceServer::new(own_places);
    let links = LinkServiceServer::new(own_place::LinkRpc::new(&foundation, links));
    let recipients = RecipientServiceServer::new(recipient::RecipientRpc::new(&foundation));
    let senders = SenderServiceServer::new(sender::SenderRpc::new(&foundation));
    let api_keys = ApiKeyServiceServer::new(api_key::ApiKeyRpc::new(&foundation));
    let keys = Arc::new(api_key::Keys::new(foundation.db.clone()));
    Service::new(NAME, foundation, feed, consumers, vec![promised_days, retention])
        .offering(customers)
        .offering(intake)
        .offering(orders)
        .offering(places)
        .offering(own_places)
        .offering(links)
        .offering(recipients)
        .offering(senders)
        .offering(api_keys)
        .with_api_keys(keys)
}
