//! Responses over gRPC: parse, call, reply. The link is the customer's credential.

use seva_proto::surveys::v1::{
    GetQuestionnaireRequest, GetQuestionnaireResponse, ListResponsesRequest, ListResponsesResponse, SaveAnswersRequest,
    SaveAnswersResponse, response_service_server::ResponseService,
};
use seva_runtime::{Error, auth::LinkSigner, incoming, incoming_write};
use seva_store::{Database, due::Bell, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{commands::ByLink, convert, model::Save, queries};
use crate::survey::Versions;

/// Serves responses.
#[derive(Debug, Clone)]
pub struct ResponseRpc {
    db: Database,
    page_key: PageKey,
    by_link: ByLink,
}

impl ResponseRpc {
    /// Serves the responses of this database, to whoever brings a link of `links`; rings `expiries` when an answer has changed what is due.
    #[must_use]
    pub fn new(foundation: &Foundation, versions: Versions, links: LinkSigner, expiries: Bell) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { by_link: ByLink::new(db.clone(), clock, versions, links, expiries), db, page_key }
    }
}

#[tonic::async_trait]
impl ResponseService for ResponseRpc {
    async fn get_questionnaire(
        &self,
        request: Request<GetQuestionnaireRequest>,
    ) -> Result<Response<GetQuestionnaireResponse>, Status> {
        let (_, linked) = incoming(request, |request| self.by_link.verified(&request.token))?;
        let questionnaire = self.by_link.questionnaire(linked).await?;
        Ok(Response::new(GetQuestionnaireResponse { questionnaire: Some(questionnaire.into()) }))
    }

    async fn save_answers(
        &self,
        request: Request<SaveAnswersRequest>,
    ) -> Result<Response<SaveAnswersResponse>, Status> {
        let (write, (linked, revision, answers, complete)) = incoming_write(request, |request| {
            let SaveAnswersRequest { token, revision, answers, complete, request_id: _ } = request;
            let answers: Vec<_> = answers.into_iter().map(Into::into).collect();
            Ok((self.by_link.verified(&token)?, revision, answers, complete))
        })?;
        let request = write.request.ok_or_else(|| Error::internal("a call without a request id"))?;
        let save = Save { revision, answers, complete, request: (request.id, request.hash) };
        let questionnaire = self.by_link.save(&write, linked, save).await?;
        Ok(Response::new(SaveAnswersResponse { questionnaire: Some(questionnaire.into()) }))
    }

    async fn list_responses(
        &self,
        request: Request<ListResponsesRequest>,
    ) -> Result<Response<ListResponsesResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let responses = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListResponsesResponse { responses, next_page_token: page.next_page_token }))
    }
}
