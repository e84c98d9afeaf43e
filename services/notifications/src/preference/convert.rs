//! Wishes and categories from and to the contract.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use seva_proto::notifications::v1::{self as pb, category, set_own_preferences_request};
use seva_runtime::{Error, Violations};
use seva_store::{Etag, event::proto_timestamp};
use seva_values::{Invalid, format_name, parse_name};
use uuid::Uuid;

use super::{
    commands::{SetPreference, UpdateCategory},
    model::{Category, Class, DuplicatePolicy, Wish},
};

/// Longest evidence of a wish, in characters.
const MAX_EVIDENCE_CHARS: usize = 200;
/// Wishes of one request at most.
const MAX_WISHES: usize = 100;
/// Longest key of a category, in bytes.
const MAX_KEY_BYTES: usize = 100;
/// Bounds of what a message may be worth sending, in seconds: a minute and ninety days.
const TIMES_TO_LIVE: std::ops::RangeInclusive<i64> = 60..=90 * 86_400;
/// Fields that a mask may name without effect.
const OUTPUT_ONLY: &[&str] = &["name", "etag", "class", "duplicate_policy"];

/// The resource name of a customer.
pub fn customer_name(id: Uuid) -> String {
    format_name("customers", id)
}

/// The resource name of a category.
pub fn category_name(key: &str) -> String {
    format!("categories/{key}")
}

/// Reads the one field `customer` of a request.
pub fn customer_only(customer: &str) -> Result<Uuid, Error> {
    parse_name("customers", customer).map_err(|invalid| Error::invalid_field("customer", invalid))
}

/// Reads `categories/{key}`.
pub fn category_key(name: &str) -> Result<String, Invalid> {
    let key = name.strip_prefix("categories/").filter(|key| {
        (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    key.map(str::to_owned).ok_or_else(|| Invalid::new("NAME_MALFORMED", "has to be categories/ and a category's key"))
}

impl TryFrom<pb::SetPreferenceRequest> for SetPreference {
    type Error = Error;

    fn try_from(request: pb::SetPreferenceRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let customer = violations.take("customer", parse_name("customers", &request.customer));
        let category = violations.take("category", category_key(&request.category));
        let evidence = request.evidence.trim();
        let checked = match evidence.chars().count() {
            0 => Err(Invalid::new("FIELD_REQUIRED", "is required: how the wish was given")),
            1..=MAX_EVIDENCE_CHARS if !evidence.chars().any(char::is_control) => Ok(evidence.to_owned()),
            _ => Err(Invalid::new("TEXT_MALFORMED", "has 200 characters at most, and no line breaks")),
        };
        let evidence = violations.take("evidence", checked);
        let command = match (customer, category, evidence) {
            (Some(customer), Some(category), Some(evidence)) => {
                Some(Self { customer, category, wanted: request.wanted, evidence })
            }
            _ => None,
        };
        violations.finish(command)
    }
}

/// Reads the wishes of a customer's own request, at most one for each category.
pub fn own_wishes(wishes: Vec<set_own_preferences_request::Wish>) -> Result<BTreeMap<String, bool>, Error> {
    let mut violations = Violations::default();
    if wishes.len() > MAX_WISHES {
        violations.add("wishes", Invalid::new("ITEMS_TOO_MANY", format!("{MAX_WISHES} at most")));
    }
    let mut by_category = BTreeMap::new();
    for (at, set_own_preferences_request::Wish { category, wanted }) in wishes.into_iter().enumerate() {
        let field = format!("wishes[{at}].category");
        let Some(key) = violations.take(&*field, category_key(&category)) else { continue };
        if by_category.insert(key, wanted).is_some() {
            violations.add(field, Invalid::new("ITEM_REPEATED", "a category has one wish"));
        }
    }
    violations.finish(Some(by_category))
}

impl TryFrom<pb::UpdateCategoryRequest> for UpdateCategory {
    type Error = Error;

    fn try_from(request: pb::UpdateCategoryRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let Some(category) = violations.required("category", request.category) else { return Err(violations.into()) };
        let key = violations.take("category.name", category_key(&category.name));
        let etag = violations.take("category.etag", Etag::parse(&category.etag));
        let paths = match request.update_mask.filter(|mask| !mask.paths.is_empty()) {
            Some(mask) => mask.paths,
            // Without a mask every field that is set is meant.
            None => {
                let set = [("interruptive", category.interruptive), ("time_to_live", category.time_to_live.is_some())];
                set.iter().filter(|(_, is_set)| *is_set).map(|(path, _)| (*path).to_owned()).collect()
            }
        };
        let all = paths.iter().any(|path| path == "*");
        let (mut interruptive, mut time_to_live) = (all, all);
        for (at, path) in paths.iter().enumerate() {
            match path.as_str() {
                "*" => {}
                "interruptive" => interruptive = true,
                "time_to_live" => time_to_live = true,
                known if OUTPUT_ONLY.contains(&known) => {}
                _ => violations.add(
                    format!("update_mask.paths[{at}]"),
                    Invalid::new("MASK_PATH_UNKNOWN", "has to be one of: interruptive, time_to_live"),
                ),
            }
        }
        let seconds = category.time_to_live.map_or(0, |time_to_live| time_to_live.seconds);
        let checked = if TIMES_TO_LIVE.contains(&seconds) {
            Ok(SignedDuration::from_secs(seconds))
        } else {
            Err(Invalid::new("DURATION_OUT_OF_RANGE", "has to be between a minute and 90 days"))
        };
        let time_to_live = if time_to_live { violations.take("category.time_to_live", checked) } else { None };
        let interruptive = interruptive.then_some(category.interruptive);
        violations.finish(key.zip(etag).map(|(key, etag)| Self { key, etag, interruptive, time_to_live }))
    }
}

/// A customer's wish for a category, said or following from the category.
pub fn preference(category: &Category, wish: Option<Wish>) -> pb::Preference {
    pb::Preference {
        category: category_name(&category.key),
        wanted: category.is_wanted(wish.map(|wish| wish.wanted)),
        explicit: wish.is_some(),
        mandatory: category.is_mandatory(),
        set_time: wish.map(|wish| proto_timestamp(wish.set_at)),
    }
}

impl From<&Category> for pb::Category {
    fn from(category: &Category) -> Self {
        let Category { key, version, class, interruptive, duplicate_policy, time_to_live } = category;
        let class = match class {
            Class::Transactional => category::Class::Transactional,
            Class::Service => category::Class::Service,
            Class::Survey => category::Class::Survey,
            Class::Marketing => category::Class::Marketing,
        };
        let duplicate_policy = match duplicate_policy {
            DuplicatePolicy::AtMostOnce => category::DuplicatePolicy::AtMostOnce,
            DuplicatePolicy::AtLeastOnce => category::DuplicatePolicy::AtLeastOnce,
        };
        Self {
            name: category_name(key),
            etag: Etag::format(*version),
            class: class.into(),
            interruptive: *interruptive,
            duplicate_policy: duplicate_policy.into(),
            time_to_live: Some(prost_types::Duration { seconds: time_to_live.as_secs(), nanos: 0 }),
        }
    }
}
