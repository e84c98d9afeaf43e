//! Responses to the contract, and requests from it.

use seva_proto::surveys::v1::{
    self as pb, ResponseEvent, answer::Value as ValueMessage, response::State as StateMessage, response_event::Score,
};
use seva_runtime::{Error, Violations};
use seva_store::{
    NewEvent,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::format_name;
use uuid::Uuid;

use super::{
    commands::Questionnaire,
    model::{Answered, Change, Response, State},
    queries::ListResponses,
};
use crate::{
    invitation::convert::{name as invitation_name, optional_name},
    programme,
    recipient::model::ENGLISH,
    survey::{self, Answer, Value},
};

/// Collection of responses' names.
const COLLECTION: &str = "responses";

/// The resource name of a response.
#[must_use]
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// Reads a request for a list.
pub fn list_query(request: pb::ListResponsesRequest, key: &PageKey) -> Result<ListResponses, Error> {
    let pb::ListResponsesRequest { page_size, page_token, programme, customer } = request;
    let mut violations = Violations::default();
    let query = format!("{programme}/{customer}");
    let programme = optional_name(&mut violations, "programme", programme::COLLECTION, &programme);
    let customer = optional_name(&mut violations, "customer", "customers", &customer);
    let (programme, customer) = violations.finish(programme.zip(customer))?;
    let page = PageRequest::parse(key, COLLECTION, &query, page_size, &page_token)?;
    Ok(ListResponses { programme, customer, page })
}

impl From<pb::Answer> for Answer {
    fn from(answer: pb::Answer) -> Self {
        let pb::Answer { question_id, value } = answer;
        let value = value.map(|value| match value {
            ValueMessage::Score(score) => Value::Score(score),
            ValueMessage::ChoiceId(choice) => Value::Choice(choice),
            ValueMessage::Text(text) => Value::Text(text),
        });
        Self { question_id, value }
    }
}

impl From<&Answered> for pb::Answer {
    fn from(answered: &Answered) -> Self {
        let Answered { question_id, position: _, kind: _, value } = answered;
        let value = match value.clone() {
            Value::Score(score) => ValueMessage::Score(score),
            Value::Choice(choice) => ValueMessage::ChoiceId(choice),
            Value::Text(text) => ValueMessage::Text(text),
        };
        Self { question_id: question_id.clone(), value: Some(value) }
    }
}

impl From<State> for StateMessage {
    fn from(state: State) -> Self {
        match state {
            State::InProgress => Self::InProgress,
            State::Completed => Self::Completed,
            State::Partial => Self::Partial,
        }
    }
}

impl From<&Response> for pb::Response {
    fn from(response: &Response) -> Self {
        let Response {
            id,
            version: _,
            invitation,
            programme,
            customer,
            survey_version: (survey, number),
            state,
            answers,
            revision,
            created_at,
            completed_at,
            saved_by: _,
        } = response;
        Self {
            name: name(*id),
            invitation: invitation_name(*invitation),
            programme: programme::name(*programme),
            customer: format_name("customers", *customer),
            survey_version: survey::version_name(*survey, *number),
            state: StateMessage::from(*state).into(),
            answers: answers.iter().map(Into::into).collect(),
            revision: *revision,
            create_time: Some(proto_timestamp(*created_at)),
            complete_time: completed_at.map(proto_timestamp),
        }
    }
}

impl From<Questionnaire> for pb::Questionnaire {
    fn from(questionnaire: Questionnaire) -> Self {
        let Questionnaire { invitation, version, response, is_closed } = questionnaire;
        let language = invitation.language.as_ref().map_or(ENGLISH, |language| language.as_str()).to_owned();
        let state = response.as_ref().map_or(StateMessage::Unspecified, |response| response.state.into());
        Self {
            survey_version: Some(version.as_ref().into()),
            language,
            answers: response.iter().flat_map(|response| &response.answers).map(Into::into).collect(),
            revision: response.as_ref().map_or(0, |response| response.revision),
            state: state.into(),
            closed: is_closed,
            expire_time: invitation.expire_at.map(proto_timestamp),
        }
    }
}

/// The event of a change: scores and choices, and nobody's words (SU16).
pub fn event_of(change: &Change) -> NewEvent {
    let Change { after, happening, at, story, subject, staff_member } = change;
    let (survey, number) = after.survey_version;
    let score = |answered: &Answered| {
        let question_id = answered.question_id.clone();
        match &answered.value {
            Value::Score(score) => Some(Score { question_id, score: Some(*score), ..Score::default() }),
            Value::Choice(choice_id) => Some(Score { question_id, choice_id: choice_id.clone(), ..Score::default() }),
            Value::Text(_) => None,
        }
    };
    let payload = ResponseEvent {
        response: name(after.id),
        invitation: invitation_name(after.invitation),
        programme: programme::name(after.programme),
        customer: format_name("customers", after.customer),
        survey_version: survey::version_name(survey, number),
        state: StateMessage::from(after.state).into(),
        scores: after.answers.iter().filter_map(score).collect(),
        subject: subject.clone(),
        staff_member: staff_member.map(|id| format_name("staffMembers", id)).unwrap_or_default(),
        version: after.version,
    };
    NewEvent::new(happening.event_kind(), name(after.id), after.version, *at, story.clone(), &payload)
}
