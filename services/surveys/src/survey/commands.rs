//! Writes of surveys and their versions: load, decide, save.

use seva_proto::{
    common::v1::ErrorReason,
    surveys::v1::{CreateSurveyResponse, CreateSurveyVersionResponse, PublishSurveyVersionResponse},
};
use seva_runtime::{BusinessClock, Error, Violations, Write};
use seva_store::{Database, fault::write_conflict, idempotency::once};
use seva_values::{Invalid, new_id};
use uuid::Uuid;

use super::{
    check::{Fault, check},
    convert::version_name,
    model::{Content, State, Survey, SurveyVersion},
    store,
};

/// How often a write is tried again when other writes come between.
const TRIES: usize = 3;

/// What surveys' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A draft of a survey's next version.
#[derive(Debug)]
pub struct CreateVersion {
    pub survey: Uuid,
    pub content: Content,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a survey of which nothing is asked yet.
    pub async fn create(&self, write: &Write, display_name: String) -> Result<CreateSurveyResponse, Error> {
        let survey = Survey::create(new_id(), display_name, self.clock.now());
        let response = CreateSurveyResponse { survey: Some((&survey).into()) };
        once(&self.db, write, async {
            store::insert(&self.db, write, &survey, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Records a draft, faulty or not.
    pub async fn create_version(
        &self,
        write: &Write,
        command: CreateVersion,
    ) -> Result<CreateSurveyVersionResponse, Error> {
        let CreateVersion { survey, content } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let number = store::next_number(&self.db, survey).await?;
                let draft = SurveyVersion::draft(survey, number, content.clone(), self.clock.now());
                let response = CreateSurveyVersionResponse { survey_version: Some((&draft).into()) };
                if store::insert_version(&self.db, write, &draft, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Freezes a draft and asks it from now on.
    pub async fn publish(
        &self,
        write: &Write,
        (survey, number): (Uuid, i32),
    ) -> Result<PublishSurveyVersionResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let (version, survey_version) = store::load_version(&self.db, survey, number).await?;
                if version.state() != State::Draft {
                    let description = "it was published before; what is asked in another way is another version";
                    let name = version_name(survey, number);
                    return Err(Error::precondition(ErrorReason::SurveyFrozen, "SU20", name, description));
                }
                let faults = check(&version.content(), &store::load_asked(&self.db, survey).await?);
                if !faults.is_empty() {
                    return Err(faulty(faults));
                }
                let published = version.publish(self.clock.now());
                let response = PublishSurveyVersionResponse { survey_version: Some((&published).into()) };
                if store::save_published(&self.db, write, &published, survey_version, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}

/// The refusal of a draft with everything that is wrong with it (SU21).
fn faulty(faults: Vec<Fault>) -> Error {
    let message = format!("{} faults keep the version from being published (SU21)", faults.len());
    let mut violations = Violations::default();
    for Fault { field, reason, description } in faults {
        violations.add(field, Invalid::new(reason, description));
    }
    Error::invalid(ErrorReason::SurveyFaulty, message).joined(Some(violations.into()))
}
