//! Messages that came in, over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    GetInboundMessageRequest, GetInboundMessageResponse, ListInboundMessagesRequest, ListInboundMessagesResponse,
    PublishMessagesRequest, PublishMessagesResponse, ReleaseInboundMessageRequest, ReleaseInboundMessageResponse,
    inbound_message_service_server::InboundMessageService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    Delivery, convert,
    intake::Intake,
    queries,
    release::{Release, ReleaseMessage},
    store,
};

/// Serves messages that came in.
#[derive(Clone)]
pub struct InboundRpc {
    db: Database,
    page_key: PageKey,
    intake: Intake,
    release: Release,
}

impl InboundRpc {
    /// Serves the messages of this database; `delivery` brings them to their tickets.
    pub fn new(foundation: &Foundation, delivery: &Delivery) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        let intake = Intake::new(db.clone(), clock, delivery.clone());
        Self { release: Release::new(db.clone(), delivery.clone()), intake, db, page_key }
    }
}

#[tonic::async_trait]
impl InboundMessageService for InboundRpc {
    async fn publish_messages(
        &self,
        request: Request<PublishMessagesRequest>,
    ) -> Result<Response<PublishMessagesResponse>, Status> {
        let (call, messages) = incoming(request, convert::messages)?;
        let results = self.intake.take(&call.principal, messages).await?;
        Ok(Response::new(PublishMessagesResponse { results }))
    }

    async fn get_inbound_message(
        &self,
        request: Request<GetInboundMessageRequest>,
    ) -> Result<Response<GetInboundMessageResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::wanted(&request.name))?;
        let message = store::load(&self.db, id).await?;
        Ok(Response::new(GetInboundMessageResponse { inbound_message: Some((&message).into()) }))
    }

    async fn list_inbound_messages(
        &self,
        request: Request<ListInboundMessagesRequest>,
    ) -> Result<Response<ListInboundMessagesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let inbound_messages = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListInboundMessagesResponse { inbound_messages, next_page_token: page.next_page_token }))
    }

    async fn release_inbound_message(
        &self,
        request: Request<ReleaseInboundMessageRequest>,
    ) -> Result<Response<ReleaseInboundMessageResponse>, Status> {
        let (write, command) = incoming_write(request, ReleaseMessage::try_from)?;
        let message = self.release.release(&write, command).await?;
        Ok(Response::new(ReleaseInboundMessageResponse { inbound_message: Some((&message).into()) }))
    }
}
