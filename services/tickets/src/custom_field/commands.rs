//! Writes of fields: load, decide, save.

use seva_proto::tickets::v1::{CreateCustomFieldResponse, RetireCustomFieldResponse, UpdateCustomFieldResponse};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    model::{CustomField, CustomFieldChange, NewCustomField},
    store,
};

/// How often a change is tried again when other writes come between.
const TRIES: usize = 3;

/// What writes of fields need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A change of one field.
#[derive(Debug)]
pub struct UpdateCustomField {
    pub id: Uuid,
    pub etag: Etag,
    pub change: CustomFieldChange,
}

/// Which field is not filled in any more.
#[derive(Debug)]
pub struct RetireCustomField {
    pub id: Uuid,
    pub etag: Etag,
}

impl Commands {
    /// On this database.
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Defines a field.
    pub async fn create(&self, write: &Write, new: NewCustomField) -> Result<CreateCustomFieldResponse, Error> {
        let field = CustomField::create(new_id(), new, self.clock.now());
        let response = CreateCustomFieldResponse { custom_field: Some((&field).into()) };
        once(&self.db, write, async {
            store::insert(&self.db, write, &field, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes what is given.
    pub async fn update(&self, write: &Write, command: UpdateCustomField) -> Result<UpdateCustomFieldResponse, Error> {
        let UpdateCustomField { id, etag, change } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let field = store::load(&self.db, id).await?;
                etag.check(field.version)?;
                let (next, changed) = field.update(change.clone(), self.clock.now())?;
                let response = UpdateCustomFieldResponse { custom_field: Some((&next).into()) };
                if store::save(&self.db, write, &next, &changed, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Retires it.
    pub async fn retire(&self, write: &Write, command: RetireCustomField) -> Result<RetireCustomFieldResponse, Error> {
        let RetireCustomField { id, etag } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let field = store::load(&self.db, id).await?;
                etag.check(field.version)?;
                let next = field.retire(self.clock.now())?;
                let response = RetireCustomFieldResponse { custom_field: Some((&next).into()) };
                if store::save(&self.db, write, &next, &["state"], &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
