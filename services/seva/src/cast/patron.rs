//! What customers do with the links that they are sent.

use anyhow::{Context, anyhow};
use seva_proto::{
    common::v1::{LinkPurpose, MintLinksRequest, link_service_client::LinkServiceClient, mint_links_request::Item},
    surveys::v1::{
        Answer, GetQuestionnaireRequest, Question, Questionnaire, SaveAnswersRequest, answer::Value, question::Kind,
        response_service_client::ResponseServiceClient,
    },
    tickets::v1::{AnswerResolutionRequest, Conversation, conversation_service_client::ConversationServiceClient},
};
use seva_runtime::client::{Identity, Peer};

use super::request_id;
use crate::{assembly::portal, failure::Failure, instance::Instance};

/// Customers who open their links, as the portal does for them.
#[derive(Debug, Clone)]
pub struct Patron {
    conversations: ConversationServiceClient<Peer>,
    responses: ResponseServiceClient<Peer>,
    ticket_links: LinkServiceClient<Peer>,
    survey_links: LinkServiceClient<Peer>,
}

impl Patron {
    /// The customers of an installation.
    ///
    /// # Errors
    /// A service is missing.
    pub fn new(instance: &Instance) -> Result<Self, Failure> {
        let of = |caller: &str, service: &str| {
            let signer = instance.keyring.services.get(caller).with_context(|| format!("{caller} has no key"))?;
            let identity = Identity::Service { signer: signer.clone(), audience: format!("service:{service}") };
            instance.peer(service, identity)
        };
        Ok(Self {
            conversations: ConversationServiceClient::new(of(portal::NAME, seva_tickets::NAME)?),
            responses: ResponseServiceClient::new(of(portal::NAME, seva_surveys::NAME)?),
            ticket_links: LinkServiceClient::new(of(seva_notifications::NAME, seva_tickets::NAME)?),
            survey_links: LinkServiceClient::new(of(seva_notifications::NAME, seva_surveys::NAME)?),
        })
    }

    /// Says whether the resolution of a ticket solved it; with `text`, why not.
    ///
    /// # Errors
    /// It is refused.
    pub async fn answers_resolution(
        &mut self,
        ticket: &str,
        resolution: i32,
        solved: bool,
        text: &str,
    ) -> Result<Conversation, Failure> {
        let token = link(&mut self.ticket_links, LinkPurpose::Ticket, ticket).await?;
        let request = AnswerResolutionRequest {
            token,
            resolution,
            solved,
            text: text.to_owned(),
            request_id: request_id(&format!("answer {ticket} {resolution}")),
        };
        let answered = self.conversations.answer_resolution(request).await;
        let answered = answered.map_err(|status| anyhow!("{ticket} cannot be answered: {status}"))?.into_inner();
        Ok(answered.conversation.with_context(|| format!("{ticket} was answered without a conversation"))?)
    }

    /// Answers every question of a survey: scores out of five with `score`, those out of ten in proportion, and nothing in words.
    ///
    /// # Errors
    /// It is refused.
    pub async fn answers_survey(&mut self, invitation: &str, score: i32) -> Result<Questionnaire, Failure> {
        let token = link(&mut self.survey_links, LinkPurpose::Survey, invitation).await?;
        let read = self.responses.get_questionnaire(GetQuestionnaireRequest { token: token.clone() }).await;
        let read = read.map_err(|status| anyhow!("{invitation} cannot be read: {status}"))?.into_inner();
        let asked = read.questionnaire.with_context(|| format!("{invitation} was answered without questions"))?;
        let request = SaveAnswersRequest {
            token,
            revision: asked.revision,
            answers: answers(&asked, score),
            complete: true,
            request_id: request_id(&format!("survey {invitation}")),
        };
        let saved = self.responses.save_answers(request).await;
        let saved = saved.map_err(|status| anyhow!("{invitation} cannot be answered: {status}"))?.into_inner();
        Ok(saved.questionnaire.with_context(|| format!("{invitation} was saved without questions"))?)
    }
}

/// As a message to the customer would bring it.
async fn link(links: &mut LinkServiceClient<Peer>, purpose: LinkPurpose, subject: &str) -> Result<String, Failure> {
    let item = Item { purpose: purpose.into(), subject: subject.to_owned() };
    let made = links.mint_links(MintLinksRequest { items: vec![item] }).await;
    let made = made.map_err(|status| anyhow!("no link to {subject} can be made: {status}"))?.into_inner();
    let link = made.links.into_iter().next().filter(|link| !link.token.is_empty());
    Ok(link.with_context(|| format!("there is nothing at {subject} that a link could lead to"))?.token)
}

fn answers(asked: &Questionnaire, score: i32) -> Vec<Answer> {
    let questions = asked.survey_version.iter().flat_map(|version| &version.questions);
    let answer = |question: &Question| {
        let value = match question.kind() {
            Kind::Csat => Value::Score(score),
            Kind::Nps => Value::Score(score * 2),
            Kind::SingleChoice => Value::ChoiceId(question.choices.first()?.choice_id.clone()),
            Kind::Text | Kind::Unspecified => return None,
        };
        Some(Answer { question_id: question.question_id.clone(), value: Some(value) })
    };
    questions.filter_map(answer).collect()
}
