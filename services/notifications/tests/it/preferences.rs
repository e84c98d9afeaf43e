//! What customers want, and who may say so.

use prost_types::{Duration, FieldMask};
use seva_proto::notifications::v1::{
    Category, GetPreferencesRequest, ListCategoriesRequest, SetPreferenceRequest, UpdateCategoryRequest,
    category::{Class, DuplicatePolicy},
    preference_service_server::PreferenceService,
};
use seva_runtime::auth::Principal;
use seva_values::new_id;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::town::{Town, by, by_agent, principal, request_id};

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

fn wish(customer: Uuid, category: &str, wanted: bool) -> SetPreferenceRequest {
    SetPreferenceRequest {
        customer: format!("customers/{customer}"),
        category: format!("categories/{category}"),
        wanted,
        evidence: "web page".to_owned(),
        request_id: request_id(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_is_recorded_with_its_history_and_its_event() {
    let town = Town::new().await;
    let customer = new_id();
    let rpc = town.preferences();
    let first = wish(customer, "welcome", false);

    let set = rpc.set_preference(by_agent(first.clone())).await.unwrap().into_inner();
    let again = rpc.set_preference(by_agent(first)).await.unwrap().into_inner();
    rpc.set_preference(by_agent(wish(customer, "welcome", true))).await.unwrap();

    assert_eq!(set, again);
    let request = GetPreferencesRequest { customer: format!("customers/{customer}") };
    let preferences = rpc.get_preferences(by_agent(request)).await.unwrap().into_inner().preferences;
    let told: Vec<_> = preferences.iter().map(|p| (p.category.as_str(), p.wanted, p.explicit, p.mandatory)).collect();
    assert_eq!(
        told,
        [
            ("categories/billing", true, false, true),
            ("categories/delivery", true, false, true),
            ("categories/order_updates", true, false, true),
            ("categories/surveys", true, false, false),
            ("categories/tickets", true, false, false),
            ("categories/welcome", true, true, false),
        ]
    );
    assert_eq!(town.count("select count(*) from preference_change").await, 2);
    let sequences: Vec<i64> = sqlx::query_scalar(
        "select sequence from seva.outbox where type = 'seva.notifications.preference.changed.v1' order by position",
    )
    .fetch_all(&town.notifications.owner)
    .await
    .unwrap();
    assert_eq!(sequences, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_about_the_customers_own_order_cannot_be_refused() {
    let town = Town::new().await;

    let refused = town.preferences().set_preference(by_agent(wish(new_id(), "delivery", false))).await.unwrap_err();

    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CATEGORY_MANDATORY"));
    assert_eq!(refused.get_error_details().precondition_failure().unwrap().violations[0].r#type, "NO5");
    let unknown = town.preferences().set_preference(by_agent(wish(new_id(), "offers", false))).await.unwrap_err();
    assert_eq!(reason(&unknown), "RESOURCE_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_token_reaches_that_customer_and_says_nothing_of_others() {
    let town = Town::new().await;
    let (own, other) = (new_id(), new_id());
    let rpc = town.preferences();
    let me = || -> Principal { principal("user:me", Some(own)) };
    for (customer, category, expected) in [
        (own, "welcome", None),
        (other, "welcome", Some("RESOURCE_FORBIDDEN")),
        // Not even that a category is mandatory, or unknown.
        (other, "delivery", Some("RESOURCE_FORBIDDEN")),
        (other, "nonsense", Some("RESOURCE_FORBIDDEN")),
    ] {
        let answer = rpc.set_preference(by(me(), wish(customer, category, false))).await;
        assert_eq!(answer.as_ref().err().map(reason).as_deref(), expected, "set {category}");
        let request = GetPreferencesRequest { customer: format!("customers/{customer}") };
        let answer = rpc.get_preferences(by(me(), request)).await;
        assert_eq!(answer.as_ref().err().map(reason).as_deref(), expected, "get");
    }
    assert_eq!(town.count("select count(*) from preference").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_is_changed_by_its_mask_under_its_etag() {
    let town = Town::new().await;
    let rpc = town.preferences();
    let listed = rpc.list_categories(by_agent(ListCategoriesRequest {})).await.unwrap().into_inner().categories;
    let delivery = listed.iter().find(|category| category.name == "categories/delivery").unwrap().clone();
    assert_eq!((delivery.class(), delivery.interruptive), (Class::Transactional, false));
    let surveys = listed.iter().find(|category| category.name == "categories/surveys").unwrap();
    assert_eq!((surveys.class(), surveys.duplicate_policy()), (Class::Survey, DuplicatePolicy::AtMostOnce));
    let update = |category: Category, paths: &[&str]| UpdateCategoryRequest {
        category: Some(category),
        update_mask: Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() }),
        request_id: request_id(),
    };
    let changed = Category {
        interruptive: true,
        time_to_live: Some(Duration { seconds: 3600, nanos: 0 }),
        class: Class::Marketing.into(),
        ..delivery.clone()
    };

    let updated = rpc.update_category(by_agent(update(changed.clone(), &["interruptive", "class"]))).await;
    let updated = updated.unwrap().into_inner().category.unwrap();
    assert_eq!(
        (updated.interruptive, updated.time_to_live, updated.class()),
        (true, delivery.time_to_live, delivery.class())
    );
    let stale = rpc.update_category(by_agent(update(changed.clone(), &["time_to_live"]))).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let faulty = Category { time_to_live: Some(Duration { seconds: 1, nanos: 0 }), etag: String::new(), ..changed };
    let refused = rpc.update_category(by_agent(update(faulty, &["time_to_live", "nonsense"]))).await.unwrap_err();
    let fields: Vec<_> =
        refused.get_error_details().bad_request().unwrap().field_violations.iter().map(|v| v.field.clone()).collect();
    assert_eq!(fields, ["update_mask.paths[1]", "category.time_to_live"]);
}
