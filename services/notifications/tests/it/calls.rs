//! What callers can see and call off.

use seva_proto::notifications::v1::{
    CancelNotificationRequest, DecisionReason as Reason, ExplainNotificationRequest, GetNotificationRequest,
    ListNotificationsRequest, NotificationFilter, notification::State,
    notification_service_server::NotificationService,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::town::{CONFIRMED, PLACED, Town, by_agent, new_order, request_id};

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_can_be_called_off_once_and_what_was_sent_cannot() {
    let town = Town::new().await;
    let (somebody, waiting, sent) = (town.somebody(&["en"]).await, new_order(), new_order());
    town.order(PLACED, somebody, &sent).await;
    town.works().await;
    town.order(PLACED, somebody, &waiting).await;
    town.settled().await;
    let cancel =
        |name: String| CancelNotificationRequest { name, reason: "told by phone".to_owned(), request_id: request_id() };
    let waiting_name = town.explained(somebody, &waiting, "order_placed").await.notification.name;
    let sent_name = town.explained(somebody, &sent, "order_placed").await.notification.name;

    let request = cancel(waiting_name.clone());
    let canceled = town.rpc().cancel_notification(by_agent(request.clone())).await.unwrap().into_inner();
    let again = town.rpc().cancel_notification(by_agent(request.clone())).await.unwrap().into_inner();
    assert_eq!(canceled, again);
    let other = CancelNotificationRequest { reason: "told by letter".to_owned(), ..request };
    let reused = town.rpc().cancel_notification(by_agent(other)).await.unwrap_err();
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    assert_eq!(town.works().await, 0);

    let told = town.explained(somebody, &waiting, "order_placed").await;
    assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Canceled, Reason::Canceled)]);
    assert_eq!(told.details[1].detail, "told by phone");
    for name in [waiting_name, sent_name] {
        let refused = town.rpc().cancel_notification(by_agent(cancel(name.clone()))).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STATE_FORBIDS"));
        let details = refused.get_error_details();
        assert_eq!(details.precondition_failure().unwrap().violations[0].subject, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_and_a_dispatch_at_once_have_one_winner() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    for _ in 0..20 {
        let order = new_order();
        town.order(PLACED, somebody, &order).await;
        town.settled().await;
        let name = town.explained(somebody, &order, "order_placed").await.notification.name;
        let before = town.post.handed().len();
        let request = CancelNotificationRequest { name, reason: "no".to_owned(), request_id: request_id() };
        let rpc = town.rpc();
        let (canceled, _) = tokio::join!(rpc.cancel_notification(by_agent(request)), town.dispatch_all());
        let was_sent = town.post.handed().len() > before;
        assert_ne!(canceled.is_ok(), was_sent, "either it was called off, or it went out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_newest_first_in_pages_and_by_customer_subject_and_state() {
    let town = Town::new().await;
    let (one, two) = (town.somebody(&["en"]).await, town.somebody(&["en"]).await);
    let orders: Vec<_> = (0..5).map(|_| new_order()).collect();
    for order in &orders {
        town.order(PLACED, one, order).await;
        town.order(PLACED, two, &new_order()).await;
        town.works().await;
        town.clock.advance_to(town.clock.now() + jiff::SignedDuration::from_secs(1));
    }
    town.order(CONFIRMED, one, &orders[0]).await;
    town.settled().await;
    let list = |filter: NotificationFilter, page_size, page_token: String| ListNotificationsRequest {
        page_size,
        page_token,
        filter: Some(filter),
    };
    let of_one = NotificationFilter { customer: format!("customers/{one}"), ..Default::default() };

    let mut subjects = Vec::new();
    let mut token = String::new();
    loop {
        let page = town.rpc().list_notifications(by_agent(list(of_one.clone(), 2, token))).await.unwrap().into_inner();
        subjects.extend(page.notifications.into_iter().map(|notification| notification.subject));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let newest_first: Vec<_> = std::iter::once(&orders[0]).chain(orders.iter().rev()).cloned().collect();
    assert_eq!(subjects, newest_first);

    let queued = NotificationFilter { state: State::Queued.into(), ..Default::default() };
    let page = town.rpc().list_notifications(by_agent(list(queued, 0, String::new()))).await.unwrap().into_inner();
    assert_eq!(page.notifications.len(), 1);
    let of_order = NotificationFilter { subject: orders[0].clone(), ..Default::default() };
    let page = town.rpc().list_notifications(by_agent(list(of_order, 0, String::new()))).await.unwrap().into_inner();
    assert_eq!(page.notifications.len(), 2);
    let stolen = town.rpc().list_notifications(by_agent(list(of_one.clone(), 1, String::new()))).await.unwrap();
    let token = stolen.into_inner().next_page_token;
    let refused =
        town.rpc().list_notifications(by_agent(list(NotificationFilter::default(), 1, token))).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_or_is_asked_wrongly_is_refused_with_every_fault() {
    let town = Town::new().await;
    let name = format!("notifications/{}", seva_values::new_id());

    let missing = town.rpc().get_notification(by_agent(GetNotificationRequest { name })).await.unwrap_err();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "RESOURCE_NOT_FOUND"));
    let wrong = ExplainNotificationRequest { customer: "somebody".to_owned(), ..Default::default() };
    let refused = town.rpc().explain_notification(by_agent(wrong)).await.unwrap_err();
    let details = refused.get_error_details();
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["customer", "subject", "milestone"]);
    let never = ExplainNotificationRequest {
        customer: format!("customers/{}", seva_values::new_id()),
        subject: new_order(),
        milestone: "order_placed".to_owned(),
        ..Default::default()
    };
    let refused = town.rpc().explain_notification(by_agent(never)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}
