//! Surveys in versions: faulty drafts are taken and not published, published ones never change.

use std::sync::Arc;

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    surveys::v1::{
        CreateSurveyRequest, CreateSurveyVersionRequest, GetSurveyRequest, GetSurveyVersionRequest, ListSurveysRequest,
        PublishSurveyVersionRequest, Question, Survey, SurveyEvent, SurveyVersion, SurveyVersionEvent, question::Kind,
        survey_service_server::SurveyService, survey_version::State,
    },
};
use seva_surveys::survey::Versions;
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::office::{Office, call, choices, id_of, is_refused, question, said, version, violations};

async fn get(office: &Office, name: &str) -> Result<Survey, Status> {
    let request = GetSurveyRequest { name: name.to_owned() };
    Ok(office.surveys.get_survey(call("GetSurvey", request)).await?.into_inner().survey.unwrap())
}

async fn get_version(office: &Office, name: &str) -> Result<SurveyVersion, Status> {
    let request = GetSurveyVersionRequest { name: name.to_owned() };
    let answer = office.surveys.get_survey_version(call("GetSurveyVersion", request)).await?;
    Ok(answer.into_inner().survey_version.unwrap())
}

fn of_each_kind() -> Vec<Question> {
    vec![
        Question { required: true, ..question("csat", Kind::Csat) },
        question("nps", Kind::Nps),
        choices(question("reason", Kind::SingleChoice), &["person", "policy"]),
        question("words", Kind::Text),
    ]
}

#[tokio::test]
async fn what_was_recorded_is_read_back_told_and_audited() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let draft = office.draft(&survey.name, version(of_each_kind())).await.unwrap();

    assert_eq!(get(&office, &survey.name).await.unwrap(), survey);
    assert_eq!((survey.published_version.as_str(), survey.etag.as_str()), ("", "\"v1\""));
    assert_eq!(get_version(&office, &draft.name).await.unwrap(), draft);
    assert_eq!((draft.name.clone(), draft.state()), (format!("{}/versions/1", survey.name), State::Draft));
    assert_eq!((draft.questions.clone(), draft.titles.clone()), (of_each_kind(), said("title")));

    office.pass(60);
    let published = office.publish(&draft.name).await.unwrap();
    assert_eq!(published.state(), State::Published);
    assert_eq!(published.publish_time.unwrap().seconds, office.now().as_second());
    assert_eq!((&published.hash, published.hash.len()), (&draft.hash, 64));
    assert_eq!(get_version(&office, &draft.name).await.unwrap(), published);
    let asked = get(&office, &survey.name).await.unwrap();
    assert_eq!((asked.published_version, asked.etag.as_str()), (draft.name.clone(), "\"v2\""));

    let [created, told] = &office.emitted().await[..] else { panic!("a draft is nobody's business") };
    assert_eq!((created.kind.as_str(), &created.subject), ("seva.surveys.survey.created.v1", &survey.name));
    let expected = SurveyEvent { survey: survey.name.clone(), display_name: survey.display_name, version: 1 };
    assert_eq!(created.read::<SurveyEvent>(), expected);
    assert_eq!((told.kind.as_str(), &told.subject), ("seva.surveys.survey_version.published.v1", &draft.name));
    assert_eq!(told.read::<SurveyVersionEvent>(), SurveyVersionEvent { survey_version: draft.name, hash: draft.hash });
    assert_eq!(office.count("select count(*) from seva.audit").await, 3);
}

#[tokio::test]
async fn the_hash_stands_for_what_is_stored() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let one = office.draft(&survey.name, version(of_each_kind())).await.unwrap();
    let same = office.draft(&survey.name, version(of_each_kind())).await.unwrap();
    let other = office.draft(&survey.name, version(vec![question("csat", Kind::Csat)])).await.unwrap();

    assert_eq!((&one.hash, one.hash == other.hash), (&same.hash, false));
    assert_eq!(get_version(&office, &one.name).await.unwrap().hash, one.hash);
    assert_eq!((same.name, other.name), (format!("{}/versions/2", survey.name), format!("{}/versions/3", survey.name)));
}

/// SU21
#[tokio::test]
async fn a_faulty_draft_is_taken_and_publishing_tells_every_fault() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let english = |text: &str| vec![Translation { language: "en".to_owned(), text: text.to_owned() }];
    let faulty = SurveyVersion {
        titles: english("How was it?"),
        questions: vec![
            question("csat", Kind::Csat),
            choices(question("csat", Kind::Csat), &["a"]),
            choices(question("reason", Kind::SingleChoice), &["a", "a"]),
            Question { texts: Vec::new(), ..question("words", Kind::Text) },
        ],
        ..SurveyVersion::default()
    };
    let draft = office.draft(&survey.name, faulty).await.unwrap();

    let refused = is_refused(office.publish(&draft.name).await, ErrorReason::SurveyFaulty);
    let found = violations(&refused);
    let expected = [
        ("questions[1].choices", "CHOICES_NOT_ALLOWED"),
        ("questions[1].kind", "SECOND_OF_KIND"),
        ("questions[1].question_id", "QUESTION_REPEATED"),
        ("questions[2].choices[1].choice_id", "CHOICE_REPEATED"),
        ("questions[3].texts", "LANGUAGE_MISSING"),
        ("questions[3].texts", "LANGUAGE_MISSING"),
        ("questions[3].texts", "LANGUAGE_MISSING"),
        ("questions[3].texts", "LANGUAGE_MISSING"),
        ("titles", "LANGUAGE_MISSING"),
        ("titles", "LANGUAGE_MISSING"),
        ("titles", "LANGUAGE_MISSING"),
    ];
    assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(get_version(&office, &draft.name).await.unwrap().state(), State::Draft);
    assert_eq!(office.emitted().await.len(), 1, "the survey and nothing more");

    let empty = office.draft(&survey.name, SurveyVersion::default()).await.unwrap();
    is_refused(office.publish(&empty.name).await, ErrorReason::SurveyFaulty);
}

#[tokio::test]
async fn what_cannot_be_read_is_no_draft() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let tagged = |tag: &str| Translation { language: tag.to_owned(), text: "a".to_owned() };
    let unreadable = SurveyVersion {
        titles: vec![tagged("en"), tagged("EN"), tagged("not a language")],
        questions: vec![
            Question { kind: 9, ..question("csat", Kind::Csat) },
            question("", Kind::Text),
            choices(question("reason", Kind::Unspecified), &["A choice"]),
            Question {
                texts: vec![Translation { text: "\0".to_owned(), ..tagged("en") }],
                ..question("a", Kind::Text)
            },
        ],
        ..SurveyVersion::default()
    };
    let refused = is_refused(office.draft(&survey.name, unreadable).await, ErrorReason::FieldsInvalid);
    let expected = [
        ("survey_version.questions[0].kind", "KIND_UNKNOWN"),
        ("survey_version.questions[1].question_id", "WORD_MALFORMED"),
        ("survey_version.questions[2].choices[0].choice_id", "WORD_MALFORMED"),
        ("survey_version.questions[2].kind", "FIELD_REQUIRED"),
        ("survey_version.questions[3].texts[0].text", "TEXT_CONTROL_CHARACTER"),
        ("survey_version.titles[1]", "LANGUAGE_REPEATED"),
        ("survey_version.titles[2].language", "LANGUAGE_MALFORMED"),
    ];
    assert_eq!(violations(&refused), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));

    let endless = version(vec![question("a", Kind::Text); 101]);
    let refused = is_refused(office.draft(&survey.name, endless).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&refused), [("survey_version.questions".to_owned(), "DRAFT_TOO_LONG".to_owned())]);
    let nothing =
        CreateSurveyVersionRequest { parent: "surveys/1".to_owned(), ..CreateSurveyVersionRequest::default() };
    let refused = office.surveys.create_survey_version(call("CreateSurveyVersion", nothing)).await;
    let fields: Vec<String> =
        violations(&is_refused(refused, ErrorReason::FieldsInvalid)).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["parent", "request_id", "survey_version"]);
    is_refused(office.survey(" ").await, ErrorReason::FieldsInvalid);
}

/// SU22
#[tokio::test]
async fn an_id_that_was_asked_keeps_its_kind_and_choices_in_all_versions_of_its_survey() {
    let office = Office::new().await;
    let survey = office.asked(of_each_kind()).await;
    let mut changed = of_each_kind();
    changed[2] = choices(question("reason", Kind::SingleChoice), &["person", "product"]);
    changed[3] = question("words", Kind::Nps);
    changed.remove(1);
    let draft = office.draft(&survey.name, version(changed)).await.unwrap();
    let refused = is_refused(office.publish(&draft.name).await, ErrorReason::SurveyFaulty);
    let scale = |at: usize| (format!("questions[{at}].question_id"), "SCALE_CHANGED".to_owned());
    assert_eq!(violations(&refused), [scale(1), scale(2)]);

    // What was asked once is remembered when later versions leave it out.
    let fewer = office.draft(&survey.name, version(vec![question("csat", Kind::Csat)])).await.unwrap();
    office.publish(&fewer.name).await.unwrap();
    is_refused(office.publish(&draft.name).await, ErrorReason::SurveyFaulty);
    // Another survey's ids are its own.
    office.asked(vec![question("words", Kind::Nps)]).await;
}

/// SU20
#[tokio::test]
async fn a_published_version_never_changes_not_even_by_hand() {
    let office = Office::new().await;
    let survey = office.asked(of_each_kind()).await;
    let name = format!("{}/versions/1", survey.name);
    let published = get_version(&office, &name).await.unwrap();

    let again = is_refused(office.publish(&name).await, ErrorReason::SurveyFrozen);
    assert_eq!(again.code(), Code::FailedPrecondition);
    for change in [
        "update survey_version set content = '{}'",
        "update survey_version set hash = sha256('other')",
        "update survey_version set published_at = null",
        "delete from survey_version",
    ] {
        let refused = sqlx::query(change).execute(&office.database.owner).await.unwrap_err();
        assert_eq!(
            refused.as_database_error().and_then(|error| error.constraint()),
            Some("survey_version_frozen"),
            "{change}"
        );
    }

    let next = office.draft(&survey.name, version(vec![question("csat", Kind::Csat)])).await.unwrap();
    office.pass(60);
    office.publish(&next.name).await.unwrap();
    let retired = get_version(&office, &name).await.unwrap();
    assert_eq!(retired, SurveyVersion { state: State::Retired.into(), ..published });
    is_refused(office.publish(&name).await, ErrorReason::SurveyFrozen);
    assert_eq!(get(&office, &survey.name).await.unwrap().published_version, next.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_publish_a_version_at_once_one_does() {
    let office = Arc::new(Office::new().await);
    let survey = office.survey("How it went").await.unwrap();
    let draft = office.draft(&survey.name, version(of_each_kind())).await.unwrap();
    let mut publishers = JoinSet::new();
    for _ in 0..8 {
        let (office, name) = (office.clone(), draft.name.clone());
        publishers.spawn(async move { office.publish(&name).await });
    }
    let answers = publishers.join_all().await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    for refused in answers.into_iter().filter(Result::is_err) {
        is_refused(refused, ErrorReason::SurveyFrozen);
    }
    assert_eq!(office.emitted().await.len(), 2);
}

/// SU22: of two versions that ask the same id in two ways one can be published, in whatever order they come.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_an_id_in_another_way_at_once_one_does() {
    let office = Arc::new(Office::new().await);
    let survey = office.survey("How it went").await.unwrap();
    let mut names = Vec::new();
    for at in 0..6 {
        let reason = choices(question("reason", Kind::SingleChoice), &["same", &format!("other_{at}")]);
        names.push(office.draft(&survey.name, version(vec![reason])).await.unwrap().name);
    }
    let mut publishers = JoinSet::new();
    for name in names {
        let office = office.clone();
        publishers.spawn(async move {
            loop {
                match office.publish(&name).await {
                    // Overtaken again and again: it is told to try again.
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer,
                }
            }
        });
    }
    let answers = publishers.join_all().await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    for refused in answers.into_iter().filter(Result::is_err) {
        is_refused(refused, ErrorReason::SurveyFaulty);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_that_come_at_once_have_numbers_of_their_own() {
    let office = Arc::new(Office::new().await);
    let survey = office.survey("How it went").await.unwrap();
    let mut authors = JoinSet::new();
    for _ in 0..8 {
        let (office, survey) = (office.clone(), survey.name.clone());
        authors.spawn(async move {
            loop {
                match office.draft(&survey, version(of_each_kind())).await {
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer.unwrap().name,
                }
            }
        });
    }
    let mut names = authors.join_all().await;
    names.sort();
    let expected: Vec<String> = (1..=8).map(|number| format!("{}/versions/{number}", survey.name)).collect();
    assert_eq!(names, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_from_eight_callers_has_one_effect_and_one_answer() {
    let office = Arc::new(Office::new().await);
    let survey = office.survey("How it went").await.unwrap();
    let draft = office.draft(&survey.name, version(of_each_kind())).await.unwrap();
    let request_id = new_id().to_string();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (office, name, request_id) = (office.clone(), draft.name.clone(), request_id.clone());
        callers.spawn(async move {
            loop {
                let request = PublishSurveyVersionRequest { name: name.clone(), request_id: request_id.clone() };
                match office.surveys.publish_survey_version(call("PublishSurveyVersion", request)).await {
                    // A twin is in flight; the caller tries again, as it is told.
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer.unwrap().into_inner(),
                }
            }
        });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(office.emitted().await.len(), 2);
}

#[tokio::test]
async fn the_list_pages_newest_first_through_every_survey_once() {
    let office = Office::new().await;
    let mut made = Vec::new();
    for at in 0..5 {
        made.push(office.survey(&format!("Survey {at}")).await.unwrap().name);
        if at % 2 == 1 {
            office.pass(60);
        }
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListSurveysRequest { page_size: 2, page_token };
        let page = office.surveys.list_surveys(call("ListSurveys", request)).await.unwrap().into_inner();
        names.extend(page.surveys.into_iter().map(|survey| survey.name));
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    made.reverse();
    assert_eq!(names, made);
    let made_up = ListSurveysRequest { page_size: 2, page_token: "made up".to_owned() };
    is_refused(office.surveys.list_surveys(call("ListSurveys", made_up)).await, ErrorReason::PageTokenInvalid);
}

#[tokio::test]
async fn a_survey_that_is_not_there_is_not_found() {
    let office = Office::new().await;
    let name = format!("surveys/{}", new_id());
    is_refused(get(&office, &name).await, ErrorReason::ResourceNotFound);
    is_refused(get(&office, "surveys/first").await, ErrorReason::FieldsInvalid);
    is_refused(office.draft(&name, version(of_each_kind())).await, ErrorReason::ResourceNotFound);
    let survey = office.survey("How it went").await.unwrap();
    for number in ["1", "2147483647"] {
        let name = format!("{}/versions/{number}", survey.name);
        is_refused(get_version(&office, &name).await, ErrorReason::ResourceNotFound);
        is_refused(office.publish(&name).await, ErrorReason::ResourceNotFound);
    }
    for wrong in ["0", "-1", "01", "+1", "", "published", "2147483648"] {
        let name = format!("{}/versions/{wrong}", survey.name);
        is_refused(get_version(&office, &name).await, ErrorReason::FieldsInvalid);
    }
    let nothing = CreateSurveyRequest { survey: None, request_id: new_id().to_string() };
    is_refused(office.surveys.create_survey(call("CreateSurvey", nothing)).await, ErrorReason::FieldsInvalid);
}

#[tokio::test]
async fn a_version_at_hand_is_the_version_as_published() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let draft = office.draft(&survey.name, version(of_each_kind())).await.unwrap();
    let versions = Versions::new(office.foundation.db.clone());
    let id = id_of(&survey.name);

    assert!(versions.get(id, 1).await.unwrap().published_at.is_none());
    office.publish(&draft.name).await.unwrap();
    let read = versions.get(id, 1).await.unwrap();
    assert!(read.published_at.is_some(), "a draft is not kept at hand");
    assert!(Arc::ptr_eq(&read, &versions.get(id, 1).await.unwrap()), "read once");
    assert!(versions.get(id, 2).await.is_err());
}
