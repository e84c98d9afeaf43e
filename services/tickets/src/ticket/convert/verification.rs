//! Attempts to have resolutions confirmed: to the contract, and what was said on the phone from it.

use jiff::Timestamp;
use seva_proto::{
    common::v1::Channel as ChannelMessage,
    tickets::v1::{self as pb, ticket as pb_ticket, verification_attempt::Outcome as OutcomeMessage},
};
use seva_runtime::{Error, Violations};
use seva_store::event::{proto_timestamp, timestamp};
use seva_values::{Invalid, text};

use super::{MAX_LINE_CHARS, answers::named, required, which, words};
use crate::{
    roster::model::STAFF_MEMBERS,
    ticket::{
        commands::verification::{RecordCall, Said},
        model::{
            Ticket,
            verification::{Attempt, Channel, Outcome},
        },
        state::Unverified,
    },
};

impl From<Channel> for ChannelMessage {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Sms => Self::Sms,
            Channel::Phone => Self::Phone,
        }
    }
}

impl From<&Attempt> for pb::VerificationAttempt {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { resolution, channel, at, member, outcome, call_again_at, delivery } = attempt;
        let outcome = match outcome {
            Outcome::Sent => OutcomeMessage::Sent,
            Outcome::NoAnswer => OutcomeMessage::NoAnswer,
            Outcome::Confirmed => OutcomeMessage::Confirmed,
            Outcome::Rejected => OutcomeMessage::Rejected,
            Outcome::CallAgain => OutcomeMessage::CallAgain,
            Outcome::NotDelivered => OutcomeMessage::NotDelivered,
        };
        Self {
            resolution: *resolution,
            channel: ChannelMessage::from(*channel).into(),
            time: Some(proto_timestamp(*at)),
            member: named(STAFF_MEMBERS, *member),
            outcome: outcome.into(),
            call_again_time: call_again_at.map(proto_timestamp),
            delivery: delivery.as_ref().map(Into::into),
        }
    }
}

/// Why it was not verified, if it was closed so.
pub fn proto_unverified(reason: Option<Unverified>) -> pb_ticket::UnverifiedReason {
    match reason {
        None => pb_ticket::UnverifiedReason::Unspecified,
        Some(Unverified::Unanswered) => pb_ticket::UnverifiedReason::Unanswered,
        Some(Unverified::NoSecondChannel) => pb_ticket::UnverifiedReason::NoSecondChannel,
        Some(Unverified::NoChannel) => pb_ticket::UnverifiedReason::NoChannel,
        Some(Unverified::NotCalled) => pb_ticket::UnverifiedReason::NotCalled,
    }
}

/// The channels of the attempts for the last resolution that count, each once.
pub fn channels_tried(ticket: &Ticket) -> Vec<i32> {
    let mut tried = Vec::new();
    for attempt in ticket.attempts().iter().filter(|attempt| attempt.counts()) {
        let channel = ChannelMessage::from(attempt.channel).into();
        if !tried.contains(&channel) {
            tried.push(channel);
        }
    }
    tried
}

impl TryFrom<pb::ConfirmTicketRequest> for RecordCall {
    type Error = Error;

    fn try_from(request: pb::ConfirmTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let caller = violations.take("caller", text::required_line(&request.caller, MAX_LINE_CHARS));
        let said = caller.map(|caller| Said::Solved { caller });
        violations.finish(ids.zip(said).map(|((id, etag), said)| Self { id, etag, at: None, said }))
    }
}

impl TryFrom<pb::RejectTicketRequest> for RecordCall {
    type Error = Error;

    fn try_from(request: pb::RejectTicketRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let caller = violations.take("caller", text::required_line(&request.caller, MAX_LINE_CHARS));
        let text = violations.take("text", words(&request.text));
        let said = caller.zip(text).map(|(caller, text)| Said::NotSolved { caller, text });
        violations.finish(ids.zip(said).map(|((id, etag), said)| Self { id, etag, at: None, said }))
    }
}

impl TryFrom<pb::RecordVerificationCallRequest> for RecordCall {
    type Error = Error;

    fn try_from(request: pb::RecordVerificationCallRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let ids = which(&request.name, &request.etag, &mut violations);
        let at = given_time(request.call_time, "call_time", &mut violations);
        let again_at = given_time(request.call_again_time, "call_again_time", &mut violations);
        let said = read_said(&request, again_at.flatten(), &mut violations);
        let command = ids.zip(at).zip(said).map(|(((id, etag), at), said)| Self { id, etag, at, said });
        violations.finish(command)
    }
}

/// What was said; each outcome has what belongs to it and nothing else.
fn read_said(
    request: &pb::RecordVerificationCallRequest,
    again_at: Option<Timestamp>,
    violations: &mut Violations,
) -> Option<Said> {
    let outcome = request.outcome();
    let mut belongs = |is_given: bool, field: &str, to: &[OutcomeMessage]| {
        if is_given && !to.contains(&outcome) {
            violations.add(field, Invalid::new("NOT_OF_OUTCOME", "does not belong to this outcome"));
        }
    };
    let answered = [OutcomeMessage::Confirmed, OutcomeMessage::Rejected, OutcomeMessage::CallAgain];
    belongs(!request.caller.is_empty(), "caller", &answered);
    belongs(!request.text.is_empty(), "text", &[OutcomeMessage::Rejected]);
    belongs(request.call_again_time.is_some(), "call_again_time", &[OutcomeMessage::CallAgain]);
    let mut caller = || violations.take("caller", text::required_line(&request.caller, MAX_LINE_CHARS));
    match outcome {
        OutcomeMessage::NoAnswer => Some(Said::Nothing),
        OutcomeMessage::Confirmed => Some(Said::Solved { caller: caller()? }),
        OutcomeMessage::Rejected => {
            let caller = caller();
            let text = violations.take("text", words(&request.text));
            Some(Said::NotSolved { caller: caller?, text: text? })
        }
        OutcomeMessage::CallAgain => {
            let caller = caller();
            if request.call_again_time.is_none() {
                violations.add("call_again_time", required());
            }
            Some(Said::CallAgain { caller: caller?, at: again_at? })
        }
        OutcomeMessage::Unspecified | OutcomeMessage::Sent | OutcomeMessage::NotDelivered => {
            let fault = Invalid::new("OUTCOME_OF_CALL", "has to be NO_ANSWER, CONFIRMED, REJECTED or CALL_AGAIN");
            violations.add("outcome", fault);
            None
        }
    }
}

fn given_time(
    given: Option<prost_types::Timestamp>,
    field: &str,
    violations: &mut Violations,
) -> Option<Option<Timestamp>> {
    match given {
        None => Some(None),
        Some(_) => {
            let parsed = timestamp(given).ok_or_else(|| Invalid::new("TIME_OUT_OF_RANGE", "is no time"));
            violations.take(field, parsed).map(Some)
        }
    }
}
