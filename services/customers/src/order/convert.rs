//! Orders from and to the contract.

use seva_proto::customers::v1::{self as pb, OrderEvent};
use seva_runtime::{Error, Violations};
use seva_store::{
    event::proto_timestamp,
    paging::{Order as SortOrder, PageKey, PageRequest},
};
use seva_values::{Invalid, WebLink, format_name, parse_name};

use super::{
    model::{Happening, Item, Order, PromisedDateChange, PromisedDateOutcome, State, What},
    queries::{GetOrder, ListOrders, ORDERS},
};

/// Collection of orders' names.
pub const COLLECTION: &str = "orders";

impl TryFrom<pb::GetOrderRequest> for GetOrder {
    type Error = Error;

    fn try_from(request: pb::GetOrderRequest) -> Result<Self, Error> {
        let pb::GetOrderRequest { name, source, order_number } = request;
        let mut violations = Violations::default();
        if !name.is_empty() {
            if !source.is_empty() || !order_number.is_empty() {
                violations.add("name", Invalid::new("FIELDS_EXCLUSIVE", "stands instead of source and order_number"));
            }
            let id = violations.take("name", parse_name(COLLECTION, &name));
            return violations.finish(id.map(Self::ById));
        }
        let source = violations.required("source", (!source.is_empty()).then_some(source));
        let order_number = violations.required("order_number", (!order_number.is_empty()).then_some(order_number));
        let by_number = source.zip(order_number);
        violations.finish(by_number.map(|(source, order_number)| Self::ByNumber { source, order_number }))
    }
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListOrdersRequest, key: &PageKey) -> Result<ListOrders, Error> {
    let pb::ListOrdersRequest { page_size, page_token, order_by, filter } = request;
    let filter = filter.unwrap_or_default();
    let mut violations = Violations::default();
    let order = violations.take("order_by", SortOrder::parse(ORDERS, &order_by));
    let customer_id = match filter.customer.as_str() {
        "" => Some(None),
        name => violations.take("filter.customer", parse_name("customers", name)).map(Some),
    };
    let state = violations.take("filter.state", parse_state(filter.state));
    let outcome = violations.take("filter.promised_date_outcome", parse_outcome(filter.promised_date_outcome));
    let parsed = order.zip(customer_id).zip(state.zip(outcome));
    let ((order, customer_id), (state, promised_date_outcome)) = violations.finish(parsed)?;
    let query = format!("{}/{customer_id:?}/{state:?}/{promised_date_outcome:?}", order.name);
    let page = PageRequest::parse(key, "orders", &query, page_size, &page_token)?;
    Ok(ListOrders { order, customer_id, state, promised_date_outcome, page })
}

fn parse_state(state: i32) -> Result<Option<State>, Invalid> {
    Ok(Some(match pb::order::State::try_from(state) {
        Ok(pb::order::State::Unspecified) => return Ok(None),
        Ok(pb::order::State::Placed) => State::Placed,
        Ok(pb::order::State::Confirmed) => State::Confirmed,
        Ok(pb::order::State::InManufacture) => State::InManufacture,
        Ok(pb::order::State::HandedToCarrier) => State::HandedToCarrier,
        Ok(pb::order::State::InTransit) => State::InTransit,
        Ok(pb::order::State::OutForDelivery) => State::OutForDelivery,
        Ok(pb::order::State::Delivered) => State::Delivered,
        Ok(pb::order::State::Canceled) => State::Canceled,
        Ok(pb::order::State::Unavailable) => State::Unavailable,
        Err(_) => return Err(Invalid::new("STATE_UNKNOWN", "has to be a known state")),
    }))
}

fn parse_outcome(outcome: i32) -> Result<Option<PromisedDateOutcome>, Invalid> {
    Ok(Some(match pb::order::PromisedDateOutcome::try_from(outcome) {
        Ok(pb::order::PromisedDateOutcome::Unspecified) => return Ok(None),
        Ok(pb::order::PromisedDateOutcome::Open) => PromisedDateOutcome::Open,
        Ok(pb::order::PromisedDateOutcome::Kept) => PromisedDateOutcome::Kept,
        Ok(pb::order::PromisedDateOutcome::Broken) => PromisedDateOutcome::Broken,
        Ok(pb::order::PromisedDateOutcome::Withdrawn) => PromisedDateOutcome::Withdrawn,
        Err(_) => return Err(Invalid::new("OUTCOME_UNKNOWN", "has to be a known outcome")),
    }))
}

impl From<State> for pb::order::State {
    fn from(state: State) -> Self {
        match state {
            State::Placed => Self::Placed,
            State::Confirmed => Self::Confirmed,
            State::InManufacture => Self::InManufacture,
            State::HandedToCarrier => Self::HandedToCarrier,
            State::InTransit => Self::InTransit,
            State::OutForDelivery => Self::OutForDelivery,
            State::Delivered => Self::Delivered,
            State::Canceled => Self::Canceled,
            State::Unavailable => Self::Unavailable,
        }
    }
}

impl From<PromisedDateOutcome> for pb::order::PromisedDateOutcome {
    fn from(outcome: PromisedDateOutcome) -> Self {
        match outcome {
            PromisedDateOutcome::Open => Self::Open,
            PromisedDateOutcome::Kept => Self::Kept,
            PromisedDateOutcome::Broken => Self::Broken,
            PromisedDateOutcome::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<&Order> for pb::Order {
    fn from(order: &Order) -> Self {
        let delayed = order.is_delayed();
        let outcome = order.promised_date_outcome();
        let Order {
            id,
            version,
            customer_id,
            source,
            order_number,
            state,
            total,
            items,
            steps,
            first_promised_date,
            current_promised_date,
            promised_dates: _,
            promised_at: _,
            actual_delivery_at,
            delay_reason,
            carrier,
            tracking_number,
            tracking_link,
            source_sequence,
            observed_at,
            fresh_until,
            found: _,
            due_at: _,
            created_at: _,
        } = order;
        let step = |(step, at): (&State, &jiff::Timestamp)| pb::order::Step {
            state: pb::order::State::from(*step).into(),
            time: Some(proto_timestamp(*at)),
        };
        let item = |of: &Item| pb::OrderItem { item: of.item.clone(), quantity: of.quantity };
        Self {
            name: format_name(COLLECTION, *id),
            customer: format_name("customers", *customer_id),
            source: source.clone(),
            order_number: order_number.clone(),
            state: pb::order::State::from(*state).into(),
            total: total.map(Into::into),
            steps: steps.iter().map(step).collect(),
            first_promised_date: first_promised_date.as_ref().map(Into::into),
            current_promised_date: current_promised_date.as_ref().map(Into::into),
            actual_delivery_time: actual_delivery_at.map(proto_timestamp),
            promised_date_outcome: outcome.map_or(0, |outcome| pb::order::PromisedDateOutcome::from(outcome).into()),
            delayed,
            delay_reason: delay_reason.clone(),
            carrier: carrier.clone(),
            tracking_number: tracking_number.clone(),
            tracking_link: tracking_link.as_ref().map_or_else(String::new, |link| WebLink::as_str(link).to_owned()),
            source_sequence: *source_sequence,
            observe_time: Some(proto_timestamp(*observed_at)),
            fresh_until: Some(proto_timestamp(*fresh_until)),
            version: *version,
            items: items.iter().map(item).collect(),
        }
    }
}

impl From<&PromisedDateChange> for pb::PromisedDateChange {
    fn from(change: &PromisedDateChange) -> Self {
        let PromisedDateChange { number, promised_date, reason, promised_at } = change;
        Self {
            number: *number,
            promised_date: Some(promised_date.into()),
            reason: reason.clone(),
            time: Some(proto_timestamp(*promised_at)),
        }
    }
}

/// The payload of a happening's event.
pub fn event_of(happening: &Happening) -> OrderEvent {
    let Happening { what: _, at: _, order, overtaken, previous_promised_date, location, reason } = happening;
    OrderEvent {
        order: Some(order.into()),
        previous_promised_date: previous_promised_date.as_ref().map(Into::into),
        overtaken: *overtaken,
        location: location.clone(),
        reason: reason.clone(),
    }
}

impl What {
    /// The type of its event.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Step(State::Placed) => "seva.customers.order.placed.v1",
            Self::Step(State::Confirmed) => "seva.customers.order.confirmed.v1",
            Self::Step(State::InManufacture) => "seva.customers.order.in_manufacture.v1",
            Self::Step(State::HandedToCarrier) => "seva.customers.order.handed_to_carrier.v1",
            Self::Step(State::InTransit) => "seva.customers.order.in_transit.v1",
            Self::Step(State::OutForDelivery) => "seva.customers.order.out_for_delivery.v1",
            Self::Step(State::Delivered) => "seva.customers.order.delivered.v1",
            Self::Step(State::Canceled) => "seva.customers.order.canceled.v1",
            Self::Step(State::Unavailable) => "seva.customers.order.unavailable.v1",
            Self::Scanned => "seva.customers.order.scanned.v1",
            Self::Delayed => "seva.customers.order.delayed.v1",
            Self::Rescheduled => "seva.customers.order.rescheduled.v1",
            Self::PromisedDayAtRisk => "seva.customers.order.promised_day_at_risk.v1",
            Self::PromisedDayMissed => "seva.customers.order.promised_day_missed.v1",
        }
    }
}
