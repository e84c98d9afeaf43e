//! Writes of staff members: load, decide, save.

use seva_proto::{
    common::v1::ErrorReason,
    staff::v1::{CreateStaffMemberResponse, EndServiceResponse, SetPresenceResponse, UpdateStaffMemberResponse},
};
use seva_runtime::{BusinessClock, Error, Write, auth::Principal};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use tonic::Code;
use uuid::Uuid;

use super::{
    convert::to_proto,
    model::{Change, NewStaffMember, Presence, StaffMember},
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;
/// Scopes of which a caller needs one to say of others whether they are there.
const PRESENCE_OF_OTHERS: [&str; 2] = ["presence.write", "staff.write"];

/// What staff members' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A change of one member.
#[derive(Debug)]
pub struct UpdateStaffMember {
    pub id: Uuid,
    pub etag: Etag,
    pub change: Change,
}

/// Whether somebody is there.
#[derive(Debug, Clone, Copy)]
pub struct SetPresence {
    pub id: Uuid,
    pub presence: Presence,
}

/// Somebody leaves.
#[derive(Debug)]
pub struct EndService {
    pub id: Uuid,
    pub etag: Etag,
}

impl Commands {
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records somebody who begins to serve.
    pub async fn create(&self, write: &Write, new: NewStaffMember) -> Result<CreateStaffMemberResponse, Error> {
        let now = self.clock.now();
        let member = StaffMember::create(new_id(), new, now);
        let response = CreateStaffMemberResponse { staff_member: Some(to_proto(&member, now)) };
        once(&self.db, write, async {
            store::insert(&self.db, write, &member, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateStaffMember) -> Result<UpdateStaffMemberResponse, Error> {
        let UpdateStaffMember { id, etag, change } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let member = store::load(&self.db, id).await?;
                etag.check(member.version)?;
                let now = self.clock.now();
                let (updated, changed) = member.update(change.clone(), now)?;
                let response = UpdateStaffMemberResponse { staff_member: Some(to_proto(&updated, now)) };
                if store::save(&self.db, write, &updated, "updated", &changed, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Says whether somebody is there.
    pub async fn set_presence(
        &self,
        write: &Write,
        caller: &Principal,
        command: SetPresence,
    ) -> Result<SetPresenceResponse, Error> {
        let SetPresence { id, presence } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let member = store::load(&self.db, id).await?;
                may_speak_for(caller, &member)?;
                let now = self.clock.now();
                let updated = member.set_presence(presence, now)?;
                let response = SetPresenceResponse { staff_member: Some(to_proto(&updated, now)) };
                if store::save(&self.db, write, &updated, "presence_changed", &["presence"], &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Ends somebody's service.
    pub async fn end_service(&self, write: &Write, command: EndService) -> Result<EndServiceResponse, Error> {
        let EndService { id, etag } = command;
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let member = store::load(&self.db, id).await?;
                etag.check(member.version)?;
                let now = self.clock.now();
                let updated = member.leave(now)?;
                let response = EndServiceResponse { staff_member: Some(to_proto(&updated, now)) };
                if store::save(&self.db, write, &updated, "left", &["state", "presence"], &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}

/// Whether the caller may say that this member is there: the member's own token, or somebody who leads (ST6).
fn may_speak_for(caller: &Principal, member: &StaffMember) -> Result<(), Error> {
    let leads = PRESENCE_OF_OTHERS.iter().any(|scope| caller.has_scope(scope));
    let own = caller.subject.strip_prefix("user:") == Some(&member.user);
    if leads || own {
        return Ok(());
    }
    let message = "a person says of themselves whether they are there; of others leads and managers do (ST6)";
    Err(Error::new(Code::PermissionDenied, ErrorReason::ResourceForbidden, message))
}
