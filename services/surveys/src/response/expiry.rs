//! The end of the time to answer: what was begun is partial, what was not answered has expired.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault, NewEvent, event};
use seva_values::new_id;
use uuid::Uuid;

use super::{model::Change, store};
use crate::{
    invitation::{
        self, Happening, Invitation,
        store::{Schedule, claim, next_due},
    },
    loop_case, programme,
};

/// Who says so in the events.
const ACTOR: &str = "worker:expiries";

/// Ends what can no longer be answered.
#[derive(Debug, Clone)]
pub struct Expiries {
    db: Database,
}

impl Expiries {
    /// Ends the invitations of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// When the earliest ends.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn earliest(&self) -> Result<Option<Timestamp>, Error> {
        Ok(next_due(&self.db, Schedule::Expiries).await?)
    }

    /// Ends what is due at `now`, at most `limit`; answers how many were claimed.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn end_due(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let claimed = claim(&self.db, Schedule::Expiries, now, limit).await?;
        let ids: Vec<Uuid> = claimed.iter().map(|claimed| claimed.id).collect();
        match self.end(&ids, now).await {
            // One invitation must not stand in the way of the others; its lease runs out and it is tried again.
            Err(fault) if fault.is_permanent() && ids.len() > 1 => {
                for id in &ids {
                    if let Err(fault) = self.end(std::slice::from_ref(id), now).await {
                        tracing::error!(invitation.id = %id, %fault, "an invitation cannot be ended");
                    }
                }
            }
            ended => ended?,
        }
        Ok(ids.len())
    }

    /// Ends these, in one transaction; those that were completed meanwhile are left alone.
    async fn end(&self, ids: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut transaction = self.db.begin().await?;
        let locked = invitation::store::lock(&mut transaction, ids).await?;
        let is_due = |invitation: &Invitation| invitation.due_at.is_some_and(|due_at| due_at <= now);
        let mut responses = store::of_invitations(&mut transaction, ids).await?;
        let (mut expired, mut partial) = (Vec::new(), Vec::<(Invitation, Change)>::new());
        for invitation in locked.into_iter().filter(is_due) {
            let Some(change) = invitation.happens(Happening::Expired, now, &invitation.story) else { continue };
            expired.push(change);
            let ended = responses.remove(&invitation.id).and_then(|response| response.end(&invitation, now));
            partial.extend(ended.map(|change| (invitation, change)));
        }
        invitation::store::save(&mut transaction, ACTOR, &expired).await?;
        let ended: Vec<Change> = partial.iter().map(|(_, change)| change.clone()).collect();
        store::save_ended(&mut transaction, ACTOR, &ended).await?;
        follow(&mut transaction, &partial, now).await?;
        self.db.commit(transaction).await
    }
}

/// Opens cases for the low scores among what was answered, where the programme wants that (SU5).
async fn follow(
    connection: &mut sqlx::PgConnection,
    partial: &[(Invitation, Change)],
    now: Timestamp,
) -> Result<(), Fault> {
    let programmes: Vec<Uuid> = partial.iter().map(|(invitation, _)| invitation.programme).collect();
    let programmes = programme::store::find(&mut *connection, &programmes).await?;
    let follows = |id: Uuid| programmes.iter().any(|programme| programme.id == id && programme.follow_low_scores);
    let (mut opened, mut events) = (Vec::new(), Vec::<NewEvent>::new());
    for (invitation, change) in partial.iter().filter(|(invitation, _)| follows(invitation.programme)) {
        // Cases are opened at the end of a response, and this one has just ended.
        for case in change.after.low_scores(invitation, &[], new_id, now) {
            let opening = loop_case::model::Change { after: case, story: change.story.clone() };
            events.push(loop_case::convert::event_of(&opening));
            opened.push(opening.after);
        }
    }
    loop_case::store::insert(connection, &opened).await?;
    event::append(connection, ACTOR, &events).await
}
