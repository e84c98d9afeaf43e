//! What Seva brings along is there at the start, asks at once, and takes nothing away from what people have set.

use seva_proto::surveys::v1::{
    GetSurveyVersionRequest, ListProgrammesRequest, ListSurveysRequest, Programme, Survey, SurveyVersion,
    UpdateProgrammeRequest, programme::Trigger, programme_service_server::ProgrammeService, question::Kind,
    survey_service_server::SurveyService, survey_version::State,
};
use seva_surveys::ensure_catalog;
use seva_values::new_id;

use crate::office::{Office, call, hours, question, version};

async fn surveys(office: &Office) -> Vec<Survey> {
    let request = ListSurveysRequest::default();
    office.surveys.list_surveys(call("ListSurveys", request)).await.unwrap().into_inner().surveys
}

async fn programmes(office: &Office) -> Vec<Programme> {
    let request = ListProgrammesRequest::default();
    office.programmes.list_programmes(call("ListProgrammes", request)).await.unwrap().into_inner().programmes
}

async fn published(office: &Office, survey: &Survey) -> SurveyVersion {
    let request = GetSurveyVersionRequest { name: survey.published_version.clone() };
    let answer = office.surveys.get_survey_version(call("GetSurveyVersion", request)).await.unwrap();
    answer.into_inner().survey_version.unwrap()
}

async fn ensure(office: &Office) {
    ensure_catalog(&office.foundation.db, &office.foundation.clock).await.unwrap();
}

#[tokio::test]
async fn the_catalog_asks_after_orders_and_after_tickets() {
    let office = Office::new().await;
    ensure(&office).await;

    let surveys = surveys(&office).await;
    assert_eq!(surveys.len(), 2);
    let programmes = programmes(&office).await;
    let of = |trigger: Trigger| programmes.iter().find(|programme| programme.trigger() == trigger).unwrap();
    let (orders, tickets) = (of(Trigger::OrderDelivered), of(Trigger::TicketClosed));
    for (programme, delay) in [(orders, hours(48)), (tickets, hours(1))] {
        assert!(programme.active && programme.follow_low_scores, "{programme:?}");
        assert_eq!(
            (programme.delay, programme.pause_between, programme.lifetime),
            (delay, hours(24 * 14), hours(24 * 14))
        );
        assert_eq!(programme.sampling_rate, 1.0);
        let survey = surveys.iter().find(|survey| survey.name == programme.survey).unwrap();
        let version = published(&office, survey).await;
        assert_eq!((version.state(), version.titles.len()), (State::Published, 4));
    }
    assert!(tickets.priority > orders.priority);

    let mut kinds: Vec<String> = office.emitted().await.into_iter().map(|event| event.kind).collect();
    kinds.sort();
    let expected = [
        "programme.created",
        "programme.created",
        "survey.created",
        "survey.created",
        "survey_version.published",
        "survey_version.published",
    ];
    assert_eq!(kinds, expected.map(|act| format!("seva.surveys.{act}.v1")));
}

/// SU32
#[tokio::test(flavor = "multi_thread")]
async fn the_same_catalog_again_changes_nothing_even_from_two_processes_at_once() {
    let office = Office::new().await;
    tokio::join!(ensure(&office), ensure(&office), ensure(&office));
    let (known_surveys, known_programmes) = (surveys(&office).await, programmes(&office).await);
    ensure(&office).await;

    assert_eq!((surveys(&office).await, programmes(&office).await), (known_surveys, known_programmes));
    assert_eq!(office.count("select count(*) from survey_version").await, 2);
    assert_eq!(office.count("select count(*) from asked_question").await, 6);
    assert_eq!(office.count("select count(*) from seva.outbox").await, 6);
}

/// SU32
#[tokio::test]
async fn what_a_person_has_set_stays_so() {
    let office = Office::new().await;
    ensure(&office).await;
    let programme = programmes(&office).await.remove(0);
    let off = UpdateProgrammeRequest {
        programme: Some(Programme { active: false, etag: String::new(), ..programme.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["active".to_owned()] }),
        request_id: new_id().to_string(),
    };
    office.programmes.update_programme(call("UpdateProgramme", off)).await.unwrap();
    let own = office.draft(&programme.survey, version(vec![question("csat", Kind::Csat)])).await.unwrap();
    office.publish(&own.name).await.unwrap();

    ensure(&office).await;

    let kept = programmes(&office).await.into_iter().find(|kept| kept.name == programme.name).unwrap();
    assert!(!kept.active);
    let survey = surveys(&office).await.into_iter().find(|survey| survey.name == programme.survey).unwrap();
    assert_eq!(survey.published_version, own.name);
}

/// As when a later version of Seva brings other texts along: this one's take over from what the catalog had, not from a person.
#[tokio::test]
async fn a_newer_text_of_the_catalog_follows_an_older_one_and_no_persons() {
    let office = Office::new().await;
    // What an older Seva brought along.
    ensure(&office).await;
    let [one, other] = &surveys(&office).await[..] else { panic!("two surveys") };
    sqlx::raw_sql(
        "alter table survey_version disable trigger survey_version_frozen;
         update survey_version set hash = sha256('older'), origin = 'catalog';
         alter table survey_version enable trigger survey_version_frozen",
    )
    .execute(&office.database.owner)
    .await
    .unwrap();
    let own = office.draft(&other.name, version(vec![question("csat", Kind::Csat)])).await.unwrap();
    office.publish(&own.name).await.unwrap();

    office.pass(3600);
    ensure(&office).await;

    let after = surveys(&office).await;
    let of = |name: &str| after.iter().find(|survey| survey.name == name).unwrap();
    assert_eq!(of(&one.name).published_version, format!("{}/versions/2", one.name));
    assert_eq!(of(&other.name).published_version, own.name, "the newer text waits as a draft");
    assert_eq!(office.count("select count(*) from survey_version where published_at is null").await, 1);
    let before = office.emitted().await.len();
    ensure(&office).await;
    assert_eq!(office.emitted().await.len(), before);
}
