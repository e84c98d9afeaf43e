//! Links that are not the customer's: whoever tries ids, dates and keys learns nothing, not even whether somebody is there.

use http::Method;
use seva_proto::{
    customers::v1::GetOwnPlaceResponse,
    notifications::v1::{GetOwnPreferencesResponse, GetSubscriptionResponse, UnsubscribeResponse},
};

use crate::{
    place::place,
    preferences::{preference, preferences},
    web::{TOKEN, Web, link_invalid},
};

/// Services that know one link, as the real ones do.
async fn web() -> Web {
    let web = Web::new().await;
    let script = web.script();
    script.get_own_place.answers(|request| {
        if request.token != TOKEN {
            return Err(link_invalid().into());
        }
        Ok(GetOwnPlaceResponse { place: Some(place("en")) })
    });
    script.get_own_preferences.answers(|request| -> Result<GetOwnPreferencesResponse, _> {
        if request.token == TOKEN { Ok(preferences("en")) } else { Err(link_invalid().into()) }
    });
    let (preference, language) = (Some(preference("surveys", true, false)), "en".to_owned());
    let told = GetSubscriptionResponse { preference: preference.clone(), language: language.clone() };
    script.get_subscription.answers(
        move |request| {
            if request.token == TOKEN { Ok(told.clone()) } else { Err(link_invalid().into()) }
        },
    );
    let ended = UnsubscribeResponse { preference, language };
    script.unsubscribe.answers(
        move |request| {
            if request.token == TOKEN { Ok(ended.clone()) } else { Err(link_invalid().into()) }
        },
    );
    web
}

/// The link with every part changed in turn, cut short and made longer.
fn walked() -> Vec<String> {
    let parts: Vec<&str> = TOKEN.split('.').collect();
    let mut tokens =
        vec![format!("{TOKEN}A"), TOKEN[..TOKEN.len() - 1].to_owned(), parts[1].to_owned(), "1".to_owned()];
    for (place, others) in [
        (0, &["place", "preferences", "unsubscribe", ""][..]),
        (1, &["0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001", "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0002", "1", ""]),
        (2, &["0", "2"]),
        (3, &["2999999999", "0", "-1"]),
        (4, &["k2", "none", ""]),
        (5, &["", "c2lnbmF0dXJm", "C2lnbmF0dXJl"]),
    ] {
        for other in others {
            let mut changed = parts.clone();
            changed[place] = other;
            tokens.push(changed.join("."));
        }
    }
    tokens
}

#[tokio::test]
async fn another_link_than_the_customers_shows_the_same_as_none() {
    let web = web().await;
    for page in ["place", "preferences", "unsubscribe"] {
        assert_eq!(web.get(&format!("/{page}/{TOKEN}")).await.status, 200, "{page}");
        let none = web.get(&format!("/{page}/%3Cno%20token%3E")).await;
        assert_eq!(none.status, 404);
        for token in walked() {
            let other = web.get(&format!("/{page}/{token}")).await;
            assert_eq!((other.status, &other.body), (none.status, &none.body), "PO9: {page}: {token}");
            let names = |page: &crate::web::Page| page.headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&other), names(&none), "{page}: {token}");
        }
    }
    assert_eq!(web.script().writes(), 0);
}

#[tokio::test]
async fn another_link_than_the_customers_changes_nothing() {
    let web = web().await;
    let seal_of = |page: &'static str| {
        let web = &web;
        async move { web.get(&format!("/{page}/{TOKEN}")).await.hidden("seal") }
    };
    let seals = [("preferences", seal_of("preferences").await), ("unsubscribe", seal_of("unsubscribe").await)];
    for token in walked() {
        for (page, seal) in &seals {
            let fields = [("seal", seal.as_str()), ("shown_wanted", "categories/surveys")];
            let refused = web.post(&format!("/{page}/{token}"), &fields).await;
            assert_eq!(refused.status, 403, "PO2: {page}: {token}");
        }
        let one_click = web.post(&format!("/unsubscribe/{token}"), &[("List-Unsubscribe", "One-Click")]).await;
        assert_eq!(one_click.status, 404, "PO8: {token}");
    }
    let asked = web.script().unsubscribe.messages();
    assert!(asked.iter().all(|asked| asked.token != TOKEN));
    assert!(web.script().set_own_preferences.asked().is_empty());
}

#[tokio::test]
async fn the_place_is_only_read() {
    let web = web().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let page = web.request(method, &format!("/place/{TOKEN}"), &[], "").await;
        assert_eq!((page.status.as_u16(), page.header("allow")), (405, "GET,HEAD"));
    }
}
