//! Conversations and their links over gRPC: parse, call, reply. The link is the customer's credential.

use jiff::SignedDuration;
use seva_proto::tickets::v1::conversation_service_server::ConversationService;
use seva_proto::{
    common::v1::{
        Link as LinkMessage, LinkPurpose, MintLinksRequest, MintLinksResponse, link_service_server::LinkService,
    },
    tickets::v1::{
        AnswerResolutionRequest, AnswerResolutionResponse, Conversation, GetConversationRequest,
        GetConversationResponse, SendMessageRequest, SendMessageResponse, ticket,
    },
};
use seva_runtime::{
    BusinessClock, Error, Violations,
    auth::{LinkSigner, links::Link},
    incoming, incoming_write,
};
use seva_store::{Database, event::proto_timestamp, service::Foundation};
use seva_values::{Invalid, parse_name};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::PURPOSE;
use crate::{
    inbound::places,
    merge, message, recipient,
    ticket::{
        Commands, State, Ticket,
        commands::by_link::{AnswerResolution, SendMessage, is_current},
        convert::{by_link, number_of, spoken_to_proto},
        model::COLLECTION,
        store,
    },
};

/// How long a link leads to its ticket.
const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of customers of whom nothing is known.
const UTC: &str = "UTC";
/// Links of one request at most.
const MAX_LINKS: usize = 200;

/// Serves conversations.
#[derive(Debug, Clone)]
pub struct ConversationRpc {
    db: Database,
    clock: BusinessClock,
    links: LinkSigner,
    commands: Commands,
}

impl ConversationRpc {
    /// Serves the conversations of this database to whoever brings a link of `links`.
    pub fn new(foundation: &Foundation, links: LinkSigner, commands: Commands) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { db, clock, links, commands }
    }

    /// Where a link leads.
    fn verified(&self, token: &str) -> Result<(Uuid, u32), Error> {
        let Link { subject, generation, .. } = self.links.verify(token, PURPOSE, self.clock.now())?;
        let id = Uuid::try_parse(&subject).map_err(|_| Error::internal("a link of ours leads to no ticket"))?;
        Ok((id, generation))
    }

    /// What is carried on in another ticket of the customer's is seen there.
    async fn seen(&self, ticket: Ticket) -> Result<Conversation, Error> {
        let ticket = &merge::carried_for_customer(&self.db, ticket).await?;
        let messages = message::store::public(&self.db, ticket.id, ticket.customer).await?;
        let known = recipient::store::find(self.db.calls(), ticket.customer).await?;
        Ok(Conversation {
            number: number_of(ticket),
            title: ticket.title.clone(),
            state: ticket::State::from(ticket.state).into(),
            closure: seva_proto::tickets::v1::Ticket::from(ticket).closure,
            messages: messages.iter().map(|message| message_to_customer(ticket, message)).collect(),
            resolution: if ticket.state == State::Resolved { ticket.resolution } else { 0 },
            language: ticket.language.as_str().to_owned(),
            create_time: Some(proto_timestamp(ticket.created_at)),
            zone: known.map_or_else(|| UTC.to_owned(), |known| known.zone.name().to_owned()),
            accepts_messages: ticket.accepts_messages_of_customer(),
            carried_on_in: self.carried_on_in(ticket).await?,
        })
    }

    /// The number of the customer's ticket that has what is said about one that was closed or called off, if that is another one.
    async fn carried_on_in(&self, ticket: &Ticket) -> Result<String, Error> {
        // What is still merged here goes on in another customer's (TK52).
        if !ticket.is_over() || ticket.merged_into.is_some() {
            return Ok(String::new());
        }
        let place = places::targets(self.db.calls(), &[ticket.id]).await?.remove(&ticket.id);
        let Some(place) = place.filter(|place| place.ticket != ticket.id) else { return Ok(String::new()) };
        let carrier = store::load(&self.db, place.ticket).await?;
        Ok(if carrier.customer == ticket.customer { number_of(&carrier) } else { String::new() })
    }
}

/// Without who of us has written it, and what became of our mail: that is for staff.
fn message_to_customer(ticket: &Ticket, spoken: &message::Spoken) -> seva_proto::tickets::v1::Message {
    let seen = spoken_to_proto(ticket, spoken);
    seva_proto::tickets::v1::Message { author_name: String::new(), delivery: None, ..seen }
}

#[tonic::async_trait]
impl ConversationService for ConversationRpc {
    async fn get_conversation(
        &self,
        request: Request<GetConversationRequest>,
    ) -> Result<Response<GetConversationResponse>, Status> {
        let (_, (id, generation)) = incoming(request, |request| self.verified(&request.token))?;
        let ticket = store::load(&self.db, id).await?;
        is_current(&ticket, generation)?;
        Ok(Response::new(GetConversationResponse { conversation: Some(self.seen(ticket).await?) }))
    }

    async fn answer_resolution(
        &self,
        request: Request<AnswerResolutionRequest>,
    ) -> Result<Response<AnswerResolutionResponse>, Status> {
        let (mut write, command) = incoming_write(request, |request| {
            let (id, generation) = self.verified(&request.token)?;
            let AnswerResolutionRequest { resolution, solved, text, .. } = request;
            Ok(AnswerResolution { id, generation, resolution, solved, text: by_link(solved, &text)? })
        })?;
        // The answer is idempotent by itself, and holds words that are not kept a second time.
        write.request = None;
        let ticket = self.commands.answer(&write, command).await?;
        Ok(Response::new(AnswerResolutionResponse { conversation: Some(self.seen(ticket).await?) }))
    }

    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        let (write, command) = incoming_write(request, |request| {
            let (id, generation) = self.verified(&request.token)?;
            Ok(SendMessage { id, generation, text: by_link(false, &request.text)? })
        })?;
        let (id, generation) = (command.id, command.generation);
        let said = self.commands.send_message(&write, command).await?;
        let ticket = store::load(&self.db, id).await?;
        // What was said before is remembered longer than its link may lead here.
        is_current(&ticket, generation)?;
        Ok(Response::new(SendMessageResponse { conversation: Some(self.seen(ticket).await?), ..said }))
    }
}

/// Makes links to tickets for those who write to customers.
#[derive(Debug, Clone)]
pub struct LinkRpc {
    db: Database,
    clock: BusinessClock,
    links: LinkSigner,
}

impl LinkRpc {
    /// Makes links to the tickets of this database.
    pub fn new(foundation: &Foundation, links: LinkSigner) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { db, clock, links }
    }
}

#[tonic::async_trait]
impl LinkService for LinkRpc {
    async fn mint_links(&self, request: Request<MintLinksRequest>) -> Result<Response<MintLinksResponse>, Status> {
        let (_, ids) = incoming(request, |request| asked_for(&request))?;
        let generations = store::link_generations(&self.db, &ids).await?;
        let expires_at = self.clock.now() + LIFETIME;
        let link = |id: &Uuid| {
            let Some(generation) = generations.get(id).and_then(|generation| u32::try_from(*generation).ok()) else {
                return LinkMessage::default();
            };
            let link = Link { subject: id.to_string(), generation, expires_at };
            LinkMessage { token: self.links.sign(PURPOSE, &link), expire_time: Some(proto_timestamp(expires_at)) }
        };
        Ok(Response::new(MintLinksResponse { links: ids.iter().map(link).collect() }))
    }
}

fn asked_for(request: &MintLinksRequest) -> Result<Vec<Uuid>, Error> {
    let mut violations = Violations::default();
    if request.items.len() > MAX_LINKS {
        violations.add("items", Invalid::new("ITEMS_TOO_MANY", format!("{MAX_LINKS} at most")));
    }
    let mut ids = Vec::with_capacity(request.items.len());
    for (at, item) in request.items.iter().enumerate() {
        if item.purpose() != LinkPurpose::Ticket {
            let fault = Invalid::new("PURPOSE_FOREIGN", "this service makes links to tickets only");
            violations.add(format!("items[{at}].purpose"), fault);
        }
        ids.extend(violations.take(format!("items[{at}].subject"), parse_name(COLLECTION, &item.subject)));
    }
    violations.finish(Some(ids))
}
