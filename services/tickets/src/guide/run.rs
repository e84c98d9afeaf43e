//! A guide that is gone through for a ticket: pure values and decisions.

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::{Invalid, format_name};
use uuid::Uuid;

use super::model::{Answer, GuideVersion, Leads, Node, Outcome};
use crate::{stored::stored_names, ticket::Ticket};

/// Collection of runs' names.
pub const RUNS: &str = "troubleshootingRuns";

/// A run through one version of a guide.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// For which ticket.
    pub ticket: Uuid,
    /// Through which guide.
    pub guide: Uuid,
    /// In which version (TK87).
    pub number: i32,
    /// Where it stands.
    pub state: State,
    /// From 1: the step whose answer is awaited, or was awaited last.
    pub step: i32,
    /// Where it is, or where it ended.
    pub node_id: String,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What was answered, in order; not there in lists.
    pub steps: Vec<Step>,
    /// Business time, as all that follow.
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// An answer is awaited.
    Running,
    /// It came to an outcome.
    Completed,
    /// It was given up.
    Abandoned,
}

stored_names!(State, "state of a run" { Running = "running", Completed = "completed", Abandoned = "abandoned" });

/// A step as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub step: i32,
    pub node_id: String,
    /// Empty: an instruction was followed.
    pub answer_id: String,
    /// The member; `None`: somebody who is not known here.
    pub answered_by: Option<Uuid>,
    /// Business time.
    pub answered_at: Timestamp,
}

/// What happened to a run: the last word but one of its event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It began.
    Started,
    /// A step was answered, and another one follows.
    Answered,
    /// It came to an outcome.
    Completed,
    /// It was given up.
    Abandoned,
}

impl Act {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Started => "seva.tickets.troubleshooting_run.started.v1",
            Self::Answered => "seva.tickets.troubleshooting_run.answered.v1",
            Self::Completed => "seva.tickets.troubleshooting_run.completed.v1",
            Self::Abandoned => "seva.tickets.troubleshooting_run.abandoned.v1",
        }
    }
}

/// What came of a decision: the run as it is then.
#[derive(Debug, Clone)]
pub struct Change {
    pub run: Run,
    pub act: Act,
}

/// What is answered, and by whom.
#[derive(Debug, Clone)]
pub struct Given {
    pub step: i32,
    /// Empty: the instruction was followed.
    pub answer_id: String,
    pub answered_by: Option<Uuid>,
}

impl Run {
    /// Begins at the first node of a published version.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK88) when the ticket is over.
    pub fn start(id: Uuid, ticket: &Ticket, version: &GuideVersion, now: Timestamp) -> Result<Change, Error> {
        has_to_go_on(ticket)?;
        let first = version.content.nodes.first();
        let first = first.ok_or_else(|| Error::internal("a version without nodes was published"))?;
        let mut run = Self {
            id,
            version: 1,
            ticket: ticket.id,
            guide: version.guide,
            number: version.number,
            state: State::Running,
            step: 1,
            node_id: first.node_id.clone(),
            outcome: None,
            steps: Vec::new(),
            started_at: now,
            updated_at: now,
            ended_at: None,
        };
        // A guide may be nothing but an outcome.
        let act = if run.ends_at(first, now) { Act::Completed } else { Act::Started };
        Ok(Change { run, act })
    }

    /// The present step is answered; the run goes on to what follows.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK87, TK88), `FIELDS_INVALID` for what is no answer of the present node.
    pub fn answer(
        &self,
        given: Given,
        ticket: &Ticket,
        version: &GuideVersion,
        now: Timestamp,
    ) -> Result<Change, Error> {
        self.has_to_run()?;
        has_to_go_on(ticket)?;
        let Given { step, answer_id, answered_by } = given;
        if step != self.step {
            let description = format!("the step is the run's present one, {}", self.step);
            return Err(self.refusal("TK87", description));
        }
        let follows = |node: &str| {
            let found = version.content.node(node);
            found.ok_or_else(|| Error::internal(format!("{} leads to no node {node}", version.name())))
        };
        let next = follows(next_node(follows(&self.node_id)?, &answer_id)?)?;
        let mut run = self.next(now);
        run.steps.push(Step { step, node_id: self.node_id.clone(), answer_id, answered_by, answered_at: now });
        run.node_id.clone_from(&next.node_id);
        if run.ends_at(next, now) {
            return Ok(Change { run, act: Act::Completed });
        }
        run.step += 1;
        Ok(Change { run, act: Act::Answered })
    }

    /// It is given up.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK88).
    pub fn abandon(&self, now: Timestamp) -> Result<Change, Error> {
        self.has_to_run()?;
        let run = Self { state: State::Abandoned, ended_at: Some(now), ..self.next(now) };
        Ok(Change { run, act: Act::Abandoned })
    }

    /// `troubleshootingRuns/{id}`.
    #[must_use]
    pub fn name(&self) -> String {
        format_name(RUNS, self.id)
    }

    /// Whether a node is an outcome, which ends the run.
    fn ends_at(&mut self, node: &Node, now: Timestamp) -> bool {
        let Leads::Outcome(outcome) = node.leads else { return false };
        (self.state, self.outcome, self.ended_at) = (State::Completed, Some(outcome), Some(now));
        true
    }

    fn has_to_run(&self) -> Result<(), Error> {
        match self.state {
            State::Running => Ok(()),
            State::Completed | State::Abandoned => Err(self.refusal("TK88", "the run is not over; begin another one")),
        }
    }

    fn refusal(&self, invariant: &'static str, has_to_be_true: impl Into<String>) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

fn has_to_go_on(ticket: &Ticket) -> Result<(), Error> {
    if ticket.is_over() {
        let description = "the ticket is not over; reopen it first";
        return Err(Error::precondition(ErrorReason::StateForbids, "TK88", ticket.name(), description)
            .with_metadata("state", ticket.state.name()));
    }
    Ok(())
}

/// Where an answer leads.
fn next_node<'n>(node: &'n Node, answer_id: &str) -> Result<&'n str, Error> {
    let unknown =
        |description: String| Err(Error::invalid_field("answer_id", Invalid::new("ANSWER_UNKNOWN", description)));
    match &node.leads {
        Leads::Answers(answers) => match answers.iter().find(|answer| answer.answer_id == answer_id) {
            Some(Answer { next_node_id, .. }) => Ok(next_node_id),
            None => {
                let known: Vec<&str> = answers.iter().map(|answer| answer.answer_id.as_str()).collect();
                unknown(format!("has to be one of: {}", known.join(", ")))
            }
        },
        Leads::Next(next) if answer_id.is_empty() => Ok(next),
        Leads::Next(_) => unknown("has to be empty: the node asks nothing".to_owned()),
        Leads::Outcome(_) => Err(Error::internal("a run goes on at an outcome")),
    }
}
