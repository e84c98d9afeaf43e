//! The ticket page: the conversation, and whether the problem is solved.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use jiff::tz::TimeZone;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AnswerResolutionRequest, Conversation, GetConversationRequest, Message,
        conversation_service_client::ConversationServiceClient,
        message::{Author, Medium, Visibility},
        ticket::{Closure, State as TicketState},
    },
};

use crate::{
    Portal,
    edge::{
        form::{self, Fields, Proof},
        link::Token,
    },
    fault::{self, Fault, Told, Violation},
    page::{Frame, page, see},
    texts::{self, Texts, key, word, wording::instant},
};

mod view;

use view::{AskedView, MessageView, TicketPage};

/// What forms of this page are sealed for.
const PAGE: &str = "ticket";

/// Shows the conversation.
pub async fn show(State(portal): State<Portal>, token: Token, uri: Uri) -> Result<Response, Told> {
    let conversation = read(&portal, &token).await?;
    let tongue = texts::of(&conversation.language);
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let note = match query.get("answered") {
        Some("yes") => Some(&tongue.ticket.thanks_yes),
        Some("no") => Some(&tongue.ticket.thanks_no),
        _ => None,
    };
    Ok(shown(&portal, &token, &conversation, Answered { note, ..Answered::default() }, StatusCode::OK))
}

/// Records whether it is solved.
pub async fn answer(
    State(portal): State<Portal>,
    token: Token,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Told> {
    let fields = form::read(&portal, PAGE, &token, &headers, request.into_body()).await?;
    let resolution = fields.get("resolution").and_then(|resolution| resolution.parse().ok());
    let (Some(resolution), Some(solved)) = (resolution, fields.get("solved")) else {
        return Err(Fault::Unreadable.into());
    };
    let solved = match solved {
        "yes" => true,
        "no" => false,
        _ => return Err(Fault::Unreadable.into()),
    };
    let text = fields.get("text").unwrap_or_default().replace("\r\n", "\n");
    let request = AnswerResolutionRequest {
        token: token.reveal().to_owned(),
        resolution,
        solved,
        text: text.trim().to_owned(),
        request_id: fields.request_id("answer_resolution"),
    };
    let mut tickets = ConversationServiceClient::new(portal.peers.tickets.clone());
    let status = match tickets.answer_resolution(request).await {
        Ok(_) => {
            let answered = if solved { "yes" } else { "no" };
            return Ok(see(&format!("/ticket/{}?answered={answered}", token.reveal())));
        }
        Err(status) => status,
    };
    // Only now, as most answers are taken: the language to say it in, and the page to say it on.
    let conversation = match Fault::of(&status) {
        fault @ (Fault::LinkInvalid | Fault::LinkEnded | Fault::Busy) => return Err(fault.into()),
        fault => read(&portal, &token).await.map_err(|_| Told::from(fault))?,
    };
    let tongue = texts::of(&conversation.language);
    if fault::reason(&status) != Some(ErrorReason::FieldsInvalid) {
        return Err(Fault::of(&status).told_in(tongue));
    }
    let wrong = fault::violations(&status).into_iter().filter(|violation| violation.field == "text");
    let wrong = wrong.map(|violation| told(tongue, &violation)).next();
    let answered = Answered { note: None, alert: Some(&tongue.ticket.faulty), wrong, text };
    Ok(shown(&portal, &token, &conversation, answered, StatusCode::BAD_REQUEST))
}

/// The words for what is wrong with the customer's text.
fn told<'t>(texts: &'t Texts, violation: &Violation) -> &'t str {
    match violation.reason.as_str() {
        "FIELD_REQUIRED" => &texts.ticket.text_missing,
        reason if reason.contains("TOO_LONG") => &texts.ticket.text_too_long,
        _ => &texts.ticket.text_invalid,
    }
}

async fn read(portal: &Portal, token: &Token) -> Result<Conversation, Told> {
    let mut tickets = ConversationServiceClient::new(portal.peers.tickets.clone());
    let asked = tickets.get_conversation(GetConversationRequest { token: token.reveal().to_owned() }).await;
    let told = asked.map_err(|status| Fault::of(&status))?;
    Ok(told.into_inner().conversation.ok_or(Fault::Broken)?)
}

/// What became of the customer's answer.
#[derive(Debug, Default)]
struct Answered<'t> {
    note: Option<&'t String>,
    alert: Option<&'t String>,
    wrong: Option<&'t str>,
    text: String,
}

fn shown(
    portal: &Portal,
    token: &Token,
    conversation: &Conversation,
    answered: Answered<'_>,
    status: StatusCode,
) -> Response {
    let tongue = texts::of(&conversation.language);
    let words = &tongue.ticket;
    let state = conversation.state();
    let closing = match (state, conversation.closure()) {
        (TicketState::Closed, Closure::Verified) => Some(&words.closed_verified),
        (TicketState::Closed, Closure::Unverified) => Some(&words.closed_unverified),
        _ => None,
    };
    let asked = (conversation.resolution > 0).then(|| AskedView {
        action: format!("/ticket/{}", token.reveal()),
        proof: Proof::new(&portal.settings.forms, PAGE, token),
        resolution: conversation.resolution,
        wrong: answered.wrong,
        text: answered.text,
    });
    let opened = instant(conversation.create_time.as_ref());
    let messages = conversation.messages.iter().filter(|message| message.visibility() == Visibility::Public);
    let template = TicketPage {
        frame: Frame::new(portal, tongue, tongue.filled(&words.title, "number", &conversation.number)),
        about: &conversation.title,
        state: word(&words.states, &key(state.as_str_name(), "STATE_")),
        opened: opened
            .map(|at| tongue.filled(&words.opened, "date", &tongue.date(TimeZone::UTC.to_datetime(at).date()))),
        note: answered.note,
        alert: answered.alert,
        closing,
        messages: messages.map(|message| message_view(message, tongue)).collect(),
        asked,
    };
    page(tongue, status, &template).into_response()
}

fn message_view<'m>(message: &'m Message, texts: &'m Texts) -> MessageView<'m> {
    let words = &texts.ticket;
    MessageView {
        author: match message.author() {
            Author::Staff => &words.staff,
            Author::Customer => &words.customer,
            Author::System | Author::Unspecified => &words.system,
        },
        by_phone: (message.medium() == Medium::PhoneCall).then_some(&words.phone_call),
        time: instant(message.create_time.as_ref()).map(|at| texts.moment(at, &TimeZone::UTC)),
        text: &message.text,
    }
}
