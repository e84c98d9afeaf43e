//! What is written down about requests (PO3).

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use seva_proto::{
    customers::v1::{GetOwnPlaceResponse, PublishEventsResponse},
    notifications::v1::{GetSubscriptionResponse, SetOwnPreferencesResponse, UnsubscribeResponse},
    surveys::v1::{GetQuestionnaireResponse, SaveAnswersResponse},
    tickets::v1::{AnswerResolutionResponse, GetConversationResponse, SendMessageResponse},
};
use tracing_subscriber::{Layer, filter::Targets, fmt::format::FmtSpan, layer::SubscriberExt};

use crate::{
    place::place,
    preferences::{preference, preferences},
    survey::questionnaire,
    ticket::waiting,
    web::{TOKEN, Web, refusal, unreachable},
};

/// Everything that was written, by lines and by spans.
#[derive(Debug, Clone, Default)]
struct Written {
    lines: Arc<Mutex<Vec<u8>>>,
    spans: Arc<Mutex<Vec<SpanData>>>,
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.lines.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl SpanExporter for Written {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Written {
    /// Writes what happens on this thread from now on: everything of ours, and of others what a careful operator switches on.
    fn recording() -> (Self, tracing::subscriber::DefaultGuard) {
        let written = Self::default();
        let writer = written.clone();
        let provider = SdkTracerProvider::builder().with_simple_exporter(written.clone()).build();
        let level = Targets::new().with_default(tracing::Level::DEBUG).with_target("seva", tracing::Level::TRACE);
        let lines = tracing_subscriber::fmt::layer()
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .with_filter(level);
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("t"));
        // While a process has one subscriber only, what another test's thread comes upon first is switched off for all threads.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans).with(lines));
        (written, guard)
    }

    fn text(&self) -> String {
        let lines = String::from_utf8_lossy(&self.lines.lock().unwrap()).into_owned();
        format!("{lines}\n{:?}", self.spans.lock().unwrap())
    }
}

#[tokio::test]
async fn no_token_and_no_word_of_a_customer_is_in_a_line_or_a_span() {
    let (written, _guard) = Written::recording();
    let web = Web::new().await;
    let script = web.script();
    script.get_own_place.answers(|_| Ok(GetOwnPlaceResponse { place: Some(place("en")) }));
    script.get_own_preferences.answers(|_| Ok(preferences("en")));
    script.set_own_preferences.answers(|_| Ok(SetOwnPreferencesResponse::default()));
    let (preference, language) = (Some(preference("surveys", true, false)), "en".to_owned());
    let told = GetSubscriptionResponse { preference: preference.clone(), language: language.clone() };
    script.get_subscription.answers(move |_| Ok(told.clone()));
    let ended = UnsubscribeResponse { preference, language };
    script.unsubscribe.answers(move |_| Ok(ended.clone()));
    let paths = ["place", "preferences", "unsubscribe"].map(|page| format!("/{page}/{TOKEN}"));
    let (survey, ticket) = (format!("/survey/{TOKEN}"), format!("/ticket/{TOKEN}"));
    let asked = GetQuestionnaireResponse { questionnaire: Some(questionnaire("en")) };
    script.get_questionnaire.answers(move |_| Ok(asked.clone()));
    script.save_answers.answers(|_| Ok(SaveAnswersResponse::default()));
    let open = GetConversationResponse { conversation: Some(waiting("en")) };
    script.get_conversation.answers(move |_| Ok(open.clone()));
    script.answer_resolution.answers(|_| Ok(AnswerResolutionResponse::default()));
    script.send_message.answers(|_| Ok(SendMessageResponse::default()));
    script.publish_events.answers(|_| Ok(PublishEventsResponse::default()));

    for path in &paths {
        assert_eq!(web.get(&format!("{path}?from=asha@example.com")).await.status, 200);
    }
    let form = web.get(&paths[1]).await;
    let seal = form.hidden("seal");
    let wish = [("seal", seal.as_str()), ("shown_wanted", "categories/tickets"), ("remark", "of-asha")];
    assert_eq!(web.post(&paths[1], &wish).await.status, 303);
    assert_eq!(web.post(&paths[2], &[("List-Unsubscribe", "One-Click")]).await.status, 200);
    assert_eq!(web.post_with(&paths[2], &wish, &[("cookie", "asha=1")]).await.status, 403);
    // What customers write, on each page on which they can, and what systems push.
    let page = web.get(&survey).await;
    let (seal_of_survey, revision) = (page.hidden("seal"), page.hidden("revision"));
    let answers =
        [("seal", seal_of_survey.as_str()), ("revision", &revision), ("q_words", "said-by-asha"), ("action", "save")];
    assert_eq!(web.post(&survey, &answers).await.status, 303);
    let page = web.get(&ticket).await;
    let seal_of_ticket = page.hidden("seal");
    let words = [("seal", seal_of_ticket.as_str()), ("text", "said-by-asha")];
    assert_eq!(web.post(&format!("{ticket}/message"), &words).await.status, 303);
    let no = [words.as_slice(), &[("resolution", "2"), ("solved", "no")]].concat();
    assert_eq!(web.post(&ticket, &no).await.status, 303);
    let key = web.services.key.text.reveal().clone();
    let body = r#"{"specversion": "1.0", "id": "e", "source": "//shop", "type": "order.placed.v1", "data": {"email": "asha@example.com"}}"#;
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/cloudevents+json")];
    web.request(http::Method::POST, "/events", &headers, body).await;
    script.get_own_place.refuses(|| refusal(tonic::Code::Internal, seva_proto::common::v1::ErrorReason::Internal));
    assert_eq!(web.get(&paths[0]).await.status, 500);
    script.get_own_preferences.refuses(unreachable);
    assert_eq!(web.get(&paths[1]).await.status, 503);

    let text = written.text();
    for said in [
        "GET /place/{token}",
        "POST /preferences/{token}",
        "POST /unsubscribe/{token}",
        "POST /survey/{token}",
        "POST /ticket/{token}",
        "POST /ticket/{token}/message",
        "POST /events",
        "a service refused a page",
    ] {
        assert!(text.contains(said), "{said} should have been written");
    }
    let (_, signature) = TOKEN.rsplit_once('.').unwrap();
    let secrets = [
        TOKEN,
        signature,
        &seal,
        &seal_of_survey,
        &seal_of_ticket,
        &key,
        "0190aaaa-bbbb",
        "Asha Rao",
        "asha",
        "A-1029",
        "BP-77",
        "T-2K7",
        "track.example",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "PO3: {secret} was written");
    }
}
