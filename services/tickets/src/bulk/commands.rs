//! Writes of jobs; what they do to tickets stands in [`super::work`].

use std::collections::BTreeSet;

use seva_proto::tickets::v1::{CancelBulkJobResponse, CreateBulkJobResponse, ListTicketsRequest, TicketFilter};
use seva_runtime::{BusinessClock, Error, Violations, Write};
use seva_store::{Database, due::Bell, idempotency::once, paging::PageKey};
use seva_values::{Invalid, new_id};
use uuid::Uuid;

use super::{
    convert::CreateBulkJob,
    model::{BulkJob, MAX_TICKETS},
    store,
};
use crate::ticket::{self, convert, queries};

/// Tickets of a page, when those that a filter matches are looked up.
const PAGE: i32 = 1000;

/// What jobs' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    tickets: ticket::Commands,
    /// Rung when a job is to be worked off.
    bell: Bell,
}

/// Which tickets.
#[derive(Debug, Clone)]
pub enum Tickets {
    /// These.
    Named(BTreeSet<Uuid>),
    /// Those that match when it is asked for.
    Matching(Box<TicketFilter>),
}

impl Commands {
    /// On this database.
    pub const fn new(
        db: Database,
        clock: BusinessClock,
        page_key: PageKey,
        tickets: ticket::Commands,
        bell: Bell,
    ) -> Self {
        Self { db, clock, page_key, tickets, bell }
    }

    /// Asks for a job.
    pub async fn create(&self, write: &Write, command: CreateBulkJob) -> Result<CreateBulkJobResponse, Error> {
        let CreateBulkJob { reading, tickets, actions } = command;
        let answer = once(&self.db, write, async {
            let (tickets, actions) = reading.finish(&self.db, tickets.zip(actions)).await?;
            let member = self.tickets.member(write).await?;
            let ids: Vec<Uuid> = match &tickets {
                Tickets::Named(named) => named.iter().copied().collect(),
                Tickets::Matching(filter) => self.matching(filter, member).await?,
            };
            let job = BulkJob::create(new_id(), actions, ids.len(), write, member, self.clock.now());
            let response = CreateBulkJobResponse { bulk_job: Some((&job).into()) };
            store::insert(&self.db, write, &job, &ids, &response).await?;
            Ok(response)
        })
        .await?;
        self.bell.ring();
        Ok(answer)
    }

    /// The tickets of a filter, as the list of tickets finds them for this member.
    async fn matching(&self, filter: &TicketFilter, member: Option<Uuid>) -> Result<Vec<Uuid>, Error> {
        let mut ids = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListTicketsRequest {
                page_size: PAGE,
                page_token,
                filter: Some(filter.clone()),
                ..ListTicketsRequest::default()
            };
            let (_, asked) = convert::list_query(request)?;
            let page = queries::summaries(&self.db, &asked.of(&self.page_key, member, self.clock.now())?).await?;
            ids.extend(page.items.iter().map(|ticket| ticket.id));
            if ids.len() > MAX_TICKETS || (ids.len() == MAX_TICKETS && !page.next_page_token.is_empty()) {
                let mut violations = Violations::default();
                let fault = format!("matches more than {MAX_TICKETS} tickets; make it narrower");
                violations.add("filter", Invalid::new("TICKETS_TOO_MANY", fault));
                return Err(violations.into());
            }
            if page.next_page_token.is_empty() {
                return Ok(ids);
            }
            page_token = page.next_page_token;
        }
    }

    /// Calls a job off.
    pub async fn cancel(&self, write: &Write, id: Uuid) -> Result<CancelBulkJobResponse, Error> {
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            // Waits for the tickets that are being served just now.
            let job = store::lock(&mut transaction, id).await?;
            let Some(canceled) = job.cancel(self.clock.now())? else {
                return Ok(CancelBulkJobResponse { bulk_job: Some((&job).into()) });
            };
            let response = CancelBulkJobResponse { bulk_job: Some((&canceled).into()) };
            store::cancel(&mut transaction, write, &canceled, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }
}
