//! What customers think, asked for rarely, measured honestly, and what was done about it.
//!
//! - [`survey`]: questions in versions; [`programme`]: who is asked them, after what, how often; [`score`]: what the answers say
//! - [`invitation`]: a customer's turn to be asked, or why not; [`throttle`]: how rarely anybody is; [`recipient`]: what is known of customers
//! - [`response`]: what was answered, by link; [`loop_case`]: low scores and what was done about them
//! - [`events`]: what is heard of other services; [`workers`]: what runs beside the calls
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod events;
pub mod invitation;
pub mod loop_case;
#[cfg(test)]
mod plans;
pub mod programme;
pub mod recipient;
pub mod response;
pub mod score;
mod stored;
pub mod survey;
pub mod throttle;
pub mod workers;

use std::sync::Arc;

use seva_proto::{
    common::v1::link_service_server::LinkServiceServer,
    surveys::v1::{
        invitation_service_server::InvitationServiceServer, loop_case_service_server::LoopCaseServiceServer,
        programme_service_server::ProgrammeServiceServer, response_service_server::ResponseServiceServer,
        survey_service_server::SurveyServiceServer,
    },
};
use seva_runtime::auth::LinkSigner;
use seva_store::{
    consumer::{Consumer, EventSource},
    due::{Bell, Due},
    feed::Feed,
    service::{Foundation, Service},
};

pub use programme::ensure_catalog;

/// The service's name.
pub const NAME: &str = "surveys";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The feeds that this service follows.
#[derive(Clone)]
pub struct Peers {
    /// Of the service that knows customers and their orders.
    pub customers: Arc<dyn EventSource>,
    /// Of the service that carries problems.
    pub tickets: Arc<dyn EventSource>,
    /// Of the service that tells customers.
    pub notifications: Arc<dyn EventSource>,
}

/// Assembles the service with the usual pauses; `links` signs what leads customers to their questions. [`ensure_catalog`] has to have run on
/// its database before it starts.
#[must_use]
pub fn service(foundation: Foundation, peers: Peers, links: LinkSigner) -> Service {
    service_with_rules(foundation, peers, links, throttle::Rules::default())
}

/// As [`service`], with other pauses.
#[must_use]
pub fn service_with_rules(foundation: Foundation, peers: Peers, links: LinkSigner, rules: throttle::Rules) -> Service {
    let Foundation { db, clock, .. } = foundation.clone();
    let feed = Feed::new(db.clone());
    let (decisions_bell, expiries_bell) = (Bell::default(), Bell::default());
    let deliveries = workers::deliveries::Deliveries::new(clock.clone(), decisions_bell.clone());
    let closings = workers::closings::Closings::new(clock, decisions_bell.clone());
    let mail = workers::deliveries_of_mail::DeliveriesOfMail;
    let consumers = vec![
        Consumer::new(workers::deliveries::NAME, db.clone(), peers.customers, Arc::new(deliveries)),
        Consumer::new(workers::closings::NAME, db.clone(), peers.tickets, Arc::new(closings)),
        Consumer::new(workers::deliveries_of_mail::NAME, db.clone(), peers.notifications, Arc::new(mail)),
    ];
    let decisions = invitation::deciding::Decisions::new(db.clone(), rules, expiries_bell.clone());
    let expiries = response::Expiries::new(db.clone());
    let due = vec![Due::new(Arc::new(decisions), decisions_bell), Due::new(Arc::new(expiries), expiries_bell.clone())];

    let surveys = SurveyServiceServer::new(survey::SurveyRpc::new(&foundation));
    let programmes = ProgrammeServiceServer::new(programme::ProgrammeRpc::new(&foundation));
    let invitations = InvitationServiceServer::new(invitation::InvitationRpc::new(&foundation));
    let responses = response::ResponseRpc::new(&foundation, survey::Versions::new(db), links.clone(), expiries_bell);
    let responses = ResponseServiceServer::new(responses);
    let loop_cases = LoopCaseServiceServer::new(loop_case::LoopCaseRpc::new(&foundation));
    let links = LinkServiceServer::new(response::LinkRpc::new(&foundation, links));
    Service::new(NAME, foundation, feed, consumers, due)
        .offering(surveys)
        .offering(programmes)
        .offering(invitations)
        .offering(responses)
        .offering(loop_cases)
        .offering(links)
}
