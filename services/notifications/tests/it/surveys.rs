//! Who is asked how it went.

use seva_notifications::provider::Fault;
use seva_proto::{
    notifications::v1::{DecisionReason as Reason, notification::State},
    surveys::v1::invitation::State as InvitationState,
};
use uuid::Uuid;

use crate::town::Town;

const QUEUED: &str = "seva.surveys.invitation.queued.v1";

async fn invited(town: &Town, language: &str) -> (Uuid, String) {
    let somebody = town.somebody(&[language]).await;
    let invitation = format!("invitations/{}", seva_values::new_id());
    town.settled().await;
    town.neighbours.invitation(QUEUED, somebody, &invitation, 2, InvitationState::Queued).await;
    (somebody, invitation)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_leads_to_its_questions_in_the_customers_language() {
    let town = Town::new().await;
    for language in ["en", "hi", "bn", "ur"] {
        let (somebody, invitation) = invited(&town, language).await;
        town.works().await;

        let told = town.explained(somebody, &invitation, "survey_invitation").await.notification;
        assert_eq!((told.state(), told.language.as_str()), (State::Sent, language));
        assert_eq!(told.category, "surveys");
        let mails = town.post.handed();
        let id = invitation.strip_prefix("invitations/").unwrap();
        assert!(mails.last().unwrap().text.contains(&format!("http://127.0.0.1:8080/survey/survey.{id}.")));
        assert!(mails.last().unwrap().unsubscribe.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_has_ended_or_was_answered_is_taken_back() {
    let town = Town::new().await;
    for (kind, state) in [
        ("seva.surveys.invitation.suppressed.v1", InvitationState::Suppressed),
        ("seva.surveys.invitation.expired.v1", InvitationState::Expired),
        ("seva.surveys.invitation.started.v1", InvitationState::Started),
        ("seva.surveys.invitation.completed.v1", InvitationState::Completed),
    ] {
        let (somebody, invitation) = invited(&town, "en").await;
        town.neighbours.invitation(kind, somebody, &invitation, 3, state).await;
        town.works().await;

        let told = town.explained(somebody, &invitation, "survey_invitation").await;
        assert_eq!(told.notification.state(), State::Superseded, "{kind}");
    }
    let (somebody, invitation) = invited(&town, "en").await;
    let sent = "seva.surveys.invitation.sent.v1";
    town.neighbours.invitation(sent, somebody, &invitation, 3, InvitationState::Sent).await;
    town.works().await;
    let told = town.explained(somebody, &invitation, "survey_invitation").await;
    assert_eq!(told.notification.state(), State::Sent, "our own word takes nothing back");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_twice_when_it_cannot_be_known_whether_they_were_asked() {
    let town = Town::new().await;
    let (somebody, invitation) = invited(&town, "en").await;
    town.post.will_answer(Err(Fault::Ambiguous { code: "lost".to_owned() }));

    town.works().await;

    let told = town.explained(somebody, &invitation, "survey_invitation").await.notification;
    assert_eq!((told.state(), told.reason()), (State::Failed, Reason::Ambiguous));
    assert_eq!(town.post.handed().len(), 1);
}
