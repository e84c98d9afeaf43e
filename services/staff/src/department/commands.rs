//! Writes of departments: load, decide, save.

use seva_proto::staff::v1::{CreateDepartmentResponse, UpdateDepartmentResponse};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    model::{Change, Department, NewDepartment},
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What departments' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A change of one department.
#[derive(Debug)]
pub struct UpdateDepartment {
    pub id: Uuid,
    pub etag: Etag,
    pub change: Change,
}

impl Commands {
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a department.
    pub async fn create(&self, write: &Write, new: NewDepartment) -> Result<CreateDepartmentResponse, Error> {
        let department = Department::create(new_id(), new, self.clock.now());
        let response = CreateDepartmentResponse { department: Some((&department).into()) };
        once(&self.db, write, async {
            store::insert(&self.db, write, &department, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateDepartment) -> Result<UpdateDepartmentResponse, Error> {
        let UpdateDepartment { id, etag, change } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let department = store::load(&self.db, id).await?;
                etag.check(department.version)?;
                let (updated, changed) = department.update(change.clone(), self.clock.now());
                let response = UpdateDepartmentResponse { department: Some((&updated).into()) };
                if store::save_updated(&self.db, write, &updated, &changed, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
