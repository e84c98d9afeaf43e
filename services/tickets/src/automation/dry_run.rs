//! What a rule would do to tickets just now; nothing is written (TK126).

use seva_runtime::{BusinessClock, Error};
use seva_store::Database;
use seva_values::format_name;
use uuid::Uuid;

use super::{model::Rule, store};
use crate::{
    action::{By, Reading, Refusal, decide},
    ticket::{self, Change, Ticket, model::COLLECTION},
};

/// How many of the newest tickets are looked through for those whose conditions hold.
const LOOKED_THROUGH: i64 = 1000;
/// Tickets that are read at once.
const CHUNK: usize = 100;

/// Which rule on which tickets, as it was given, with its faults.
pub struct DryRun {
    pub reading: Reading,
    pub subject: Option<Subject>,
    pub wanted: Option<Wanted>,
}

/// Which rule.
pub enum Subject {
    /// The present one of this automation.
    Named(Uuid),
    /// One that is not written down yet.
    Given(Rule),
}

/// Which tickets.
pub enum Wanted {
    /// These.
    Named(Vec<Uuid>),
    /// So many of the newest whose conditions hold.
    Newest(usize),
}

/// What it would do to one.
pub struct Preview {
    pub ticket: Uuid,
    pub groups_hold: Vec<bool>,
    /// When all conditions hold.
    pub decided: Option<Result<Vec<Change>, Refusal>>,
}

/// What a rule would do.
///
/// # Errors
/// `FIELDS_INVALID`, `RESOURCE_NOT_FOUND`.
pub async fn dry_run(
    db: &Database,
    clock: &BusinessClock,
    tickets: &ticket::Commands,
    asked: DryRun,
) -> Result<Vec<Preview>, Error> {
    let DryRun { reading, subject, wanted } = asked;
    let (subject, wanted) = reading.finish(db, subject.zip(wanted)).await?;
    let rule = match subject {
        Subject::Named(id) => store::load(db, id).await?.rule,
        Subject::Given(rule) => rule,
    };
    let mut previews = Vec::new();
    match wanted {
        Wanted::Named(ids) => {
            let found = ticket::store::load_all(db, &ids).await?;
            for id in ids {
                let ticket = found.iter().find(|ticket| ticket.id == id);
                let ticket = ticket.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?;
                previews.push(preview(tickets, &rule, ticket, clock).await?);
            }
        }
        Wanted::Newest(count) => {
            for ids in store::newest(db, LOOKED_THROUGH).await?.chunks(CHUNK) {
                let mut found = ticket::store::load_all(db, ids).await?;
                found.retain(|ticket| rule.holds(ticket, clock.now()));
                found.sort_by_key(|ticket| std::cmp::Reverse((ticket.created_at, ticket.id)));
                for ticket in found.iter().take(count - previews.len()) {
                    previews.push(preview(tickets, &rule, ticket, clock).await?);
                }
                if previews.len() == count {
                    break;
                }
            }
        }
    }
    Ok(previews)
}

async fn preview(
    tickets: &ticket::Commands,
    rule: &Rule,
    ticket: &Ticket,
    clock: &BusinessClock,
) -> Result<Preview, Error> {
    let now = clock.now();
    let groups_hold = rule.groups_hold(ticket, now);
    let decided = if groups_hold.iter().all(|holds| *holds) {
        match decide(tickets, ticket, &rule.actions, By::Rule, now).await {
            Ok(changes) => Some(Ok(changes)),
            Err(refused) => Some(Err(refused.kept()?)),
        }
    } else {
        None
    };
    Ok(Preview { ticket: ticket.id, groups_hold, decided })
}
