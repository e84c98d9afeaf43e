//! What becomes of a response: pure.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, call::Story};
use uuid::Uuid;

use crate::{
    invitation::{self, Happening as InvitationHappening, Invitation},
    loop_case::{self, LoopCase, model::is_low},
    recipient::model::ENGLISH,
    stored::stored_names,
    survey::{Answer, QuestionKind, SurveyVersion, Value},
};

/// How long complete answers can be put right.
pub const CORRECTABLE: SignedDuration = SignedDuration::from_hours(24);

/// A low score is followed after so long without another answer, though more may come: nobody waits two weeks for an answer to "it is broken".
pub const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// What a customer answered to one invitation.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its id.
    pub id: Uuid,
    /// Counts its events.
    pub version: i64,
    /// To which invitation; one response each (SU1).
    pub invitation: Uuid,
    /// Which programme asked.
    pub programme: Uuid,
    /// Who answered.
    pub customer: Uuid,
    /// Survey and number that were answered; never changed (SU4).
    pub survey_version: (Uuid, i32),
    /// Where it stands.
    pub state: State,
    /// In the order of the questions.
    pub answers: Vec<Answered>,
    /// Counts the saves.
    pub revision: i32,
    /// When the first answer came.
    pub created_at: Timestamp,
    /// When it was complete.
    pub completed_at: Option<Timestamp>,
    /// The request that saved last, and the hash of its message.
    pub saved_by: (Uuid, [u8; 32]),
}

/// An answer that fits its question.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// Which question.
    pub question_id: String,
    /// The question's place in its version.
    pub position: i16,
    /// What is answered.
    pub kind: QuestionKind,
    /// What was answered.
    pub value: Value,
}

impl std::fmt::Debug for Answered {
    /// Without what was answered.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answered({})", self.question_id)
    }
}

/// Where a response stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Begun.
    InProgress,
    /// Everything was answered that has to be.
    Completed,
    /// The time to answer is over; what was answered counts.
    Partial,
}

stored_names!(State, "state of a response" { InProgress = "in_progress", Completed = "completed", Partial = "partial" });

/// What happened to a response; each is an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Answers were saved; more may follow.
    Saved,
    /// The last answers were saved.
    Completed,
    /// Complete answers were put right.
    Corrected,
    /// The time to answer ended before the last answers.
    Partial,
}

/// Answers to be saved.
#[derive(Debug, Clone)]
pub struct Save {
    /// The revision that they change, as it was read.
    pub revision: i32,
    /// As they were given.
    pub answers: Vec<Answer>,
    /// Nothing follows.
    pub complete: bool,
    /// The request's id and the hash of its message.
    pub request: (Uuid, [u8; 32]),
}

/// A response after something happened to it, with what follows from that.
#[derive(Debug, Clone)]
pub struct Change {
    /// The response.
    pub after: Response,
    /// What happened.
    pub happening: Happening,
    /// When, in business time.
    pub at: Timestamp,
    /// Why.
    pub story: Story,
    /// What it is about.
    pub subject: String,
    /// Who served.
    pub staff_member: Option<Uuid>,
}

/// What a save does.
#[derive(Debug)]
pub struct Saved {
    /// The response.
    pub change: Change,
    /// The invitation, when its state changes too.
    pub invitation: Option<invitation::model::Change>,
    /// What comes next for the invitation.
    pub due_at: Option<Timestamp>,
    /// Questions whose words were taken back.
    pub taken_back: Vec<String>,
}

impl Happening {
    /// The type of its event.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::Saved => "seva.surveys.response.saved.v1",
            Self::Completed => "seva.surveys.response.completed.v1",
            Self::Corrected => "seva.surveys.response.corrected.v1",
            Self::Partial => "seva.surveys.response.partial.v1",
        }
    }
}

/// Whether answers can no longer be given or put right (SU1).
#[must_use]
pub fn is_closed(invitation: &Invitation, response: Option<&Response>, now: Timestamp) -> bool {
    if invitation.state.can_be_answered() {
        return invitation.expire_at.is_none_or(|expire_at| expire_at <= now);
    }
    let completed_at = response.and_then(|response| response.completed_at);
    completed_at.is_none_or(|completed_at| now.duration_since(completed_at) >= CORRECTABLE)
}

/// What a save does, or why it is refused.
///
/// # Errors
/// `RESPONSE_CLOSED`, `FIELDS_INVALID` with every answer that does not fit, `ETAG_MISMATCH`.
pub fn save(
    invitation: &Invitation,
    response: Option<Response>,
    version: &SurveyVersion,
    save: &Save,
    new_id: Uuid,
    story: Story,
    now: Timestamp,
) -> Result<Saved, Error> {
    let subject = || invitation::convert::name(invitation.id);
    if is_closed(invitation, response.as_ref(), now) {
        let description = "the answers are complete, or the time to give them is over";
        return Err(Error::precondition(ErrorReason::ResponseClosed, "SU1", subject(), description));
    }
    let before: Vec<&str> =
        response.iter().flat_map(|response| &response.answers).map(|answered| answered.question_id.as_str()).collect();
    let was_complete = response.as_ref().is_some_and(|response| response.state == State::Completed);
    let complete = save.complete || was_complete;
    // What is wrong whatever was saved since is told first, so that a form that is sent twice is told the same twice.
    version.check_answers(&save.answers, &before, complete)?;
    let current = response.as_ref().map_or(0, |response| response.revision);
    if save.revision != current {
        return Err(Error::aborted(ErrorReason::EtagMismatch, "other answers were saved since these were read")
            .with_metadata("current_revision", current.to_string()));
    }

    let mut after = response.unwrap_or_else(|| Response {
        id: new_id,
        version: 0,
        invitation: invitation.id,
        programme: invitation.programme,
        customer: invitation.customer,
        survey_version: (version.survey, version.number),
        state: State::InProgress,
        answers: Vec::new(),
        revision: 0,
        created_at: now,
        completed_at: None,
        saved_by: save.request,
    });
    let taken_back = after.merge(version, &save.answers);
    after.version += 1;
    after.revision += 1;
    after.saved_by = save.request;
    let (happening, state) = match (was_complete, complete) {
        (true, _) => (Happening::Corrected, State::Completed),
        (false, true) => (Happening::Completed, State::Completed),
        (false, false) => (Happening::Saved, State::InProgress),
    };
    after.state = state;
    if happening == Happening::Completed {
        after.completed_at = Some(now);
    }
    let of_invitation = match happening {
        Happening::Completed => Some(InvitationHappening::Completed),
        _ => Some(InvitationHappening::Started).filter(|_| after.revision == 1),
    };
    let due_at = after.due_at(invitation, now);
    let invitation_change = of_invitation.and_then(|happening| invitation.happens(happening, now, &story));
    let invitation_change = invitation_change.map(|mut change| {
        change.after.response = Some(after.id);
        change.after.due_at = due_at;
        change
    });
    Ok(Saved {
        change: Change::of(after, invitation, happening, now, story),
        invitation: invitation_change,
        due_at,
        taken_back,
    })
}

impl Change {
    fn of(after: Response, invitation: &Invitation, happening: Happening, at: Timestamp, story: Story) -> Self {
        let (subject, staff_member) = (invitation.subject.clone(), invitation.staff_member);
        Self { after, happening, at, story, subject, staff_member }
    }
}

impl Response {
    /// Takes answers that fit: each replaces the earlier one of its question, the others stay. Answers which words were taken back.
    fn merge(&mut self, version: &SurveyVersion, given: &[Answer]) -> Vec<String> {
        let mut taken_back = Vec::new();
        let known = std::mem::take(&mut self.answers);
        let mut answers: BTreeMap<i16, Answered> = known.into_iter().map(|known| (known.position, known)).collect();
        for Answer { question_id, value } in given {
            let Some((position, question)) = version.question(question_id) else { continue };
            // A version has 20 questions at most.
            let position = i16::try_from(position).unwrap_or(i16::MAX);
            match value {
                Some(Value::Text(text)) if text.trim().is_empty() => {
                    answers.remove(&position);
                    taken_back.push(question_id.clone());
                }
                Some(value) => {
                    let (question_id, kind, value) = (question_id.clone(), question.kind, value.clone());
                    answers.insert(position, Answered { question_id, position, kind, value });
                }
                None => {}
            }
        }
        self.answers = answers.into_values().collect();
        taken_back
    }

    /// The response when the time to answer has ended before it was complete.
    #[must_use]
    pub fn end(self, invitation: &Invitation, now: Timestamp) -> Option<Change> {
        if self.state != State::InProgress {
            return None;
        }
        let after = Self { version: self.version + 1, state: State::Partial, ..self };
        Some(Change::of(after, invitation, Happening::Partial, now, invitation.aftermath()))
    }

    /// What comes next after an answer at `now`: a look at what was answered low, or the end of the time to answer.
    fn due_at(&self, invitation: &Invitation, now: Timestamp) -> Option<Timestamp> {
        if self.state != State::InProgress {
            return None;
        }
        let look = self.has_low_score().then(|| now.saturating_add(IDLE).unwrap_or(Timestamp::MAX));
        [look, invitation.expire_at].into_iter().flatten().min()
    }

    /// Whether there is a score that is low enough to be followed.
    #[must_use]
    pub fn has_low_score(&self) -> bool {
        self.low_answers().next().is_some()
    }

    fn low_answers(&self) -> impl Iterator<Item = (&str, i32)> {
        self.answers.iter().filter_map(|answered| match answered.value {
            Value::Score(score) if is_low(answered.kind, score) => Some((answered.question_id.as_str(), score)),
            _ => None,
        })
    }

    /// Cases for the low scores that are not `followed` yet, by response and question (SU5). To be asked for when the answers are complete,
    /// have rested for [`IDLE`], or can no longer be given.
    #[must_use]
    pub fn low_scores(
        &self,
        invitation: &Invitation,
        followed: &HashSet<(Uuid, String)>,
        mut new_id: impl FnMut() -> Uuid,
        now: Timestamp,
    ) -> Vec<LoopCase> {
        let language = invitation.language.as_ref().map_or(ENGLISH, |language| language.as_str());
        self.low_answers()
            .map(|(question_id, score)| (question_id.to_owned(), score))
            .filter(|(question_id, _)| !followed.contains(&(self.id, question_id.clone())))
            .map(|(question_id, score)| LoopCase {
                id: new_id(),
                version: 1,
                response: self.id,
                customer: self.customer,
                programme: self.programme,
                question_id,
                score,
                subject: invitation.subject.clone(),
                language: language.to_owned(),
                state: loop_case::State::Open,
                ticket: None,
                ticket_sequence: 0,
                created_at: now,
                updated_at: now,
            })
            .collect()
    }
}
