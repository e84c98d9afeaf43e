//! Jobs from and to the contract.

use std::collections::BTreeSet;

use seva_proto::tickets::v1::{self as pb, BulkJobEvent, TicketFilter, bulk_job, bulk_job_result};
use seva_runtime::Error;
use seva_store::{
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    commands::Tickets,
    model::{BulkJob, COLLECTION, Item, ItemState, MAX_TICKETS, State},
    queries::ListResults,
};
use crate::{
    action::{
        Action, Reading,
        convert::{kinds, proto_actions, read_actions},
    },
    ticket,
};

/// A new job as it was given, with its faults.
pub struct CreateBulkJob {
    pub reading: Reading,
    pub tickets: Option<Tickets>,
    pub actions: Option<Vec<Action>>,
}

/// Reads a name in this field of a request.
pub fn named(field: &'static str, name: &str) -> Result<Uuid, Error> {
    parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field(field, invalid))
}

impl From<pb::CreateBulkJobRequest> for CreateBulkJob {
    fn from(request: pb::CreateBulkJobRequest) -> Self {
        let pb::CreateBulkJobRequest { tickets, filter, actions, request_id: _ } = request;
        let mut reading = Reading::default();
        let actions = read_actions(&actions, "actions", &mut reading);
        let tickets = match (tickets.is_empty(), filter) {
            (false, None) => read_names(&tickets, &mut reading).map(Tickets::Named),
            (true, Some(filter)) if filter != TicketFilter::default() => Some(Tickets::Matching(Box::new(filter))),
            (true, Some(_)) => {
                let fault = "needs a condition: without one it would be every ticket";
                reading.violations.add("filter", Invalid::new("FILTER_EMPTY", fault));
                None
            }
            (true, None) => {
                reading.violations.add("tickets", Invalid::new("FIELD_REQUIRED", "needs tickets, or a filter"));
                None
            }
            (false, Some(_)) => {
                reading.violations.add("filter", Invalid::new("TICKETS_TWICE", "not together with tickets"));
                None
            }
        };
        Self { reading, tickets, actions }
    }
}

fn read_names(names: &[String], reading: &mut Reading) -> Option<BTreeSet<Uuid>> {
    if names.len() > MAX_TICKETS {
        let fault = format!("a job has {MAX_TICKETS} at most");
        reading.violations.add("tickets", Invalid::new("TICKETS_TOO_MANY", fault));
        return None;
    }
    let ids = names.iter().enumerate().map(|(at, name)| {
        reading.violations.take(format!("tickets[{at}]"), parse_name(ticket::model::COLLECTION, name))
    });
    let ids: Vec<Option<Uuid>> = ids.collect();
    ids.into_iter().collect()
}

/// Reads a request for a list of jobs.
pub fn list_query(request: &pb::ListBulkJobsRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, COLLECTION, "", request.page_size, &request.page_token)
}

/// Reads a request for results.
pub fn results_query(request: &pb::ListBulkJobResultsRequest, key: &PageKey) -> Result<ListResults, Error> {
    let pb::ListBulkJobResultsRequest { parent, page_size, page_token, state } = request;
    let job = named("parent", parent)?;
    let state = match bulk_job_result::State::try_from(*state) {
        Ok(bulk_job_result::State::Unspecified) => None,
        Ok(bulk_job_result::State::Queued) => Some(ItemState::Queued),
        Ok(bulk_job_result::State::Done) => Some(ItemState::Done),
        Ok(bulk_job_result::State::Refused) => Some(ItemState::Refused),
        Ok(bulk_job_result::State::Canceled) => Some(ItemState::Canceled),
        Err(_) => {
            let fault = Invalid::new("STATE_UNKNOWN", "has to be a known value");
            return Err(Error::invalid_field("state", fault));
        }
    };
    let page = PageRequest::parse(key, "bulkJobResults", &format!("{job}/{state:?}"), *page_size, page_token)?;
    Ok(ListResults { job, state, page })
}

fn proto_state(state: State) -> i32 {
    match state {
        State::Queued => bulk_job::State::Queued,
        State::Running => bulk_job::State::Running,
        State::Done => bulk_job::State::Done,
        State::Canceled => bulk_job::State::Canceled,
    }
    .into()
}

impl From<&BulkJob> for pb::BulkJob {
    fn from(job: &BulkJob) -> Self {
        Self {
            name: job.name(),
            actions: proto_actions(&job.actions),
            state: proto_state(job.state),
            total: job.total,
            done: job.done,
            refused: job.refused,
            creator: job.creator.clone(),
            create_time: Some(proto_timestamp(job.created_at)),
            finish_time: job.finished_at.map(proto_timestamp),
        }
    }
}

impl From<&Item> for pb::BulkJobResult {
    fn from(item: &Item) -> Self {
        let Item { ticket, state, refusal, finished_at } = item;
        let state = match state {
            ItemState::Queued => bulk_job_result::State::Queued,
            ItemState::Done => bulk_job_result::State::Done,
            ItemState::Refused => bulk_job_result::State::Refused,
            ItemState::Canceled => bulk_job_result::State::Canceled,
        };
        Self {
            ticket: format_name(ticket::model::COLLECTION, *ticket),
            state: state.into(),
            refusal: refusal.as_ref().map(Into::into),
            finish_time: finished_at.map(proto_timestamp),
        }
    }
}

/// What is told of a job, without its texts.
pub fn event_of(job: &BulkJob) -> BulkJobEvent {
    BulkJobEvent {
        bulk_job: job.name(),
        actions: kinds(&job.actions),
        state: proto_state(job.state),
        total: job.total,
        done: job.done,
        refused: job.refused,
    }
}
