//! What becomes of answers when nobody calls: low scores are followed once they have rested, and at the end of the time to answer what was
//! begun is partial and what was not answered has expired.

use jiff::Timestamp;
use seva_runtime::Error;
use seva_store::{Database, Fault, NewEvent, event};
use seva_values::new_id;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    model::{Change, Response},
    store,
};
use crate::{
    invitation::{
        self, Happening, Invitation,
        store::{Schedule, claim, next_due, wait_for_end},
    },
    loop_case, programme,
};

/// Who says so in the events.
const ACTOR: &str = "worker:expiries";

/// Looks at answers that have rested, and ends what can no longer be answered.
#[derive(Debug, Clone)]
pub struct Expiries {
    db: Database,
}

/// What is to be written.
#[derive(Default)]
struct Found {
    /// Invitations that were not completed in time.
    expired: Vec<invitation::model::Change>,
    /// Their responses.
    partial: Vec<Change>,
    /// Responses that may hold low scores, with their invitations.
    rested: Vec<(Invitation, Response)>,
    /// Invitations that can still be answered.
    waiting: Vec<Uuid>,
}

impl Expiries {
    /// Looks after the invitations of this database.
    #[must_use]
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// When the earliest is due.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn earliest(&self) -> Result<Option<Timestamp>, Error> {
        Ok(next_due(&self.db, Schedule::Expiries).await?)
    }

    /// Looks at what is due at `now`, at most `limit`; answers how many were claimed.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn end_due(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let claimed = claim(&self.db, Schedule::Expiries, now, limit).await?;
        let ids: Vec<Uuid> = claimed.iter().map(|claimed| claimed.id).collect();
        match self.look(&ids, now).await {
            // One invitation must not stand in the way of the others; its lease runs out and it is tried again.
            Err(fault) if fault.is_permanent() && ids.len() > 1 => {
                for id in &ids {
                    if let Err(fault) = self.look(std::slice::from_ref(id), now).await {
                        tracing::error!(invitation.id = %id, %fault, "an invitation cannot be ended");
                    }
                }
            }
            looked => looked?,
        }
        Ok(ids.len())
    }

    /// Looks at these, in one transaction; those that were completed or answered meanwhile are left alone.
    async fn look(&self, ids: &[Uuid], now: Timestamp) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut transaction = self.db.begin().await?;
        let locked = invitation::store::lock(&mut transaction, ids).await?;
        let mut responses = store::of_invitations(&mut transaction, ids).await?;
        let is_due = |invitation: &Invitation| invitation.due_at.is_some_and(|due_at| due_at <= now);
        let mut found = Found::default();
        for invitation in locked.into_iter().filter(is_due) {
            let response = responses.remove(&invitation.id);
            found.add(invitation, response, now);
        }
        let Found { expired, partial, rested, waiting } = found;
        invitation::store::save(&mut transaction, ACTOR, &expired).await?;
        store::save_ended(&mut transaction, ACTOR, &partial).await?;
        wait_for_end(&mut transaction, &waiting).await?;
        follow(&mut transaction, &rested, now).await?;
        self.db.commit(transaction).await
    }
}

impl Found {
    fn add(&mut self, invitation: Invitation, response: Option<Response>, now: Timestamp) {
        if invitation.expire_at.is_some_and(|expire_at| now < expire_at) {
            self.waiting.push(invitation.id);
            self.rested.extend(response.map(|response| (invitation, response)));
            return;
        }
        let Some(change) = invitation.happens(Happening::Expired, now, &invitation.story) else { return };
        self.expired.push(change);
        if let Some(change) = response.and_then(|response| response.end(&invitation, now)) {
            self.rested.push((invitation, change.after.clone()));
            self.partial.push(change);
        }
    }
}

/// Opens cases for the low scores that have none yet, where the programme wants that (SU5). The invitations are locked.
async fn follow(connection: &mut PgConnection, rested: &[(Invitation, Response)], now: Timestamp) -> Result<(), Fault> {
    if rested.is_empty() {
        return Ok(());
    }
    let programmes: Vec<Uuid> = rested.iter().map(|(invitation, _)| invitation.programme).collect();
    let programmes = programme::store::find(&mut *connection, &programmes).await?;
    let follows = |id: Uuid| programmes.iter().any(|programme| programme.id == id && programme.follow_low_scores);
    let responses: Vec<Uuid> = rested.iter().map(|(_, response)| response.id).collect();
    let followed = loop_case::store::followed(&mut *connection, &responses).await?;
    let (mut opened, mut events) = (Vec::new(), Vec::<NewEvent>::new());
    for (invitation, response) in rested.iter().filter(|(invitation, _)| follows(invitation.programme)) {
        for case in response.low_scores(invitation, &followed, new_id, now) {
            let opening = loop_case::model::Change { after: case, story: invitation.aftermath() };
            events.push(loop_case::convert::event_of(&opening));
            opened.push(opening.after);
        }
    }
    loop_case::store::insert(connection, &opened).await?;
    event::append(connection, ACTOR, &events).await
}
