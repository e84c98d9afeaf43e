//! The shop that pushes: its API key, and its way to the intake.

use std::{fs, time::Duration};

use anyhow::{Context, anyhow};
use seva_proto::{
    customers::v1::{
        ApiKey, CreateApiKeyRequest, EventResult, PublishEventsRequest, api_key_service_client::ApiKeyServiceClient,
        event_result::Outcome, intake_service_client::IntakeServiceClient,
    },
    io::cloudevents::v1::CloudEvent,
};
use seva_runtime::{
    client::{Identity, Peer},
    config::Secret,
};
use tonic::Code;

use crate::{data_dir::write_private, failure::Failure, instance::Instance, report::SOURCE};

/// The service with the intake.
const CUSTOMERS: &str = seva_customers::NAME;
/// Events of one request.
const BATCH: usize = 500;
/// Tries while the intake is not available; the events' identities make a repetition harmless.
const TRIES: u32 = 6;

/// A shop with a key to the intake.
#[derive(Debug)]
pub struct Shop {
    intake: IntakeServiceClient<Peer>,
}

/// What became of pushed events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pushed {
    /// Recorded and applied.
    pub accepted: u64,
    /// Known from before.
    pub duplicate: u64,
    /// Recorded, and older than what is known.
    pub stale: u64,
}

impl std::ops::AddAssign for Pushed {
    fn add_assign(&mut self, more: Self) {
        let Self { accepted, duplicate, stale } = more;
        self.accepted += accepted;
        self.duplicate += duplicate;
        self.stale += stale;
    }
}

impl Shop {
    /// A shop of this installation: with the key that its folder holds, or a new one.
    ///
    /// # Errors
    /// The key cannot be made or kept.
    pub async fn open(instance: &Instance) -> Result<Self, Failure> {
        let file = instance.layout().api_key();
        let kept = fs::read_to_string(&file).ok().map(|key| Secret::new(key.trim().to_owned()));
        if let Some(key) = kept {
            let mut shop = Self::with_key(instance, key)?;
            if shop.is_admitted().await? {
                return Ok(shop);
            }
        }
        let key = make_key(instance).await?;
        write_private(&file, key.reveal().as_bytes()).context("keeping the shop's API key")?;
        Self::with_key(instance, key)
    }

    fn with_key(instance: &Instance, key: Secret<String>) -> Result<Self, Failure> {
        Ok(Self { intake: IntakeServiceClient::new(instance.peer(CUSTOMERS, Identity::ApiKey(key))?) })
    }

    /// Whether the key is believed: the databases may be newer than it. Asks by a push of nothing, which is refused for its content.
    async fn is_admitted(&mut self) -> Result<bool, Failure> {
        match self.intake.publish_events(PublishEventsRequest { events: Vec::new() }).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == Code::InvalidArgument => Ok(true),
            Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) => Ok(false),
            Err(status) => Err(anyhow!("the intake does not answer: {status}").into()),
        }
    }

    /// Pushes events and waits until they are recorded.
    ///
    /// # Errors
    /// The intake refuses one, or is not there.
    pub async fn push(&mut self, events: Vec<CloudEvent>) -> Result<Pushed, Failure> {
        let mut pushed = Pushed::default();
        for events in events.chunks(BATCH) {
            for result in self.publish(events).await? {
                match result.outcome() {
                    Outcome::Accepted => pushed.accepted += 1,
                    Outcome::Duplicate => pushed.duplicate += 1,
                    Outcome::Stale => pushed.stale += 1,
                    Outcome::Rejected | Outcome::Unspecified => return Err(rejected(&result).into()),
                }
            }
        }
        Ok(pushed)
    }

    async fn publish(&mut self, events: &[CloudEvent]) -> Result<Vec<EventResult>, Failure> {
        let mut pause = Duration::from_millis(50);
        for tried in 1.. {
            match self.intake.publish_events(PublishEventsRequest { events: events.to_vec() }).await {
                Ok(answer) => {
                    let results = answer.into_inner().results;
                    if results.len() != events.len() {
                        return Err(
                            anyhow!("{} events were answered by {} results", events.len(), results.len()).into()
                        );
                    }
                    return Ok(results);
                }
                Err(status) if tried < TRIES && matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) => {
                    tracing::warn!(%status, "the intake is not available; trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 3;
                }
                Err(status) => return Err(anyhow!("the intake refuses: {status}").into()),
            }
        }
        unreachable!("the loop ends by an answer or its last try")
    }
}

fn rejected(result: &EventResult) -> anyhow::Error {
    let error = result.error.as_ref().map_or("no reason given", |error| error.message.as_str());
    anyhow!("the intake rejects event {} of {}: {error}", result.id, result.subject)
}

async fn make_key(instance: &Instance) -> Result<Secret<String>, Failure> {
    let mut keys = ApiKeyServiceClient::new(instance.operators_peer(CUSTOMERS)?);
    let api_key = ApiKey {
        display_name: "The shop of the demonstration and the replay".to_owned(),
        sources: vec![SOURCE.to_owned()],
        ..ApiKey::default()
    };
    let request = CreateApiKeyRequest { api_key: Some(api_key), request_id: seva_values::new_id().to_string() };
    let made = keys.create_api_key(request).await.map_err(|status| anyhow!("no API key can be made: {status}"))?;
    Ok(Secret::new(made.into_inner().secret))
}
