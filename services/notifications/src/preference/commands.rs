//! Writes of wishes and categories.

use jiff::SignedDuration;
use seva_proto::{
    common::v1::ErrorReason,
    notifications::v1::{SetPreferenceResponse, UpdateCategoryResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use uuid::Uuid;

use super::{
    convert::{category_name, preference},
    model::{Category, Wish},
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A customer's wish for a category.
#[derive(Debug)]
pub struct SetPreference {
    pub customer: Uuid,
    pub category: String,
    pub wanted: bool,
    pub evidence: String,
}

/// Fields of a category to change; `None` leaves one as it is.
#[derive(Debug)]
pub struct UpdateCategory {
    pub key: String,
    pub etag: Etag,
    pub interruptive: Option<bool>,
    pub time_to_live: Option<SignedDuration>,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a wish.
    pub async fn set(&self, write: &Write, command: SetPreference) -> Result<SetPreferenceResponse, Error> {
        once(&self.db, write, async {
            let category = store::load_category(&self.db, &command.category).await?;
            // NO5
            if category.is_mandatory() && !command.wanted {
                return Err(Error::precondition(
                    ErrorReason::CategoryMandatory,
                    "NO5",
                    category_name(&category.key),
                    "messages about the customer's own order or money cannot be refused",
                ));
            }
            let now = self.clock.now();
            let wish = Wish { wanted: command.wanted, set_at: now };
            let response = SetPreferenceResponse { preference: Some(preference(&category, Some(wish))) };
            store::save_wish(&self.db, write, &command, now, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes how a category is sent.
    pub async fn update_category(
        &self,
        write: &Write,
        command: UpdateCategory,
    ) -> Result<UpdateCategoryResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let category = store::load_category(&self.db, &command.key).await?;
                command.etag.check(category.version)?;
                let (updated, changed) = changed(&category, &command);
                let response = UpdateCategoryResponse { category: Some((&updated).into()) };
                if store::save_category(&self.db, write, &updated, &changed, self.clock.now(), &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}

/// The category after a change, and the fields that were given.
fn changed(category: &Category, command: &UpdateCategory) -> (Category, Vec<String>) {
    let updated = Category {
        version: category.version + 1,
        interruptive: command.interruptive.unwrap_or(category.interruptive),
        time_to_live: command.time_to_live.unwrap_or(category.time_to_live),
        ..category.clone()
    };
    let given = [("interruptive", command.interruptive.is_some()), ("time_to_live", command.time_to_live.is_some())];
    (updated, given.iter().filter(|(_, given)| *given).map(|(field, _)| (*field).to_owned()).collect())
}
