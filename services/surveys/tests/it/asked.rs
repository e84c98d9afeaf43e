//! The whole way: orders are delivered, customers are asked, answer by link, and the scores tell it.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    customers::v1::{CustomerEvent, Order, OrderEvent},
    notifications::v1::{Notification, NotificationEvent, notification::State},
    surveys::v1::{
        Answer, GetScoresRequest, ListProgrammesRequest, Programme, SaveAnswersRequest, WeeklyScore, answer::Value,
        programme::Trigger, programme_service_server::ProgrammeService, response_service_server::ResponseService,
    },
};
use seva_runtime::auth::{
    LinkSigner,
    links::{Link, LinkKeys},
};
use seva_store::{Event, consumer::Handler, due::Bell};
use seva_surveys::{
    ensure_catalog,
    invitation::deciding::Decisions,
    response::ResponseRpc,
    survey::Versions,
    throttle::Rules,
    workers::{deliveries::Deliveries, deliveries_of_mail::DeliveriesOfMail},
};
use seva_values::new_id;
use uuid::Uuid;

use crate::office::{Office, call};

/// An office whose mail goes out and whose customers answer.
struct Street {
    office: Office,
    links: LinkSigner,
    responses: ResponseRpc,
}

impl Street {
    async fn new() -> Self {
        let office = Office::new().await;
        ensure_catalog(&office.foundation.db, &office.foundation.clock).await.unwrap();
        let links = LinkSigner::new(LinkKeys::generate());
        let versions = Versions::new(office.foundation.db.clone());
        let responses = ResponseRpc::new(&office.foundation, versions, links.clone(), Bell::default());
        Self { office, links, responses }
    }

    async fn hears(&self, handler: &impl Handler, events: &[Arc<Event>]) {
        let mut transaction = self.office.foundation.db.begin().await.unwrap();
        handler.apply(&mut transaction, events).await.unwrap();
        self.office.foundation.db.commit(transaction).await.unwrap();
    }

    fn event(&self, kind: &str, subject: String, payload: &impl Message) -> Arc<Event> {
        Arc::new(Event {
            event_id: new_id(),
            kind: kind.to_owned(),
            source: "//tests".to_owned(),
            subject,
            sequence: 1,
            occurred_at: self.office.now(),
            recorded_at: self.office.now(),
            actor: "tests".to_owned(),
            correlation_id: "story".to_owned(),
            causation_id: "story".to_owned(),
            hops: 0,
            schema_version: 1,
            traceparent: None,
            payload: payload.encode_to_vec().into(),
            feed_no: 1,
        })
    }

    /// An order of somebody new arrives.
    async fn delivery(&self, has_email: bool) {
        let customer = format!("customers/{}", new_id());
        let known = CustomerEvent {
            customer: customer.clone(),
            languages: vec!["ur".to_owned()],
            has_email,
            ..CustomerEvent::default()
        };
        let order = format!("orders/{}", new_id());
        let delivered = OrderEvent {
            order: Some(Order { name: order.clone(), customer: customer.clone(), ..Order::default() }),
            ..OrderEvent::default()
        };
        let events = [
            self.event("seva.customers.customer.created.v1", customer, &known),
            self.event("seva.customers.order.delivered.v1", order, &delivered),
        ];
        let deliveries = Deliveries::new(self.office.foundation.clock.clone(), Bell::default());
        self.hears(&deliveries, &events).await;
    }

    async fn decides(&self) {
        let decisions = Decisions::new(self.office.foundation.db.clone(), Rules::default(), Bell::default());
        while decisions.decide_due(self.office.now(), 200).await.unwrap() > 0 {}
    }

    /// The mail with each invitation that waits for it is handed over; answers which.
    async fn sends(&self) -> Vec<Uuid> {
        let queued = sqlx::query_scalar("select id from invitation where state = 'queued' order by id");
        let queued: Vec<Uuid> = queued.fetch_all(&self.office.database.owner).await.unwrap();
        let sent = queued.iter().map(|id| {
            let notification = Notification {
                subject: format!("invitations/{id}"),
                state: State::Sent.into(),
                ..Notification::default()
            };
            let payload = NotificationEvent { notification: Some(notification) };
            self.event("seva.notifications.notification.sent.v1", format!("notifications/{}", new_id()), &payload)
        });
        self.hears(&DeliveriesOfMail, &sent.collect::<Vec<_>>()).await;
        queued
    }

    async fn answers(&self, invitation: Uuid, csat: i32) {
        let expires_at: Timestamp = self.office.now() + jiff::SignedDuration::from_hours(1);
        let token = self.links.sign("survey", &Link { subject: invitation.to_string(), generation: 1, expires_at });
        let request = SaveAnswersRequest {
            token,
            revision: 0,
            answers: vec![Answer { question_id: "csat".to_owned(), value: Some(Value::Score(csat)) }],
            complete: true,
            request_id: new_id().to_string(),
        };
        self.responses.save_answers(call("SaveAnswers", request)).await.unwrap();
    }

    async fn after_orders(&self) -> Programme {
        let request = ListProgrammesRequest::default();
        let answer = self.office.programmes.list_programmes(call("ListProgrammes", request)).await.unwrap();
        let mut programmes = answer.into_inner().programmes.into_iter();
        programmes.find(|programme| programme.trigger() == Trigger::OrderDelivered).unwrap()
    }
}

#[tokio::test]
async fn what_customers_answer_after_deliveries_is_what_the_scores_tell() {
    let street = Street::new().await;
    for customer in 0..9 {
        street.delivery(customer != 0).await;
    }
    // Two days later, on a Wednesday, they are asked.
    street.office.pass(48 * 3600);
    street.decides().await;
    let asked = street.sends().await;
    assert_eq!(asked.len(), 8);
    // Some answer in the week that follows; it is still the week in which they were asked that is told.
    street.office.pass(6 * 24 * 3600);
    for (at, invitation) in asked.iter().take(6).enumerate() {
        street.answers(*invitation, if at < 5 { 5 } else { 2 }).await;
    }

    let request = GetScoresRequest { name: street.after_orders().await.name, ..GetScoresRequest::default() };
    let told = street.office.programmes.get_scores(call("GetScores", request)).await.unwrap().into_inner();

    let [week] = &told.weeks[..] else { panic!("one week: {told:?}") };
    assert_eq!(
        (week.week.as_str(), week.invited, week.completed, week.response_rate),
        ("2026-03-02", 8, 6, Some(0.75))
    );
    let csat = week.csat.unwrap();
    assert_eq!((csat.answers, csat.low_confidence), (6, true));
    assert!((csat.value - 500.0 / 6.0).abs() < 1e-9 && csat.low < csat.value && csat.value < csat.high);
    assert_eq!(week.nps, None);
    assert_eq!(week.not_asked.clone().into_iter().collect::<Vec<_>>(), [("no_contact_point".to_owned(), 1)]);
    assert_eq!(told.total, Some(WeeklyScore { week: String::new(), ..week.clone() }));
}
