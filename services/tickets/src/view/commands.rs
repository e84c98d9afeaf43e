//! Writes of views: load, decide, save.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{CreateViewResponse, DeleteViewResponse, UpdateViewResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use tonic::Code;
use uuid::Uuid;

use super::{
    convert::name,
    model::{Change, NewView, Sharing, View, Viewer},
    queries, store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;
/// Views that somebody has at most. Of many made at once a few more may be.
const MOST_VIEWS: i64 = 100;

/// What views' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A change of one view.
pub struct UpdateView {
    pub id: Uuid,
    pub etag: Etag,
    pub change: Change,
}

/// The end of one view.
pub struct DeleteView {
    pub id: Uuid,
    pub etag: Etag,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Saves a filter for whoever asks.
    pub async fn create(&self, write: &Write, viewer: &Viewer, new: NewView) -> Result<CreateViewResponse, Error> {
        once(&self.db, write, async {
            may_share(viewer, new.sharing)?;
            if store::count_of(&self.db, &viewer.subject).await? >= MOST_VIEWS {
                let description = format!("somebody has {MOST_VIEWS} views at most; delete one first");
                return Err(Error::quota_exhausted(viewer.subject.clone(), description));
            }
            let view = View::create(new_id(), viewer, new, self.clock.now());
            let response = CreateViewResponse { view: Some((&view).into()) };
            store::insert(&self.db, write, &view, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes the fields given.
    pub async fn update(
        &self,
        write: &Write,
        viewer: &Viewer,
        command: UpdateView,
    ) -> Result<UpdateViewResponse, Error> {
        let UpdateView { id, etag, change } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let view = self.changeable(viewer, id, etag).await?;
                let (updated, changed) = view.update(change.clone(), self.clock.now());
                if updated.sharing != view.sharing {
                    may_share(viewer, updated.sharing)?;
                }
                let response = UpdateViewResponse { view: Some((&updated).into()) };
                if store::save_updated(&self.db, write, &updated, &changed, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Takes it away from everybody.
    pub async fn delete(
        &self,
        write: &Write,
        viewer: &Viewer,
        command: DeleteView,
    ) -> Result<DeleteViewResponse, Error> {
        let DeleteView { id, etag } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let view = self.changeable(viewer, id, etag).await?;
                let deleted = View { version: view.version + 1, updated_at: self.clock.now(), ..view };
                let response = DeleteViewResponse {};
                if store::save_deleted(&self.db, write, &deleted, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    async fn changeable(&self, viewer: &Viewer, id: Uuid, etag: Etag) -> Result<View, Error> {
        let view = queries::get(&self.db, viewer, id).await?;
        if !viewer.may_change(&view) {
            let why = "a view is changed by its owner, a lead or a manager";
            return Err(forbidden(name(id), why).with_metadata("view", name(id)));
        }
        etag.check(view.version)?;
        Ok(view)
    }
}

/// TK101
fn may_share(viewer: &Viewer, sharing: Sharing) -> Result<(), Error> {
    if viewer.may_share(sharing) {
        return Ok(());
    }
    Err(forbidden("sharing", "members share with their department, leads and managers with any and with everybody"))
}

/// TK101
fn forbidden(subject: impl Into<String>, has_to_be_true: &'static str) -> Error {
    Error::new(Code::PermissionDenied, ErrorReason::ResourceForbidden, has_to_be_true).with_precondition(
        "TK101",
        subject,
        has_to_be_true,
    )
}
