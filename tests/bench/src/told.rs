//! How long it takes from an accepted shipping event until the message is in the mail server's hands, at a steady hundred events a second.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use seva_proto::customers::v1::{
    OrderHandedToCarrier, PublishEventsRequest, ReportedCustomer, event_result::Outcome,
    intake_service_client::IntakeServiceClient,
};
use tokio::time::MissedTickBehavior;

use crate::{
    intake::cloud_event,
    load::percentile,
    report::{Bar, Report},
    surroundings::Surroundings,
};

const EVENTS_A_SECOND: usize = 100;
/// How long it goes on before anything counts: connections are opened and statements planned in the first moments of a process.
const WARM_UP_SECONDS: usize = 3;

/// Pushes for `seconds` and compares when each event was accepted with when its message was handed over.
pub async fn measure(report: &mut Report, surroundings: &Surroundings, seconds: usize) -> anyhow::Result<()> {
    let mut accepted: HashMap<String, Instant> = HashMap::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(EVENTS_A_SECOND)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut pushes = tokio::task::JoinSet::new();
    surroundings.mailbox.clear();
    let warm = WARM_UP_SECONDS * EVENTS_A_SECOND;
    for number in 0..warm + seconds * EVENTS_A_SECOND {
        ticks.tick().await;
        let mut client = IntakeServiceClient::new(surroundings.integration.clone());
        pushes.spawn(async move {
            let order_number = format!("T-{number}");
            let customer = ReportedCustomer {
                id: format!("t-{number}"),
                email: format!("t-{number}@example.com"),
                languages: vec!["bn".to_owned()],
                zone: "Asia/Dhaka".to_owned(),
                ..Default::default()
            };
            let shipped = OrderHandedToCarrier {
                order_number: order_number.clone(),
                customer: Some(customer),
                carrier: "Blue Kite".to_owned(),
                tracking_number: format!("BK{number:08}"),
                tracking_link: format!("https://track.example/BK{number:08}"),
            };
            let event = cloud_event("order.handed_to_carrier.v1", "OrderHandedToCarrier", &order_number, 1, &shipped);
            let answer = client.publish_events(PublishEventsRequest { events: vec![event] }).await?.into_inner();
            anyhow::ensure!(answer.results[0].outcome() == Outcome::Accepted, "{:?}", answer.results[0]);
            Ok((number >= warm).then(|| (order_number, Instant::now())))
        });
    }
    while let Some(pushed) = pushes.join_next().await {
        accepted.extend(pushed??);
    }
    surroundings.settled().await?;

    let mut delays = Vec::with_capacity(accepted.len());
    for (order_number, at) in surroundings.mailbox.shipped() {
        if let Some(accepted_at) = accepted.get(&order_number) {
            delays.push(at.saturating_duration_since(*accepted_at).as_secs_f64() * 1000.0);
        }
    }
    anyhow::ensure!(delays.len() == accepted.len(), "{} of {} messages arrived", delays.len(), accepted.len());
    report.note("event accepted to message handed over, p50", percentile(&mut delays, 0.50), "ms");
    report.against(
        "event accepted to message handed over, p99",
        percentile(&mut delays, 0.99),
        "ms",
        Bar::AtMost(100.0),
    );
    Ok(())
}
