//! Firings from and to the contract.

use seva_proto::tickets::v1::{self as pb, automation_firing};
use seva_runtime::{Error, Violations};
use seva_store::{
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, format_name, parse_name};

use crate::{
    automation::{
        firing::{Firing, Occasion, Outcome},
        model::COLLECTION,
        queries::ListFirings,
    },
    ticket::model::COLLECTION as TICKETS,
};

/// Reads a request for firings.
pub fn firings_query(request: &pb::ListFiringsRequest, key: &PageKey) -> Result<ListFirings, Error> {
    let pb::ListFiringsRequest { page_size, page_token, automation, ticket, outcome } = request;
    let mut violations = Violations::default();
    let mut named = |field: &'static str, collection: &str, name: &str| {
        let parsed = if name.is_empty() { Ok(None) } else { parse_name(collection, name).map(Some) };
        violations.take(field, parsed)
    };
    let automation = named("automation", COLLECTION, automation);
    let ticket = named("ticket", TICKETS, ticket);
    let outcome = match automation_firing::Outcome::try_from(*outcome) {
        Ok(automation_firing::Outcome::Unspecified) => Ok(None),
        Ok(automation_firing::Outcome::Done) => Ok(Some(Outcome::Done)),
        Ok(automation_firing::Outcome::Refused) => Ok(Some(Outcome::Refused)),
        Ok(automation_firing::Outcome::Suppressed) => Ok(Some(Outcome::Suppressed)),
        Ok(automation_firing::Outcome::Unmet) => Ok(Some(Outcome::Unmet)),
        Err(_) => Err(Invalid::new("OUTCOME_UNKNOWN", "has to be a known value")),
    };
    let outcome = violations.take("outcome", outcome);
    let all = || Some((automation?, ticket?, outcome?));
    let all = all();
    let (automation, ticket, outcome) = violations.finish(all)?;
    let query = format!("{automation:?}/{ticket:?}/{outcome:?}");
    let page = PageRequest::parse(key, "firings", &query, *page_size, page_token)?;
    Ok(ListFirings { automation, ticket, outcome, page })
}

impl From<&Firing> for pb::AutomationFiring {
    fn from(firing: &Firing) -> Self {
        let Firing { id: _, automation, rule_version, ticket, occasion, outcome, refusal, told, at } = firing;
        let outcome = match outcome {
            Outcome::Done => automation_firing::Outcome::Done,
            Outcome::Refused => automation_firing::Outcome::Refused,
            Outcome::Suppressed => automation_firing::Outcome::Suppressed,
            Outcome::Unmet => automation_firing::Outcome::Unmet,
        };
        Self {
            automation: format_name(COLLECTION, *automation),
            rule_version: *rule_version,
            ticket: format_name(TICKETS, *ticket),
            event: if let Occasion::Event(event) = occasion { event.to_string() } else { String::new() },
            outcome: outcome.into(),
            refusal: refusal.as_ref().map(Into::into),
            event_types: told.clone(),
            time: Some(proto_timestamp(*at)),
        }
    }
}
