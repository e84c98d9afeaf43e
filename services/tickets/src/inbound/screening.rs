//! What is ignored or held before anybody asks whose it is. Pure.

use jiff::SignedDuration;
use seva_proto::tickets::v1::program_marks::{AutoSubmitted, Precedence};

use super::model::{Automation, Incoming, Proof, Reason};

/// Messages of one sender within [`WINDOW`] that are let in (TK94).
pub const MOST_OF_SENDER: i64 = 20;
/// Within which messages of one sender are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Servers and adapters that a message may go through; a usual one goes through fewer than ten.
const MOST_HOPS: i32 = 25;

/// Why a message is stopped, of whose sender so many came within the window before it. A program's message is ignored rather than held: nobody
/// would read through them.
pub fn stopped(message: &Incoming, of_sender: i64) -> Option<Reason> {
    of_program(&message.automation).or(match message.proof {
        Proof::Failed => Some(Reason::SenderForged),
        Proof::None | Proof::Passed if of_sender >= MOST_OF_SENDER => Some(Reason::TooMany),
        Proof::None | Proof::Passed => None,
    })
}

/// TK93
fn of_program(automation: &Automation) -> Option<Reason> {
    let Automation { auto_submitted, precedence, list_id, loop_marker, hop_count } = automation;
    if !loop_marker.is_empty() || *hop_count > MOST_HOPS {
        return Some(Reason::Loop);
    }
    // A value that this program does not know yet is a program's word as well.
    if *auto_submitted != i32::from(AutoSubmitted::Unspecified) || *precedence == i32::from(Precedence::AutoReply) {
        return Some(Reason::Automatic);
    }
    if *precedence != i32::from(Precedence::Unspecified) || !list_id.is_empty() {
        return Some(Reason::Bulk);
    }
    None
}
