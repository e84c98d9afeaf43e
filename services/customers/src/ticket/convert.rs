//! Tickets to the contract.

use seva_proto::customers::v1::TicketView;
use seva_store::event::proto_timestamp;
use seva_values::format_name;

use super::store::TicketRow;

/// Collection of tickets' names.
pub const COLLECTION: &str = "tickets";

impl From<&TicketRow> for TicketView {
    fn from(ticket: &TicketRow) -> Self {
        let TicketRow { id, number, kind, state, closure, subject, created_at, updated_at } = ticket;
        Self {
            ticket: format_name(COLLECTION, *id),
            number: number.clone(),
            kind: *kind,
            state: *state,
            closure: *closure,
            subject: subject.clone(),
            create_time: Some(proto_timestamp(created_at.to_jiff())),
            update_time: Some(proto_timestamp(updated_at.to_jiff())),
        }
    }
}
