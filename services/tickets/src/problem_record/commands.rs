//! Writes of problem records: lock, decide, save.

use seva_proto::tickets::v1::{
    AttachTicketsResponse, CloseProblemRecordResponse, ConfirmCauseResponse, CreateProblemRecordResponse,
    DetachTicketResponse, MarkFixedResponse,
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag,
    due::Bell,
    idempotency::{once, remember},
};
use seva_values::{LocalizedText, format_name, new_id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    model::{CARRIED_OUT, COLLECTION, NewProblem, Problem, State},
    store,
};
use crate::ticket::model::{COLLECTION as TICKETS, RootProblem};

/// What problem records' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    /// Rung when tickets have their turn.
    fixes: Bell,
}

/// Tickets that have this cause.
pub struct AttachTickets {
    pub id: Uuid,
    pub tickets: Vec<Uuid>,
}

/// A ticket that has another one.
pub struct DetachTicket {
    pub id: Uuid,
    pub ticket: Uuid,
}

/// What the cause is.
pub struct ConfirmCause {
    pub id: Uuid,
    pub etag: Etag,
    pub root_problem: RootProblem,
}

/// It is removed.
pub struct MarkFixed {
    pub id: Uuid,
    pub etag: Etag,
    pub note: LocalizedText,
}

/// It is over.
pub struct CloseProblem {
    pub id: Uuid,
    pub etag: Etag,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock, fixes: Bell) -> Self {
        Self { db, clock, fixes }
    }

    /// Opens a record.
    pub async fn create(&self, write: &Write, new: NewProblem) -> Result<CreateProblemRecordResponse, Error> {
        once(&self.db, write, async {
            let problem = Problem::open(new_id(), new.clone(), self.clock.now());
            let mut transaction = self.db.begin().await?;
            store::insert(&mut transaction, &problem).await?;
            let kind = "seva.tickets.problem_record.created.v1";
            store::tell(&mut transaction, write, &problem, kind, &["*"], &[]).await?;
            let response = CreateProblemRecordResponse { problem_record: Some((&problem).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Attaches tickets.
    pub async fn attach(&self, write: &Write, command: AttachTickets) -> Result<AttachTicketsResponse, Error> {
        let AttachTickets { id, tickets } = command;
        let attached = once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut problem = self.next(&mut transaction, id, Etag::default()).await?;
            let attached = store::attach(&mut transaction, id, &tickets).await?;
            if let Some(at_once) = problem.attach(attached.len())? {
                store::schedule(&mut transaction, id, Some(&attached), at_once).await?;
            }
            store::update(&mut transaction, &problem).await?;
            let kind = "seva.tickets.problem_record.tickets_attached.v1";
            store::tell(&mut transaction, write, &problem, kind, &["tickets"], &attached).await?;
            let not_attached = tickets.iter().filter(|ticket| !attached.contains(ticket));
            let response = AttachTicketsResponse {
                problem_record: Some((&problem).into()),
                not_attached: not_attached.map(|ticket| format_name(TICKETS, *ticket)).collect(),
            };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await?;
        self.fixes.ring();
        Ok(attached)
    }

    /// Takes a ticket off.
    pub async fn detach(&self, write: &Write, command: DetachTicket) -> Result<DetachTicketResponse, Error> {
        let DetachTicket { id, ticket } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut problem = self.next(&mut transaction, id, Etag::default()).await?;
            let detached = store::detach(&mut transaction, id, ticket).await?;
            let detached = detached.ok_or_else(|| Error::not_found(format_name(TICKETS, ticket)))?;
            problem.detach(detached.outcome)?;
            store::update(&mut transaction, &problem).await?;
            let kind = "seva.tickets.problem_record.ticket_detached.v1";
            store::tell(&mut transaction, write, &problem, kind, &["tickets"], &[ticket]).await?;
            if detached.outcome.is_none() {
                problem = self.tell_if_carried_out(&mut transaction, write, problem).await?;
            }
            let response = DetachTicketResponse { problem_record: Some((&problem).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Says what the cause is.
    pub async fn confirm_cause(&self, write: &Write, command: ConfirmCause) -> Result<ConfirmCauseResponse, Error> {
        let ConfirmCause { id, etag, root_problem } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut problem = self.next(&mut transaction, id, etag).await?;
            problem.know(root_problem.clone())?;
            store::update(&mut transaction, &problem).await?;
            let kind = "seva.tickets.problem_record.cause_known.v1";
            store::tell(&mut transaction, write, &problem, kind, &["state", "root_problem"], &[]).await?;
            let response = ConfirmCauseResponse { problem_record: Some((&problem).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Says that the cause is removed; every ticket has its turn now.
    pub async fn mark_fixed(&self, write: &Write, command: MarkFixed) -> Result<MarkFixedResponse, Error> {
        let MarkFixed { id, etag, note } = command;
        let fixed = once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut problem = self.next(&mut transaction, id, etag).await?;
            problem.fix(note.clone())?;
            store::update(&mut transaction, &problem).await?;
            store::schedule(&mut transaction, id, None, problem.updated_at).await?;
            let kind = "seva.tickets.problem_record.fixed.v1";
            store::tell(&mut transaction, write, &problem, kind, &["state", "note"], &[]).await?;
            let problem = self.tell_if_carried_out(&mut transaction, write, problem).await?;
            let response = MarkFixedResponse { problem_record: Some((&problem).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await?;
        self.fixes.ring();
        Ok(fixed)
    }

    /// Closes a record.
    pub async fn close(&self, write: &Write, command: CloseProblem) -> Result<CloseProblemRecordResponse, Error> {
        let CloseProblem { id, etag } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut problem = self.next(&mut transaction, id, etag).await?;
            problem.close()?;
            store::update(&mut transaction, &problem).await?;
            let kind = "seva.tickets.problem_record.closed.v1";
            store::tell(&mut transaction, write, &problem, kind, &["state"], &[]).await?;
            let response = CloseProblemRecordResponse { problem_record: Some((&problem).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// What is fixed and has nothing left that waits for its turn says so, as it does after the last turn (TK59).
    async fn tell_if_carried_out(
        &self,
        connection: &mut PgConnection,
        write: &Write,
        problem: Problem,
    ) -> Result<Problem, Error> {
        if problem.state != State::Fixed || !problem.is_carried_out() {
            return Ok(problem);
        }
        let problem = problem.next(self.clock.now());
        store::update(connection, &problem).await?;
        store::tell(connection, write, &problem, CARRIED_OUT, &[], &[]).await?;
        Ok(problem)
    }

    /// The locked record as it will be after its next change.
    async fn next(&self, connection: &mut PgConnection, id: Uuid, etag: Etag) -> Result<Problem, Error> {
        let problem = store::lock(connection, &[id]).await?.pop();
        let problem = problem.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?;
        etag.check(problem.version)?;
        Ok(problem.next(self.clock.now()))
    }
}
