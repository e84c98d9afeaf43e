//! The survey page: the questions in the customer's language with what was saved, and the saving of answers.
//!
//! A link may carry a choice (`?score=4`, `?q_<question>=..`): it is only preselected, so that a scanner that follows links answers
//! nothing (PO1).

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{
        GetQuestionnaireRequest, Questionnaire, SaveAnswersRequest, response::State as ResponseState,
        response_service_client::ResponseServiceClient,
    },
};

use crate::{
    Portal,
    edge::{
        form::{self, Fields, Proof},
        link::Token,
    },
    fault::{self, Fault, Told},
    page::{Frame, page, see},
    texts,
};

mod answers;
mod view;

#[cfg(test)]
mod tests;

use answers::Given;
use view::{QuestionView, SurveyPage, ThanksPage};

/// What forms of this page are sealed for.
const PAGE: &str = "survey";

/// What stands above the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Nothing,
    Saved,
    Faulty,
    /// The same, and what could be taken is saved.
    FaultyRestSaved,
    Conflict,
}

/// Shows the questions, or thanks once they are answered.
pub async fn show(State(portal): State<Portal>, token: Token, uri: Uri) -> Result<Response, Told> {
    let questionnaire = read(&portal, &token).await?;
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    if questionnaire.closed {
        return Err(Fault::AnswersClosed.told_in(texts::of(&questionnaire.language)));
    }
    if questionnaire.state() == ResponseState::Completed && query.get("correct").is_none() {
        return Ok(thanks(&portal, &token, &questionnaire));
    }
    let above = if query.get("saved").is_some() { Above::Saved } else { Above::Nothing };
    let given = Given::preselected(&questionnaire, &query);
    Ok(questions(&portal, &token, &questionnaire, &given, above, StatusCode::OK))
}

/// Saves what the form holds.
pub async fn save(
    State(portal): State<Portal>,
    token: Token,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Told> {
    let fields = form::read(&portal, PAGE, &token, &headers, request.into_body()).await?;
    let questionnaire = read(&portal, &token).await?;
    let tongue = texts::of(&questionnaire.language);
    let revision = fields.get("revision").and_then(|revision| revision.parse().ok());
    let revision = revision.ok_or_else(|| Fault::Unreadable.told_in(tongue))?;
    let given = Given::sent(&questionnaire, &fields);
    if given.is_faulty() {
        return faulty(&portal, &token, &fields, &questionnaire, &given, revision).await;
    }
    let complete = fields.get("action") == Some("complete");
    let request = SaveAnswersRequest {
        token: token.reveal().to_owned(),
        revision,
        answers: given.answers(),
        complete,
        request_id: fields.request_id("save_answers"),
    };
    let mut surveys = ResponseServiceClient::new(portal.peers.surveys.clone());
    let status = match surveys.save_answers(request).await {
        Ok(_) => {
            let token = token.reveal();
            let to = if complete { format!("/survey/{token}") } else { format!("/survey/{token}?saved=1&correct=1") };
            return Ok(see(&to));
        }
        Err(status) => status,
    };
    match fault::reason(&status) {
        Some(ErrorReason::FieldsInvalid) => {
            let given = given.refused(&questionnaire, &fault::violations(&status));
            faulty(&portal, &token, &fields, &questionnaire, &given, revision).await
        }
        Some(ErrorReason::EtagMismatch) => conflict(&portal, &token, &given).await,
        _ => Err(Fault::of(&status).told_in(tongue)),
    }
}

/// The questions again, with what is wrong marked. What can be taken is saved first: nobody answers twice because of one answer that cannot be.
async fn faulty(
    portal: &Portal,
    token: &Token,
    fields: &Fields,
    questionnaire: &Questionnaire,
    given: &Given,
    revision: i32,
) -> Result<Response, Told> {
    let bad = StatusCode::BAD_REQUEST;
    let answers = given.faultless();
    if answers.is_empty() {
        return Ok(questions(portal, token, questionnaire, given, Above::Faulty, bad));
    }
    let request = SaveAnswersRequest {
        token: token.reveal().to_owned(),
        revision,
        answers,
        complete: false,
        request_id: fields.request_id("save_the_rest"),
    };
    let mut surveys = ResponseServiceClient::new(portal.peers.surveys.clone());
    let status = match surveys.save_answers(request).await.map(|saved| saved.into_inner().questionnaire) {
        Ok(Some(saved)) => return Ok(questions(portal, token, &saved, given, Above::FaultyRestSaved, bad)),
        Ok(None) => return Err(Fault::Broken.into()),
        Err(status) => status,
    };
    match fault::reason(&status) {
        Some(ErrorReason::EtagMismatch) => conflict(portal, token, given).await,
        // Nothing can be saved any more, so nothing is to be put right.
        Some(ErrorReason::ResponseClosed) => Err(Fault::AnswersClosed.told_in(texts::of(&questionnaire.language))),
        // The customer has to look at the same questions, saved or not.
        _ => Ok(questions(portal, token, questionnaire, given, Above::Faulty, bad)),
    }
}

/// Read before it was saved elsewhere: with the revision as it is now, and what was typed here.
async fn conflict(portal: &Portal, token: &Token, given: &Given) -> Result<Response, Told> {
    let newer = read(portal, token).await?;
    Ok(questions(portal, token, &newer, given, Above::Conflict, StatusCode::CONFLICT))
}

async fn read(portal: &Portal, token: &Token) -> Result<Questionnaire, Told> {
    let mut surveys = ResponseServiceClient::new(portal.peers.surveys.clone());
    let asked = surveys.get_questionnaire(GetQuestionnaireRequest { token: token.reveal().to_owned() }).await;
    let told = asked.map_err(|status| Fault::of(&status))?;
    Ok(told.into_inner().questionnaire.ok_or(Fault::Broken)?)
}

fn questions(
    portal: &Portal,
    token: &Token,
    questionnaire: &Questionnaire,
    given: &Given,
    above: Above,
    status: StatusCode,
) -> Response {
    let tongue = texts::of(&questionnaire.language);
    let Some(version) = &questionnaire.survey_version else { return Fault::Broken.told_in(tongue).into_response() };
    let (title, _) = texts::translated(&version.titles, &questionnaire.language);
    let title = if title.is_empty() { tongue.survey.title.as_str() } else { title };
    let until = texts::wording::instant(questionnaire.expire_time.as_ref());
    let questions = version.questions.iter();
    let template = SurveyPage {
        frame: Frame::new(portal, tongue, title),
        action: format!("/survey/{}", token.reveal()),
        proof: Proof::new(&portal.settings.forms, PAGE, token),
        revision: questionnaire.revision,
        until: until.map(|until| {
            let day = tongue.date(jiff::tz::TimeZone::UTC.to_datetime(until).date());
            tongue.filled(&tongue.survey.until, "date", &day)
        }),
        note: (above == Above::Saved).then_some(&tongue.survey.saved),
        alert: match above {
            Above::Faulty => Some(&tongue.survey.faulty),
            Above::FaultyRestSaved => Some(&tongue.survey.faulty_rest_saved),
            Above::Conflict => Some(&tongue.survey.conflict),
            Above::Nothing | Above::Saved => None,
        },
        questions: questions
            .map(|question| QuestionView::new(question, given, tongue, &questionnaire.language))
            .collect(),
    };
    page(tongue, status, &template)
}

fn thanks(portal: &Portal, token: &Token, questionnaire: &Questionnaire) -> Response {
    let tongue = texts::of(&questionnaire.language);
    let template = ThanksPage {
        frame: Frame::new(portal, tongue, tongue.survey.thanks_title.as_str()),
        correct: format!("/survey/{}?correct=1", token.reveal()),
    };
    page(tongue, StatusCode::OK, &template)
}
