//! What follows for escalations from what tickets have come to: one is raised where the risk is high, sharpened where it is critical, and closed
//! with its ticket.

use jiff::Timestamp;
use seva_store::Fault;
use seva_values::new_id;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    model::{Escalation, NewEscalation},
    store,
};
use crate::risk::{
    Level,
    assess::{Assessed, Measures},
};

/// Sees to the escalations of tickets that are locked and were assessed at `now` (TK110, TK112).
///
/// # Errors
/// When a statement fails.
pub async fn follow(
    connection: &mut PgConnection,
    assessed: &[Assessed],
    measures: &Measures,
    now: Timestamp,
) -> Result<(), Fault> {
    let tickets: Vec<Uuid> = assessed.iter().map(|one| one.ticket).collect();
    let mut open = store::open_of(connection, &tickets).await?;
    for one in assessed {
        let level = one.level();
        let change = match open.remove(&one.ticket) {
            Some(escalation) => {
                let sharper = measures.acknowledge_due(escalation.department, true, now);
                escalation.follow(one.state, level, sharper, now)
            }
            None if level.calls_for_help() => {
                let critical = level == Level::Critical;
                let due_at = measures.acknowledge_due(one.department, critical, now);
                let (ticket, department) = (one.ticket, one.department);
                let new = NewEscalation { ticket, department, critical, raised_by: None, reason: None };
                Some(Escalation::raise(new_id(), new, due_at, now))
            }
            None => None,
        };
        if let Some(change) = change {
            store::save(connection, &one.write, &change).await?;
        }
    }
    Ok(())
}
