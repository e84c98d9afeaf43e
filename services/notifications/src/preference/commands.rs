//! Writes of wishes and categories.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use seva_proto::{
    common::v1::ErrorReason,
    notifications::v1::{
        SetOwnPreferencesResponse, SetPreferenceResponse, UnsubscribeResponse, UpdateCategoryResponse,
    },
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use uuid::Uuid;

use super::{
    convert::{category_name, preference},
    model::{Category, Wish},
    store::{self, Said},
};
use crate::link::{self, own::Subscription};

/// How the wishes were given that come by a customer's own link, as their evidence says.
const ON_THE_PAGE: &str = "web page";
const ONE_CLICK: &str = "one click";
/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
}

/// A customer's wish for a category.
#[derive(Debug)]
pub struct SetPreference {
    pub customer: Uuid,
    pub category: String,
    pub wanted: bool,
    pub evidence: String,
}

/// What a customer says by the own link.
#[derive(Debug)]
pub struct SetOwn {
    pub customer: Uuid,
    /// By the key of the category.
    pub wishes: BTreeMap<String, bool>,
    /// To answer in.
    pub language: String,
}

/// The end of a category, by its link.
#[derive(Debug)]
pub struct Unsubscribe {
    pub subscription: Subscription,
    /// To answer in.
    pub language: String,
}

/// Fields of a category to change; `None` leaves one as it is.
#[derive(Debug)]
pub struct UpdateCategory {
    pub key: String,
    pub etag: Etag,
    pub interruptive: Option<bool>,
    pub time_to_live: Option<SignedDuration>,
}

impl Commands {
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Records a wish that somebody was told.
    pub async fn set(&self, write: &Write, command: SetPreference) -> Result<SetPreferenceResponse, Error> {
        let SetPreference { customer, category, wanted, evidence } = command;
        once(&self.db, write, async {
            let category = store::load_category(&self.db, &category).await?;
            may_be(&category, wanted)?;
            let now = self.clock.now();
            let response =
                SetPreferenceResponse { preference: Some(preference(&category, Some(Wish { wanted, set_at: now }))) };
            let said = Said { customer, wishes: &[(&category.key, wanted)], evidence: &evidence, only_news: false };
            store::save_wishes(&self.db, write, &said, now, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Records what a customer says by the own link, all or none. A wish that stands already is not recorded again.
    pub async fn set_own(&self, write: &Write, command: SetOwn) -> Result<SetOwnPreferencesResponse, Error> {
        let SetOwn { customer, wishes, language } = command;
        once(&self.db, write, async {
            let categories = store::list_categories(&self.db).await?;
            let mut known = store::load_wishes_of(&self.db, customer).await?;
            let now = self.clock.now();
            let mut news = Vec::new();
            for (key, wanted) in &wishes {
                let category = categories.iter().find(|category| category.key == *key);
                let category = category.ok_or_else(|| Error::not_found(category_name(key)))?;
                may_be(category, *wanted)?;
                if known.get(key).is_none_or(|wish| wish.wanted != *wanted) {
                    known.insert(key.clone(), Wish { wanted: *wanted, set_at: now });
                    news.push((key.as_str(), *wanted));
                }
            }
            let preferences = categories.iter().map(|category| preference(category, known.get(&category.key).copied()));
            let response = SetOwnPreferencesResponse { preferences: preferences.collect(), language: language.clone() };
            let said = Said { customer, wishes: &news, evidence: ON_THE_PAGE, only_news: true };
            store::save_wishes(&self.db, write, &said, now, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Ends a category for a customer. One that has ended already stays as it is.
    pub async fn unsubscribe(&self, write: &Write, command: Unsubscribe) -> Result<UnsubscribeResponse, Error> {
        let Unsubscribe { subscription: Subscription { customer, category }, language } = command;
        once(&self.db, write, async {
            let category = refusable(&self.db, &category).await?;
            let known = store::load_wishes_of(&self.db, customer).await?.remove(&category.key);
            let now = self.clock.now();
            let (wish, news) = match known {
                Some(wish) if !wish.wanted => (wish, None),
                _ => (Wish { wanted: false, set_at: now }, Some((category.key.as_str(), false))),
            };
            let preference = Some(preference(&category, Some(wish)));
            let response = UnsubscribeResponse { preference, language: language.clone() };
            let said = Said { customer, wishes: news.as_slice(), evidence: ONE_CLICK, only_news: true };
            store::save_wishes(&self.db, write, &said, now, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes how a category is sent.
    pub async fn update_category(
        &self,
        write: &Write,
        command: UpdateCategory,
    ) -> Result<UpdateCategoryResponse, Error> {
        once(&self.db, write, async {
            for _ in 0..TRIES {
                let category = store::load_category(&self.db, &command.key).await?;
                command.etag.check(category.version)?;
                let (updated, changed) = changed(&category, &command);
                let response = UpdateCategoryResponse { category: Some((&updated).into()) };
                if store::save_category(&self.db, write, &updated, &changed, self.clock.now(), &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}

/// Refuses what the category does not allow (NO5).
fn may_be(category: &Category, wanted: bool) -> Result<(), Error> {
    if wanted || !category.is_mandatory() {
        return Ok(());
    }
    Err(Error::precondition(
        ErrorReason::CategoryMandatory,
        "NO5",
        category_name(&category.key),
        "messages about the customer's own order or money cannot be refused",
    ))
}

/// The category of an unsubscribe link; a link to the end of what cannot end leads nowhere (NO5).
pub async fn refusable(db: &Database, key: &str) -> Result<Category, Error> {
    let category = store::find_category(db, key).await?;
    category.filter(|category| !category.is_mandatory()).ok_or_else(link::own::invalid)
}

/// The category after a change, and the fields that were given.
fn changed(category: &Category, command: &UpdateCategory) -> (Category, Vec<String>) {
    let updated = Category {
        version: category.version + 1,
        interruptive: command.interruptive.unwrap_or(category.interruptive),
        time_to_live: command.time_to_live.unwrap_or(category.time_to_live),
        ..category.clone()
    };
    let given = [("interruptive", command.interruptive.is_some()), ("time_to_live", command.time_to_live.is_some())];
    (updated, given.iter().filter(|(_, given)| *given).map(|(field, _)| (*field).to_owned()).collect())
}
