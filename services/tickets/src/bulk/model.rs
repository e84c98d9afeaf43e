//! A job and its results. Pure.

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Write, call::Story};
use seva_values::format_name;
use uuid::Uuid;

use crate::{
    action::{Action, By, Refusal},
    stored::stored_names,
};

/// Collection of jobs' names.
pub const COLLECTION: &str = "bulkJobs";
/// Tickets of a job at most.
pub const MAX_TICKETS: usize = 10_000;
/// How long results are kept after the end, in business time.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The method that tickets' audit names.
const METHOD: &str = "/seva.tickets.v1.BulkJobService/CreateBulkJob";

/// The same actions on many tickets.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkJob {
    pub id: Uuid,
    pub version: i64,
    pub state: State,
    pub actions: Vec<Action>,
    pub total: i32,
    pub done: i32,
    pub refused: i32,
    /// Who asked for it.
    pub creator: String,
    /// The member that this is, as far as known.
    pub member: Option<Uuid>,
    pub correlation_id: String,
    pub traceparent: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing was done yet.
    Queued,
    /// Some of it was done.
    Running,
    /// Every ticket has its result.
    Done,
    /// It was called off.
    Canceled,
}

stored_names!(State, "state of a bulk job" {
    Queued = "queued",
    Running = "running",
    Done = "done",
    Canceled = "canceled",
});

/// What came of one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    /// Its turn has not come.
    Queued,
    /// All of it was done.
    Done,
    /// Nothing of it was done.
    Refused,
    /// The job was called off before its turn.
    Canceled,
}

stored_names!(ItemState, "state of a bulk item" {
    Queued = "queued",
    Done = "done",
    Refused = "refused",
    Canceled = "canceled",
});

/// One ticket of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub ticket: Uuid,
    pub state: ItemState,
    pub refusal: Option<Refusal>,
    pub finished_at: Option<Timestamp>,
}

impl BulkJob {
    /// A new one in the name of whoever asks; one without tickets is done at once.
    pub fn create(
        id: Uuid,
        actions: Vec<Action>,
        total: usize,
        write: &Write,
        member: Option<Uuid>,
        now: Timestamp,
    ) -> Self {
        let is_done = total == 0;
        Self {
            id,
            version: 1,
            state: if is_done { State::Done } else { State::Queued },
            actions,
            total: i32::try_from(total).unwrap_or(i32::MAX),
            done: 0,
            refused: 0,
            creator: write.actor.clone(),
            member,
            correlation_id: write.story.correlation_id.clone(),
            traceparent: write.story.traceparent.clone(),
            created_at: now,
            updated_at: now,
            finished_at: is_done.then_some(now),
        }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// The write that changes tickets: of whoever asked for the job, because of it.
    pub fn write(&self) -> Write {
        Write {
            actor: self.creator.clone(),
            on_behalf_of: None,
            method: METHOD.to_owned(),
            request: None,
            story: Story {
                correlation_id: self.correlation_id.clone(),
                causation_id: self.name(),
                hops: 1,
                traceparent: self.traceparent.clone(),
            },
        }
    }

    /// Who carries it out.
    pub const fn by(&self) -> By {
        By::Person(self.member)
    }

    /// Goes on by the results of some of its tickets; says whether it is over with them.
    pub fn advance(&mut self, results: &[Item], now: Timestamp) -> bool {
        for item in results {
            match item.state {
                ItemState::Done => self.done += 1,
                ItemState::Refused => self.refused += 1,
                ItemState::Queued | ItemState::Canceled => {}
            }
        }
        self.updated_at = now;
        self.state = State::Running;
        let is_over = self.done + self.refused == self.total;
        if is_over {
            self.version += 1;
            (self.state, self.finished_at) = (State::Done, Some(now));
        }
        is_over
    }

    /// Called off; `None` when it is so already.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK123): it is done.
    pub fn cancel(&self, now: Timestamp) -> Result<Option<Self>, Error> {
        match self.state {
            State::Canceled => Ok(None),
            State::Done => Err(Error::precondition(
                ErrorReason::StateForbids,
                "TK123",
                self.name(),
                "some of it is still to be done",
            )),
            State::Queued | State::Running => Ok(Some(Self {
                version: self.version + 1,
                state: State::Canceled,
                updated_at: now,
                finished_at: Some(now),
                ..self.clone()
            })),
        }
    }
}

impl Item {
    /// All of it was done.
    pub const fn done(ticket: Uuid, now: Timestamp) -> Self {
        Self { ticket, state: ItemState::Done, refusal: None, finished_at: Some(now) }
    }

    /// Nothing of it was done.
    pub const fn refused(ticket: Uuid, refusal: Refusal, now: Timestamp) -> Self {
        Self { ticket, state: ItemState::Refused, refusal: Some(refusal), finished_at: Some(now) }
    }
}
