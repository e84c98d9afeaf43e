//! The ticket page.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AnswerResolutionResponse, Conversation, GetConversationResponse, Message, SendMessageResponse,
        message::{Author, Medium, Visibility},
        send_message_response::Outcome,
        ticket::{Closure, State},
    },
};
use seva_runtime::{Error, Violations};
use seva_values::Invalid;
use tonic::Code;

use crate::web::{ATTACK, Page, TOKEN, Web, at, link_ended, link_invalid, refusal};

fn message(author: Author, visibility: Visibility, medium: Medium, text: &str) -> Message {
    Message {
        author: author.into(),
        visibility: visibility.into(),
        medium: medium.into(),
        text: text.to_owned(),
        create_time: at("2026-11-20T10:15:00Z"),
        ..Message::default()
    }
}

fn conversation(language: &str) -> Conversation {
    Conversation {
        number: "T-2K7-M".to_owned(),
        title: "Parcel has not come".to_owned(),
        state: State::Resolved.into(),
        messages: vec![
            message(Author::Customer, Visibility::Public, Medium::PhoneCall, "Where is it?"),
            message(Author::Staff, Visibility::Public, Medium::Text, "It comes tomorrow."),
            message(Author::Staff, Visibility::Internal, Medium::Text, "difficult person"),
        ],
        resolution: 2,
        language: language.to_owned(),
        create_time: at("2026-11-19T20:00:00Z"),
        zone: "Asia/Kolkata".to_owned(),
        ..Conversation::default()
    }
}

async fn web(conversation: Conversation) -> Web {
    let web = Web::new().await;
    web.script()
        .get_conversation
        .answers(move |_| Ok(GetConversationResponse { conversation: Some(conversation.clone()) }));
    web.script().answer_resolution.answers(|_| Ok(AnswerResolutionResponse::default()));
    web.script().send_message.answers(|_| Ok(SendMessageResponse::default()));
    web
}

fn path() -> String {
    format!("/ticket/{TOKEN}")
}

async fn send(web: &Web, page: &Page, fields: &[(&str, &str)]) -> Page {
    let (seal, nonce, resolution) = (page.hidden("seal"), page.hidden("nonce"), page.hidden("resolution"));
    let proof = [("seal", seal.as_str()), ("nonce", nonce.as_str()), ("resolution", resolution.as_str())];
    web.post(&path(), &[&proof, fields].concat()).await
}

#[tokio::test]
async fn the_conversation_shows_what_is_public_and_nothing_else() {
    let web = web(conversation("en")).await;

    let page = web.get(&path()).await;

    assert_eq!(page.status, 200);
    for text in
        ["Your request T-2K7-M", "Parcel has not come", "Solved, as far as we know", "Where is it?", "phone call"]
    {
        assert!(page.has(text), "{text}");
    }
    // On the customer's own wall.
    assert!(page.has("Opened on 20 November 2026") && page.has("20 November 2026, 15:45\u{a0}IST"));
    assert!(!page.has("difficult person"), "an internal message is not shown, even if it came");
    assert_eq!(web.script().writes(), 0, "PO1");
}

#[tokio::test]
async fn the_customer_says_that_it_is_solved() {
    let web = web(conversation("ur")).await;
    let page = web.get(&path()).await;
    assert!(page.has("dir=\"rtl\"") && page.has("جی ہاں، حل ہو گیا ہے"));

    let answered = send(&web, &page, &[("solved", "yes")]).await;

    assert_eq!((answered.status.as_u16(), answered.header("location")), (303, &*format!("{}?answered=yes", path())));
    let asked = &web.script().answer_resolution.messages()[0];
    assert_eq!((asked.token.as_str(), asked.resolution, asked.solved, asked.text.as_str()), (TOKEN, 2, true, ""));
    assert!(web.get(answered.header("location")).await.has("بتانے کا شکریہ"));
}

#[tokio::test]
async fn the_customer_says_that_it_is_not_solved_and_what_is_missing() {
    let web = web(conversation("en")).await;
    let page = web.get(&path()).await;

    let answered = send(&web, &page, &[("solved", "no"), ("text", " still\r\nnot here ")]).await;

    assert_eq!(answered.header("location"), format!("{}?answered=no", path()));
    let asked = &web.script().answer_resolution.messages()[0];
    assert_eq!((asked.solved, asked.text.as_str()), (false, "still\nnot here"));
}

#[tokio::test]
async fn a_refused_text_comes_back_with_what_is_wrong() {
    let web = web(conversation("en")).await;
    let page = web.get(&path()).await;
    web.script().answer_resolution.refuses(|| {
        let mut violations = Violations::default();
        violations.add("text", Invalid::new("TEXT_TOO_LONG", "has 4000 characters at most"));
        Error::from(violations)
    });

    let refused = send(&web, &page, &[("solved", "no"), ("text", "so <long>")]).await;

    assert_eq!(refused.status, 400);
    assert!(refused.has("This text is too long.") && refused.has("so &#60;long&#62;</textarea>"));
    assert!(!refused.has("4000 characters at most"), "PO5");
}

#[tokio::test]
async fn what_was_answered_before_is_told_in_the_customers_language() {
    let web = web(conversation("hi")).await;
    let page = web.get(&path()).await;
    web.script().answer_resolution.refuses(|| refusal(Code::FailedPrecondition, ErrorReason::LinkUsed));

    let used = send(&web, &page, &[("solved", "yes")]).await;

    assert_eq!(used.status, 410);
    assert!(used.has("इसका जवाब पहले ही दिया जा चुका है"));
}

#[tokio::test]
async fn nothing_is_asked_when_nothing_is_to_be_confirmed() {
    for (closure, words) in
        [(Closure::Verified, "you told us that it is solved"), (Closure::Unverified, "heard nothing")]
    {
        let page = web(Conversation { closure: closure.into(), ..over(State::Closed, "en") }).await.get(&path()).await;
        assert!(page.has(words) && !page.has("name=\"solved\"") && !page.has("Is it solved?"));
    }
}

/// A conversation about what is over.
fn over(state: State, language: &str) -> Conversation {
    Conversation { state: state.into(), resolution: 0, accepts_messages: false, ..conversation(language) }
}

/// What the service answers to a message.
fn said(outcome: Outcome) -> SendMessageResponse {
    SendMessageResponse { outcome: outcome.into(), ..SendMessageResponse::default() }
}

#[tokio::test]
async fn whose_trouble_comes_back_tells_us_and_reads_that_the_request_is_open_again() {
    for (language, label, button, thanks) in [
        ("en", "has it come back?", "Tell us that it is not solved", "Your request is open again"),
        ("hi", "या फिर से आ गई है?", "बताएँ कि समस्या हल नहीं हुई है", "आपका अनुरोध फिर से खोल दिया गया है"),
        ("bn", "নাকি আবার দেখা দিয়েছে?", "সমাধান হয়নি বলে জানান", "আপনার অনুরোধটি আবার খোলা হয়েছে"),
        ("ur", "یا دوبارہ پیش آ گیا ہے؟", "بتائیں کہ مسئلہ حل نہیں ہوا", "آپ کی درخواست دوبارہ کھول دی گئی ہے"),
    ] {
        let web = web(over(State::Closed, language)).await;
        web.script().send_message.answers(|_| Ok(said(Outcome::Reopened)));
        let page = web.get(&path()).await;
        assert!(page.has(label) && page.has(&format!("<button type=\"submit\">{button}</button>")), "{language}");
        assert_eq!(web.script().writes(), 0, "PO1");

        let sent = write(&web, &page, " broken\r\nagain ").await;
        write(&web, &page, " broken\r\nagain ").await;

        assert_eq!((sent.status.as_u16(), sent.header("location")), (303, &*format!("{}?answered=again", path())));
        let asked = web.script().send_message.messages();
        assert_eq!((asked[0].token.as_str(), asked[0].text.as_str()), (TOKEN, "broken\nagain"));
        assert_eq!(asked[0].request_id, asked[1].request_id, "the same form sent twice says it once");
        let open = Conversation { accepts_messages: true, ..over(State::New, language) };
        let open = GetConversationResponse { conversation: Some(open) };
        web.script().get_conversation.answers(move |_| Ok(open.clone()));
        let shown = web.get(sent.header("location")).await;
        assert!(shown.has(thanks) && !shown.has(label), "{language}");
    }
}

#[tokio::test]
async fn the_page_names_the_request_that_carries_on_what_is_over_and_takes_more_for_it() {
    for (language, text, thanks) in [
        ("en", "carried on in your request T-2K8-N.", "We have received your message."),
        ("hi", "आपके अनुरोध T-2K8-N में", "आपका संदेश हमें मिल गया है"),
        ("bn", "আপনার অনুরোধ T-2K8-N-এ", "আপনার বার্তা আমরা পেয়েছি"),
        ("ur", "آپ کی درخواست \u{2068}T-2K8-N\u{2069} میں", "آپ کا پیغام ہمیں مل گیا ہے"),
    ] {
        for state in [State::Closed, State::Canceled] {
            let web = web(over(state, language)).await;
            web.script().send_message.answers(|_| Ok(said(Outcome::Followed)));
            let page = web.get(&path()).await;
            assert!(!page.has("T-2K8-N"), "{language}");
            let sent = write(&web, &page, "It is broken again").await;
            assert_eq!((sent.status.as_u16(), sent.header("location")), (303, &*format!("{}?answered=sent", path())));

            let followed = Conversation { carried_on_in: "T-2K8-N".to_owned(), ..over(state, language) };
            let followed = GetConversationResponse { conversation: Some(followed) };
            web.script().get_conversation.answers(move |_| Ok(followed.clone()));
            let shown = web.get(sent.header("location")).await;
            assert!(shown.has(text) && shown.has(thanks), "{language}: {}", shown.body);
            assert_eq!(write(&web, &shown, "And loud").await.status, 303, "there is a form for more");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_taken_of_whose_trouble_comes_back_is_kept_on_the_page() {
    let web = web(over(State::Closed, "en")).await;
    let page = web.get(&path()).await;
    web.script().send_message.refuses(|| {
        let mut violations = Violations::default();
        violations.add("text", Invalid::new("TEXT_TOO_LONG", "a developer's words"));
        Error::from(violations)
    });
    let refused = write(&web, &page, "so <long>").await;
    assert_eq!(refused.status, 400);
    assert!(refused.has("Your message was not sent.") && refused.has("This text is too long."));
    assert!(refused.has("so &#60;long&#62;</textarea>") && !refused.has("a developer's words"), "PO5");
    web.script().send_message.refuses(|| refusal(Code::AlreadyExists, ErrorReason::MatterHasTicket));
    let refused = write(&web, &page, "so <long>").await;
    assert_eq!(refused.status, 409);
    assert!(refused.has("has moved on in the meantime") && refused.has("so &#60;long&#62;</textarea>"));
    let target = format!("{}/message", path());
    assert_eq!(web.post(&target, &[("text", "hello")]).await.status, 403, "PO2");
}

/// A conversation in which the customer is asked something.
pub fn waiting(language: &str) -> Conversation {
    Conversation {
        state: State::PendingCustomer.into(),
        resolution: 0,
        accepts_messages: true,
        ..conversation(language)
    }
}

async fn write(web: &Web, page: &Page, text: &str) -> Page {
    let (seal, nonce) = (page.hidden("seal"), page.hidden("nonce"));
    web.post(&format!("{}/message", path()), &[("seal", &seal), ("nonce", &nonce), ("text", text)]).await
}

#[tokio::test]
async fn the_customer_answers_what_staff_have_asked_once() {
    for (language, label, thanks) in [
        ("en", "Your answer", "We have received your message."),
        ("hi", "आपका जवाब", "आपका संदेश हमें मिल गया है"),
        ("bn", "আপনার উত্তর", "আপনার বার্তা আমরা পেয়েছি"),
        ("ur", "آپ کا جواب", "آپ کا پیغام ہمیں مل گیا ہے"),
    ] {
        let web = web(waiting(language)).await;
        let page = web.get(&path()).await;
        assert!(page.has(label), "{language}");
        assert_eq!(web.script().writes(), 0, "PO1");

        let sent = write(&web, &page, " House 4,\r\nsecond floor ").await;
        write(&web, &page, " House 4,\r\nsecond floor ").await;

        assert_eq!((sent.status.as_u16(), sent.header("location")), (303, &*format!("{}?answered=sent", path())));
        let said = web.script().send_message.messages();
        assert_eq!((said[0].token.as_str(), said[0].text.as_str()), (TOKEN, "House 4,\nsecond floor"));
        assert_eq!(said[0].request_id, said[1].request_id, "the same form sent twice says it once");
        assert!(web.get(sent.header("location")).await.has(thanks), "{language}");
    }
}

#[tokio::test]
async fn somebody_with_something_to_add_can_write_while_it_is_worked_on() {
    let open = Conversation { state: State::Open.into(), ..waiting("en") };
    let web = web(open).await;
    let page = web.get(&path()).await;
    assert!(page.has("Is there anything to add?") && !page.has("Your answer"));
    assert_eq!(write(&web, &page, "It is the red one.").await.status, 303);
}

#[tokio::test]
async fn what_cannot_be_taken_comes_back_with_the_words_and_the_reason() {
    let web = web(waiting("en")).await;
    let page = web.get(&path()).await;
    for (reason, words) in [
        ("FIELD_REQUIRED", "Please write your message."),
        ("TEXT_TOO_LONG", "This text is too long."),
        ("TEXT_CONTROL", "We cannot take this text."),
    ] {
        web.script().send_message.refuses(move || {
            let mut violations = Violations::default();
            violations.add("text", Invalid::new(reason, "a developer's words"));
            Error::from(violations)
        });
        let refused = write(&web, &page, "so <long>").await;
        assert_eq!(refused.status, 400);
        assert!(refused.has("Your message was not sent.") && refused.has(words), "{reason}");
        assert!(refused.has("so &#60;long&#62;</textarea>") && !refused.has("a developer's words"), "PO5");
    }
}

#[tokio::test]
async fn nobody_loses_what_they_wrote_when_the_request_has_moved_on() {
    let web = web(waiting("en")).await;
    let page = web.get(&path()).await;
    web.script().send_message.refuses(|| refusal(Code::FailedPrecondition, ErrorReason::StateForbids));
    let resolved = GetConversationResponse { conversation: Some(conversation("en")) };
    web.script().get_conversation.answers(move |_| Ok(resolved.clone()));

    let late = write(&web, &page, "It is still not here").await;

    assert_eq!(late.status, 409);
    assert!(late.has("has moved on in the meantime") && late.has("Is it solved?"));
    assert!(late.has("It is still not here</textarea>"));

    for (state, has_form) in [(State::Closed, true), (State::Canceled, true), (State::Merged, false)] {
        let over = GetConversationResponse { conversation: Some(over(state, "en")) };
        web.script().get_conversation.answers(move |_| Ok(over.clone()));
        let late = write(&web, &page, "It is <still> not here").await;
        assert_eq!(late.status, 409);
        assert_eq!(late.has("It is &#60;still&#62; not here</textarea>"), has_form, "{state:?}: {}", late.body);
        assert!(late.has("It is &#60;still&#62; not here"), "{state:?}: {}", late.body);
        assert_eq!(late.has("<form"), has_form, "{state:?}: {}", late.body);
    }
}

#[tokio::test]
async fn a_message_from_elsewhere_or_by_a_link_that_has_ended_is_not_passed_on() {
    let web = web(waiting("en")).await;
    let page = web.get(&path()).await;
    let target = format!("{}/message", path());
    assert_eq!(web.post(&target, &[("text", "hello")]).await.status, 403, "PO2");
    let seal = page.hidden("seal");
    let fields = [("seal", seal.as_str()), ("text", "hello")];
    assert_eq!(web.post_with(&target, &fields, &[("sec-fetch-site", "cross-site")]).await.status, 403, "PO2");
    assert_eq!(web.script().writes(), 0, "PO2");
    web.script().send_message.refuses(link_ended);
    assert_eq!(write(&web, &page, "hello").await.status, 410);
    web.script().send_message.refuses(|| refusal(Code::FailedPrecondition, ErrorReason::LinkUsed));
    assert_eq!(write(&web, &page, "hello").await.status, 410);
    web.script().send_message.refuses(|| refusal(Code::Unavailable, ErrorReason::Unspecified));
    assert_eq!(write(&web, &page, "hello").await.status, 503);
}

#[tokio::test]
async fn an_answer_that_is_neither_is_not_passed_on() {
    let web = web(conversation("en")).await;
    let page = web.get(&path()).await;
    assert_eq!(send(&web, &page, &[("solved", "perhaps")]).await.status, 400);
    assert_eq!(send(&web, &page, &[]).await.status, 400);
    let seal = page.hidden("seal");
    assert_eq!(web.post(&path(), &[("seal", &seal), ("solved", "yes"), ("resolution", "x")]).await.status, 400);
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn a_form_that_is_not_ours_answers_nothing() {
    let web = web(conversation("en")).await;
    let page = web.get(&path()).await;
    let refused = web.post(&path(), &[("resolution", "2"), ("solved", "yes")]).await;
    assert_eq!(refused.status, 403, "PO2");
    let seal = page.hidden("seal");
    let fields = [("seal", seal.as_str()), ("resolution", "2"), ("solved", "yes")];
    assert_eq!(web.post_with(&path(), &fields, &[("sec-fetch-site", "same-site")]).await.status, 403, "PO2");
    assert_eq!(web.post(&format!("/survey/{TOKEN}"), &fields).await.status, 403, "PO2: a seal is for one page");
    assert_eq!(web.script().writes(), 0, "PO2");
}

#[tokio::test]
async fn a_link_that_cannot_be_used_has_a_friendly_page() {
    let web = web(conversation("en")).await;
    let page = web.get(&path()).await;
    web.script().answer_resolution.refuses(link_ended);
    assert_eq!(send(&web, &page, &[("solved", "yes")]).await.status, 410);
    web.script().get_conversation.refuses(link_invalid);
    assert_eq!(web.get(&path()).await.status, 404);
}

#[tokio::test]
async fn nothing_that_anybody_wrote_runs_on_the_page() {
    let attacked = Conversation {
        number: ATTACK.to_owned(),
        title: ATTACK.to_owned(),
        messages: vec![message(Author::Customer, Visibility::Public, Medium::Text, ATTACK)],
        ..conversation("en")
    };
    let carried_on = Conversation { carried_on_in: ATTACK.to_owned(), resolution: 0, ..attacked.clone() };
    for attacked in [attacked, Conversation { state: State::Closed.into(), ..carried_on }] {
        let page = web(attacked).await.get(&path()).await;
        assert_eq!(page.status, 200);
        page.assert_harmless();
    }
}
