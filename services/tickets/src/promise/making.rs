//! A promise is made: what it may say, and what it does to its ticket. Pure.

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{AvailabilityWindows, new_id};
use uuid::Uuid;

use super::model::{Act, Change, Promise, State};
use crate::{
    clock::{Calendar, Kind},
    message::{Author, Medium, Visibility},
    roster::Shifts,
    ticket::{
        Change as TicketChange, Ticket,
        model::{COLLECTION as TICKETS, Reply},
    },
};

/// Open promises of one ticket at most.
pub const MOST_OPEN: i64 = 20;
/// How far ahead a promise is due at most.
const FARTHEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// A slot is looked at so often whether it lies within hours.
const STEP: SignedDuration = SignedDuration::from_mins(15);
const MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// What is promised.
#[derive(Clone)]
pub struct NewPromise {
    /// Who answers for it.
    pub owner: Uuid,
    /// What the customer is told.
    pub words: String,
    /// When it is due, and what the ticket does until then.
    pub occasion: Occasion,
}

/// Why something is promised.
#[derive(Clone)]
pub enum Occasion {
    /// It is worked on until then.
    Work {
        due_at: Timestamp,
    },
    /// Somebody outside has to do something first, until a day; without a due time there is news as soon after it as after a customer's word.
    External {
        party: String,
        until: Timestamp,
        due_at: Option<Timestamp>,
    },
    Slot(Slot),
}

/// A time that was agreed with the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When the ticket goes on.
    pub start: Timestamp,
    /// When the promise is due.
    pub end: Timestamp,
}

/// What is known when a promise is made.
pub struct Known {
    /// Of the ticket's department.
    pub calendar: Calendar,
    /// When the customer wants to be interrupted; `None`: at any time.
    pub availability: Option<AvailabilityWindows>,
    /// When those of the department work.
    pub shifts: Vec<Shifts>,
    /// Open promises of the ticket.
    pub open: i64,
    /// Who makes it, as far as known.
    pub author: Option<Uuid>,
}

/// Makes a promise; answers it with what it does to its ticket.
///
/// # Errors
/// `STATE_FORBIDS` (TK40; TK4 and TK12 of the ticket).
pub fn make(ticket: &Ticket, new: NewPromise, known: &Known, now: Timestamp) -> Result<(TicketChange, Change), Error> {
    let Known { calendar, availability, shifts, open, author } = known;
    let refused = |why: &'static str| refusal(ticket, why);
    if !ticket.can_owe() {
        return Err(refused("the ticket is in the queue or worked on"));
    }
    if *open >= MOST_OPEN {
        return Err(refused("the ticket has less than 20 open promises"));
    }
    let NewPromise { owner, words, occasion } = new;
    let note = told(words.clone(), *author);
    let (mut of_ticket, due_at) = match occasion {
        Occasion::Work { due_at } => {
            is_possible(ticket, due_at, calendar, now)?;
            (ticket.reply(note, now)?, due_at)
        }
        Occasion::External { party, until, due_at } => {
            let change = ticket.wait_for_outside(party, until, note, now)?;
            let due_at = due_at.unwrap_or_else(|| calendar.add(until, ticket.targets.next_response));
            if due_at <= until {
                return Err(refused("it is due after the day until which the ticket waits"));
            }
            is_possible(ticket, due_at, calendar, now)?;
            (change, due_at)
        }
        Occasion::Slot(slot) => {
            let change = ticket.schedule(slot.start, note, now)?;
            is_near(ticket, slot.end, now)?;
            if availability.as_ref().is_some_and(|hours| !slot.lies_within(|at| hours.contains(at))) {
                return Err(refused("the slot lies within the hours in which the customer wants to be interrupted"));
            }
            let is_covered = slot.lies_within(|at| calendar.is_working(at))
                || shifts.iter().any(|shifts| slot.lies_within(|at| shifts.contain(at)));
            if !is_covered {
                return Err(refused(
                    "the slot lies in working time, or within the shift of somebody of the department",
                ));
            }
            (change, slot.end)
        }
    };
    let round = of_ticket.ticket.clocks.begin_until(Kind::Promise, due_at, calendar, now);
    of_ticket.ticket.open_work += 1;
    let promise = Promise {
        id: new_id(),
        version: 1,
        ticket: ticket.id,
        customer: ticket.customer,
        department: ticket.department,
        owner: Some(owner),
        state: State::Open,
        words,
        due_at,
        first_due_at: due_at,
        renewals: 0,
        round,
        created_at: now,
        updated_at: now,
        kept_at: None,
        broken_at: None,
        withdrawn_at: None,
        apologized_at: None,
    };
    Ok((of_ticket, promise.by(Act::Made)))
}

/// What staff tell the customer.
pub fn told(words: String, author: Option<Uuid>) -> Reply {
    Reply {
        visibility: Visibility::Public,
        author: Author::Staff,
        author_id: author,
        medium: Medium::Text,
        text: words,
        attachments: Vec::new(),
        awaits_customer: false,
    }
}

/// Whether something can be promised for this time.
///
/// # Errors
/// `STATE_FORBIDS` (TK40), with the next time that could.
pub fn is_possible(ticket: &Ticket, due_at: Timestamp, calendar: &Calendar, now: Timestamp) -> Result<(), Error> {
    is_near(ticket, due_at, now)?;
    if calendar.is_working(due_at) {
        return Ok(());
    }
    let next = calendar.next_working(due_at).to_string();
    let why = format!("it is due in working time of the ticket's department, next at {next}");
    Err(Error::precondition(ErrorReason::StateForbids, "TK40", ticket.name(), why)
        .with_metadata("next_working_time", next))
}

fn is_near(ticket: &Ticket, due_at: Timestamp, now: Timestamp) -> Result<(), Error> {
    if due_at <= now || due_at > now + FARTHEST {
        return Err(refusal(ticket, "it is due later than now and within a year"));
    }
    Ok(())
}

fn refusal(ticket: &Ticket, has_to_be_true: &'static str) -> Error {
    Error::precondition(ErrorReason::StateForbids, "TK40", format!("{TICKETS}/{}", ticket.id), has_to_be_true)
        .with_metadata("state", ticket.state.name())
}

impl Slot {
    /// Whether all of it lies within hours, looked at every quarter of an hour.
    fn lies_within(self, contains: impl Fn(Timestamp) -> bool) -> bool {
        let mut at = self.start;
        while at < self.end {
            if !contains(at) {
                return false;
            }
            at += STEP;
        }
        contains(self.end - MOMENT)
    }
}
