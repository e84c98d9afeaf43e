//! Orders over gRPC: parse, call, reply.

use seva_proto::customers::v1::{
    GetOrderRequest, GetOrderResponse, ListOrdersRequest, ListOrdersResponse, order_service_server::OrderService,
};
use seva_runtime::incoming;
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    convert,
    queries::{self, GetOrder},
};

/// Serves orders.
#[derive(Debug, Clone)]
pub struct OrderRpc {
    db: Database,
    page_key: PageKey,
}

impl OrderRpc {
    /// Serves the orders of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, page_key, .. } = foundation.clone();
        Self { db, page_key }
    }
}

#[tonic::async_trait]
impl OrderService for OrderRpc {
    async fn get_order(&self, request: Request<GetOrderRequest>) -> Result<Response<GetOrderResponse>, Status> {
        let (_, which) = incoming(request, GetOrder::try_from)?;
        let (order, promised_dates) = queries::get(&self.db, which).await?;
        let promised_dates = promised_dates.iter().map(Into::into).collect();
        Ok(Response::new(GetOrderResponse { order: Some((&order).into()), promised_dates }))
    }

    async fn list_orders(&self, request: Request<ListOrdersRequest>) -> Result<Response<ListOrdersResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let orders = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListOrdersResponse { orders, next_page_token: page.next_page_token }))
    }
}
