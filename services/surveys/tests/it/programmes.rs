//! Programmes: settings with bounds, and nothing asks before there is something to ask.

use std::sync::Arc;

use prost_types::FieldMask;
use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{
        CreateProgrammeRequest, GetProgrammeRequest, ListProgrammesRequest, Programme, ProgrammeEvent,
        UpdateProgrammeRequest, programme_service_server::ProgrammeService, question::Kind,
    },
};
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::office::{Office, after_orders, call, hours, is_refused, question, violations};

async fn get(office: &Office, name: &str) -> Result<Programme, Status> {
    let request = GetProgrammeRequest { name: name.to_owned() };
    Ok(office.programmes.get_programme(call("GetProgramme", request)).await?.into_inner().programme.unwrap())
}

async fn update(office: &Office, programme: Programme, paths: &[&str]) -> Result<Programme, Status> {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let request = UpdateProgrammeRequest {
        programme: Some(programme),
        update_mask: Some(FieldMask { paths }),
        request_id: new_id().to_string(),
    };
    Ok(office.programmes.update_programme(call("UpdateProgramme", request)).await?.into_inner().programme.unwrap())
}

#[tokio::test]
async fn what_was_recorded_is_read_back_told_and_audited() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let made = office.programme(after_orders(&survey.name)).await.unwrap();

    assert_eq!(get(&office, &made.name).await.unwrap(), made);
    let expected = Programme {
        name: made.name.clone(),
        etag: "\"v1\"".to_owned(),
        lifetime: hours(24 * 14),
        create_time: made.create_time,
        ..after_orders(&survey.name)
    };
    assert_eq!(made, expected);
    let told = &office.emitted().await[1];
    assert_eq!(
        (told.kind.as_str(), &told.subject, told.sequence),
        ("seva.surveys.programme.created.v1", &made.name, 1)
    );
    let event: ProgrammeEvent = told.read();
    assert_eq!((event.programme.as_ref(), event.changed_fields.as_slice()), (Some(&made), ["*".to_owned()].as_slice()));
    assert_eq!(office.count("select count(distinct salt) from programme where length(salt) = 32").await, 1);
}

/// SU31
#[tokio::test]
async fn a_programme_asks_once_a_version_is_published() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let at_once = Programme { active: true, ..after_orders(&survey.name) };
    let refused = is_refused(office.programme(at_once.clone()).await, ErrorReason::FieldsInvalid);
    assert_eq!(violations(&refused), [("programme.active".to_owned(), "SURVEY_NOT_PUBLISHED".to_owned())]);

    let made = office.programme(after_orders(&survey.name)).await.unwrap();
    let on = Programme { active: true, ..made.clone() };
    let refused = is_refused(update(&office, on.clone(), &["active"]).await, ErrorReason::StateForbids);
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(get(&office, &made.name).await.unwrap(), made);

    let draft = office.draft(&survey.name, crate::office::version(vec![question("csat", Kind::Csat)])).await.unwrap();
    is_refused(update(&office, on.clone(), &["active"]).await, ErrorReason::StateForbids);
    office.publish(&draft.name).await.unwrap();
    let asking = update(&office, on, &["active"]).await.unwrap();
    assert!(asking.active);
    assert!(office.programme(at_once).await.unwrap().active);
}

#[tokio::test]
async fn a_change_touches_what_its_mask_names_and_an_old_etag_is_refused() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let other_survey = office.survey("Another").await.unwrap();
    let made = office.programme(after_orders(&survey.name)).await.unwrap();

    office.pass(60);
    let changed =
        Programme { survey: other_survey.name, delay: hours(3), sampling_rate: 7.0, priority: 9, ..made.clone() };
    let updated = update(&office, changed.clone(), &["delay", "priority", "survey", "trigger"]).await.unwrap();
    let expected = Programme { etag: "\"v2\"".to_owned(), delay: hours(3), priority: 9, ..made.clone() };
    assert_eq!(updated, expected, "the survey never changes, and the rate was not named");
    is_refused(update(&office, changed.clone(), &["delay"]).await, ErrorReason::EtagMismatch);

    let told = &office.emitted().await[3];
    let event: ProgrammeEvent = told.read();
    assert_eq!((told.kind.as_str(), told.sequence), ("seva.surveys.programme.updated.v1", 2));
    assert_eq!(
        (event.programme.unwrap(), event.changed_fields),
        (updated, vec!["delay".to_owned(), "priority".to_owned()])
    );
    assert_eq!(event.update_time.unwrap().seconds, office.now().as_second());

    let unmasked = UpdateProgrammeRequest {
        programme: Some(Programme { name: made.name.clone(), priority: 4, ..Programme::default() }),
        update_mask: None,
        request_id: new_id().to_string(),
    };
    let updated = office.programmes.update_programme(call("UpdateProgramme", unmasked)).await.unwrap().into_inner();
    assert_eq!(updated.programme.unwrap().priority, 4, "without a mask what is set is changed");
    let usual = Programme { etag: String::new(), lifetime: None, follow_low_scores: false, ..made.clone() };
    let updated = update(&office, usual, &["lifetime", "follow_low_scores"]).await.unwrap();
    assert_eq!((updated.lifetime, updated.follow_low_scores), (hours(24 * 14), false));
    let refused = update(&office, Programme { etag: String::new(), ..made }, &["salt"]).await;
    assert_eq!(
        violations(&is_refused(refused, ErrorReason::FieldsInvalid)),
        [("update_mask.paths[0]".to_owned(), "MASK_PATH_UNKNOWN".to_owned())]
    );
}

/// SU30
#[tokio::test]
async fn every_fault_is_told_at_once_and_nothing_is_written() {
    let office = Office::new().await;
    let wrong = Programme {
        display_name: "two\nlines".to_owned(),
        survey: "surveys/first".to_owned(),
        trigger: 0,
        delay: hours(0),
        sampling_rate: 0.0,
        pause_between: None,
        lifetime: hours(24 * 91),
        ..Programme::default()
    };
    let refused = is_refused(office.programme(wrong).await, ErrorReason::FieldsInvalid);
    let expected = [
        ("programme.delay", "DURATION_OUT_OF_RANGE"),
        ("programme.display_name", "TEXT_CONTROL_CHARACTER"),
        ("programme.lifetime", "DURATION_OUT_OF_RANGE"),
        ("programme.pause_between", "FIELD_REQUIRED"),
        ("programme.sampling_rate", "SAMPLING_RATE_OUT_OF_RANGE"),
        ("programme.survey", "NAME_MALFORMED"),
        ("programme.trigger", "FIELD_REQUIRED"),
    ];
    assert_eq!(violations(&refused), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(office.count("select count(*) from programme").await, 0);
    assert_eq!(office.count("select count(*) from seva.outbox").await, 0);
    let nobodys = after_orders(&format!("surveys/{}", new_id()));
    is_refused(office.programme(nobodys).await, ErrorReason::ResourceNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_at_once_are_all_made_one_after_the_other() {
    let office = Arc::new(Office::new().await);
    let survey = office.survey("How it went").await.unwrap();
    let made = office.programme(after_orders(&survey.name)).await.unwrap();
    let mut callers = JoinSet::new();
    for priority in 10..18 {
        let (office, made) = (office.clone(), made.clone());
        callers.spawn(async move {
            let changed = Programme { priority, etag: String::new(), ..made };
            loop {
                match update(&office, changed.clone(), &["priority"]).await {
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer.unwrap().etag,
                }
            }
        });
    }
    let mut etags = callers.join_all().await;
    etags.sort();
    let expected: Vec<String> = (2..=9).map(|version| format!("\"v{version}\"")).collect();
    assert_eq!(etags, expected);
    let sequences: Vec<i64> = office.emitted().await.iter().skip(1).map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=9).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_from_eight_callers_has_one_effect_and_one_answer() {
    let office = Arc::new(Office::new().await);
    let survey = office.survey("How it went").await.unwrap();
    let request_id = new_id().to_string();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (office, programme, request_id) = (office.clone(), after_orders(&survey.name), request_id.clone());
        callers.spawn(async move {
            loop {
                let request =
                    CreateProgrammeRequest { programme: Some(programme.clone()), request_id: request_id.clone() };
                match office.programmes.create_programme(call("CreateProgramme", request)).await {
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer.unwrap().into_inner(),
                }
            }
        });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(office.count("select count(*) from programme").await, 1);
}

#[tokio::test]
async fn the_list_pages_newest_first_through_every_programme_once() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let mut made = Vec::new();
    for at in 0..5 {
        made.push(office.programme(after_orders(&survey.name)).await.unwrap().name);
        if at % 2 == 1 {
            office.pass(60);
        }
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListProgrammesRequest { page_size: 2, page_token };
        let page = office.programmes.list_programmes(call("ListProgrammes", request)).await.unwrap().into_inner();
        names.extend(page.programmes.into_iter().map(|programme| programme.name));
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    made.reverse();
    assert_eq!(names, made);
    let backwards = ListProgrammesRequest { page_size: -1, ..ListProgrammesRequest::default() };
    is_refused(office.programmes.list_programmes(call("ListProgrammes", backwards)).await, ErrorReason::FieldsInvalid);
}

#[tokio::test]
async fn a_programme_that_is_not_there_is_not_found() {
    let office = Office::new().await;
    let name = format!("programmes/{}", new_id());
    is_refused(get(&office, &name).await, ErrorReason::ResourceNotFound);
    is_refused(get(&office, "programmes/first").await, ErrorReason::FieldsInvalid);
    let unknown = Programme { name, priority: 2, ..Programme::default() };
    is_refused(update(&office, unknown, &["priority"]).await, ErrorReason::ResourceNotFound);
}
