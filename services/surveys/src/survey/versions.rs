//! Published versions at hand: they never change (SU20), so each is read once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use seva_runtime::Error;
use seva_store::Database;
use uuid::Uuid;

use super::{model::SurveyVersion, store};

/// Versions that were read, by survey and number.
type Known = HashMap<(Uuid, i32), Arc<SurveyVersion>>;

/// Versions kept at hand at most: far more than are ever asked at a time.
const MOST_KEPT: usize = 500;

/// Published versions, read when they are first asked for.
#[derive(Debug, Clone)]
pub struct Versions {
    db: Database,
    known: Arc<Mutex<Known>>,
}

impl Versions {
    /// Those of this database.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self { db, known: Arc::default() }
    }

    /// One version. Of one from memory, whether it is still the one that is asked is as of when it was read; its questions are for ever.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`.
    pub async fn get(&self, survey: Uuid, number: i32) -> Result<Arc<SurveyVersion>, Error> {
        let known = self.known().get(&(survey, number)).cloned();
        if let Some(version) = known {
            return Ok(version);
        }
        let (version, _) = store::load_version(&self.db, survey, number).await?;
        let version = Arc::new(version);
        if version.published_at.is_some() {
            let mut known = self.known();
            if known.len() >= MOST_KEPT {
                known.clear();
            }
            known.insert((survey, number), version.clone());
        }
        Ok(version)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
