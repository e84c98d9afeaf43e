//! Where messages lead: links are asked for in batches at the moment of sending, and stored nowhere.

use jiff::{SignedDuration, Timestamp};
use seva_notifications::link::LinkRpc;
use seva_proto::{
    common::v1::{
        LinkPurpose, MintLinksRequest, MintLinksResponse, link_service_server::LinkService, mint_links_request::Item,
    },
    notifications::v1::{
        DecisionReason as Reason, GetOwnPreferencesRequest, GetSubscriptionRequest, notification::State,
        own_preference_service_server::OwnPreferenceService,
    },
    surveys::v1::invitation::State as InvitationState,
    tickets::v1::ticket::State as TicketState,
};
use seva_values::new_id;
use tonic::Status;
use tonic_types::StatusExt;

use crate::{
    neighbours::Mood,
    town::{PLACED, Town, by_agent, new_order},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_owner_is_asked_once_for_a_whole_batch() {
    let town = Town::new().await;
    let (one, two) = (town.somebody(&["en"]).await, town.somebody(&["hi"]).await);
    town.settled().await;
    for _ in 0..3 {
        town.order(PLACED, one, &new_order()).await;
        town.neighbours.ticket(one).await;
        town.neighbours.ticket(two).await;
    }
    town.settled().await;

    assert_eq!(town.dispatch_all().await, 9);

    let places = town.neighbours.place_links.asked();
    assert_eq!(places.iter().map(Vec::len).collect::<Vec<_>>(), [2], "one call, each customer once");
    assert_eq!(town.neighbours.ticket_links.asked().iter().map(Vec::len).collect::<Vec<_>>(), [6]);
    assert!(town.neighbours.survey_links.asked().is_empty(), "nobody was asked how it went");
    for mail in town.post.handed() {
        assert_eq!(mail.text.matches("http://127.0.0.1:8080/place/place.").count(), 1, "{}", mail.text);
    }
}

/// NO11
#[tokio::test(flavor = "multi_thread")]
async fn links_are_stored_nowhere() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    town.settled().await;
    let ticket = town.neighbours.ticket(somebody).await;
    town.works().await;
    assert!(town.post.handed()[0].text.contains("/ticket/ticket."));

    for table in ["notification", "decision", "known_truth", "seva.outbox", "seva.audit", "seva.idempotency"] {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select to_jsonb(t)::text from {table} t")))
                .fetch_all(&town.notifications.owner)
                .await
                .unwrap();
        for row in rows {
            let bytes = row.to_lowercase();
            let in_hex: String = "ticket.".bytes().map(|byte| format!("{byte:02x}")).collect();
            let id = ticket.ticket.strip_prefix("tickets/").unwrap();
            assert!(!bytes.contains(&format!("ticket.{id}")) && !bytes.contains("8080"), "{table}: {row}");
            let id_in_hex: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!bytes.contains(&format!("{in_hex}{id_in_hex}")), "{table}: {row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_does_not_answer_is_asked_again_and_holds_up_its_own_messages_only() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    town.settled().await;
    for mood in [Mood::Gone, Mood::Hanging] {
        let (order, ticket) = (new_order(), town.neighbours.ticket(somebody).await);
        town.order(PLACED, somebody, &order).await;
        town.neighbours.ticket_links.is(mood);
        town.works().await;

        assert_eq!(
            town.explained(somebody, &order, "order_placed").await.notification.state(),
            State::Sent,
            "{mood:?}"
        );
        let told = town.explained(somebody, &ticket.ticket, "ticket_opened").await;
        let expected = (State::Queued, Reason::RecipientUnavailable);
        assert_eq!((told.notification.state(), told.notification.reason()), expected, "{mood:?}");
        assert!(told.details.last().unwrap().detail.starts_with("ticket: no answer"), "{:?}", told.details.last());
        assert_eq!(told.notification.attempts, 0, "nothing was handed over");

        town.neighbours.ticket_links.is(Mood::Well);
        let due = Timestamp::from_second(told.notification.due_at.unwrap().seconds).unwrap();
        town.clock.advance_to(due + SignedDuration::from_secs(1));
        assert_eq!(town.works().await, 1);
        assert_eq!(town.explained(somebody, &ticket.ticket, "ticket_opened").await.notification.state(), State::Sent);
    }
}

/// NO13
#[tokio::test(flavor = "multi_thread")]
async fn without_its_page_a_message_that_needs_it_is_skipped_and_another_goes_out_without_the_link() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    town.settled().await;
    let mut ticket = town.neighbours.ticket(somebody).await;
    let invitation = format!("invitations/{}", new_id());
    town.neighbours.ticket_links.ends(&ticket.ticket);
    town.neighbours.survey_links.ends(&invitation);
    town.neighbours.place_links.ends(&format!("customers/{somebody}"));
    town.works().await;
    town.neighbours
        .tells("seva.tickets.ticket.resolved.v1", &mut ticket, |ticket| {
            ticket.set_state(TicketState::Resolved);
            ticket.resolution = 1;
        })
        .await;
    let queued = "seva.surveys.invitation.queued.v1";
    town.neighbours.invitation(queued, somebody, &invitation, 2, InvitationState::Queued).await;
    town.works().await;

    for (subject, milestone, page) in
        [(&ticket.ticket, "ticket_resolved", "ticket"), (&invitation, "survey_invitation", "survey")]
    {
        let told = town.explained(somebody, subject, milestone).await;
        assert_eq!(told.decisions[1], (State::Skipped, Reason::LinkEnded), "{milestone}");
        assert_eq!(told.details[1].detail, page);
    }
    let told = town.explained(somebody, &ticket.ticket, "ticket_opened").await;
    assert_eq!(told.notification.state(), State::Sent);
    let mails = town.post.handed();
    assert_eq!(mails.len(), 1);
    assert!(!mails[0].text.contains("/ticket/") && !mails[0].text.contains("/place/"), "{}", mails[0].text);
}

async fn mint(town: &Town, items: Vec<(LinkPurpose, String)>) -> Result<MintLinksResponse, Status> {
    let items = items.into_iter().map(|(purpose, subject)| Item { purpose: purpose.into(), subject });
    let rpc = LinkRpc::new(&town.foundation, town.signer.clone());
    Ok(rpc.mint_links(by_agent(MintLinksRequest { items: items.collect() })).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_this_service_are_made_for_who_and_what_is_known() {
    let town = Town::new().await;
    let (somebody, nobody) = (town.somebody(&["en"]).await, new_id());
    town.settled().await;
    let of = |customer| format!("customers/{customer}");
    let category = |customer, key: &str| format!("customers/{customer}/categories/{key}");

    let answer = mint(
        &town,
        vec![
            (LinkPurpose::Preferences, of(somebody)),
            (LinkPurpose::Unsubscribe, category(somebody, "tickets")),
            (LinkPurpose::Preferences, of(nobody)),
            (LinkPurpose::Unsubscribe, category(nobody, "tickets")),
            (LinkPurpose::Unsubscribe, category(somebody, "delivery")),
            (LinkPurpose::Unsubscribe, category(somebody, "nonsense")),
        ],
    )
    .await
    .unwrap();

    let [preferences, unsubscribe, empty @ ..] = answer.links.as_slice() else { panic!("six were asked for") };
    assert!(empty.iter().all(|link| link.token.is_empty() && link.expire_time.is_none()));
    let in_ninety_days = town.clock.now() + SignedDuration::from_hours(24 * 90);
    assert_eq!(preferences.expire_time.unwrap().seconds, in_ninety_days.as_second());
    assert_eq!(unsubscribe.expire_time, None, "it does not end");
    let own = town.own_preferences();
    let request = GetOwnPreferencesRequest { token: preferences.token.clone() };
    assert!(own.get_own_preferences(by_agent(request)).await.is_ok());
    let request = GetSubscriptionRequest { token: unsubscribe.token.clone() };
    assert!(own.get_subscription(by_agent(request)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_other_services_and_too_many_are_refused_with_every_fault() {
    let town = Town::new().await;
    let mut items = vec![
        (LinkPurpose::Ticket, format!("tickets/{}", new_id())),
        (LinkPurpose::Preferences, "customers/me".to_owned()),
        (LinkPurpose::Unsubscribe, format!("customers/{}/categories/A", new_id())),
        (LinkPurpose::Unsubscribe, format!("customers/{}", new_id())),
        (LinkPurpose::Unspecified, String::new()),
    ];
    items.resize(201, (LinkPurpose::Preferences, format!("customers/{}", new_id())));

    let refused = mint(&town, items).await.unwrap_err();

    let details = refused.get_error_details();
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    let expected =
        ["items", "items[0].purpose", "items[1].subject", "items[2].subject", "items[3].subject", "items[4].purpose"];
    assert_eq!(fields, expected);
}
