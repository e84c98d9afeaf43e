//! The one place that knows everything about a customer, and the front door for events of other systems.
//!
//! - [`customer`]: people, how to reach them, what they agreed to
//! - [`intake`]: events of other systems; [`order`] and [`invoice`]: what they become; [`events`]: what this service says of it
//! - [`place`]: everything about one customer in one answer; [`timeline`]: what happened to them
//! - [`recipient`]: where a message goes, asked at the moment of sending
//! - [`api_key`]: with which other systems push
//! - [`workers`]: loops beside the calls
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod api_key;
pub mod customer;
pub mod events;
pub mod intake;
pub mod invoice;
pub mod order;
pub mod place;
pub mod recipient;
pub mod timeline;
pub mod workers;

use std::sync::Arc;

use seva_proto::customers::v1::{
    api_key_service_server::ApiKeyServiceServer, customer_service_server::CustomerServiceServer,
    intake_service_server::IntakeServiceServer, order_service_server::OrderServiceServer,
    place_service_server::PlaceServiceServer, recipient_service_server::RecipientServiceServer,
};
use seva_store::{
    consumer::{Consumer, EventSource},
    due::{Bell, Due},
    feed::Feed,
    service::{Foundation, Service},
};

/// The service's name.
pub const NAME: &str = "customers";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Assembles the service. `notifications` is the feed of the service that tells customers, for their timeline.
pub fn service(foundation: Foundation, notifications: Arc<dyn EventSource>) -> Service {
    let db = &foundation.db;
    let feed = Feed::new(db.clone());
    let own_record = Consumer::new("own_record", db.clone(), Arc::new(feed.clone()), Arc::new(timeline::OwnRecord));
    let messages = Consumer::new("messages", db.clone(), notifications, Arc::new(timeline::Messages));
    let retention = Due::new(Arc::new(workers::retention::Retention::new(db.clone())), Bell::default());

    let rules = order::OrderRules::default();
    let promised_days_bell = Bell::default();
    let promised_days = Due::new(
        Arc::new(workers::promised_days::PromisedDays::new(db.clone(), rules.clone())),
        promised_days_bell.clone(),
    );
    let intake = intake::Intake::new(db.clone(), foundation.clock.clone(), rules, promised_days_bell);

    let intake = IntakeServiceServer::new(intake::IntakeRpc::new(&foundation, intake));
    let orders = OrderServiceServer::new(order::OrderRpc::new(&foundation));
    let customers = CustomerServiceServer::new(customer::CustomerRpc::new(&foundation));
    let places = PlaceServiceServer::new(place::PlaceRpc::new(&foundation, messages.clone()));
    let recipients = RecipientServiceServer::new(recipient::RecipientRpc::new(&foundation));
    let api_keys = ApiKeyServiceServer::new(api_key::ApiKeyRpc::new(&foundation));
    let keys = Arc::new(api_key::Keys::new(foundation.db.clone()));
    Service::new(NAME, foundation, feed, vec![own_record, messages], vec![promised_days, retention])
        .offering(customers)
        .offering(intake)
        .offering(orders)
        .offering(places)
        .offering(recipients)
        .offering(api_keys)
        .with_api_keys(keys)
}
