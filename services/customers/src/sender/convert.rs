//! Senders from and to the contract.

use seva_proto::customers::v1::{self as pb, sender::From as PbFrom};
use seva_runtime::{Error, Violations};
use seva_values::{Email, Invalid, Language, Phone, format_name, text};

use super::model::{From, Sender};
use crate::customer::{
    convert::{COLLECTION, language_tags},
    model::{Address, Customer, ExternalRef},
};

/// Senders of one request at most.
const MAX_SENDERS: usize = 200;
/// Longest name of a system and id there, in characters.
const MAX_REF_CHARS: usize = 255;
/// Longest name that somebody gives themselves, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Reads who has written.
pub fn senders(request: pb::ResolveSendersRequest) -> Result<Vec<Sender>, Error> {
    let invalid = |invalid| Err(Error::invalid_field("senders", invalid));
    match request.senders.len() {
        0 => return invalid(Invalid::new("FIELD_REQUIRED", "needs one sender at least")),
        1..=MAX_SENDERS => {}
        _ => return invalid(Invalid::new("SENDERS_TOO_MANY", format!("takes {MAX_SENDERS} senders at most"))),
    }
    let mut violations = Violations::default();
    let mut parsed = Vec::with_capacity(request.senders.len());
    for (at, sender) in request.senders.into_iter().enumerate() {
        let mut of_sender = Violations::default();
        parsed.extend(self::sender(sender, &mut of_sender));
        violations.absorb(&format!("senders[{at}]"), of_sender);
    }
    violations.finish(Some(parsed))
}

fn sender(sender: pb::Sender, violations: &mut Violations) -> Option<Sender> {
    let pb::Sender { from, display_name, language } = sender;
    let from = match violations.required("from", from)? {
        PbFrom::Email(email) => violations.take("email", Email::parse(&email)).map(Address::Email).map(From::Address),
        PbFrom::Phone(phone) => violations.take("phone", Phone::parse(&phone)).map(Address::Phone).map(From::Address),
        PbFrom::Account(account) => {
            let system = violations.take("account.system", text::required_line(&account.system, MAX_REF_CHARS));
            let id = violations.take("account.id", text::required_line(&account.id, MAX_REF_CHARS));
            system.zip(id).map(|(system, id)| From::Account(ExternalRef { system, id }))
        }
    };
    let display_name = violations.take("display_name", text::line(&display_name, MAX_NAME_CHARS));
    let language = match language.as_str() {
        "" => Some(None),
        tag => violations.take("language", Language::parse(tag)).map(Some),
    };
    Some(Sender { from: from?, display_name: display_name?, language: language? })
}

/// The customers of one sender.
pub fn resolved(customers: &[Customer]) -> pb::ResolvedSender {
    let customer = |customer: &Customer| pb::SendingCustomer {
        customer: format_name(COLLECTION, customer.id),
        languages: language_tags(&customer.languages),
        zone: customer.zone.name().to_owned(),
        tier: pb::customer::Tier::from(customer.tier).into(),
        provisional: customer.provisional,
    };
    pb::ResolvedSender { customers: customers.iter().map(customer).collect() }
}
