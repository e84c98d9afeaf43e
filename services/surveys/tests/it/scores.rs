//! Scores by week: who is counted, where, and what is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{
        GetScoresRequest, GetScoresResponse, Programme, WeeklyScore, programme_service_server::ProgrammeService,
        question::Kind,
    },
};
use seva_values::new_id;
use tonic::Status;
use uuid::Uuid;

use crate::office::{Office, after_orders, call, choices, id_of, is_refused, question, version, violations};

/// One invitation and what came of it.
#[derive(Clone)]
struct Turn {
    decided: &'static str,
    state: &'static str,
    reason: Option<&'static str>,
    sent: bool,
    response: Option<&'static str>,
    answers: Vec<(&'static str, &'static str, i16)>,
}

fn turn(decided: &'static str, state: &'static str) -> Turn {
    Turn { decided, state, reason: None, sent: true, response: None, answers: Vec::new() }
}

fn completed(decided: &'static str, answers: &[(&'static str, &'static str, i16)]) -> Turn {
    Turn { response: Some("completed"), answers: answers.to_vec(), ..turn(decided, "completed") }
}

fn suppressed(decided: &'static str, reason: &'static str) -> Turn {
    Turn { reason: Some(reason), sent: false, ..turn(decided, "suppressed") }
}

fn csat(score: i16) -> (&'static str, &'static str, i16) {
    ("csat", "csat", score)
}

fn nps(score: i16) -> (&'static str, &'static str, i16) {
    ("nps", "nps", score)
}

/// A programme that asks for both scores.
async fn asking(office: &Office) -> Programme {
    let reason = choices(question("reason", Kind::SingleChoice), &["person", "policy"]);
    let survey = office.asked(vec![question("csat", Kind::Csat), question("nps", Kind::Nps), reason]).await;
    office.programme(Programme { active: true, ..after_orders(&survey.name) }).await.unwrap()
}

async fn record(office: &Office, programme: &Programme, turns: &[Turn]) {
    let survey = id_of(&programme.survey);
    for Turn { decided, state, reason, sent, response, answers } in turns {
        let decided: Timestamp = decided.parse().unwrap();
        let response_id = response.map(|_| new_id());
        let is_due = matches!(*state, "held" | "queued" | "sent" | "started");
        let invitation = new_id();
        sqlx::query(
            "insert into invitation (
                 id, version, programme_id, trigger, customer_id, subject, triggered_by, survey_id, survey_number, state, suppress_reason,
                 inclusion_probability, from_low_score, language, decide_at, sent_at, expire_at, response_id, due_at, correlation_id,
                 causation_id, hops, created_at
             )
             values ($1, 1, $2, 'order_delivered', $3, $4, 1, $5, 1, $6, $7, 1, false, 'hi', $8, case when $9 then $8 end,
                     $8 + interval '14 days', $10, case when $11 then $8 end, 'c', 'c', 0, $8)",
        )
        .bind(invitation)
        .bind(id_of(&programme.name))
        .bind(new_id())
        .bind(format!("orders/{}", new_id()))
        .bind(survey)
        .bind(*state)
        .bind(*reason)
        .bind(jiff_sqlx::Timestamp::from(decided))
        .bind(*sent)
        .bind(response_id)
        .bind(is_due)
        .execute(&office.database.owner)
        .await
        .unwrap();
        let Some((id, state)) = response_id.zip(*response) else { continue };
        sqlx::query(
            "insert into response (id, version, invitation_id, programme_id, customer_id, survey_id, survey_number, state, revision,
                                   created_at, completed_at, saved_request, saved_hash)
             values ($1, 1, $2, $3, $4, $5, 1, $6, 1, $7, case when $6 = 'completed' then $7 end, $2, '')",
        )
        .bind(id)
        .bind(invitation)
        .bind(id_of(&programme.name))
        .bind(new_id())
        .bind(survey)
        .bind(state)
        .bind(jiff_sqlx::Timestamp::from(decided))
        .execute(&office.database.owner)
        .await
        .unwrap();
        for (question, kind, score) in answers {
            answer(office, id, question, kind, *score).await;
        }
    }
}

async fn answer(office: &Office, response: Uuid, question: &str, kind: &str, score: i16) {
    sqlx::query("insert into answer (response_id, question_id, position, kind, score) values ($1, $2, 0, $3, $4)")
        .bind(response)
        .bind(question)
        .bind(kind)
        .bind(score)
        .execute(&office.database.owner)
        .await
        .unwrap();
}

async fn scores(office: &Office, name: &str, first: &str, last: &str) -> Result<GetScoresResponse, Status> {
    let request = GetScoresRequest { name: name.to_owned(), first_week: first.to_owned(), last_week: last.to_owned() };
    Ok(office.programmes.get_scores(call("GetScores", request)).await?.into_inner())
}

fn weeks(scores: &GetScoresResponse) -> Vec<(&str, i64, i64)> {
    scores.weeks.iter().map(|week| (week.week.as_str(), week.invited, week.completed)).collect()
}

fn answers(score: &WeeklyScore) -> (Option<i64>, Option<i64>) {
    (score.csat.map(|score| score.answers), score.nps.map(|score| score.answers))
}

#[tokio::test]
async fn a_week_tells_its_scores_with_intervals_and_the_share_that_answered() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let monday = "2026-03-02T00:00:00Z";
    let mut turns = vec![completed(monday, &[csat(5), nps(10)]); 9];
    turns.push(completed(monday, &[csat(3), nps(4)]));
    turns.extend(vec![turn(monday, "sent"); 6]);
    turns.extend(vec![turn(monday, "expired"); 4]);
    record(&office, &programme, &turns).await;

    let scores = scores(&office, &programme.name, "", "").await.unwrap();
    let [week] = &scores.weeks[..] else { panic!("one week") };
    assert_eq!(
        (week.week.as_str(), week.invited, week.completed, week.response_rate),
        ("2026-03-02", 20, 10, Some(0.5))
    );
    let one = |value: f64| (value * 10.0).round() / 10.0;
    let told = week.csat.unwrap();
    assert_eq!((told.value, one(told.low), one(told.high)), (90.0, 59.6, 98.2));
    assert_eq!((told.answers, told.low_confidence), (10, true));
    let told = week.nps.unwrap();
    assert_eq!((told.value, told.answers), (80.0, 10));
    assert!(told.low < 80.0 && told.high == 100.0, "{told:?}");
    assert_eq!(scores.total, Some(WeeklyScore { week: String::new(), ..week.clone() }));
}

/// SU7
#[tokio::test]
async fn only_valid_answers_of_those_who_were_asked_count() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let day = "2026-03-03T10:00:00Z";
    let mut turns = vec![completed(day, &[csat(4)]); 6];
    // Skipped the first question.
    turns.push(completed(day, &[nps(9)]));
    // Answered one and no more before the time was over.
    turns.push(Turn { response: Some("partial"), answers: vec![csat(1)], ..turn(day, "expired") });
    // Is still answering.
    turns.push(Turn { response: Some("in_progress"), answers: vec![csat(1)], ..turn(day, "started") });
    // Answered before it was known that the message had gone out.
    turns.push(Turn { sent: false, ..completed(day, &[csat(5)]) });
    // Nobody asked, or nobody to be asked.
    turns.push(Turn { sent: false, ..turn(day, "held") });
    turns.push(Turn { sent: false, ..turn(day, "queued") });
    turns.push(turn(day, "undeliverable"));
    record(&office, &programme, &turns).await;

    let total = scores(&office, &programme.name, "", "").await.unwrap().total.unwrap();
    assert_eq!((total.invited, total.completed), (10, 8));
    assert_eq!(answers(&total), (Some(8), None), "seven were satisfied, one was not; one NPS is hidden");
    assert_eq!(total.csat.unwrap().value, 87.5);
    assert_eq!(total.not_asked, BTreeMap::from([("undeliverable".to_owned(), 1)]).into_iter().collect());
}

#[tokio::test]
async fn what_was_not_asked_is_counted_by_reason() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let mut turns = vec![suppressed("2026-03-02T10:00:00Z", "throttled"); 3];
    turns.push(suppressed("2026-03-02T10:00:00Z", "open_ticket"));
    turns.push(turn("2026-03-02T10:00:00Z", "sent"));
    // A week in which nobody was asked.
    turns.extend(vec![suppressed("2026-02-23T10:00:00Z", "throttled"); 2]);
    record(&office, &programme, &turns).await;

    let told = scores(&office, &programme.name, "", "").await.unwrap();
    assert_eq!(weeks(&told), [("2026-03-02", 1, 0)]);
    let reasons = |score: &WeeklyScore| score.not_asked.clone().into_iter().collect::<BTreeMap<_, _>>();
    let expected = |throttled| BTreeMap::from([("open_ticket".to_owned(), 1), ("throttled".to_owned(), throttled)]);
    assert_eq!(reasons(&told.weeks[0]), expected(3));
    assert_eq!(reasons(told.total.as_ref().unwrap()), expected(5));
    let alone = scores(&office, &programme.name, "2026-02-23", "2026-02-23").await.unwrap();
    assert_eq!((alone.weeks.len(), reasons(&alone.total.unwrap())), (0, BTreeMap::from([("throttled".to_owned(), 2)])));
}

#[tokio::test]
async fn a_week_ends_on_sunday_at_midnight_utc_and_weeks_not_asked_for_stay_out() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let moments = [
        "2026-02-15T23:59:59Z",
        "2026-02-16T00:00:00Z",
        "2026-02-22T23:59:59.999999Z",
        "2026-02-23T00:00:00Z",
        "2026-03-01T23:59:59Z",
        "2026-03-02T00:00:00Z",
    ];
    let turns = moments.map(|at| completed(at, &[csat(5)]));
    record(&office, &programme, &turns).await;

    let told = scores(&office, &programme.name, "2026-02-16", "2026-02-23").await.unwrap();
    assert_eq!(weeks(&told), [("2026-02-16", 2, 2), ("2026-02-23", 2, 2)]);
    let total = told.total.unwrap();
    assert_eq!((total.invited, answers(&total)), (4, (None, None)), "four answers are hidden");
    let all = scores(&office, &programme.name, "", "").await.unwrap();
    assert_eq!((all.weeks.len(), answers(&all.total.unwrap())), (4, (Some(6), None)));
}

/// SU6
#[tokio::test]
async fn a_few_answers_are_told_neither_by_week_nor_by_what_remains_of_the_total() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let mut turns = vec![completed("2026-02-16T10:00:00Z", &[csat(5)]); 8];
    turns.extend(vec![completed("2026-02-23T10:00:00Z", &[csat(1)]); 3]);
    turns.extend(vec![completed("2026-03-02T10:00:00Z", &[csat(5)]); 6]);
    record(&office, &programme, &turns).await;

    let told = scores(&office, &programme.name, "", "").await.unwrap();
    let shown: Vec<_> = told.weeks.iter().map(|week| answers(week).0).collect();
    assert_eq!(shown, [Some(8), None, None]);
    assert_eq!(answers(&told.total.unwrap()).0, Some(17));
}

/// SU7: what was asked in another way is another score.
#[tokio::test]
async fn answers_to_an_earlier_question_are_not_mixed_with_those_to_the_present_one() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    record(&office, &programme, &vec![completed("2026-02-16T10:00:00Z", &[csat(1), nps(9)]); 10]).await;
    office.pass(60);
    let other = vec![question("delivery_csat", Kind::Csat), question("nps", Kind::Nps)];
    let draft = office.draft(&programme.survey, version(other)).await.unwrap();
    office.publish(&draft.name).await.unwrap();
    let day = "2026-03-02T10:00:00Z";
    record(&office, &programme, &vec![completed(day, &[("delivery_csat", "csat", 5), nps(9)]); 6]).await;

    let told = scores(&office, &programme.name, "", "").await.unwrap();
    assert_eq!(told.weeks.iter().map(answers).collect::<Vec<_>>(), [(None, Some(10)), (Some(6), Some(6))]);
    let total = told.total.unwrap();
    assert_eq!((total.csat.unwrap().value, total.nps.unwrap().answers), (100.0, 16));

    // A score that is no longer asked for is told as long as there is no other of its kind.
    office.pass(60);
    let words = office.draft(&programme.survey, version(vec![question("words", Kind::Text)])).await.unwrap();
    office.publish(&words.name).await.unwrap();
    let total = scores(&office, &programme.name, "", "").await.unwrap().total.unwrap();
    assert_eq!(answers(&total), (Some(6), Some(16)));
}

#[tokio::test]
async fn a_programme_tells_its_own_scores() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let same_survey = office.programme(after_orders(&programme.survey)).await.unwrap();
    record(&office, &programme, &vec![completed("2026-03-02T10:00:00Z", &[csat(5)]); 7]).await;
    record(&office, &same_survey, &vec![completed("2026-03-02T10:00:00Z", &[csat(1)]); 9]).await;

    for (programme, expected) in [(&programme, (7, 100.0)), (&same_survey, (9, 0.0))] {
        let told = scores(&office, &programme.name, "", "").await.unwrap().total.unwrap().csat.unwrap();
        assert_eq!((told.answers, told.value), expected);
    }
}

#[tokio::test]
async fn a_programme_that_has_asked_nobody_has_nothing_to_tell() {
    let office = Office::new().await;
    let survey = office.survey("How it went").await.unwrap();
    let programme = office.programme(after_orders(&survey.name)).await.unwrap();
    let told = scores(&office, &programme.name, "", "").await.unwrap();
    assert_eq!(told, GetScoresResponse { weeks: Vec::new(), total: Some(WeeklyScore::default()) });
}

#[tokio::test]
async fn weeks_that_cannot_be_and_programmes_that_are_not_are_refused() {
    let office = Office::new().await;
    let programme = asking(&office).await;
    let refused = scores(&office, "programmes/first", "2026-03-03", "soon").await;
    let expected = [("first_week", "NOT_A_MONDAY"), ("last_week", "DATE_MALFORMED"), ("name", "NAME_MALFORMED")];
    let refused = violations(&is_refused(refused, ErrorReason::FieldsInvalid));
    assert_eq!(refused, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    let too_many = scores(&office, &programme.name, "2020-01-06", "").await;
    assert_eq!(
        violations(&is_refused(too_many, ErrorReason::FieldsInvalid)),
        [("first_week".to_owned(), "WEEKS_TOO_MANY".to_owned())]
    );
    let unknown = format!("programmes/{}", new_id());
    is_refused(scores(&office, &unknown, "", "").await, ErrorReason::ResourceNotFound);
}
