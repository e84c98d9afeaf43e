use jiff::Timestamp;
use prost::Message;
use seva_proto::{common::v1::ErrorReason, surveys::v1::ResponseEvent};
use seva_runtime::call::Story;
use seva_values::{Language, LocalizedText};
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{Happening, Response, Save, Saved, State, is_closed, save},
};
use crate::{
    invitation::{Happening as InvitationHappening, Invitation, State as InvitationState, tests as invitations},
    survey::{Answer, Question, QuestionKind, SurveyVersion, Value},
};

fn question(id: &str, kind: QuestionKind, required: bool) -> Question {
    Question { question_id: id.to_owned(), kind, texts: LocalizedText::default(), required, choices: Vec::new() }
}

fn version() -> SurveyVersion {
    SurveyVersion {
        survey: Uuid::from_u128(900),
        number: 4,
        titles: LocalizedText::default(),
        questions: vec![
            question("csat", QuestionKind::Csat, true),
            question("nps", QuestionKind::Nps, false),
            question("words", QuestionKind::Text, false),
        ],
        hash: [0; 32],
        created_at: hour(0),
        published_at: Some(hour(0)),
        is_current: true,
    }
}

fn hour(number: i64) -> Timestamp {
    invitations::hour(number)
}

/// Queued at hour 1, to be answered until hour 100.
fn queued() -> Invitation {
    let language = Language::parse("ur").unwrap();
    let held = invitations::held(1, &invitations::a_programme(1));
    held.queue((Uuid::from_u128(900), 4), language, hour(100), hour(1)).unwrap().after
}

fn scored(id: &str, score: i32) -> Answer {
    Answer { question_id: id.to_owned(), value: Some(Value::Score(score)) }
}

fn words(text: &str) -> Answer {
    Answer { question_id: "words".to_owned(), value: Some(Value::Text(text.to_owned())) }
}

fn saving(revision: i32, answers: Vec<Answer>, complete: bool) -> Save {
    Save { revision, answers, complete, request: (Uuid::from_u128(revision.unsigned_abs().into()), [1; 32]) }
}

/// The invitation and the response after a save.
fn saved(
    invitation: &Invitation,
    response: Option<Response>,
    given: &Save,
    now: Timestamp,
) -> Result<(Invitation, Response, Saved), seva_runtime::Error> {
    let saved = save(invitation, response, &version(), given, Uuid::from_u128(50), Story::begun_by("x"), now)?;
    let invitation = saved.invitation.as_ref().map_or_else(|| invitation.clone(), |change| change.after.clone());
    Ok((invitation, saved.change.after.clone(), saved))
}

#[test]
fn answers_are_saved_one_by_one_until_the_last() {
    let (invitation, response, first) =
        saved(&queued(), None, &saving(0, vec![scored("csat", 5)], false), hour(2)).unwrap();
    assert_eq!((invitation.state, response.state, response.revision), (InvitationState::Started, State::InProgress, 1));
    assert_eq!((invitation.response, first.change.happening), (Some(response.id), Happening::Saved));

    let more = saving(1, vec![words("It came late"), scored("csat", 4)], false);
    let (invitation, response, second) = saved(&invitation, Some(response), &more, hour(3)).unwrap();
    assert!(second.invitation.is_none(), "it was started already");
    let ids: Vec<_> = response.answers.iter().map(|answered| answered.question_id.as_str()).collect();
    assert_eq!(ids, ["csat", "words"], "in the order of the questions, each once");

    let last = saving(2, vec![words(" ")], true);
    let (invitation, response, third) = saved(&invitation, Some(response), &last, hour(4)).unwrap();
    assert_eq!((invitation.state, response.state), (InvitationState::Completed, State::Completed));
    assert_eq!((response.completed_at, third.taken_back), (Some(hour(4)), vec!["words".to_owned()]));
    assert_eq!(response.answers.len(), 1, "words were taken back");
}

// SU1
#[test]
fn complete_answers_can_be_put_right_for_a_day_and_stay_complete_since_then() {
    let (invitation, response, _) = saved(&queued(), None, &saving(0, vec![scored("csat", 1)], true), hour(2)).unwrap();

    let right = saving(1, vec![scored("csat", 5)], false);
    let (_, corrected, change) = saved(&invitation, Some(response.clone()), &right, hour(25)).unwrap();
    assert_eq!((corrected.state, corrected.completed_at), (State::Completed, Some(hour(2))));
    assert_eq!((change.change.happening, change.invitation.is_none()), (Happening::Corrected, true));

    let refused = saved(&invitation, Some(response.clone()), &right, hour(26)).unwrap_err();
    assert_eq!(refused.reason(), ErrorReason::ResponseClosed);
    assert!(is_closed(&invitation, Some(&response), hour(26)) && !is_closed(&invitation, Some(&response), hour(25)));
}

#[test]
fn an_older_revision_a_faulty_answer_and_a_missing_one_are_refused() {
    let (invitation, response, _) = saved(&queued(), None, &saving(0, vec![scored("nps", 5)], false), hour(2)).unwrap();
    for (given, reason) in [
        (saving(0, vec![scored("csat", 5)], false), ErrorReason::EtagMismatch),
        (saving(2, vec![scored("csat", 5)], false), ErrorReason::EtagMismatch),
        (saving(1, vec![scored("csat", 6)], false), ErrorReason::FieldsInvalid),
        (saving(1, vec![], true), ErrorReason::FieldsInvalid),
        // The same form again, after its faultless answers were saved: it is told the same.
        (saving(0, vec![scored("csat", 6)], false), ErrorReason::FieldsInvalid),
    ] {
        let refused = saved(&invitation, Some(response.clone()), &given, hour(3)).unwrap_err();
        assert_eq!(refused.reason(), reason, "{given:?}");
    }
    let late = saved(&invitation, Some(response), &saving(1, vec![scored("csat", 5)], true), hour(100));
    assert_eq!(late.unwrap_err().reason(), ErrorReason::ResponseClosed, "the time to answer is over");
}

// SU5
#[test]
fn each_low_score_is_followed_once() {
    let low = vec![scored("csat", 2), scored("nps", 6)];
    let (invitation, begun, _) = saved(&queued(), None, &saving(0, low, false), hour(2)).unwrap();
    let cases = |response: &Response, followed: &[&str]| {
        let followed = followed.iter().map(|question| (response.id, (*question).to_owned())).collect();
        let cases = response.low_scores(&invitation, &followed, Uuid::nil, hour(5));
        cases.into_iter().map(|case| (case.question_id, case.score)).collect::<Vec<_>>()
    };
    assert_eq!(cases(&begun, &[]), [("csat".to_owned(), 2), ("nps".to_owned(), 6)]);
    assert_eq!(cases(&begun, &["csat"]), [("nps".to_owned(), 6)]);
    assert_eq!(cases(&begun, &["nps", "csat"]), []);

    let high = vec![scored("csat", 3), scored("nps", 7)];
    let (_, content, _) = saved(&queued(), None, &saving(0, high, true), hour(2)).unwrap();
    assert!(cases(&content, &[]).is_empty() && !content.has_low_score());
}

#[test]
fn what_was_answered_low_is_looked_at_half_an_hour_after_the_last_answer() {
    let minutes = |at: i64, minutes: i64| Some(hour(at) + jiff::SignedDuration::from_mins(minutes));
    let low = saving(0, vec![scored("csat", 2)], false);
    let (invitation, begun, first) = saved(&queued(), None, &low, hour(2)).unwrap();
    assert_eq!((first.due_at, invitation.due_at), (minutes(2, 30), minutes(2, 30)));

    let more = saving(1, vec![words("It is broken")], false);
    let (_, _, second) = saved(&invitation, Some(begun.clone()), &more, hour(3)).unwrap();
    assert_eq!(second.due_at, minutes(3, 30), "each answer begins it anew");
    let raised = saving(1, vec![scored("csat", 3)], false);
    let (_, _, second) = saved(&invitation, Some(begun.clone()), &raised, hour(3)).unwrap();
    assert_eq!(second.due_at, Some(hour(100)), "nothing is low any more");
    let late = saving(1, vec![words("It is broken")], false);
    let (_, _, second) = saved(&invitation, Some(begun.clone()), &late, minutes(99, 45).unwrap()).unwrap();
    assert_eq!(second.due_at, Some(hour(100)), "not after the end");
    let (_, _, last) = saved(&invitation, Some(begun), &saving(1, vec![], true), hour(3)).unwrap();
    assert_eq!(last.due_at, None, "complete answers are followed at once");
}

// The whole table, as the README has it.
#[test]
fn a_response_goes_the_way_of_the_table() {
    let (started, begun, first) = saved(&queued(), None, &saving(0, vec![scored("csat", 5)], false), hour(2)).unwrap();
    assert_eq!((begun.state, first.change.happening), (State::InProgress, Happening::Saved));
    let (_, at_once, first) = saved(&queued(), None, &saving(0, vec![scored("csat", 5)], true), hour(2)).unwrap();
    assert_eq!((at_once.state, first.change.happening), (State::Completed, Happening::Completed));

    let more = saving(1, vec![scored("csat", 4)], false);
    let (_, after, second) = saved(&started, Some(begun.clone()), &more, hour(3)).unwrap();
    assert_eq!((after.state, second.change.happening), (State::InProgress, Happening::Saved));
    let (completed, after, second) = saved(&started, Some(begun.clone()), &saving(1, vec![], true), hour(3)).unwrap();
    assert_eq!((after.state, second.change.happening), (State::Completed, Happening::Completed));
    let ended = begun.end(&started, hour(100)).unwrap();
    assert_eq!((ended.after.state, ended.happening), (State::Partial, Happening::Partial));

    let right = saving(2, vec![scored("csat", 3)], false);
    let (_, corrected, third) = saved(&completed, Some(after), &right, hour(4)).unwrap();
    assert_eq!((corrected.state, third.change.happening), (State::Completed, Happening::Corrected));
    assert!(corrected.end(&completed, hour(100)).is_none(), "complete answers stay complete");

    let expired = started.happens(InvitationHappening::Expired, hour(100), &Story::begun_by("x")).unwrap().after;
    let late = saved(&expired, Some(ended.after.clone()), &saving(1, vec![scored("csat", 1)], true), hour(100));
    assert_eq!(late.unwrap_err().reason(), ErrorReason::ResponseClosed);
    assert!(ended.after.end(&expired, hour(101)).is_none(), "it ends once");
}

// SU16
#[test]
fn the_event_of_a_response_holds_nobodys_words() {
    let given = saving(0, vec![scored("csat", 2), words("my address is 7 Hill Road")], true);
    let (_, _, saved) = saved(&queued(), None, &given, hour(2)).unwrap();

    let event = event_of(&saved.change);

    let told = ResponseEvent::decode(event.payload.as_slice()).unwrap();
    assert_eq!(told.scores.len(), 1);
    assert!(!String::from_utf8_lossy(&event.payload).contains("Hill Road"));
    assert!(!format!("{saved:?}").contains("Hill Road"), "nor does what is logged");
}
