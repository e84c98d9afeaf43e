//! Customers who are asked for something: whose parcel came two days ago, and whose trouble was resolved just now.
//!
//! Each of them has a link to every page of the portal in their mails.

use jiff::Timestamp;
use seva_proto::{
    customers::v1::{ExternalRef, ResolveCustomerRequest, customer_service_client::CustomerServiceClient},
    tickets::v1::ticket::Kind,
};

use crate::{
    Suite,
    agent::Agent,
    drained::drained_at,
    shop::{SOURCE, ShopOrder, Shopper, push},
    team::{self, Recruit},
};

/// What is said about a customer, and by them, wherever there are words.
#[derive(Debug)]
pub struct Words {
    /// Of the customer.
    pub given_name: &'static str,
    /// Of the customer.
    pub family_name: &'static str,
    /// What the shop calls the order.
    pub order_number: &'static str,
    /// What the ticket is about.
    pub title: &'static str,
    /// What staff answers.
    pub reply: &'static str,
    /// What staff says that was done.
    pub note: &'static str,
    /// Why it is not solved.
    pub rejection: &'static str,
    /// What is answered to the question for words.
    pub answer: &'static str,
}

/// Who has their tickets.
pub const AGENT: &str = "joan";

/// When it begins, on a clock that is moved by hand: the parcels come.
///
/// # Panics
/// Never: it is a time.
pub fn begin() -> Timestamp {
    "2026-03-02T04:00:00Z".parse().expect("it is a time")
}

/// When it ends: two days later, when customers are asked how a delivery was.
///
/// # Panics
/// Never: it is a time.
pub fn end() -> Timestamp {
    "2026-03-04T04:01:00Z".parse().expect("it is a time")
}

/// Plays it; answers the customers' tickets.
///
/// # Panics
/// When anything is refused.
pub async fn play(suite: &Suite, cast: &[(Shopper, &Words)]) -> Vec<String> {
    let department = team::department(suite, "deliveries", &["delivery"]).await;
    Recruit::new(AGENT, &department, &["en", "ur"], &["delivery"]).engage(suite).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let mut orders = Vec::new();
    for (shopper, words) in cast {
        let mut order = ShopOrder::new(shopper);
        words.order_number.clone_into(&mut order.number);
        let placed = order.placed(begin(), Some(("2026-03-05", &shopper.zone)));
        push(&shop, vec![placed, order.handed_to_carrier(begin())]).await;
        orders.push(order);
    }
    drained_at(suite, begin()).await;
    for order in &mut orders {
        push(&shop, vec![order.delivered(begin())]).await;
    }
    drained_at(suite, begin()).await;
    suite.advance_to(end());
    drained_at(suite, end()).await;

    let mut customers = CustomerServiceClient::new(suite.as_role("customers", "agent"));
    let mut agent = Agent::new(suite, AGENT);
    let mut tickets = Vec::new();
    for (shopper, words) in cast {
        let external_ref = Some(ExternalRef { system: SOURCE.to_owned(), id: shopper.id.clone() });
        let found = customers.resolve_customer(ResolveCustomerRequest { external_ref }).await;
        let customer = found.expect("the shop's customer is known").into_inner().customer.unwrap_or_default().name;
        let ticket = agent.create(&customer, Kind::Delivery, words.title).await.name;
        drained_at(suite, end()).await;
        agent.reply(&ticket, words.reply).await;
        agent.resolve(&ticket, words.note).await;
        tickets.push(ticket);
    }
    drained_at(suite, end()).await;
    tickets
}
