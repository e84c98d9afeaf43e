//! Reads of orders.

use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        self as pb, GetOrderRequest, ListOrdersRequest, ListOrdersResponse, OrderFilter,
        order_service_server::OrderService,
    },
};
use seva_values::new_id;
use sqlx::{Row, raw_sql};
use tonic::Status;

use crate::{
    shop::{SOURCE, Shop, delivered, kolkata, placed, placed_for},
    world::{call, is_refused, violations},
};

const TIME: &str = "2026-03-02T08:00:00Z";

async fn list(shop: &Shop, request: ListOrdersRequest) -> Result<ListOrdersResponse, Status> {
    Ok(shop.orders.list_orders(call("ListOrders", request)).await?.into_inner())
}

fn numbers(answer: &ListOrdersResponse) -> Vec<&str> {
    answer.orders.iter().map(|order| order.order_number.as_str()).collect()
}

/// Five orders of two customers, a second apart; the last two arrived, one of them late.
async fn five_orders() -> Shop {
    let shop = Shop::new().await;
    for (number, customer) in [("A-1", "17"), ("A-2", "18"), ("A-3", "17"), ("A-4", "18"), ("A-5", "17")] {
        shop.world.pass(1);
        let day = if number == "A-5" { kolkata("2026-03-01") } else { kolkata("2026-03-09") };
        shop.publish(vec![placed_for(number, customer, 1, TIME, day)]).await;
    }
    shop.publish(vec![delivered("A-4", "18", 2, TIME), delivered("A-5", "17", 2, TIME)]).await;
    shop
}

#[tokio::test]
async fn an_order_is_found_by_its_name_and_by_its_number() {
    let shop = Shop::new().await;
    shop.publish(vec![placed_for("A-1", "17", 1, TIME, kolkata("2026-03-09"))]).await;
    let by_number = shop.order("A-1").await;
    let name = by_number.order.as_ref().unwrap().name.clone();
    let request = GetOrderRequest { name, ..GetOrderRequest::default() };
    assert_eq!(shop.orders.get_order(call("GetOrder", request)).await.unwrap().into_inner(), by_number);
    assert_eq!(by_number.promised_dates.len(), 1);
}

#[tokio::test]
async fn an_order_that_does_not_exist_is_not_found_and_a_half_key_is_refused() {
    let shop = Shop::new().await;
    let get = |name: &str, source: &str, order_number: &str| {
        let (name, source, order_number) = (name.to_owned(), source.to_owned(), order_number.to_owned());
        shop.orders.get_order(call("GetOrder", GetOrderRequest { name, source, order_number }))
    };
    is_refused(get(&format!("orders/{}", new_id()), "", "").await, ErrorReason::ResourceNotFound);
    is_refused(get("", SOURCE, "A-1").await, ErrorReason::ResourceNotFound);
    let half = is_refused(get("", SOURCE, "").await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&half), [("order_number".to_owned(), "FIELD_REQUIRED".to_owned())]);
    let both = is_refused(get("orders/1", SOURCE, "").await, ErrorReason::FieldsInvalid);
    assert_eq!(
        violations(&both),
        [("name".to_owned(), "FIELDS_EXCLUSIVE".to_owned()), ("name".to_owned(), "NAME_MALFORMED".to_owned()),]
    );
}

#[tokio::test]
async fn lists_go_through_all_pages_in_both_orders() {
    let shop = five_orders().await;
    for (order_by, expected) in
        [("", ["A-1", "A-2", "A-3", "A-4", "A-5"]), ("create_time desc", ["A-5", "A-4", "A-3", "A-2", "A-1"])]
    {
        let mut request = ListOrdersRequest { page_size: 2, order_by: order_by.to_owned(), ..Default::default() };
        let mut seen = Vec::new();
        loop {
            let page = list(&shop, request.clone()).await.unwrap();
            seen.extend(numbers(&page).into_iter().map(str::to_owned));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn filters_hold_together_and_bind_the_page_token() {
    let shop = five_orders().await;
    let customer = shop.order("A-1").await.order.unwrap().customer;
    let filtered = |filter: OrderFilter| ListOrdersRequest { filter: Some(filter), ..ListOrdersRequest::default() };
    let of_customer = OrderFilter { customer: customer.clone(), ..OrderFilter::default() };
    assert_eq!(numbers(&list(&shop, filtered(of_customer.clone())).await.unwrap()), ["A-1", "A-3", "A-5"]);
    let arrived = OrderFilter { state: pb::order::State::Delivered.into(), ..OrderFilter::default() };
    assert_eq!(numbers(&list(&shop, filtered(arrived)).await.unwrap()), ["A-4", "A-5"]);
    let broken = OrderFilter {
        promised_date_outcome: pb::order::PromisedDateOutcome::Broken.into(),
        state: pb::order::State::Delivered.into(),
        ..of_customer.clone()
    };
    assert_eq!(numbers(&list(&shop, filtered(broken)).await.unwrap()), ["A-5"]);

    let page = list(&shop, ListOrdersRequest { page_size: 1, ..filtered(of_customer) }).await.unwrap();
    let other = ListOrdersRequest { page_token: page.next_page_token, ..ListOrdersRequest::default() };
    is_refused(list(&shop, other).await, ErrorReason::PageTokenInvalid);
    let unknown = OrderFilter { state: 77, customer: "orders/1".to_owned(), ..OrderFilter::default() };
    let refused = is_refused(list(&shop, filtered(unknown)).await, ErrorReason::FieldsInvalid);
    let fields: Vec<_> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["filter.customer", "filter.state"]);
}

#[tokio::test]
async fn every_list_reads_an_index_and_sorts_nothing_at_a_hundred_thousand_orders() {
    let shop = Shop::new().await;
    shop.publish(vec![placed("A-1", "17", 1, TIME)]).await;
    let owner = &shop.world.database.owner;
    let many = "insert into customer (id, version, given_name, family_name, languages, zone, availability, tier, provisional, created_at, updated_at)
        select gen_random_uuid(), 1, '', '', languages, zone, availability, tier, true, created_at, updated_at
        from customer, generate_series(1, 999);
        insert into customer_order (id, version, customer_id, source, order_number, state, steps, promised_dates, promised_date_outcome,
            delay_reason, carrier, tracking_number, source_sequence, observed_at, fresh_until, found, created_at)
        select gen_random_uuid(), 1, (array(select id from customer order by id))[1 + greatest(n % 1000 - 10, 0)], 's', n::text,
            case when n % 100 = 0 then 'canceled' else 'delivered' end, '{}', 0, case when n % 50 = 0 then 'broken' else 'kept' end,
            '', '', '', 1, '2026-03-02', '2026-03-02', 'nothing', '2026-03-02'::timestamptz + n * interval '1 second'
        from generate_series(1, 100000) as n;
        analyze";
    raw_sql(many).execute(owner).await.unwrap();
    // One order in a hundred is this one's.
    let busy = "select customer_id::text from customer_order group by customer_id order by count(*) desc limit 1";
    let id: String = sqlx::query_scalar(busy).fetch_one(owner).await.unwrap();
    for direction in ["", " desc"] {
        for (condition, index) in [
            ("true".to_owned(), "customer_order_created_at"),
            (format!("customer_id = '{id}'"), "customer_order_customer"),
            ("state = 'canceled'".to_owned(), "customer_order_state"),
            ("promised_date_outcome = 'broken'".to_owned(), "customer_order_outcome"),
        ] {
            // The shape of `Listing` for a page in the middle.
            let sql = format!(
                "explain select * from customer_order where true and {condition} and (created_at, id) {} ('2026-03-02 14:00', '{id}')
                 order by created_at{direction}, id{direction} limit 51",
                if direction.is_empty() { ">" } else { "<" }
            );
            let plan = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(owner).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
            let plan = plan.join("\n");
            assert!(
                plan.contains(index) && !plan.contains("Sort") && !plan.contains("Seq Scan"),
                "{condition}: {plan}"
            );
        }
    }
}
