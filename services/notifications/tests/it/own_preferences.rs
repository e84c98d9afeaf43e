//! What customers say by their own links.

use seva_notifications::link::{OwnLinks, own::Subscription};
use seva_proto::notifications::v1::{
    DecisionReason as Reason, GetOwnPreferencesRequest, GetOwnPreferencesResponse, GetSubscriptionRequest,
    SetOwnPreferencesRequest, SetOwnPreferencesResponse, UnsubscribeRequest, UnsubscribeResponse, notification::State,
    own_preference_service_server::OwnPreferenceService, set_own_preferences_request::Wish,
};
use sqlx::Row;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::town::{Town, by_agent, request_id};

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

fn links(town: &Town) -> OwnLinks {
    OwnLinks::new(town.signer.clone())
}

fn preferences_token(town: &Town, customer: Uuid) -> String {
    links(town).to_preferences(customer, town.clock.now()).0
}

fn unsubscribe_token(town: &Town, customer: Uuid, category: &str) -> String {
    links(town).to_unsubscribe(&Subscription { customer, category: category.to_owned() })
}

async fn get(town: &Town, token: &str) -> Result<GetOwnPreferencesResponse, Status> {
    let request = GetOwnPreferencesRequest { token: token.to_owned() };
    Ok(town.own_preferences().get_own_preferences(by_agent(request)).await?.into_inner())
}

fn wishes(token: &str, wishes: &[(&str, bool)]) -> SetOwnPreferencesRequest {
    let wish = |(key, wanted): &(&str, bool)| Wish { category: format!("categories/{key}"), wanted: *wanted };
    SetOwnPreferencesRequest {
        token: token.to_owned(),
        wishes: wishes.iter().map(wish).collect(),
        request_id: request_id(),
    }
}

async fn set(town: &Town, request: SetOwnPreferencesRequest) -> Result<SetOwnPreferencesResponse, Status> {
    Ok(town.own_preferences().set_own_preferences(by_agent(request)).await?.into_inner())
}

async fn unsubscribe(town: &Town, token: &str, request_id: String) -> Result<UnsubscribeResponse, Status> {
    let request = UnsubscribeRequest { token: token.to_owned(), request_id };
    Ok(town.own_preferences().unsubscribe(by_agent(request)).await?.into_inner())
}

/// Category, wish and evidence of every change, in order of category and time.
async fn changes(town: &Town) -> Vec<(String, bool, String)> {
    let rows = sqlx::query("select category, wanted, evidence from preference_change order by category, number");
    let rows = rows.fetch_all(&town.notifications.owner).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_and_sets_wishes_by_link_and_what_stands_is_not_recorded_again() {
    let town = Town::new().await;
    let somebody = town.somebody(&["bn"]).await;
    town.settled().await;
    let token = preferences_token(&town, somebody);
    let seen = get(&town, &token).await.unwrap();
    assert_eq!((seen.language.as_str(), seen.preferences.len()), ("bn", 6));
    assert!(seen.preferences.iter().all(|preference| preference.wanted && !preference.explicit));

    let request = wishes(&token, &[("tickets", false), ("surveys", true)]);
    let answer = set(&town, request.clone()).await.unwrap();
    assert_eq!(set(&town, request).await.unwrap(), answer, "the same request again answers the same");
    set(&town, wishes(&token, &[("tickets", false), ("surveys", false)])).await.unwrap();

    let seen = get(&town, &token).await.unwrap();
    let wanted: Vec<_> = seen.preferences.iter().filter(|p| p.explicit).map(|p| (&*p.category, p.wanted)).collect();
    assert_eq!(wanted, [("categories/surveys", false), ("categories/tickets", false)]);
    let page = || "web page".to_owned();
    assert_eq!(
        changes(&town).await,
        [
            ("surveys".to_owned(), true, page()),
            ("surveys".to_owned(), false, page()),
            ("tickets".to_owned(), false, page()),
        ]
    );
    let events = "select count(*) from seva.outbox where type = 'seva.notifications.preference.changed.v1'";
    assert_eq!(town.count(events).await, 3);
    assert_eq!(town.count("select count(*) from seva.audit where changed = '{wanted}'").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_are_recorded_all_or_none_and_refused_with_every_fault() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    let token = preferences_token(&town, somebody);
    let before = get(&town, &token).await.unwrap();

    for (given, code, expected) in [
        (vec![("tickets", false), ("billing", false)], Code::FailedPrecondition, "CATEGORY_MANDATORY"),
        (vec![("tickets", false), ("offers", false)], Code::NotFound, "RESOURCE_NOT_FOUND"),
        (vec![("tickets", false), ("tickets", true)], Code::InvalidArgument, "FIELDS_INVALID"),
    ] {
        let refused = set(&town, wishes(&token, &given)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, expected));
    }
    let faulty = SetOwnPreferencesRequest { request_id: "mine".to_owned(), ..wishes(&token, &[("A", true)]) };
    let refused = set(&town, faulty).await.unwrap_err();
    let details = refused.get_error_details();
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["request_id", "wishes[0].category"]);
    assert_eq!(get(&town, &token).await.unwrap(), before);
    assert!(changes(&town).await.is_empty());
}

/// NO12
#[tokio::test(flavor = "multi_thread")]
async fn unsubscribing_twice_changes_nothing_and_looking_never_does() {
    let town = Town::new().await;
    let somebody = town.somebody(&["ur"]).await;
    town.settled().await;
    let token = unsubscribe_token(&town, somebody, "tickets");
    let look = || async {
        let request = GetSubscriptionRequest { token: token.clone() };
        town.own_preferences().get_subscription(by_agent(request)).await.unwrap().into_inner()
    };
    for _ in 0..3 {
        let seen = look().await;
        assert_eq!((seen.language.as_str(), seen.preference.unwrap().wanted), ("ur", true));
    }

    let first = unsubscribe(&town, &token, request_id()).await.unwrap();
    let second = unsubscribe(&town, &token, request_id()).await.unwrap();

    assert_eq!(first, second);
    let preference = look().await.preference.unwrap();
    assert_eq!(
        (preference.wanted, preference.explicit, preference.category.as_str()),
        (false, true, "categories/tickets")
    );
    assert_eq!(changes(&town).await, [("tickets".to_owned(), false, "one click".to_owned())]);
}

/// NO12
#[tokio::test(flavor = "multi_thread")]
async fn an_old_request_that_comes_again_does_not_undo_a_newer_wish() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    let (unsubscribing, token) = (unsubscribe_token(&town, somebody, "surveys"), preferences_token(&town, somebody));
    let (first, second) = (request_id(), request_id());
    unsubscribe(&town, &unsubscribing, first.clone()).await.unwrap();
    // Changed nothing, and is remembered all the same.
    unsubscribe(&town, &unsubscribing, second.clone()).await.unwrap();
    set(&town, wishes(&token, &[("surveys", true)])).await.unwrap();

    for request in [first, second] {
        let answer = unsubscribe(&town, &unsubscribing, request).await.unwrap();
        assert!(!answer.preference.unwrap().wanted, "the first answer again");
    }

    let seen = get(&town, &token).await.unwrap();
    assert!(seen.preferences.iter().find(|p| p.category == "categories/surveys").unwrap().wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clicks_at_once_one_is_recorded() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    for category in ["tickets", "surveys", "welcome"] {
        let token = unsubscribe_token(&town, somebody, category);
        let (one, two) =
            tokio::join!(unsubscribe(&town, &token, request_id()), unsubscribe(&town, &token, request_id()));
        assert!(!one.unwrap().preference.unwrap().wanted && !two.unwrap().preference.unwrap().wanted);
    }
    assert_eq!(changes(&town).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_decided_anew_after_a_click() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    town.settled().await;
    let (waiting, later) = (town.neighbours.ticket(somebody).await, town.neighbours.ticket(somebody).await);
    town.settled().await;

    unsubscribe(&town, &unsubscribe_token(&town, somebody, "tickets"), request_id()).await.unwrap();
    town.works().await;

    for ticket in [waiting, later] {
        let told = town.explained(somebody, &ticket.ticket, "ticket_opened").await;
        assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Skipped, Reason::Preference)]);
    }
    assert!(town.post.handed().is_empty());
}

/// NO11
#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_another_purpose_or_one_that_has_ended_reaches_nothing() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    let (preferences, tickets) = (preferences_token(&town, somebody), unsubscribe_token(&town, somebody, "tickets"));
    let mandatory = unsubscribe_token(&town, somebody, "billing");

    for token in [tickets.as_str(), mandatory.as_str(), "", "preferences.x.0.1.k1.A"] {
        let refused = get(&town, token).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "CREDENTIAL_INVALID"));
        let refused = set(&town, wishes(token, &[("tickets", false)])).await.unwrap_err();
        assert_eq!(reason(&refused), "CREDENTIAL_INVALID");
    }
    for token in [preferences.as_str(), mandatory.as_str(), ""] {
        let refused = unsubscribe(&town, token, request_id()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "CREDENTIAL_INVALID"));
        let request = GetSubscriptionRequest { token: token.to_owned() };
        let refused = town.own_preferences().get_subscription(by_agent(request)).await.unwrap_err();
        assert_eq!(reason(&refused), "CREDENTIAL_INVALID");
    }
    town.clock.advance_to(town.clock.now() + jiff::SignedDuration::from_hours(24 * 90));
    assert_eq!(reason(&get(&town, &preferences).await.unwrap_err()), "CREDENTIAL_EXPIRED");
    assert!(unsubscribe(&town, &tickets, request_id()).await.is_ok(), "this one does not end");
    assert_eq!(changes(&town).await.len(), 1);
}
