//! Hears the staff service and keeps who serves. No network.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use seva_proto::staff::v1::{DepartmentEvent, StaffMemberEvent};
use seva_runtime::BusinessClock;
use seva_store::{Event, Fault, consumer::Handler, due::Bell};
use sqlx::PgConnection;

use super::{
    model::{Department, StaffMember},
    store,
};
use crate::stored::malformed;

/// The consumer's name for ever.
pub const NAME: &str = "roster";

const DEPARTMENT_TYPES: &str = "seva.staff.department.";
const MEMBER_TYPES: &str = "seva.staff.staff_member.";
/// Changes nothing but who is there: nobody else's part in the queue is touched by it.
const PRESENCE_CHANGED: &str = "seva.staff.staff_member.presence_changed.v1";

/// Keeps who serves, and wakes routing.
#[derive(Debug, Clone)]
pub struct Roster {
    clock: BusinessClock,
    routing: Bell,
}

/// What some events say.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// States of departments, in order.
    pub departments: Vec<Department>,
    /// States of members, in order.
    pub members: Vec<StaffMember>,
    /// Members of whom more than their presence changed.
    pub changed: BTreeSet<uuid::Uuid>,
}

impl Roster {
    /// Rings `routing` when somebody may be able to take what waits, at the time of `clock`.
    #[must_use]
    pub const fn new(clock: BusinessClock, routing: Bell) -> Self {
        Self { clock, routing }
    }
}

/// Reads events; those of unknown types say nothing.
fn hear(events: &[Arc<Event>]) -> Result<Heard, Fault> {
    let mut heard = Heard::default();
    for event in events {
        if event.kind.starts_with(DEPARTMENT_TYPES) {
            let state: DepartmentEvent = event.payload()?;
            heard.departments.push(Department::heard(event.sequence, state).map_err(malformed)?);
        } else if event.kind.starts_with(MEMBER_TYPES) {
            let state: StaffMemberEvent = event.payload()?;
            let member = StaffMember::heard(event.sequence, state).map_err(malformed)?;
            if event.kind != PRESENCE_CHANGED {
                heard.changed.insert(member.id);
            }
            heard.members.push(member);
        }
    }
    Ok(heard)
}

#[async_trait]
impl Handler for Roster {
    async fn apply(&self, transaction: &mut PgConnection, events: &[Arc<Event>]) -> Result<(), Fault> {
        let heard = hear(events)?;
        // Tickets are locked before members, as everywhere.
        store::save_departments(transaction, &heard.departments, self.clock.now()).await?;
        store::save_members(transaction, &heard.members, &heard.changed).await
    }

    fn committed(&self) {
        self.routing.ring();
    }
}
