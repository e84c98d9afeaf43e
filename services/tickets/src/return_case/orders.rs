//! Orders, kept from the customers service's events, and what of each can still be given back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{OrderEvent, order::State},
};
use seva_runtime::Error;
use seva_store::Fault;
use seva_values::{Invalid, format_name, parse_name};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::model::Item;

/// Names of orders.
pub const COLLECTION: &str = "orders";

/// An order as far as something can be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// Of the event that told it.
    pub sequence: i64,
    /// Whose it is.
    pub customer: Uuid,
    /// Its number at the seller.
    pub order_number: String,
    /// What was ordered.
    pub items: Vec<Ordered>,
    /// Whether it has arrived.
    pub delivered: bool,
}

/// So many of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// What it is, as the seller calls it.
    pub item: String,
    /// How many.
    pub quantity: i64,
}

impl Order {
    /// What an event with this sequence says; `None` of an order that names nothing that could be given back.
    ///
    /// # Errors
    /// An event that does not hold what the contract says.
    pub fn heard(sequence: i64, event: OrderEvent) -> Result<Option<Self>, Invalid> {
        let order = event.order.unwrap_or_default();
        if order.items.is_empty() {
            return Ok(None);
        }
        let delivered = order.state() == State::Delivered;
        let items = order.items.into_iter().map(|item| Ordered { item: item.item, quantity: item.quantity });
        Ok(Some(Self {
            id: parse_name(COLLECTION, &order.name)?,
            sequence,
            customer: parse_name("customers", &order.customer)?,
            order_number: order.order_number,
            items: items.collect(),
            delivered,
        }))
    }
}

/// Writes what events told, each only over an older one, in the order of ids.
///
/// # Errors
/// When the statement fails.
pub async fn save(connection: &mut PgConnection, heard: &[Order]) -> Result<(), Fault> {
    let mut newest: BTreeMap<Uuid, &Order> = BTreeMap::new();
    for order in heard {
        let known = newest.entry(order.id).or_insert(order);
        if order.sequence > known.sequence {
            *known = order;
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    let newest: Vec<&Order> = newest.into_values().collect();
    sqlx::query!(
        "insert into customer_order as o (id, sequence, customer_id, order_number, items, delivered)
         select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::jsonb[], $6::bool[])
         on conflict on constraint customer_order_pkey do update
         set sequence = excluded.sequence, items = excluded.items, delivered = excluded.delivered
         where excluded.sequence > o.sequence",
        &newest.iter().map(|order| order.id).collect::<Vec<_>>(),
        &newest.iter().map(|order| order.sequence).collect::<Vec<_>>(),
        &newest.iter().map(|order| order.customer).collect::<Vec<_>>(),
        &newest.iter().map(|order| order.order_number.clone()).collect::<Vec<_>>(),
        &newest.iter().map(|order| Json(&order.items)).collect::<Vec<_>>() as _,
        &newest.iter().map(|order| order.delivered).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// TK71: locks an order of a customer until the transaction ends, and refuses to take back more of it than was delivered and has not come back
/// in another case. Answers the order's number.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `STATE_FORBIDS` for an order of another customer or one that has not arrived, `RETURN_EXCEEDS_DELIVERED`.
pub async fn set_aside(
    connection: &mut PgConnection,
    id: Uuid,
    customer: Uuid,
    items: &[Item],
) -> Result<String, Fault> {
    let name = format_name(COLLECTION, id);
    let order = sqlx::query!(
        r#"select customer_id, order_number, delivered, items as "items: Json<Vec<Ordered>>" from customer_order where id = $1 for update"#,
        id
    );
    let order = order.fetch_optional(&mut *connection).await?.ok_or_else(|| Error::not_found(name.clone()))?;
    let forbidden = |why: &'static str| Error::precondition(ErrorReason::StateForbids, "TK71", name.clone(), why);
    if order.customer_id != customer {
        return Err(forbidden("the order is of the ticket's customer").into());
    }
    if !order.delivered {
        return Err(forbidden("the order has arrived: before that it can be called off").into());
    }
    // Only now, with the order locked: the sum is of its own statement and sees what others have committed.
    let returned = sqlx::query!(
        r#"select x.item as "item!", sum(coalesce(x.accepted, x.quantity))::bigint as "quantity!"
           from return_case c, jsonb_to_recordset(c.items) as x (item text, quantity bigint, accepted bigint)
           where c.order_id = $1 and c.state <> 'canceled'
           group by x.item"#,
        id
    );
    let returned = returned.fetch_all(connection).await?;
    for item in items {
        let delivered: i64 = order.items.0.iter().filter(|of| of.item == item.item).map(|of| of.quantity).sum();
        let back: i64 = returned.iter().filter(|row| row.item == item.item).map(|row| row.quantity).sum();
        let available = (delivered - back).max(0);
        if item.quantity > available {
            let why = "no more comes back than was delivered";
            let refusal = Error::precondition(ErrorReason::ReturnExceedsDelivered, "TK71", name, why);
            let refusal = refusal.with_metadata("item", item.item.clone());
            return Err(refusal.with_metadata("available_quantity", available.to_string()).into());
        }
    }
    Ok(order.order_number)
}
