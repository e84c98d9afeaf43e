//! What can become of a message on its way to the provider.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use seva_notifications::{
    Recipients,
    notification::retry,
    provider::{Fault, Folder},
    recipient::{Outcome, Wanted},
};
use seva_proto::notifications::v1::{DecisionReason as Reason, notification::State};
use seva_runtime::Error;
use seva_store::due::DueWork;
use seva_values::parse_name;
use uuid::Uuid;

use crate::{
    mail::sender,
    town::{AT_RISK, FIRST_ORDER, PLACED, Town, an_order, append, at, new_order, settings},
};

fn transient() -> Result<(), Fault> {
    Err(Fault::Transient { code: "450 4.2.1".to_owned() })
}

fn ambiguous() -> Result<(), Fault> {
    Err(Fault::Ambiguous { code: "lost after the end of the message".to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_provider_is_tried_again_up_the_ladder_and_then_no_more() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    // Long enough for the whole ladder.
    sqlx::query("update category set time_to_live_seconds = 864000").execute(&town.notifications.owner).await.unwrap();
    (0..8).for_each(|_| town.post.will_answer(transient()));
    town.order(PLACED, somebody, &order).await;
    town.works().await;

    for (step, minutes) in [1, 5, 15, 60, 180, 360, 720].into_iter().enumerate() {
        let told = town.explained(somebody, &order, "order_placed").await.notification;
        assert_eq!((told.state(), told.reason()), (State::Queued, Reason::ProviderBusy), "step {step}");
        assert_eq!(told.attempts, i32::try_from(step + 1).unwrap());
        let due = Timestamp::from_second(told.due_at.unwrap().seconds).unwrap();
        let pause = due.duration_since(town.clock.now()).as_secs_f64() / 60.0;
        let asked = f64::from(minutes);
        assert!((asked * 0.79..asked * 1.21).contains(&pause), "step {step}: {pause} instead of about {asked} minutes");
        town.clock.advance_to(due - SignedDuration::from_secs(1));
        assert_eq!(town.works().await, 0, "step {step}: not before its time");
        town.clock.advance_to(due + SignedDuration::from_secs(1));
        assert_eq!(town.works().await, 1, "step {step}");
    }

    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!((told.notification.state(), told.notification.reason()), (State::Failed, Reason::AttemptsExhausted));
    assert_eq!(told.details.last().unwrap().detail, "450 4.2.1");
    let mails = town.post.handed();
    assert_eq!(mails.len(), 8);
    assert!(mails.iter().all(|mail| mail.id == mails[0].id), "the same message every time");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jitter_of_an_attempt_is_always_the_same() {
    let id = seva_values::new_id();
    let now = at("2026-11-21T00:00:00Z");

    assert_eq!(retry::after_fault(id, 3, now), retry::after_fault(id, 3, now));
    let pauses: std::collections::BTreeSet<_> =
        (0..50).map(|_| retry::after_fault(seva_values::new_id(), 1, now).unwrap()).collect();
    assert!(pauses.len() > 10, "different messages come back at different times");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_refuses_for_good_fails_with_its_reason() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    for (answer, reason) in [
        (Fault::BadAddress { code: "550 5.1.1".to_owned() }, Reason::BadAddress),
        (Fault::BadContent { code: "554 5.6.0".to_owned() }, Reason::BadContent),
    ] {
        let order = new_order();
        town.post.will_answer(Err(answer));
        town.order(PLACED, somebody, &order).await;
        town.works().await;

        let told = town.explained(somebody, &order, "order_placed").await;
        assert_eq!(told.decisions, [(State::Queued, Reason::Accepted), (State::Failed, reason)]);
    }
    let order = new_order();
    town.post.will_answer(Err(Fault::BadAccount { code: "530 5.5.1".to_owned() }));
    town.order(PLACED, somebody, &order).await;
    town.works().await;
    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!((told.notification.state(), told.notification.reason()), (State::Queued, Reason::BadAccount));
}

/// A welcome, which goes out once at most, to somebody new; its subject.
async fn welcome(town: &Town) -> (uuid::Uuid, String) {
    let somebody = town.somebody(&["en"]).await;
    let subject = format!("customers/{somebody}");
    let event = seva_proto::customers::v1::CustomerEvent {
        customer: subject.clone(),
        languages: vec!["en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        has_email: true,
        order: new_order(),
        order_number: "A-1".to_owned(),
        ..Default::default()
    };
    append(&town.customers.db, FIRST_ORDER, &subject, 2, town.clock.now(), &event).await;
    town.settled().await;
    (somebody, subject)
}

/// NO7
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_stops_a_welcome_and_repeats_an_order_under_the_same_id() {
    let town = Town::new().await;
    let (somebody, subject) = welcome(&town).await;
    town.post.will_answer(ambiguous());
    town.works().await;
    let told = town.explained(somebody, &subject, "customer_welcome").await;
    assert_eq!((told.notification.state(), told.notification.reason()), (State::Failed, Reason::Ambiguous));

    let order = new_order();
    town.post.will_answer(ambiguous());
    town.order(PLACED, somebody, &order).await;
    town.works().await;
    town.clock.advance_to(town.clock.now() + SignedDuration::from_mins(2));
    town.works().await;

    let told = town.explained(somebody, &order, "order_placed").await;
    let states: Vec<_> = told.decisions.iter().map(|decision| decision.0).collect();
    assert_eq!(states, [State::Queued, State::Queued, State::Sent]);
    let mails = town.post.handed();
    assert_eq!(mails.len(), 3);
    assert_eq!(mails[1].id, mails[2].id);
}

/// Claims what is due and dies: the claim stays without a word, its lease ended long ago.
async fn claimed_by_a_dead_process(town: &Town) {
    sqlx::query(
        "update notification set state = 'sending', attempt = attempt + 1, leased_until = '2020-01-01T00:00:00Z'
         where state = 'queued'",
    )
    .execute(&town.notifications.owner)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_ended_without_a_word_is_ambiguous() {
    let town = Town::new().await;
    let (somebody, subject) = welcome(&town).await;
    let order = new_order();
    town.order(PLACED, somebody, &order).await;
    town.settled().await;
    claimed_by_a_dead_process(&town).await;

    town.works().await;
    assert!(town.post.handed().is_empty(), "neither is handed over at once");
    town.clock.advance_to(town.clock.now() + SignedDuration::from_mins(2));
    town.works().await;

    let welcome = town.explained(somebody, &subject, "customer_welcome").await;
    assert_eq!((welcome.notification.state(), welcome.notification.reason()), (State::Failed, Reason::Ambiguous));
    let placed = town.explained(somebody, &order, "order_placed").await;
    let queued_again = (State::Queued, Reason::Ambiguous);
    assert_eq!(placed.decisions[1..], [queued_again, (State::Sent, Reason::HandedOver)]);
    assert_eq!(town.post.handed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_tells_what_became_of_a_claim_that_ended_without_a_word() {
    let town = Town::new().await;
    let (somebody, subject) = welcome(&town).await;
    let order = new_order();
    town.order(PLACED, somebody, &order).await;
    town.settled().await;
    claimed_by_a_dead_process(&town).await;
    // The welcome was handed over before the process died, the other was not.
    let folder = tempfile::tempdir().unwrap();
    let welcome: Uuid = sqlx::query_scalar("select id from notification where milestone = 'customer_welcome'")
        .fetch_one(&town.notifications.owner)
        .await
        .unwrap();
    std::fs::write(folder.path().join(format!("{welcome}.eml")), "as it was handed over").unwrap();

    let provider = town.dispatch_with(Arc::new(Folder::new(folder.path().to_owned(), sender())));
    assert_eq!(provider.run_batch(town.clock.now(), 200).await.unwrap(), 2);

    for (subject, milestone) in [(&subject, "customer_welcome"), (&order, "order_placed")] {
        let told = town.explained(somebody, subject, milestone).await;
        assert_eq!(told.decisions[1..], [(State::Sent, Reason::HandedOver)], "{milestone}");
        assert_eq!(told.notification.language, "en");
    }
    let mut mails: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|mail| mail.unwrap().path()).collect();
    mails.retain(|mail| std::fs::read_to_string(mail).unwrap() != "as it was handed over");
    assert_eq!(mails.len(), 1, "what was handed over is left as it is, and the other comes once");
}

/// A provider during whose work the claim is taken over by another process.
struct Overtaken(sqlx::PgPool);

#[async_trait]
impl seva_notifications::provider::Provider for Overtaken {
    async fn deliver(&self, _: &seva_notifications::provider::OutgoingMail) -> Result<(), Fault> {
        sqlx::query("update notification set attempt = attempt + 1").execute(&self.0).await.unwrap();
        Ok(())
    }
}

/// NO8
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_claim_was_taken_over_cannot_finish_it() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    town.order(PLACED, somebody, &order).await;
    town.settled().await;
    let unasked = town.dispatch_to(settings(town.post.clone()), Arc::new(Nobody));
    assert_eq!(unasked.run_batch(town.clock.now(), 200).await.unwrap(), 1);
    // Recipients could not be asked for: it is queued again, under its own claim.
    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!((told.notification.state(), told.notification.reason()), (State::Queued, Reason::RecipientUnavailable));

    town.clock.advance_to(town.clock.now() + SignedDuration::from_mins(1));
    let slow = town.dispatch_with(Arc::new(Overtaken(town.notifications.owner.clone())));
    assert_eq!(slow.run_batch(town.clock.now(), 200).await.unwrap(), 1);

    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!(told.notification.state(), State::Sending, "the other's claim stands");
    assert_eq!(told.decisions.len(), 2);
    assert_eq!(town.count("select count(*) from seva.outbox where type like '%sent.v1'").await, 0);
}

/// A provider that is done only when the lease of its message was prolonged, or when that takes too long.
struct Slow(sqlx::PgPool);

impl Slow {
    async fn leased_until(&self) -> Timestamp {
        let lease: jiff_sqlx::Timestamp =
            sqlx::query_scalar("select leased_until from notification").fetch_one(&self.0).await.unwrap();
        lease.to_jiff()
    }
}

#[async_trait]
impl seva_notifications::provider::Provider for Slow {
    async fn deliver(&self, _: &seva_notifications::provider::OutgoingMail) -> Result<(), Fault> {
        let claimed = self.leased_until().await;
        for _ in 0..300 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            if self.leased_until().await > claimed {
                return Ok(());
            }
        }
        Err(Fault::Ambiguous { code: "never prolonged".to_owned() })
    }
}

/// NO8
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_kept_for_as_long_as_its_hand_over_takes() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    town.order(PLACED, somebody, &order).await;
    town.settled().await;

    let slow = town.dispatch_with(Arc::new(Slow(town.notifications.owner.clone())));
    assert_eq!(slow.run_batch(town.clock.now(), 200).await.unwrap(), 1);

    let told = town.explained(somebody, &order, "order_placed").await;
    assert_eq!((told.notification.state(), told.notification.reason()), (State::Sent, Reason::HandedOver));
}

/// A customers service that cannot be reached.
struct Nobody;

#[async_trait]
impl Recipients for Nobody {
    async fn resolve(&self, _: &[Wanted]) -> Result<Vec<Outcome>, Error> {
        let reason = seva_proto::common::v1::ErrorReason::ServiceUnavailable;
        Err(Error::unavailable(reason, "gone", std::time::Duration::from_secs(1)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_lacks_a_variable_is_skipped_and_says_which() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["en"]).await, new_order());
    let mut event = an_order(somebody, &order);
    event.order.as_mut().unwrap().current_promised_date = None;

    town.happens(AT_RISK, &order, &event).await;
    town.works().await;

    let told = town.explained(somebody, &order, "order_promised_day_at_risk").await;
    assert_eq!(told.decisions[1], (State::Skipped, Reason::RenderingFailed));
    assert!(told.details[1].detail.contains("promised_date"), "{}", told.details[1].detail);
    assert!(town.post.handed().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_names_the_version_and_the_language_that_it_was_written_in() {
    let town = Town::new().await;
    let (somebody, order) = (town.somebody(&["ta", "bn-BD"]).await, new_order());

    town.order(PLACED, somebody, &order).await;
    town.works().await;

    let told = town.explained(somebody, &order, "order_placed").await.notification;
    assert_eq!((told.language.as_str(), told.language_fell_back), ("bn", true));
    assert_eq!(told.template_version, "templates/order_placed/versions/1");
    let published = seva_notifications::template::catalog::find("order_placed").unwrap();
    assert_eq!(told.template_hash, published.hash().to_string());
    assert_eq!(parse_name("notifications", &told.name).unwrap(), town.post.handed()[0].id);
}
