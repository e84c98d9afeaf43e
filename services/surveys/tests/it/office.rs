//! Where surveys are written and programmes set: both rpcs on a fresh database, with a clock that is moved by hand.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use prost::Message;
use prost_types::Duration;
use seva_proto::{
    common::v1::{ErrorReason, Translation},
    surveys::v1::{
        Choice, CreateProgrammeRequest, CreateSurveyRequest, CreateSurveyVersionRequest, Programme,
        PublishSurveyVersionRequest, Question, Survey, SurveyVersion, programme::Trigger,
        programme_service_server::ProgrammeService, question::Kind, survey_service_server::SurveyService,
    },
};
use seva_runtime::{
    BusinessClock,
    auth::{Principal, PrincipalKind},
    call::Method,
    error::reason_name,
};
use seva_store::service::Foundation;
use seva_surveys::{MIGRATOR, NAME, programme::ProgrammeRpc, survey::SurveyRpc};
use seva_testkit::TestDatabase;
use seva_values::new_id;
use sqlx::Row;
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

/// Business time at which every office opens: a Monday.
pub const START: &str = "2026-03-02T09:00:00Z";

pub struct Office {
    pub database: TestDatabase,
    pub foundation: Foundation,
    pub surveys: SurveyRpc,
    pub programmes: ProgrammeRpc,
}

/// An event as the outbox holds it.
#[derive(Debug, PartialEq)]
pub struct Emitted {
    pub kind: String,
    pub subject: String,
    pub sequence: i64,
    pub payload: Vec<u8>,
}

impl Emitted {
    pub fn read<M: Message + Default>(&self) -> M {
        M::decode(self.payload.as_slice()).unwrap()
    }
}

impl Office {
    pub async fn new() -> Self {
        let database = TestDatabase::new(NAME, &MIGRATOR).await;
        let clock = BusinessClock::manual(START.parse().unwrap());
        let foundation = seva_testkit::foundation(database.db.clone(), clock);
        Self { surveys: SurveyRpc::new(&foundation), programmes: ProgrammeRpc::new(&foundation), database, foundation }
    }

    pub fn now(&self) -> Timestamp {
        self.foundation.clock.now()
    }

    /// Lets business time pass.
    pub fn pass(&self, seconds: i64) {
        assert!(self.foundation.clock.advance_to(self.now() + jiff::SignedDuration::from_secs(seconds)));
    }

    /// Records a survey.
    pub async fn survey(&self, display_name: &str) -> Result<Survey, Status> {
        let survey = Survey { display_name: display_name.to_owned(), ..Survey::default() };
        let request = CreateSurveyRequest { survey: Some(survey), request_id: new_id().to_string() };
        Ok(self.surveys.create_survey(call("CreateSurvey", request)).await?.into_inner().survey.unwrap())
    }

    /// Records a draft.
    pub async fn draft(&self, survey: &str, version: SurveyVersion) -> Result<SurveyVersion, Status> {
        let request = CreateSurveyVersionRequest {
            parent: survey.to_owned(),
            survey_version: Some(version),
            request_id: new_id().to_string(),
        };
        let answer = self.surveys.create_survey_version(call("CreateSurveyVersion", request)).await?;
        Ok(answer.into_inner().survey_version.unwrap())
    }

    /// Publishes a draft.
    pub async fn publish(&self, name: &str) -> Result<SurveyVersion, Status> {
        let request = PublishSurveyVersionRequest { name: name.to_owned(), request_id: new_id().to_string() };
        let answer = self.surveys.publish_survey_version(call("PublishSurveyVersion", request)).await?;
        Ok(answer.into_inner().survey_version.unwrap())
    }

    /// A survey that asks these questions.
    pub async fn asked(&self, questions: Vec<Question>) -> Survey {
        let survey = self.survey("How it went").await.unwrap();
        let draft = self.draft(&survey.name, version(questions)).await.unwrap();
        self.publish(&draft.name).await.unwrap();
        survey
    }

    /// Records a programme.
    pub async fn programme(&self, programme: Programme) -> Result<Programme, Status> {
        let request = CreateProgrammeRequest { programme: Some(programme), request_id: new_id().to_string() };
        let answer = self.programmes.create_programme(call("CreateProgramme", request)).await?;
        Ok(answer.into_inner().programme.unwrap())
    }

    /// Everything that was emitted, in order.
    pub async fn emitted(&self) -> Vec<Emitted> {
        let rows = sqlx::query("select type, subject, sequence, payload from seva.outbox order by position");
        let rows = rows.fetch_all(&self.database.owner).await.unwrap();
        let emitted = rows.iter().map(|row| Emitted {
            kind: row.get("type"),
            subject: row.get("subject"),
            sequence: row.get("sequence"),
            payload: row.get("payload"),
        });
        emitted.collect()
    }

    /// The only value of a query on the whole database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.owner).await.unwrap()
    }
}

/// A call of somebody who sets what is asked.
pub fn call<M>(method: &str, message: M) -> Request<M> {
    let caller = Principal {
        subject: "user:ravi".to_owned(),
        kind: PrincipalKind::User,
        roles: Arc::new(BTreeSet::from(["manager".to_owned()])),
        scopes: Arc::default(),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    };
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Method(format!("/seva.surveys.v1.Test/{method}")));
    request
}

/// A text in the four languages, by their tags, as answers have them.
pub fn said(text: &str) -> Vec<Translation> {
    let translation = |tag: &str| Translation { language: tag.to_owned(), text: format!("{text} {tag}") };
    ["bn", "en", "hi", "ur"].map(translation).to_vec()
}

pub fn question(id: &str, kind: Kind) -> Question {
    Question { question_id: id.to_owned(), kind: kind.into(), texts: said(id), ..Question::default() }
}

pub fn choices(question: Question, ids: &[&str]) -> Question {
    let choice = |id: &&str| Choice { choice_id: (*id).to_owned(), texts: said(id) };
    Question { choices: ids.iter().map(choice).collect(), ..question }
}

pub fn version(questions: Vec<Question>) -> SurveyVersion {
    SurveyVersion { titles: said("title"), questions, ..SurveyVersion::default() }
}

pub fn hours(hours: i64) -> Option<Duration> {
    Some(Duration { seconds: hours * 3600, nanos: 0 })
}

/// A programme that asks nobody yet.
pub fn after_orders(survey: &str) -> Programme {
    Programme {
        display_name: "After orders".to_owned(),
        survey: survey.to_owned(),
        trigger: Trigger::OrderDelivered.into(),
        delay: hours(48),
        sampling_rate: 0.5,
        pause_between: hours(24 * 14),
        follow_low_scores: true,
        priority: 3,
        ..Programme::default()
    }
}

/// The id inside a name.
pub fn id_of(name: &str) -> Uuid {
    name.split('/').nth(1).unwrap().parse().unwrap()
}

/// Whether a refusal has this reason.
pub fn is_refused<T: std::fmt::Debug>(answer: Result<T, Status>, reason: ErrorReason) -> Status {
    let status = answer.expect_err("it is refused");
    let told = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!(told.as_deref(), Some(reason_name(reason)), "{status}");
    status
}

/// The fields that a refusal names, with their reasons, in order of their names.
pub fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let refused = details.bad_request().map(|refused| refused.field_violations.clone()).unwrap_or_default();
    let mut violations: Vec<_> = refused
        .into_iter()
        .map(|violation| {
            let reason = violation.description.split(':').next().unwrap_or_default().to_owned();
            (violation.field, reason)
        })
        .collect();
    violations.sort();
    violations
}
