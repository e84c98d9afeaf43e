use super::*;

fn word(purpose: Purpose, channel: Channel, granted: bool) -> Consent {
    Consent { purpose: purpose.into(), channel: channel.into(), granted, ..Consent::default() }
}

#[test]
fn the_word_on_mail_goes_before_the_word_on_all_channels() {
    use Channel::{Email, Sms, Unspecified};
    use Purpose::{Marketing, Survey};
    for (consents, expected) in [
        (vec![], true),
        (vec![word(Survey, Email, false)], false),
        (vec![word(Survey, Unspecified, false)], false),
        (vec![word(Survey, Unspecified, false), word(Survey, Email, true)], true),
        (vec![word(Survey, Unspecified, true), word(Survey, Email, false)], false),
        (vec![word(Marketing, Email, false), word(Survey, Sms, false)], true),
    ] {
        assert_eq!(can_be_asked(&consents), expected, "{consents:?}");
    }
}

#[test]
fn a_ticket_is_open_until_it_is_closed_or_canceled() {
    use State::*;
    for (state, is_open) in
        [(New, true), (Open, true), (PendingCustomer, true), (Resolved, true), (Closed, false), (Canceled, false)]
    {
        let id = Uuid::nil();
        let event = TicketEvent {
            ticket: format!("tickets/{id}"),
            customer: format!("customers/{id}"),
            state: state.into(),
            ..TicketEvent::default()
        };
        assert_eq!(KnownTicket::heard(1, &event, None).map(|ticket| ticket.is_open), Ok(is_open), "{state:?}");
    }
}

#[test]
fn a_customer_without_a_language_is_asked_in_english() {
    let event = CustomerEvent { customer: format!("customers/{}", Uuid::nil()), ..CustomerEvent::default() };
    assert_eq!(Recipient::heard(1, &event).map(|recipient| recipient.language), Language::parse(ENGLISH));
}
