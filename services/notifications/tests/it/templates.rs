//! Texts in versions: faulty drafts are taken and not published, published ones never change.

use std::collections::BTreeSet;

use seva_notifications::{ensure_catalog, template::catalog};
use seva_proto::notifications::v1::{
    CreateTemplateVersionRequest, GetTemplateVersionRequest, ListTemplateVersionsRequest,
    PreviewTemplateVersionRequest, PublishTemplateVersionRequest, TemplateValue, TemplateVariant, TemplateVersion,
    template_service_server::TemplateService, template_value::Value, template_version::State,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::town::{PLACED, Town, by_agent, new_order, request_id};

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

async fn get(town: &Town, name: &str) -> Result<TemplateVersion, Status> {
    let request = GetTemplateVersionRequest { name: name.to_owned() };
    Ok(town.templates().get_template_version(by_agent(request)).await?.into_inner().template_version.unwrap())
}

async fn create(town: &Town, key: &str, variants: Vec<TemplateVariant>) -> TemplateVersion {
    let request =
        CreateTemplateVersionRequest { parent: format!("templates/{key}"), variants, request_id: request_id() };
    let created = town.templates().create_template_version(by_agent(request)).await.unwrap();
    created.into_inner().template_version.unwrap()
}

async fn publish(town: &Town, name: &str) -> Result<TemplateVersion, Status> {
    let request = PublishTemplateVersionRequest { name: name.to_owned(), request_id: request_id() };
    Ok(town.templates().publish_template_version(by_agent(request)).await?.into_inner().template_version.unwrap())
}

/// The catalog's text with another subject in English.
async fn another_text(town: &Town) -> Vec<TemplateVariant> {
    let mut variants = get(town, "templates/order_placed/versions/published").await.unwrap().variants;
    let english = variants.iter_mut().find(|variant| variant.language == "en").unwrap();
    english.subject = "Thank you for {{ order_number }}".to_owned();
    variants
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_there_at_the_start_and_again_changes_nothing() {
    let town = Town::new().await;
    let events = town.count("select count(*) from seva.outbox").await;

    let (one, two) = tokio::join!(
        ensure_catalog(&town.notifications.db, &town.clock),
        ensure_catalog(&town.notifications.db, &town.clock)
    );
    one.unwrap();
    two.unwrap();

    assert_eq!(town.count("select count(*) from template_version").await, 40);
    assert_eq!(town.count("select count(*) from seva.outbox").await, events);
    for template in catalog::all() {
        let name = format!("templates/{}/versions/published", template.key());
        let version = get(&town, &name).await.unwrap();
        assert_eq!((version.state(), &version.hash), (State::Published, &template.hash().to_string()));
        let keys: BTreeSet<_> = version.variants.iter().map(|variant| variant.language.as_str()).collect();
        assert_eq!(keys, BTreeSet::from(["bn", "en", "hi", "ur"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_catalog_adds_versions_and_leaves_a_persons_text_alone() {
    let town = Town::new().await;
    let draft = create(&town, "order_placed", another_text(&town).await).await;
    publish(&town, &draft.name).await.unwrap();
    // As if the catalog of before had said something else.
    sqlx::query("update template_version set hash = '\\x00' where origin = 'catalog' and key in ('order_placed', 'order_confirmed')")
        .execute(&town.notifications.owner)
        .await
        .unwrap();

    ensure_catalog(&town.notifications.db, &town.clock).await.unwrap();

    assert_eq!(get(&town, "templates/order_placed/versions/published").await.unwrap().name, draft.name);
    assert_eq!(get(&town, "templates/order_placed/versions/3").await.unwrap().state(), State::Draft);
    let confirmed = get(&town, "templates/order_confirmed/versions/published").await.unwrap();
    assert_eq!(confirmed.name, "templates/order_confirmed/versions/2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_draft_is_taken_and_every_fault_is_told_at_publishing() {
    let town = Town::new().await;
    let variants = vec![
        TemplateVariant {
            language: "en".to_owned(),
            subject: "{{ nonsense }}".to_owned(),
            paragraphs: vec!["{% if x %}".to_owned()],
            blocks: Vec::new(),
        },
        TemplateVariant { language: "hi".to_owned(), subject: String::new(), ..Default::default() },
    ];

    let draft = create(&town, "order_placed", variants).await;
    let refused = publish(&town, &draft.name).await.unwrap_err();

    assert_eq!((draft.state(), draft.name.as_str()), (State::Draft, "templates/order_placed/versions/2"));
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "TEMPLATE_FAULTY"));
    let details = refused.get_error_details();
    let told: Vec<_> = details.bad_request().unwrap().field_violations.iter().collect();
    for (field, said) in [
        ("variants[0].subject", "PLACEHOLDER_UNKNOWN"),
        ("variants[0].blocks[0]", "UNSAFE_CONSTRUCT"),
        ("variants[1].subject", "TEXT_EMPTY"),
        ("variants", "LANGUAGE_MISSING"),
    ] {
        let is_told = told.iter().any(|told| told.field == field && told.description.starts_with(said));
        assert!(is_told, "{field} {said} is missing in {told:#?}");
    }
    assert_eq!(
        get(&town, "templates/order_placed/versions/published").await.unwrap().name,
        "templates/order_placed/versions/1"
    );
}

/// NO10
#[tokio::test(flavor = "multi_thread")]
async fn a_published_text_is_sent_from_at_once_and_never_changes() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    town.order(PLACED, somebody, &order).await;
    town.settled().await;
    let draft = create(&town, "order_placed", another_text(&town).await).await;

    let published = publish(&town, &draft.name).await.unwrap();
    town.works().await;

    assert_eq!(published.state(), State::Published);
    assert_eq!(town.post.handed()[0].subject, "Thank you for A-1029");
    let told = town.explained(somebody, &order, "order_placed").await.notification;
    assert_eq!((told.template_version, told.template_hash), (published.name.clone(), published.hash.clone()));
    let before = get(&town, "templates/order_placed/versions/1").await.unwrap();
    assert_eq!(before.state(), State::Retired);
    for name in [published.name.as_str(), before.name.as_str()] {
        let refused = publish(&town, name).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "TEMPLATE_FROZEN"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_drafts_published_at_once_one_is_sent_from() {
    let town = Town::new().await;
    let variants = another_text(&town).await;
    let one = create(&town, "order_placed", variants.clone()).await;
    let two = create(&town, "order_placed", variants).await;

    let (first, second) = tokio::join!(publish(&town, &one.name), publish(&town, &two.name));

    assert!(first.is_ok() && second.is_ok(), "each is published in its turn");
    let states = [get(&town, &one.name).await.unwrap().state(), get(&town, &two.name).await.unwrap().state()];
    assert!(matches!(states, [State::Published, State::Retired] | [State::Retired, State::Published]), "{states:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_written_by_the_code_that_sends() {
    let town = Town::new().await;
    let preview = |variables: Vec<(&str, Value)>| PreviewTemplateVersionRequest {
        name: "templates/order_placed/versions/published".to_owned(),
        languages: vec!["ur".to_owned()],
        variables: variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), TemplateValue { value: Some(value) }))
            .collect(),
    };
    let known = vec![
        ("order_number", Value::Code("A-7".to_owned())),
        ("company_name", Value::Text("Seva".to_owned())),
        ("promised_date", Value::Date("2026-11-25".to_owned())),
    ];

    let written = town.templates().preview_template_version(by_agent(preview(known))).await.unwrap().into_inner();
    let refused = town.templates().preview_template_version(by_agent(preview(Vec::new()))).await.unwrap_err();

    assert_eq!((written.language.as_str(), written.language_fell_back), ("ur", false));
    assert!(written.subject.contains("A-7") && written.html.contains("dir=\"rtl\""));
    let field = &refused.get_error_details().bad_request().unwrap().field_violations[0].field.clone();
    assert_eq!(field, "variables.company_name");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_listed_by_key_and_the_newest_first() {
    let town = Town::new().await;
    let variants = another_text(&town).await;
    create(&town, "order_placed", variants.clone()).await;
    create(&town, "order_placed", variants).await;
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListTemplateVersionsRequest { parent: "templates/-".to_owned(), page_size: 7, page_token };
        let page = town.templates().list_template_versions(by_agent(request)).await.unwrap().into_inner();
        names.extend(page.template_versions.into_iter().map(|version| version.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }

    assert_eq!(names.len(), 42);
    let of_placed: Vec<_> = names.iter().filter(|name| name.contains("order_placed")).collect();
    let numbers: Vec<_> = of_placed.iter().map(|name| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(numbers, ["3", "2", "1"]);
    let keys: Vec<_> = names.iter().map(|name| name.split('/').nth(1).unwrap()).collect();
    assert!(keys.is_sorted());
}
