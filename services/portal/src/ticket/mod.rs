//! The ticket page: the conversation, whether the problem is solved, and what the customer has to say.

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
        AnswerResolutionRequest, Conversation, GetConversationRequest, Message, SendMessageRequest,
        conversation_service_client::ConversationServiceClient,
        message::{Author, Medium, Visibility},
        send_message_response::Outcome,
        ticket::{Closure, State as TicketState},
    },
};
use tonic::Status;

use crate::{
    Portal,
    edge::{
        form::{self, Fields, Proof},
        link::Token,
    },
    fault::{self, Fault, Told},
    page::{Frame, page, see},
    texts::{
        self, Texts, key, word,
        wording::{self, instant},
    },
};

mod view;

use view::{AskedView, MessageView, TicketPage, WritingView};

/// What forms of this page are sealed for.
const PAGE: &str = "ticket";

/// Shows the conversation.
pub async fn show(State(portal): State<Portal>, token: Token, uri: Uri) -> Result<Response, Told> {
    let conversation = read(&portal, &token).await?;
    let tongue = texts::of(&conversation.language);
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let note = match query.get("answered") {
        Some("yes") => Some(&tongue.ticket.thanks_yes),
        Some("no" | "again") => Some(&tongue.ticket.thanks_no),
        Some("sent") => Some(&tongue.ticket.thanks_sent),
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
    let text = written(&fields);
    let request = AnswerResolutionRequest {
        token: token.reveal().to_owned(),
        resolution,
        solved,
        text: text.clone(),
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
    let conversation = read_after(&portal, &token, &status).await?;
    let tongue = texts::of(&conversation.language);
    if fault::reason(&status) != Some(ErrorReason::FieldsInvalid) {
        return Err(Fault::of(&status).told_in(tongue));
    }
    let wrong = wrong(tongue, &status, &tongue.ticket.text_missing);
    let answered = Answered { alert: Some(&tongue.ticket.faulty), wrong, text, ..Answered::default() };
    Ok(shown(&portal, &token, &conversation, answered, StatusCode::BAD_REQUEST))
}

/// Takes what the customer says, which opens again what was closed, or a request that follows it: the service knows which.
pub async fn send(
    State(portal): State<Portal>,
    token: Token,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Told> {
    let fields = form::read(&portal, PAGE, &token, &headers, request.into_body()).await?;
    let text = written(&fields);
    let request = SendMessageRequest {
        token: token.reveal().to_owned(),
        text: text.clone(),
        request_id: fields.request_id("send_message"),
    };
    let mut tickets = ConversationServiceClient::new(portal.peers.tickets.clone());
    let status = match tickets.send_message(request).await {
        Ok(said) => {
            // What another request carries on is told by the page itself, whenever it is looked at.
            let became = if said.get_ref().outcome() == Outcome::Reopened { "again" } else { "sent" };
            return Ok(see(&format!("/ticket/{}?answered={became}", token.reveal())));
        }
        Err(status) => status,
    };
    let reason = fault::reason(&status);
    let has_moved_on = matches!(reason, Some(ErrorReason::StateForbids | ErrorReason::MatterHasTicket));
    if !has_moved_on && reason != Some(ErrorReason::FieldsInvalid) {
        let conversation = read_after(&portal, &token, &status).await?;
        return Err(Fault::of(&status).told_in(texts::of(&conversation.language)));
    }
    let conversation = read(&portal, &token).await?;
    let tongue = texts::of(&conversation.language);
    // Nobody loses what they wrote: whichever form the page has now holds it, or the page itself.
    let (status, answered) = if has_moved_on {
        (StatusCode::CONFLICT, Answered { alert: Some(&tongue.ticket.moved_on), text, ..Answered::default() })
    } else {
        let wrong = wrong(tongue, &status, &tongue.ticket.message_missing);
        let alert = Some(&tongue.ticket.not_sent);
        (StatusCode::BAD_REQUEST, Answered { alert, wrong, text, ..Answered::default() })
    };
    Ok(shown(&portal, &token, &conversation, answered, status))
}

/// What the customer wrote. Browsers send lines that end as in mail.
fn written(fields: &Fields) -> String {
    fields.get("text").unwrap_or_default().replace("\r\n", "\n").trim().to_owned()
}

/// The words for what is wrong with the customer's text; `missing` when there is none.
fn wrong<'t>(texts: &'t Texts, status: &Status, missing: &'t str) -> Option<&'t str> {
    let violation = fault::violations(status).into_iter().find(|violation| violation.field == "text")?;
    Some(match violation.reason.as_str() {
        "FIELD_REQUIRED" => missing,
        reason if reason.contains("TOO_LONG") => &texts.ticket.text_too_long,
        _ => &texts.ticket.text_invalid,
    })
}

/// The conversation, when a write was refused: only then, as most are taken. It has the language to say so in, and the page to say it on.
async fn read_after(portal: &Portal, token: &Token, status: &Status) -> Result<Conversation, Told> {
    match Fault::of(status) {
        fault @ (Fault::LinkInvalid | Fault::LinkEnded | Fault::Busy) => Err(fault.into()),
        fault => read(portal, token).await.map_err(|_| Told::from(fault)),
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
    // Asked whether it is solved, they say no there.
    let label_and_button = match state {
        _ if conversation.resolution > 0 => None,
        TicketState::PendingCustomer => Some((&words.answer_label, &words.send)),
        _ if conversation.accepts_messages => Some((&words.message_label, &words.send)),
        _ if !conversation.carried_on_in.is_empty() => Some((&words.message_label, &words.send)),
        TicketState::Closed | TicketState::Canceled => Some((&words.came_back_label, &words.came_back)),
        _ => None,
    };
    let has_form = conversation.resolution > 0 || label_and_button.is_some();
    let unsent = if has_form { String::new() } else { answered.text.clone() };
    let asked = (conversation.resolution > 0).then(|| AskedView {
        action: format!("/ticket/{}", token.reveal()),
        proof: Proof::new(&portal.settings.forms, PAGE, token),
        resolution: conversation.resolution,
        wrong: answered.wrong,
        text: answered.text.clone(),
    });
    let writing = label_and_button.map(|(label, button)| WritingView {
        action: format!("/ticket/{}/message", token.reveal()),
        proof: Proof::new(&portal.settings.forms, PAGE, token),
        label,
        button,
        wrong: answered.wrong,
        text: answered.text,
    });
    let carrier = Some(&conversation.carried_on_in).filter(|number| !number.is_empty());
    let zone = wording::zone(&conversation.zone);
    let opened = instant(conversation.create_time.as_ref());
    let messages = conversation.messages.iter().filter(|message| message.visibility() == Visibility::Public);
    let template = TicketPage {
        frame: Frame::new(portal, tongue, tongue.filled(&words.title, "number", &conversation.number)),
        about: &conversation.title,
        state: word(&words.states, &key(state.as_str_name(), "STATE_")),
        opened: opened.map(|at| tongue.filled(&words.opened, "date", &tongue.date(zone.to_datetime(at).date()))),
        note: answered.note,
        alert: answered.alert,
        closing,
        carried_on: carrier.map(|number| tongue.filled(&words.carried_on, "number", number)),
        messages: messages.map(|message| message_view(message, tongue, &zone)).collect(),
        unsent,
        asked,
        writing,
    };
    page(tongue, status, &template).into_response()
}

fn message_view<'m>(message: &'m Message, texts: &'m Texts, zone: &TimeZone) -> MessageView<'m> {
    let words = &texts.ticket;
    MessageView {
        author: match message.author() {
            Author::Staff => &words.staff,
            Author::Customer => &words.customer,
            Author::System | Author::Unspecified => &words.system,
        },
        by_phone: (message.medium() == Medium::PhoneCall).then_some(&words.phone_call),
        time: instant(message.create_time.as_ref()).map(|at| texts.moment_there(at, zone)),
        text: &message.text,
    }
}
