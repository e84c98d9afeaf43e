//! Links: what they say, and that nothing else passes for one.

use jiff::Timestamp;
use proptest::prelude::*;
use seva_runtime::auth::{LinkSigner, links::LinkKeys};
use seva_values::{PublicUrl, new_id};

use super::{
    OwnLinks, Page,
    own::{PREFERENCES_LIFETIME, Subscription},
};

fn now() -> Timestamp {
    "2026-11-21T06:30:00Z".parse().unwrap()
}

fn own_links() -> OwnLinks {
    OwnLinks::new(LinkSigner::new(LinkKeys::generate()))
}

fn a_subscription() -> Subscription {
    Subscription { customer: new_id(), category: "order_updates".to_owned() }
}

#[test]
fn a_link_reaches_the_customer_that_it_was_made_for() {
    let (links, subscription) = (own_links(), a_subscription());
    let (token, expires_at) = links.to_preferences(subscription.customer, now());

    assert_eq!(links.preferences_of(&token, now()).unwrap(), subscription.customer);
    assert_eq!(expires_at, now() + PREFERENCES_LIFETIME);
    let unsubscribe = links.to_unsubscribe(&subscription);
    assert_eq!(links.subscription_of(&unsubscribe, now()).unwrap(), subscription);
}

#[test]
fn a_link_to_wishes_ends_and_one_to_unsubscribe_never_does() {
    let (links, subscription) = (own_links(), a_subscription());
    let (token, expires_at) = links.to_preferences(subscription.customer, now());

    assert_eq!(links.preferences_of(&token, expires_at).unwrap_err().reason_name(), "CREDENTIAL_EXPIRED");
    let in_a_lifetime = "2126-11-21T06:30:00Z".parse().unwrap();
    assert!(links.subscription_of(&links.to_unsubscribe(&subscription), in_a_lifetime).is_ok());
}

#[test]
fn one_purpose_does_not_pass_for_another() {
    let (links, subscription) = (own_links(), a_subscription());
    let (preferences, _) = links.to_preferences(subscription.customer, now());

    assert_eq!(links.subscription_of(&preferences, now()).unwrap_err().reason_name(), "CREDENTIAL_INVALID");
    let unsubscribe = links.to_unsubscribe(&subscription);
    assert_eq!(links.preferences_of(&unsubscribe, now()).unwrap_err().reason_name(), "CREDENTIAL_INVALID");
}

proptest! {
    #[test]
    fn no_change_of_a_token_passes(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let (links, subscription) = (own_links(), a_subscription());
        let (preferences, _) = links.to_preferences(subscription.customer, now());
        for token in [preferences, links.to_unsubscribe(&subscription)] {
            let mut bytes = token.clone().into_bytes();
            let place = at.index(bytes.len());
            bytes[place] = byte;
            let mut tampered = vec![token[..cut.index(token.len())].to_owned(), format!("{token}A")];
            tampered.extend(String::from_utf8(bytes).ok().filter(|changed| *changed != token));
            for tampered in tampered {
                prop_assert!(links.preferences_of(&tampered, now()).is_err(), "{}", tampered);
                prop_assert!(links.subscription_of(&tampered, now()).is_err(), "{}", tampered);
            }
        }
    }

    #[test]
    fn links_of_another_installation_lead_nowhere(customer in any::<u128>()) {
        let customer = uuid::Uuid::from_u128(customer);
        let (token, _) = own_links().to_preferences(customer, now());
        prop_assert!(own_links().preferences_of(&token, now()).is_err());
    }

    #[test]
    fn every_token_of_ours_stands_whole_in_its_link(customer in any::<u128>(), category in "[a-z_]{1,100}") {
        let (links, customer) = (own_links(), uuid::Uuid::from_u128(customer));
        let url = PublicUrl::parse("https://help.example.com").unwrap();
        let token = links.to_unsubscribe(&Subscription { customer, category });
        let link = url.link(Page::Unsubscribe.word(), &token).unwrap();
        prop_assert_eq!(link.as_str(), format!("https://help.example.com/unsubscribe/{token}"));
        prop_assert!(links.subscription_of(&token, now()).is_ok(), "a token is not too long to be looked at");
    }
}
