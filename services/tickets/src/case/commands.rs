//! Writes of cases: lock, decide, save. The case is locked before its tickets.

use seva_proto::tickets::v1::{
    AddTicketToCaseResponse, CloseCaseResponse, CreateCaseResponse, RemoveTicketFromCaseResponse,
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database, Etag,
    idempotency::{once, remember},
};
use seva_values::{format_name, new_id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{model::Case, store};
use crate::{recipient, ticket::convert::CUSTOMERS};

/// What cases' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A new case.
pub struct CreateCase {
    pub customer: Uuid,
    pub title: String,
    pub tickets: Vec<Uuid>,
    pub across_customers_reason: String,
}

/// A ticket goes into a case.
pub struct AddTicketToCase {
    pub id: Uuid,
    pub etag: Etag,
    pub ticket: Uuid,
    pub across_customers_reason: String,
}

/// A ticket goes out of a case.
pub struct RemoveTicketFromCase {
    pub id: Uuid,
    pub etag: Etag,
    pub ticket: Uuid,
}

/// It is closed.
pub struct CloseCase {
    pub id: Uuid,
    pub etag: Etag,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Opens a case.
    pub async fn create(&self, write: &Write, command: CreateCase) -> Result<CreateCaseResponse, Error> {
        let CreateCase { customer, title, tickets, across_customers_reason: reason } = command;
        once(&self.db, write, async {
            let known = recipient::store::find(self.db.calls(), customer).await?;
            known.ok_or_else(|| Error::not_found(format_name(CUSTOMERS, customer)))?;
            let mut transaction = self.db.begin().await?;
            let mut case = Case::open(new_id(), customer, title.clone(), self.clock.now());
            store::insert(&mut transaction, &case).await?;
            hold(&mut transaction, &mut case, &tickets, &reason).await?;
            let kind = "seva.tickets.case.created.v1";
            store::tell(&mut transaction, write, &case, kind, &["*"], &tickets, given(&reason)).await?;
            let response = CreateCaseResponse { case: Some((&case).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Puts a ticket into a case.
    pub async fn add(&self, write: &Write, command: AddTicketToCase) -> Result<AddTicketToCaseResponse, Error> {
        let AddTicketToCase { id, etag, ticket, across_customers_reason: reason } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut case = self.next(&mut transaction, id, &etag).await?;
            hold(&mut transaction, &mut case, &[ticket], &reason).await?;
            store::update(&mut transaction, &case).await?;
            let kind = "seva.tickets.case.ticket_added.v1";
            store::tell(&mut transaction, write, &case, kind, &["tickets"], &[ticket], given(&reason)).await?;
            let response = AddTicketToCaseResponse { case: Some((&case).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Takes a ticket out of a case.
    pub async fn remove(
        &self,
        write: &Write,
        command: RemoveTicketFromCase,
    ) -> Result<RemoveTicketFromCaseResponse, Error> {
        let RemoveTicketFromCase { id, etag, ticket } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut case = self.next(&mut transaction, id, &etag).await?;
            case.let_go(ticket)?;
            store::remove(&mut transaction, ticket).await?;
            store::update(&mut transaction, &case).await?;
            let kind = "seva.tickets.case.ticket_removed.v1";
            store::tell(&mut transaction, write, &case, kind, &["tickets"], &[ticket], None).await?;
            let response = RemoveTicketFromCaseResponse { case: Some((&case).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// Closes a case.
    pub async fn close(&self, write: &Write, command: CloseCase) -> Result<CloseCaseResponse, Error> {
        let CloseCase { id, etag } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let mut case = self.next(&mut transaction, id, &etag).await?;
            let members = store::members(&mut transaction, &case.tickets).await?;
            let now = case.updated_at;
            case.close(&members, now)?;
            store::update(&mut transaction, &case).await?;
            let kind = "seva.tickets.case.closed.v1";
            store::tell(&mut transaction, write, &case, kind, &["state"], &[], None).await?;
            let response = CloseCaseResponse { case: Some((&case).into()) };
            remember(&mut transaction, write, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// The locked case as it will be after its next change.
    async fn next(&self, connection: &mut PgConnection, id: Uuid, etag: &Etag) -> Result<Case, Error> {
        let case = store::lock(connection, id).await?;
        etag.check(case.version)?;
        Ok(Case { version: case.version + 1, updated_at: self.clock.now(), ..case })
    }
}

async fn hold(connection: &mut PgConnection, case: &mut Case, tickets: &[Uuid], reason: &str) -> Result<(), Error> {
    let members = store::members(connection, tickets).await?;
    case.hold(&members, !reason.is_empty())?;
    store::add(connection, case.id, tickets).await
}

/// A reason that was given.
fn given(reason: &str) -> Option<&str> {
    (!reason.is_empty()).then_some(reason)
}
