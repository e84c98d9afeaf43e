//! CU3: no message goes where the customer does not want it.

use std::collections::HashMap;

use jiff::SignedDuration;
use proptest::{prelude::*, sample::select};

use super::{a_customer, now};
use crate::customer::model::{Consent, ConsentChannel, Purpose};

const PURPOSES: [Purpose; 3] = [Purpose::Service, Purpose::Survey, Purpose::Marketing];
const CHANNELS: [ConsentChannel; 5] =
    [ConsentChannel::All, ConsentChannel::Email, ConsentChannel::Phone, ConsentChannel::Sms, ConsentChannel::Push];

fn word(purpose: Purpose, channel: ConsentChannel, granted: bool) -> Consent {
    Consent { purpose, channel, granted, evidence: "phone".to_owned(), captured_at: now() }
}

#[test]
fn the_channels_own_word_goes_before_the_one_for_all_and_that_before_the_usual() {
    use ConsentChannel::{All, Email};
    // What was said for all channels and for mail; whether surveys and marketing may go by mail then.
    for (all, email, survey, marketing) in [
        (None, None, true, false),
        (Some(true), None, true, true),
        (Some(false), None, false, false),
        (None, Some(true), true, true),
        (None, Some(false), false, false),
        (Some(true), Some(false), false, false),
        (Some(false), Some(true), true, true),
    ] {
        for (purpose, expected) in
            [(Purpose::Service, true), (Purpose::Survey, survey), (Purpose::Marketing, marketing)]
        {
            let mut customer = a_customer();
            for (channel, said) in [(All, all), (Email, email), (ConsentChannel::Sms, email.map(|said| !said))] {
                if let Some(granted) = said {
                    customer = customer.record_consent(word(purpose, channel, granted));
                }
            }
            assert_eq!(customer.consents_to(purpose, Email), expected, "{purpose:?} {all:?} {email:?}");
        }
    }
}

proptest! {
    #[test]
    fn of_any_words_the_newest_of_a_purpose_and_channel_holds(
        words in prop::collection::vec((select(&PURPOSES[..]), select(&CHANNELS[..]), any::<bool>()), 0..30)
    ) {
        let mut customer = a_customer();
        let mut newest = HashMap::new();
        for (at, (purpose, channel, granted)) in words.iter().enumerate() {
            let captured_at = now() + SignedDuration::from_secs(i64::try_from(at).unwrap());
            customer = customer.record_consent(Consent { captured_at, ..word(*purpose, *channel, *granted) });
            newest.insert((purpose.name(), channel.name()), (*granted, captured_at));
            prop_assert_eq!(customer.updated_at, captured_at);
        }

        prop_assert_eq!(customer.version, 1 + i64::try_from(words.len()).unwrap());
        prop_assert_eq!(customer.consents.len(), newest.len());
        for word in &customer.consents {
            let expected = newest[&(word.purpose.name(), word.channel.name())];
            prop_assert_eq!((word.granted, word.captured_at), expected);
        }
        for channel in CHANNELS {
            prop_assert!(customer.consents_to(Purpose::Service, channel));
            let said = |on: ConsentChannel| newest.get(&("marketing", on.name())).map(|word| word.0);
            let expected = said(channel).or_else(|| said(ConsentChannel::All)) == Some(true);
            prop_assert_eq!(customer.consents_to(Purpose::Marketing, channel), expected);
        }
    }
}
