//! Reads the summary from the services' APIs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use seva_proto::{
    common::v1::PromisedDate as PromisedDateMessage,
    customers::v1::{ListOrdersRequest, Order, order::PromisedDateOutcome, order_service_client::OrderServiceClient},
    notifications::v1::{
        ListNotificationsRequest, Notification, notification::State,
        notification_service_client::NotificationServiceClient,
    },
    surveys::v1::{
        Invitation, ListInvitationsRequest,
        invitation::{State as InvitationState, SuppressReason},
        invitation_service_client::InvitationServiceClient,
    },
    tickets::v1::{
        ListTicketsRequest, Ticket, TicketView,
        ticket::{Closure, WaitReason},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_store::dead_letter;
use seva_values::{PromisedDate, Zone};

use super::Summary;
use crate::{failure::Failure, instance::Instance, replay::timeline::state_name};

/// Rows of one answer.
const PAGE: i32 = 1000;

/// For so long a customer who was asked is not asked again, by any programme.
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Milestones that tell a customer that the promised day will not be kept.
const WARNINGS: [&str; 2] = ["order_promised_day_at_risk", "order_delayed"];

/// Reads what all services say.
///
/// # Errors
/// One does not answer.
pub async fn collect(instance: &Instance) -> Result<Summary, Failure> {
    let mut summary = Summary { business_time: instance.clock.now(), ..Summary::default() };
    let orders = list_orders(instance).await?;
    let notifications = list_notifications(instance).await?;
    count_orders(&mut summary, &orders);
    count_notifications(&mut summary, &notifications);
    summary.told_before_promised_day_had_passed = told_in_time(&orders, &notifications);
    count_events(&mut summary, instance).await?;
    count_tickets(&mut summary, &list_tickets(instance).await?);
    count_invitations(&mut summary, &list_invitations(instance).await?);
    for service in &instance.services {
        let counts = dead_letter::counts(&service.foundation.db).await.context("counting dead letters")?;
        for (consumer, source, state, count) in counts {
            let name = format!("{} {consumer} of {source}: {state}", service.name);
            summary.dead_letters.insert(name, u64::try_from(count).unwrap_or_default());
        }
    }
    Ok(summary)
}

async fn list_orders(instance: &Instance) -> Result<Vec<Order>, Failure> {
    let mut client = OrderServiceClient::new(instance.operators_peer("customers")?);
    let (mut orders, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListOrdersRequest { page_size: PAGE, page_token, order_by: String::new(), filter: None };
        let page = client.list_orders(request).await.map_err(|status| anyhow!("orders cannot be listed: {status}"))?;
        let page = page.into_inner();
        orders.extend(page.orders);
        if page.next_page_token.is_empty() {
            return Ok(orders);
        }
        page_token = page.next_page_token;
    }
}

async fn list_notifications(instance: &Instance) -> Result<Vec<Notification>, Failure> {
    let mut client = NotificationServiceClient::new(instance.operators_peer("notifications")?);
    let (mut notifications, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListNotificationsRequest { page_size: PAGE, page_token, filter: None };
        let page = client.list_notifications(request).await;
        let page = page.map_err(|status| anyhow!("notifications cannot be listed: {status}"))?.into_inner();
        notifications.extend(page.notifications);
        if page.next_page_token.is_empty() {
            return Ok(notifications);
        }
        page_token = page.next_page_token;
    }
}

async fn list_tickets(instance: &Instance) -> Result<Vec<Ticket>, Failure> {
    let mut client = TicketServiceClient::new(instance.operators_peer("tickets")?);
    let (mut tickets, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTicketsRequest {
            page_size: PAGE,
            page_token,
            view: TicketView::Full.into(),
            ..ListTicketsRequest::default()
        };
        let page = client.list_tickets(request).await;
        let page = page.map_err(|status| anyhow!("tickets cannot be listed: {status}"))?.into_inner();
        tickets.extend(page.tickets);
        if page.next_page_token.is_empty() {
            return Ok(tickets);
        }
        page_token = page.next_page_token;
    }
}

async fn list_invitations(instance: &Instance) -> Result<Vec<Invitation>, Failure> {
    let mut client = InvitationServiceClient::new(instance.operators_peer("surveys")?);
    let (mut invitations, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListInvitationsRequest { page_size: PAGE, page_token, filter: None };
        let page = client.list_invitations(request).await;
        let page = page.map_err(|status| anyhow!("invitations cannot be listed: {status}"))?.into_inner();
        invitations.extend(page.invitations);
        if page.next_page_token.is_empty() {
            return Ok(invitations);
        }
        page_token = page.next_page_token;
    }
}

/// Reads every feed from its floor to its head.
async fn count_events(summary: &mut Summary, instance: &Instance) -> Result<(), Failure> {
    let mut assigned = BTreeSet::new();
    for service in &instance.services {
        let bounds = service.feed.bounds().await.context("asking for the bounds of a feed")?;
        let mut cursor = bounds.floor;
        while cursor < bounds.head {
            let events = service.feed.read_after(cursor).await.context("reading a feed")?;
            let Some(last) = events.last() else { break };
            cursor = last.feed_no;
            for event in &events {
                *summary.events.entry(event.kind.clone()).or_default() += 1;
                if event.kind == "seva.tickets.ticket.assigned.v1" {
                    assigned.insert(event.subject.clone());
                }
            }
        }
    }
    summary.tickets_assigned = assigned.len() as u64;
    Ok(())
}

pub(super) fn count_tickets(summary: &mut Summary, tickets: &[Ticket]) {
    for ticket in tickets {
        let matter = ticket.matter.as_ref().map_or("asked by a person", |matter| matter.kind.as_str());
        *summary.tickets_opened.entry(matter.to_owned()).or_default() += 1;
        let state = in_words(ticket.state().as_str_name(), "STATE_");
        let state = match ticket.closure() {
            Closure::Unspecified => state,
            closure => format!("{state}: {}", in_words(closure.as_str_name(), "CLOSURE_")),
        };
        *summary.tickets.entry(state).or_default() += 1;
        if ticket.wait_reason() != WaitReason::Unspecified {
            let reason = in_words(ticket.wait_reason().as_str_name(), "WAIT_REASON_");
            *summary.tickets_waiting.entry(reason).or_default() += 1;
        }
    }
}

pub(super) fn count_invitations(summary: &mut Summary, invitations: &[Invitation]) {
    let mut sent: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for invitation in invitations {
        let state = in_words(invitation.state().as_str_name(), "STATE_");
        let state = match invitation.suppress_reason() {
            SuppressReason::Unspecified => state,
            reason => format!("{state}: {}", in_words(reason.as_str_name(), "SUPPRESS_REASON_")),
        };
        *summary.surveys.entry(state).or_default() += 1;
        if !matches!(invitation.state(), InvitationState::Held | InvitationState::Suppressed) {
            summary.surveys_invited += 1;
        }
        if let Some(at) = invitation.send_time.as_ref().and_then(instant) {
            sent.entry(invitation.customer.as_str()).or_default().push(at);
        }
    }
    for times in sent.values_mut() {
        times.sort_unstable();
        let too_soon = times.windows(2).filter(|pair| pair[1].duration_since(pair[0]) < LEFT_ALONE);
        summary.surveyed_too_soon += too_soon.count() as u64;
    }
}

/// `STATE_PENDING_CUSTOMER` as `pending_customer`.
fn in_words(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

pub(super) fn count_orders(summary: &mut Summary, orders: &[Order]) {
    for outcome in ["kept", "broken", "open", "withdrawn"] {
        summary.promised_dates.insert(outcome.to_owned(), 0);
    }
    let mut customers = std::collections::HashSet::new();
    for order in orders {
        customers.insert(order.customer.as_str());
        *summary.orders.entry(state_name(order.state()).to_owned()).or_default() += 1;
        let outcome = order.promised_date_outcome();
        if outcome != PromisedDateOutcome::Unspecified {
            let name = outcome.as_str_name().trim_start_matches("PROMISED_DATE_OUTCOME_").to_lowercase();
            *summary.promised_dates.entry(name).or_default() += 1;
        }
        let arrived = order.actual_delivery_time.as_ref().and_then(instant);
        let promised = order.current_promised_date.as_ref().and_then(promised_date);
        if let Some((at, day)) = arrived.zip(promised) {
            summary.arrived_after_promised_day += u64::from(day.is_over(at));
            summary.arrived_after_its_start += u64::from(at > day.starts_at());
        }
    }
    summary.customers = customers.len() as u64;
}

pub(super) fn count_notifications(summary: &mut Summary, notifications: &[Notification]) {
    for notification in notifications {
        match notification.state() {
            State::Sent => {
                let by_language = summary.told.entry(notification.milestone.clone()).or_default();
                *by_language.entry(notification.language.clone()).or_default() += 1;
            }
            State::Queued | State::Deferred | State::Sending | State::Unspecified => summary.undelivered += 1,
            state => {
                let state = state.as_str_name().trim_start_matches("STATE_").to_lowercase();
                let reason = notification.reason().as_str_name().trim_start_matches("DECISION_REASON_").to_lowercase();
                *summary.not_sent.entry(format!("{state}: {reason}")).or_default() += 1;
            }
        }
    }
}

/// Orders with a broken promised day whose customer was warned before that day had passed.
pub(super) fn told_in_time(orders: &[Order], notifications: &[Notification]) -> u64 {
    let mut warned: HashMap<&str, Timestamp> = HashMap::new();
    for notification in notifications {
        let warns = notification.state() == State::Sent && WARNINGS.contains(&notification.milestone.as_str());
        if let Some(at) = notification.send_time.as_ref().and_then(instant).filter(|_| warns) {
            warned.entry(&notification.subject).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
    }
    let in_time = orders.iter().filter(|order| {
        let day = order.first_promised_date.as_ref().and_then(promised_date);
        order.promised_date_outcome() == PromisedDateOutcome::Broken
            && day.zip(warned.get(order.name.as_str())).is_some_and(|(day, at)| !day.is_over(*at))
    });
    in_time.count() as u64
}

fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

fn promised_date(promised: &PromisedDateMessage) -> Option<PromisedDate> {
    Some(PromisedDate::new(promised.date.parse().ok()?, Zone::parse(&promised.zone).ok()?))
}

/// Counts by name, as the services' own words.
pub(super) type Counts = BTreeMap<String, u64>;
