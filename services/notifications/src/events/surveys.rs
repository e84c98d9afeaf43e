//! The surveys service's events: who is asked how it went, and who no longer is.

use seva_proto::surveys::v1::{InvitationEvent, invitation::State};
use seva_store::Fault;
use seva_values::parse_name;

use super::{About, Told, malformed, news};
use crate::{
    notification::{
        milestone::{self, Topic},
        plan::News,
    },
    template::Variables,
};

/// Of all events that carry an invitation's state.
pub const PREFIX: &str = "seva.surveys.invitation.";
const QUEUED: &str = "seva.surveys.invitation.queued.v1";

/// Reads one event; `None`: it changes nothing for what is told.
pub fn hear(about: &About, event: InvitationEvent) -> Result<Option<News>, Fault> {
    let invitation = event.invitation.unwrap_or_default();
    let customer = parse_name("customers", &invitation.customer).map_err(malformed)?;
    if about.kind == QUEUED {
        let milestone = milestone::find("survey_invitation").expect("the table of milestones has it");
        let told = Told {
            customer,
            subject: about.subject.clone(),
            ticket: None,
            occasion: String::new(),
            overtaken: false,
            variables: Variables::new(),
        };
        return Ok(Some(news(milestone, about, told)));
    }
    let is_settled = match invitation.state() {
        State::Unspecified | State::Held | State::Queued | State::Sent => false,
        // Called off, ended, or answered already: nobody is invited any more.
        State::Started | State::Completed | State::Suppressed | State::Undeliverable | State::Expired => true,
    };
    Ok(is_settled.then(|| News { said: about.settled(customer, &[Topic::Invitation]), fact: None }))
}
