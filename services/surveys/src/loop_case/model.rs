//! When a case is opened, and how it follows its ticket: pure.

use jiff::Timestamp;
use seva_runtime::call::Story;
use uuid::Uuid;

use crate::{stored::stored_names, survey::QuestionKind};

/// A CSAT of so much or less is low.
const LOW_CSAT: i32 = 2;
/// An NPS of so much or less is low: a detractor.
const LOW_NPS: i32 = 6;

/// Whether a score is low enough to be followed.
#[must_use]
pub const fn is_low(kind: QuestionKind, score: i32) -> bool {
    match kind {
        QuestionKind::Csat => score <= LOW_CSAT,
        QuestionKind::Nps => score <= LOW_NPS,
        QuestionKind::SingleChoice | QuestionKind::Text => false,
    }
}

/// A low score and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopCase {
    /// Its id.
    pub id: Uuid,
    /// Counts its events.
    pub version: i64,
    /// Whose score.
    pub response: Uuid,
    /// Who gave it.
    pub customer: Uuid,
    /// Which programme asked.
    pub programme: Uuid,
    /// Which question was answered low; one case each and response (SU5).
    pub question_id: String,
    /// The answer.
    pub score: i32,
    /// What was asked about.
    pub subject: String,
    /// BCP 47, of the customer.
    pub language: String,
    /// Where it stands.
    pub state: State,
    /// The ticket that follows it.
    pub ticket: Option<Uuid>,
    /// Of the ticket's event that was applied last.
    pub ticket_sequence: i64,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The ticket is asked for or waits.
    Open,
    /// Somebody has the ticket.
    Acknowledged,
    /// The customer has heard of somebody.
    Contacted,
    /// We say that it is solved.
    Resolved,
    /// The customer says that it is solved.
    Verified,
    /// The customer says that it is not.
    Disputed,
    /// The customer did not answer.
    Unreachable,
    /// The ticket was called off.
    Canceled,
}

stored_names!(State, "state of a loop case" {
    Open = "open",
    Acknowledged = "acknowledged",
    Contacted = "contacted",
    Resolved = "resolved",
    Verified = "verified",
    Disputed = "disputed",
    Unreachable = "unreachable",
    Canceled = "canceled",
});

/// What happens to a ticket, as far as a case minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketAct {
    /// Somebody has taken it.
    Assigned,
    /// Somebody of us has told the customer something.
    Answered,
    /// We say that it is solved.
    Resolved,
    /// The customer says that it is solved.
    ClosedVerified,
    /// The customer was asked and did not answer.
    ClosedUnverified,
    /// The customer says that it is not solved, or it was opened again.
    Disputed,
    /// It was called off.
    Canceled,
}

/// A word of a ticket's event.
#[derive(Debug, Clone)]
pub struct TicketWord {
    /// The response whose low score it came from; none of other tickets, which may carry such a one on.
    pub response: Option<Uuid>,
    /// Which ticket.
    pub ticket: Uuid,
    /// The ticket that carries it on from now on: itself, when it was taken out of another one again.
    pub carried_by: Option<Uuid>,
    /// Of its event.
    pub sequence: i64,
    /// What happened, if a case minds.
    pub act: Option<TicketAct>,
    /// Business time.
    pub at: Timestamp,
    /// Why.
    pub story: Story,
}

/// A case after something happened to it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The case.
    pub after: LoopCase,
    /// Why.
    pub story: Story,
}

impl State {
    /// Where a case stands after something happened to its ticket; `None`: it stays (SU14).
    #[must_use]
    pub const fn after(self, act: TicketAct) -> Option<Self> {
        match (self, act) {
            (Self::Open | Self::Disputed, TicketAct::Assigned) => Some(Self::Acknowledged),
            (Self::Open | Self::Acknowledged | Self::Disputed, TicketAct::Answered) => Some(Self::Contacted),
            (Self::Open | Self::Acknowledged | Self::Contacted | Self::Disputed, TicketAct::Resolved) => {
                Some(Self::Resolved)
            }
            (Self::Verified | Self::Unreachable | Self::Resolved, TicketAct::Disputed) => Some(Self::Disputed),
            (Self::Verified | Self::Unreachable | Self::Canceled, _) => None,
            (_, TicketAct::ClosedVerified) => Some(Self::Verified),
            (_, TicketAct::ClosedUnverified) => Some(Self::Unreachable),
            (_, TicketAct::Canceled) => Some(Self::Canceled),
            _ => None,
        }
    }

    /// The type of the event that leads here.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Open => "seva.surveys.loop_case.opened.v1",
            Self::Acknowledged => "seva.surveys.loop_case.acknowledged.v1",
            Self::Contacted => "seva.surveys.loop_case.contacted.v1",
            Self::Resolved => "seva.surveys.loop_case.resolved.v1",
            Self::Verified => "seva.surveys.loop_case.verified.v1",
            Self::Disputed => "seva.surveys.loop_case.disputed.v1",
            Self::Unreachable => "seva.surveys.loop_case.unreachable.v1",
            Self::Canceled => "seva.surveys.loop_case.canceled.v1",
        }
    }
}

impl LoopCase {
    /// Whether the ticket's word is about this case and new to it. A case keeps its first ticket, or the one that carries that on; what a ticket
    /// said before the case was opened is not about it.
    fn is_addressed_by(&self, word: &TicketWord) -> bool {
        let is_of_its_response = word.response == Some(self.response);
        let is_its_ticket = self.ticket.map_or(is_of_its_response, |ticket| ticket == word.ticket);
        is_its_ticket && word.sequence > self.ticket_sequence && word.at >= self.created_at
    }

    /// Whether the ticket was taken out of the one that carried it on.
    fn is_given_back_by(&self, word: &TicketWord) -> bool {
        word.response == Some(self.response) && word.carried_by == Some(word.ticket) && self.ticket != Some(word.ticket)
    }

    /// Follows its ticket; answers whether the case has to be saved, and the change when its state is another one.
    pub fn follow(&mut self, word: &TicketWord) -> (bool, Option<Change>) {
        if !self.is_addressed_by(word) && !self.is_given_back_by(word) {
            return (false, None);
        }
        self.ticket = Some(word.ticket);
        self.ticket_sequence = word.sequence;
        if let Some(carrier) = word.carried_by.filter(|carrier| *carrier != word.ticket) {
            // What the other one said before is heard already, as feeds tell in order.
            (self.ticket, self.ticket_sequence) = (Some(carrier), 0);
        }
        let Some(state) = word.act.and_then(|act| self.state.after(act)) else { return (true, None) };
        self.state = state;
        self.version += 1;
        self.updated_at = word.at;
        (true, Some(Change { after: self.clone(), story: word.story.clone() }))
    }
}
