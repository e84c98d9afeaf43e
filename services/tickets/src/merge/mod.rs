//! Tickets that turn out to be one matter, or several: merged, taken out again, split.
//!
//! What happens to a ticket stands in `ticket/model/merging.rs`; here is what holds it together: who leads where, and what was said to whom.

mod commands;
mod convert;
mod redirect;
mod rpc;
pub(crate) mod store;

pub use redirect::carried_for_customer;
pub(crate) use redirect::{redirect, save_answer, shown};
pub use rpc::MergeRpc;

use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, call::Call};
use tonic::Code;

/// Who may say that tickets of two customers are one matter.
const ACROSS_CUSTOMERS: &str = "tickets.merge_customers";

/// Whether a reason to go across customers was given by somebody who may.
///
/// # Errors
/// `RESOURCE_FORBIDDEN`.
pub(crate) fn may_go_across(call: &Call, reason: &str) -> Result<(), Error> {
    if reason.is_empty() || call.principal.has_scope(ACROSS_CUSTOMERS) {
        return Ok(());
    }
    let why = "a lead says that tickets of two customers are one matter";
    Err(Error::new(Code::PermissionDenied, ErrorReason::ResourceForbidden, why).with_precondition(
        "TK52",
        "across_customers_reason",
        why,
    ))
}
