//! Dead letters over gRPC.

use seva_proto::events::v1::{
    GetDeadLetterRequest, GetDeadLetterResponse, ListDeadLettersRequest, ListDeadLettersResponse,
    RetryDeadLetterRequest, RetryDeadLetterResponse, SkipDeadLetterRequest, SkipDeadLetterResponse, dead_letter::State,
    dead_letter_service_server::DeadLetterService,
};
use seva_runtime::{Error, Violations, incoming, incoming_write};
use seva_values::{Invalid, id::parse_name};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    COLLECTION, DeadLetter, get, list,
    retry::{Resolution, resolve},
};
use crate::{
    Database,
    consumer::Consumer,
    idempotency::once,
    paging::{PageKey, PageRequest},
};

/// Serves the dead letters of a service's consumers.
#[derive(Clone)]
pub struct DeadLetterRpc {
    db: Database,
    page_key: PageKey,
    consumers: Vec<Consumer>,
}

impl DeadLetterRpc {
    /// Serves the dead letters of these consumers, which are all that the service has.
    pub fn new(db: Database, page_key: PageKey, consumers: Vec<Consumer>) -> Self {
        Self { db, page_key, consumers }
    }

    /// A letter and the consumer that can apply it.
    async fn find(&self, id: Uuid) -> Result<(DeadLetter, &Consumer), Error> {
        let letter = get(&self.db, id).await?;
        let consumer = self
            .consumers
            .iter()
            .find(|consumer| consumer.name() == letter.consumer && consumer.source() == letter.source)
            .ok_or_else(|| Error::internal(format!("no consumer {} of {}", letter.consumer, letter.source)))?;
        Ok((letter, consumer))
    }
}

fn parse_id(name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

#[tonic::async_trait]
impl DeadLetterService for DeadLetterRpc {
    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        let request = request.into_inner();
        let query = format!("{}/{}", request.consumer, request.state);
        let page = PageRequest::parse(&self.page_key, "deadLetters", &query, request.page_size, &request.page_token)?;
        let state = match request.state() {
            State::Unspecified => None,
            State::Dead => Some("dead"),
            State::Parked => Some("parked"),
        };
        let consumer = (!request.consumer.is_empty()).then_some(request.consumer.as_str());
        let found = list(&self.db, consumer, state, &page).await?;
        Ok(Response::new(ListDeadLettersResponse {
            dead_letters: found.items.into_iter().map(Into::into).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn get_dead_letter(
        &self,
        request: Request<GetDeadLetterRequest>,
    ) -> Result<Response<GetDeadLetterResponse>, Status> {
        let (_, id) = incoming(request, |request| parse_id(&request.name))?;
        let letter = get(&self.db, id).await?;
        Ok(Response::new(GetDeadLetterResponse { dead_letter: Some(letter.into()) }))
    }

    async fn retry_dead_letter(
        &self,
        request: Request<RetryDeadLetterRequest>,
    ) -> Result<Response<RetryDeadLetterResponse>, Status> {
        let (write, id) = incoming_write(request, |request| parse_id(&request.name))?;
        let reply = once(&self.db, &write, async {
            let (letter, consumer) = self.find(id).await?;
            let reply = |applied| RetryDeadLetterResponse { applied };
            resolve(&self.db, consumer, &letter, Resolution::Retry, &write, reply).await
        });
        Ok(Response::new(reply.await?))
    }

    async fn skip_dead_letter(
        &self,
        request: Request<SkipDeadLetterRequest>,
    ) -> Result<Response<SkipDeadLetterResponse>, Status> {
        let (write, (id, reason)) = incoming_write(request, |request| {
            let mut violations = Violations::default();
            let id = violations.take("name", parse_name(COLLECTION, &request.name));
            if request.reason.trim().is_empty() {
                violations.add("reason", Invalid::new("FIELD_REQUIRED", "say why the event is given up"));
            }
            violations.finish(id.map(|id| (id, request.reason)))
        })?;
        let reply = once(&self.db, &write, async {
            let (letter, consumer) = self.find(id).await?;
            let reply = |applied| SkipDeadLetterResponse { applied };
            resolve(&self.db, consumer, &letter, Resolution::Skip(reason), &write, reply).await
        });
        Ok(Response::new(reply.await?))
    }
}
