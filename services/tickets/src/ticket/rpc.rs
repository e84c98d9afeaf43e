//! Tickets over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AssignTicketRequest, AssignTicketResponse, CancelTicketRequest, CancelTicketResponse, ConfirmTicketRequest,
    ConfirmTicketResponse, CreateTicketRequest, CreateTicketResponse, GetTicketRequest, GetTicketResponse,
    ListClockEventsRequest, ListClockEventsResponse, ListMessagesRequest, ListMessagesResponse, ListTicketsRequest,
    ListTicketsResponse, RecordVerificationCallRequest, RecordVerificationCallResponse, RedactMessageRequest,
    RedactMessageResponse, RejectTicketRequest, RejectTicketResponse, ReopenTicketRequest, ReopenTicketResponse,
    ReplyToTicketRequest, ReplyToTicketResponse, ResolveTicketRequest, ResolveTicketResponse, UpdateTicketRequest,
    UpdateTicketResponse, ticket_service_server::TicketService,
};
use seva_runtime::{BusinessClock, Error, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{
        AssignTicket, CancelTicket, Commands, CreateTicket, RedactMessage, ReopenTicket, ReplyToTicket, ResolveTicket,
        UpdateTicket, verification::RecordCall,
    },
    convert::{self, spoken_to_proto},
    model::Change,
    queries, store,
};
use crate::{clock, merge, message, view};

/// Serves tickets.
#[derive(Debug, Clone)]
pub struct TicketRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl TicketRpc {
    /// Serves the tickets of this database.
    pub fn new(foundation: &Foundation, commands: Commands) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, page_key, commands }
    }
}

#[tonic::async_trait]
impl TicketService for TicketRpc {
    async fn create_ticket(
        &self,
        request: Request<CreateTicketRequest>,
    ) -> Result<Response<CreateTicketResponse>, Status> {
        let (write, command) = incoming_write(request, CreateTicket::try_from)?;
        Ok(Response::new(self.commands.create(&write, command).await?))
    }

    async fn get_ticket(&self, request: Request<GetTicketRequest>) -> Result<Response<GetTicketResponse>, Status> {
        let (_, wanted) = incoming(request, |request| convert::wanted(&request.name))?;
        let ticket = queries::get(&self.db, wanted).await?;
        let ticket = merge::shown(&self.db, ticket).await?;
        Ok(Response::new(GetTicketResponse { ticket: Some((&ticket).into()) }))
    }

    async fn update_ticket(
        &self,
        request: Request<UpdateTicketRequest>,
    ) -> Result<Response<UpdateTicketResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateTicket::try_from)?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn list_tickets(
        &self,
        request: Request<ListTicketsRequest>,
    ) -> Result<Response<ListTicketsResponse>, Status> {
        let (call, (saved_view, asked)) = incoming(request, convert::list_query)?;
        let asked = match view::in_place(&self.db, &call.principal, saved_view).await? {
            Some((filter, order_by)) => asked.showing(filter, order_by),
            None => asked,
        };
        let member = view::member(&self.db, &call.principal, asked.filter.mine).await?;
        let query = asked.of(&self.page_key, member, self.clock.now())?;
        Ok(Response::new(queries::list(&self.db, &query).await?.into()))
    }

    async fn reply_to_ticket(
        &self,
        request: Request<ReplyToTicketRequest>,
    ) -> Result<Response<ReplyToTicketResponse>, Status> {
        let (write, command) = incoming_write(request, ReplyToTicket::try_from)?;
        Ok(Response::new(self.commands.reply(&write, command).await?))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let (_, (ticket, include_merged, page)) =
            incoming(request, |request| convert::messages_query(&request, &self.page_key))?;
        let ticket = store::load(&self.db, ticket).await?;
        let page = message::store::list(&self.db, ticket.id, include_merged, &page).await?;
        let messages = page.items.iter().map(|spoken| spoken_to_proto(&ticket, spoken)).collect();
        Ok(Response::new(ListMessagesResponse { messages, next_page_token: page.next_page_token }))
    }

    async fn redact_message(
        &self,
        request: Request<RedactMessageRequest>,
    ) -> Result<Response<RedactMessageResponse>, Status> {
        let (write, command) = incoming_write(request, RedactMessage::try_from)?;
        Ok(Response::new(self.commands.redact(&write, command).await?))
    }

    async fn list_clock_events(
        &self,
        request: Request<ListClockEventsRequest>,
    ) -> Result<Response<ListClockEventsResponse>, Status> {
        let (_, ticket) = incoming(request, |request| convert::parent(&request.parent))?;
        let ticket = store::load(&self.db, ticket).await?;
        let events = clock::store::events(self.db.calls(), ticket.id).await.map_err(Error::from)?;
        Ok(Response::new(ListClockEventsResponse { clock_events: events.iter().map(Into::into).collect() }))
    }

    async fn assign_ticket(
        &self,
        request: Request<AssignTicketRequest>,
    ) -> Result<Response<AssignTicketResponse>, Status> {
        let (write, command) = incoming_write(request, AssignTicket::try_from)?;
        Ok(Response::new(self.commands.assign(&write, command).await?))
    }

    async fn resolve_ticket(
        &self,
        request: Request<ResolveTicketRequest>,
    ) -> Result<Response<ResolveTicketResponse>, Status> {
        let (write, command) = incoming_write(request, ResolveTicket::try_from)?;
        Ok(Response::new(self.commands.resolve(&write, command).await?))
    }

    async fn confirm_ticket(
        &self,
        request: Request<ConfirmTicketRequest>,
    ) -> Result<Response<ConfirmTicketResponse>, Status> {
        let (write, command) = incoming_write(request, RecordCall::try_from)?;
        let answer = |change: &Change| ConfirmTicketResponse { ticket: Some((&change.ticket).into()) };
        Ok(Response::new(self.commands.record_call(&write, command, answer).await?))
    }

    async fn reject_ticket(
        &self,
        request: Request<RejectTicketRequest>,
    ) -> Result<Response<RejectTicketResponse>, Status> {
        let (write, command) = incoming_write(request, RecordCall::try_from)?;
        let answer = |change: &Change| RejectTicketResponse { ticket: Some((&change.ticket).into()) };
        Ok(Response::new(self.commands.record_call(&write, command, answer).await?))
    }

    async fn record_verification_call(
        &self,
        request: Request<RecordVerificationCallRequest>,
    ) -> Result<Response<RecordVerificationCallResponse>, Status> {
        let (write, command) = incoming_write(request, RecordCall::try_from)?;
        let answer = |change: &Change| RecordVerificationCallResponse { ticket: Some((&change.ticket).into()) };
        Ok(Response::new(self.commands.record_call(&write, command, answer).await?))
    }

    async fn reopen_ticket(
        &self,
        request: Request<ReopenTicketRequest>,
    ) -> Result<Response<ReopenTicketResponse>, Status> {
        let (write, command) = incoming_write(request, ReopenTicket::try_from)?;
        Ok(Response::new(self.commands.reopen(&write, command).await?))
    }

    async fn cancel_ticket(
        &self,
        request: Request<CancelTicketRequest>,
    ) -> Result<Response<CancelTicketResponse>, Status> {
        let (write, command) = incoming_write(request, CancelTicket::try_from)?;
        Ok(Response::new(self.commands.cancel(&write, command).await?))
    }
}
