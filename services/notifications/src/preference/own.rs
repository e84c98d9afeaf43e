//! What a customer wants to be told, by link: parse, call, reply. The link is the customer's credential.

use seva_proto::notifications::v1::{
    GetOwnPreferencesRequest, GetOwnPreferencesResponse, GetSubscriptionRequest, GetSubscriptionResponse,
    SetOwnPreferencesRequest, SetOwnPreferencesResponse, UnsubscribeRequest, UnsubscribeResponse,
    own_preference_service_server::OwnPreferenceService,
};
use seva_runtime::{BusinessClock, Error, auth::LinkSigner, incoming, incoming_write};
use seva_store::{Database, service::Foundation};
use seva_values::Language;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands::{Commands, SetOwn, Unsubscribe, refusable},
    convert, queries, store,
};
use crate::{link::OwnLinks, recipient};

/// Serves whoever brings a link.
#[derive(Debug, Clone)]
pub struct OwnPreferenceRpc {
    db: Database,
    clock: BusinessClock,
    links: OwnLinks,
    default_language: Language,
    commands: Commands,
}

impl OwnPreferenceRpc {
    /// Serves the wishes of this database to whoever brings a link of `links`; in `default_language` to customers whose own is not known.
    #[must_use]
    pub fn new(foundation: &Foundation, links: LinkSigner, default_language: Language) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        let (links, commands) = (OwnLinks::new(links), Commands::new(db.clone(), clock.clone()));
        Self { db, clock, links, default_language, commands }
    }

    /// The language that the customer reads best.
    async fn language_of(&self, customer: Uuid) -> Result<String, Error> {
        let language = recipient::store::first_language(&self.db, customer).await?;
        Ok(language.unwrap_or_else(|| self.default_language.clone()).as_str().to_owned())
    }
}

#[tonic::async_trait]
impl OwnPreferenceService for OwnPreferenceRpc {
    async fn get_own_preferences(
        &self,
        request: Request<GetOwnPreferencesRequest>,
    ) -> Result<Response<GetOwnPreferencesResponse>, Status> {
        let now = self.clock.now();
        let (_, customer) = incoming(request, |request| self.links.preferences_of(&request.token, now))?;
        let preferences = queries::preferences(&self.db, customer).await?;
        Ok(Response::new(GetOwnPreferencesResponse { preferences, language: self.language_of(customer).await? }))
    }

    async fn set_own_preferences(
        &self,
        request: Request<SetOwnPreferencesRequest>,
    ) -> Result<Response<SetOwnPreferencesResponse>, Status> {
        let now = self.clock.now();
        let (write, (customer, wishes)) = incoming_write(request, |request| {
            Ok((self.links.preferences_of(&request.token, now)?, convert::own_wishes(request.wishes)?))
        })?;
        let language = self.language_of(customer).await?;
        Ok(Response::new(self.commands.set_own(&write, SetOwn { customer, wishes, language }).await?))
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<GetSubscriptionResponse>, Status> {
        let now = self.clock.now();
        let (_, subscription) = incoming(request, |request| self.links.subscription_of(&request.token, now))?;
        let category = refusable(&self.db, &subscription.category).await?;
        let wish = store::load_wishes_of(&self.db, subscription.customer).await?.remove(&category.key);
        let language = self.language_of(subscription.customer).await?;
        let preference = Some(convert::preference(&category, wish));
        Ok(Response::new(GetSubscriptionResponse { preference, language }))
    }

    async fn unsubscribe(&self, request: Request<UnsubscribeRequest>) -> Result<Response<UnsubscribeResponse>, Status> {
        let now = self.clock.now();
        let (write, subscription) = incoming_write(request, |request| self.links.subscription_of(&request.token, now))?;
        let language = self.language_of(subscription.customer).await?;
        Ok(Response::new(self.commands.unsubscribe(&write, Unsubscribe { subscription, language }).await?))
    }
}
