//! The survey page.

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    surveys::v1::{
        Answer, Choice, GetQuestionnaireResponse, Question, Questionnaire, SaveAnswersResponse, SurveyVersion,
        answer::Value, question::Kind, response::State,
    },
};
use seva_runtime::{Error, Violations};
use seva_values::{Invalid, Uuid};
use tonic::Code;

use crate::web::{ATTACK, Page, TOKEN, Web, at, link_ended, link_invalid, refusal, unreachable};

fn texts(en: &str, ur: &str) -> Vec<Translation> {
    let one = |language: &str, text: &str| Translation { language: language.to_owned(), text: text.to_owned() };
    vec![one("en", en), one("ur", ur)]
}

pub fn questionnaire(language: &str) -> Questionnaire {
    let question = |id: &str, kind: Kind, required, en: &str, ur: &str| Question {
        question_id: id.to_owned(),
        kind: kind.into(),
        required,
        texts: texts(en, ur),
        choices: Vec::new(),
    };
    let choice = |id: &str, text: &str| Choice { choice_id: id.to_owned(), texts: texts(text, text) };
    let which = Question {
        choices: vec![choice("person", "The person"), choice("product", "The product")],
        ..question("reason", Kind::SingleChoice, false, "What was it about?", "کس بارے میں؟")
    };
    let questions = vec![
        question("csat", Kind::Csat, true, "How satisfied are you?", "آپ کتنے مطمئن ہیں؟"),
        question("nps", Kind::Nps, false, "Would you recommend us?", "کیا آپ ہماری سفارش کریں گے؟"),
        which,
        question("words", Kind::Text, false, "What else?", "اور کچھ؟"),
    ];
    let version =
        SurveyVersion {
            titles: texts("How did we do?", "ہم نے کیسا کیا؟"), questions, ..SurveyVersion::default()
        };
    Questionnaire {
        survey_version: Some(version),
        language: language.to_owned(),
        revision: 3,
        expire_time: at("2026-12-24T12:00:00Z"),
        ..Questionnaire::default()
    }
}

async fn web(questionnaire: Questionnaire) -> Web {
    let web = Web::new().await;
    let answer = GetQuestionnaireResponse { questionnaire: Some(questionnaire) };
    web.script().get_questionnaire.answers(move |_| Ok(answer.clone()));
    web.script().save_answers.answers(|_| Ok(SaveAnswersResponse::default()));
    web
}

fn path() -> String {
    format!("/survey/{TOKEN}")
}

async fn send(web: &Web, page: &Page, fields: &[(&str, &str)]) -> Page {
    let (seal, nonce, revision) = (page.hidden("seal"), page.hidden("nonce"), page.hidden("revision"));
    let proof = [("seal", seal.as_str()), ("nonce", nonce.as_str()), ("revision", revision.as_str())];
    web.post(&path(), &[&proof, fields].concat()).await
}

fn answer(id: &str, value: Value) -> Answer {
    Answer { question_id: id.to_owned(), value: Some(value) }
}

#[tokio::test]
async fn the_questions_are_shown_in_the_customers_language_with_what_was_saved() {
    let mut saved = questionnaire("en-IN");
    saved.answers = vec![answer("csat", Value::Score(4)), answer("words", Value::Text("All <well> & good".to_owned()))];
    let web = web(saved).await;

    let page = web.get(&path()).await;

    assert_eq!(page.status, 200);
    assert!(
        page.has("<html lang=\"en\" dir=\"ltr\">") && page.has("How did we do?") && page.has("How satisfied are you?")
    );
    assert!(page.has("name=\"q_csat\" value=\"4\" checked"));
    assert!(page.has("All &#60;well&#62; &#38; good</textarea>"), "{}", page.body);
    assert!(page.has("You can answer until 24 December 2026."));
    assert_eq!(page.hidden("revision"), "3");
    assert_eq!(web.script().get_questionnaire.messages()[0].token, TOKEN);
    assert_eq!(web.script().get_questionnaire.asked()[0].caller, "service:portal");
    assert_eq!(web.script().writes(), 0, "PO1: looking changes nothing");
}

#[tokio::test]
async fn urdu_runs_from_the_right() {
    let web = web(questionnaire("ur-PK")).await;

    let page = web.get(&path()).await;

    assert!(page.has("<html lang=\"ur\" dir=\"rtl\">"));
    assert!(page.has("آپ کتنے مطمئن ہیں؟") && page.has("بہت مطمئن") && page.has("میرے جوابات بھیجیں"));
    assert_eq!(page.header("content-language"), "ur");
}

#[tokio::test]
async fn every_language_has_its_own_buttons() {
    for (language, button) in
        [("en", "Send my answers"), ("hi", "मेरे जवाब भेजें"), ("bn", "আমার উত্তর পাঠান"), ("ur", "میرے جوابات بھیجیں")]
    {
        let page = web(questionnaire(language)).await.get(&path()).await;
        assert!(page.has(button), "{language}");
    }
}

#[tokio::test]
async fn a_score_in_the_link_is_preselected_and_records_nothing() {
    let web = web(questionnaire("en")).await;

    let page = web.get(&format!("{}?score=5&q_nps=9&q_reason=product&q_words=injected", path())).await;

    assert!(page.has("name=\"q_csat\" value=\"5\" checked"));
    assert!(page.has("name=\"q_nps\" value=\"9\" checked"));
    assert!(page.has("name=\"q_reason\" value=\"product\" checked"));
    assert!(!page.has("injected"), "words are never taken from a link");
    assert_eq!(web.script().writes(), 0, "PO1");
}

#[tokio::test]
async fn answers_are_saved_with_the_revision_that_they_change() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;

    let fields = [("q_csat", "2"), ("q_reason", "person"), ("q_words", "too\r\nlate "), ("action", "save")];
    let saved = send(&web, &page, &fields).await;

    assert_eq!(saved.status, 303);
    assert_eq!(saved.header("location"), format!("/survey/{TOKEN}?saved=1&correct=1"));
    let asked = &web.script().save_answers.messages()[0];
    assert_eq!((asked.token.as_str(), asked.revision, asked.complete), (TOKEN, 3, false));
    let expected = [
        answer("csat", Value::Score(2)),
        answer("reason", Value::ChoiceId("person".to_owned())),
        answer("words", Value::Text("too\nlate".to_owned())),
    ];
    assert_eq!(asked.answers, expected);
    assert!(Uuid::parse_str(&asked.request_id).is_ok());
    let page = web.get(saved.header("location")).await;
    assert!(page.has("Your answers so far are saved."));
}

#[tokio::test]
async fn the_same_form_sent_twice_asks_for_the_same_and_a_changed_one_for_something_else() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;

    for score in ["4", "4", "5"] {
        send(&web, &page, &[("q_csat", score), ("action", "complete")]).await;
    }

    let asked = web.script().save_answers.messages();
    assert_eq!(asked[0], asked[1]);
    assert_ne!(asked[1].request_id, asked[2].request_id);
}

#[tokio::test]
async fn completing_leads_to_thanks_and_back_to_the_questions_for_a_day() {
    let mut done = questionnaire("en");
    done.state = State::Completed.into();
    let web = web(done).await;
    let page = web.get(&format!("{}?correct=1", path())).await;
    assert!(page.has("<form"));

    let sent = send(&web, &page, &[("q_csat", "4"), ("action", "complete")]).await;

    assert!(web.script().save_answers.messages()[0].complete);
    assert_eq!(sent.header("location"), path());
    let thanks = web.get(sent.header("location")).await;
    assert_eq!(thanks.status, 200);
    assert!(
        thanks.has("Thank you!") && thanks.has(&format!("href=\"/survey/{TOKEN}?correct=1\"")) && !thanks.has("<form")
    );
}

#[tokio::test]
async fn every_refused_answer_is_told_beside_its_question_and_what_was_typed_stays() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;
    web.script().save_answers.refuses(|| {
        let mut violations = Violations::default();
        violations.add("answers[0].score", Invalid::new("SCORE_OUT_OF_RANGE", "lies between 0 and 10"));
        violations.add("answers[1].text", Invalid::new("TEXT_TOO_LONG", "has 4000 characters at most"));
        violations.add("answers", Invalid::new("ANSWER_REQUIRED", "csat needs an answer"));
        Error::from(violations)
    });

    let refused = send(&web, &page, &[("q_nps", "11"), ("q_words", "so <much>"), ("action", "complete")]).await;

    assert_eq!(refused.status, 400);
    assert!(refused.has("Nothing of this was saved."));
    assert!(refused.between("How satisfied are you?", "</fieldset>").contains("Please answer this question."));
    assert!(refused.between("Would you recommend us?", "</fieldset>").contains("We cannot take this answer."));
    assert!(refused.between("What else?", "</fieldset>").contains("This answer is too long."));
    assert!(!refused.between("What was it about?", "</fieldset>").contains("class=\"error\""));
    assert!(refused.has("so &#60;much&#62;</textarea>"));
    assert!(!refused.has("4000 characters at most"), "PO5: a service's words stay inside");
}

#[tokio::test]
async fn what_can_be_taken_is_saved_when_the_rest_is_refused() {
    for (language, words) in [
        ("en", "Your other answers are saved."),
        ("hi", "आपके बाकी जवाब सहेज लिए गए हैं"),
        ("bn", "আপনার বাকি উত্তরগুলো সংরক্ষিত হয়েছে"),
        ("ur", "آپ کے باقی جوابات محفوظ ہو گئے ہیں"),
    ] {
        let web = web(questionnaire(language)).await;
        let page = web.get(&path()).await;
        let saved = Questionnaire { revision: 4, ..questionnaire(language) };
        web.script().save_answers.answers(move |request| {
            if request.complete {
                let mut violations = Violations::default();
                violations.add("answers", Invalid::new("ANSWER_REQUIRED", "csat needs an answer"));
                return Err(Error::from(violations).into());
            }
            Ok(SaveAnswersResponse { questionnaire: Some(saved.clone()) })
        });

        let refused = send(&web, &page, &[("q_nps", "9"), ("q_words", "good"), ("action", "complete")]).await;

        assert_eq!(refused.status, 400);
        assert!(refused.has(words) && refused.has("good</textarea>"), "{language}");
        assert_eq!(refused.hidden("revision"), "4", "the next try goes over what was saved");
        let asked = web.script().save_answers.messages();
        let rest = vec![answer("nps", Value::Score(9)), answer("words", Value::Text("good".to_owned()))];
        assert_eq!((asked.len(), asked[1].complete, asked[1].revision), (2, false, 3));
        assert_eq!(asked[1].answers, rest);
        assert_ne!(asked[0].request_id, asked[1].request_id);
    }
}

#[tokio::test]
async fn when_the_rest_cannot_be_saved_the_page_says_why() {
    for (refused_with, code, expected, words) in [
        (ErrorReason::EtagMismatch, Code::Aborted, 409, "saved from another window"),
        (ErrorReason::ResponseClosed, Code::FailedPrecondition, 410, ""),
        (ErrorReason::Unspecified, Code::Unavailable, 400, "Nothing of this was saved."),
    ] {
        let web = web(questionnaire("en")).await;
        let page = web.get(&path()).await;
        web.script().save_answers.answers(move |request| {
            if request.complete {
                let mut violations = Violations::default();
                violations.add("answers", Invalid::new("ANSWER_REQUIRED", "csat needs an answer"));
                return Err(Error::from(violations).into());
            }
            Err(refusal(code, refused_with).into())
        });
        let newer = Questionnaire { revision: 7, ..questionnaire("en") };
        web.script()
            .get_questionnaire
            .answers(move |_| Ok(GetQuestionnaireResponse { questionnaire: Some(newer.clone()) }));

        let refused = send(&web, &page, &[("q_nps", "9"), ("action", "complete")]).await;

        assert_eq!(refused.status, expected, "{refused_with:?}");
        assert!(refused.has(words), "{refused_with:?}: {}", refused.body);
        assert!(expected != 409 || refused.hidden("revision") == "7", "over the newer revision, with eyes open");
    }
}

#[tokio::test]
async fn a_score_that_is_no_number_is_refused_without_asking() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;

    let refused = send(&web, &page, &[("q_csat", "many"), ("action", "save")]).await;

    assert_eq!(refused.status, 400);
    assert!(refused.has("We cannot take this answer."));
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn answers_saved_elsewhere_in_between_are_told_and_what_was_typed_stays() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;
    web.script().save_answers.refuses(|| refusal(Code::Aborted, ErrorReason::EtagMismatch));
    let newer = Questionnaire { revision: 7, ..questionnaire("en") };
    web.script()
        .get_questionnaire
        .answers(move |_| Ok(GetQuestionnaireResponse { questionnaire: Some(newer.clone()) }));

    let conflict = send(&web, &page, &[("q_csat", "1"), ("action", "complete")]).await;

    assert_eq!(conflict.status, 409);
    assert!(conflict.has("saved from another window") && conflict.has("name=\"q_csat\" value=\"1\" checked"));
    assert_eq!(conflict.hidden("revision"), "7", "saving again goes over the newer one, knowingly");
}

#[tokio::test]
async fn a_link_that_cannot_be_used_has_a_friendly_page() {
    let web = Web::new().await;
    web.script().get_questionnaire.refuses(link_ended);
    let ended = web.get_in(&path(), "bn-BD,bn;q=0.9").await;
    assert_eq!(ended.status, 410);
    assert!(ended.has("এই লিংকের মেয়াদ শেষ হয়েছে") && ended.has("lang=\"bn\""));

    web.script().get_questionnaire.refuses(link_invalid);
    let invalid = web.get_in(&path(), "ur").await;
    assert_eq!(invalid.status, 404);
    assert!(invalid.has("dir=\"rtl\"") && !invalid.has("internal words"));

    web.script().get_questionnaire.refuses(unreachable);
    let busy = web.get(&path()).await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "5"));

    web.script().get_questionnaire.refuses(|| refusal(Code::Internal, ErrorReason::Internal));
    let broken = web.get(&path()).await;
    assert_eq!(broken.status, 500);
    assert!(broken.has("Something went wrong on our side") && !broken.has("internal words"), "PO5");
}

#[tokio::test]
async fn answers_that_can_no_longer_be_changed_are_thanked_for() {
    let mut closed = questionnaire("hi");
    closed.closed = true;
    let web = web(closed).await;
    let page = web.get(&path()).await;
    assert_eq!(page.status, 410);
    assert!(page.has("धन्यवाद, आपके जवाब हमें मिल चुके हैं") && !page.has("<form"));
}

#[tokio::test]
async fn answers_closed_while_the_form_was_open_are_told_so() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;
    web.script().save_answers.refuses(|| refusal(Code::FailedPrecondition, ErrorReason::ResponseClosed));
    let closed = send(&web, &page, &[("q_csat", "1"), ("action", "complete")]).await;
    assert_eq!(closed.status, 410);
    assert!(closed.has("Thank you, we have your answers"));
}

#[tokio::test]
async fn nothing_that_anybody_wrote_runs_on_the_page() {
    let mut attacked = questionnaire("en");
    let version = attacked.survey_version.as_mut().unwrap();
    version.titles = texts(ATTACK, ATTACK);
    for question in &mut version.questions {
        question.texts = texts(ATTACK, ATTACK);
        for choice in &mut question.choices {
            choice.choice_id = ATTACK.to_owned();
            choice.texts = texts(ATTACK, ATTACK);
        }
    }
    version.questions[0].question_id = ATTACK.to_owned();
    attacked.answers = vec![answer("words", Value::Text(format!("</textarea>{ATTACK}")))];
    let web = web(attacked).await;

    let page = web.get(&path()).await;

    assert_eq!(page.status, 200);
    page.assert_harmless();
    assert_eq!(page.body.matches("</textarea>").count(), 1);
    let refused = send(&web, &page, &[("q_words", ATTACK), ("q_nps", ATTACK), ("action", ATTACK)]).await;
    refused.assert_harmless();
}

#[tokio::test]
async fn a_form_that_is_not_ours_saves_nothing() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;
    let (seal, nonce) = (page.hidden("seal"), page.hidden("nonce"));
    let fields =
        |seal| [("seal", seal), ("nonce", nonce.as_str()), ("revision", "3"), ("q_csat", "1"), ("action", "save")];

    let other = path().replace("survey.", "other.");
    for (why, path, fields, headers) in [
        ("no seal", path(), &fields("")[..], &[][..]),
        ("a made-up seal", path(), &fields("form.a.0.9999999999.k1.AAAA"), &[]),
        ("the seal of another link", other, &fields(&seal), &[]),
        ("from another site", path(), &fields(&seal), &[("sec-fetch-site", "cross-site")]),
        ("from another origin", path(), &fields(&seal), &[("origin", "https://evil.example")]),
    ] {
        let refused = web.post_with(&path, fields, headers).await;
        assert_eq!(refused.status, 403, "PO2: {why}");
        assert!(refused.has("Nothing was changed"), "{why}");
    }
    assert_eq!(web.script().writes(), 0, "PO2");

    let ours = [("sec-fetch-site", "same-origin"), ("origin", "null")];
    assert_eq!(web.post_with(&path(), &fields(&seal), &ours).await.status, 303);
}

#[tokio::test]
async fn a_form_of_another_type_or_without_a_revision_is_not_read() {
    let web = web(questionnaire("en")).await;
    let page = web.get(&path()).await;
    let text = web.request(http::Method::POST, &path(), &[("content-type", "text/plain")], "seal=x").await;
    assert_eq!(text.status, 400);
    let seal = page.hidden("seal");
    let without = web.post(&path(), &[("seal", &seal), ("q_csat", "1")]).await;
    assert_eq!(without.status, 400);
    assert_eq!(web.script().writes(), 0);
}
