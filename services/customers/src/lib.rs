//! The one place that knows everything about a customer, and the front door for events of other systems.
//!
//! - [`customer`]: people, how to reach them, what they agreed to
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod customer;

use seva_proto::{
    customers::v1::customer_service_server::CustomerServiceServer,
    events::v1::event_feed_service_server::EventFeedServiceServer,
};
use seva_store::{
    feed::Feed,
    feed::FeedRpc,
    service::{Foundation, Service},
};

/// The service's name.
pub const NAME: &str = "customers";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Assembles the service.
pub fn service(foundation: Foundation) -> Service {
    let feed = Feed::new(foundation.db.clone());
    let customers = CustomerServiceServer::new(customer::CustomerRpc::new(&foundation));
    let events = EventFeedServiceServer::new(FeedRpc::new(feed.clone(), foundation.tasks.clone()));
    Service {
        name: NAME,
        feed,
        rpcs: vec!["seva.customers.v1.CustomerService", "seva.events.v1.EventFeedService"],
        register: Box::new(|server| server.add_service(customers).add_service(events)),
        consumers: Vec::new(),
        due: Vec::new(),
        api_keys: None,
        foundation,
    }
}
