//! Reads of grants, policies and what may still be given.

use std::collections::BTreeSet;

use seva_runtime::{BusinessClock, Error};
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::{Currency, format_name};
use uuid::Uuid;

use super::{
    commands::giver,
    limits::{Bounds, Kind, Policy},
    model::{Grant, State},
    policies::{self, PolicyRow},
    store::{self, GrantRow},
};
use crate::recipient;

/// The order of grants.
pub const NEWEST_FIRST: Order = Order { name: "create_time desc", column: "created_at", descending: true };
/// The order of policies.
pub const HIGHEST_FIRST: Order = Order { name: "version desc", column: "version", descending: true };

/// Which grants to list.
#[derive(Debug)]
pub struct ListGrants {
    pub ticket: Option<Uuid>,
    pub customer: Option<Uuid>,
    pub proposer: Option<Uuid>,
    pub state: Option<State>,
    pub page: PageRequest,
}

/// What may still be given of a kind in a currency.
pub struct Allowance {
    pub kind: Kind,
    pub currency: Currency,
    pub bounds: Bounds,
}

impl Keyed for GrantRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Time(self.created_at.to_jiff()), self.id)
    }
}

impl Keyed for PolicyRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Number(self.version.into()), self.id)
    }
}

impl ListGrants {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(store::SELECT, &NEWEST_FIRST, &self.page)
            .and_value("ticket_id =", self.ticket)
            .and_value("customer_id =", self.customer)
            .and_value("proposer =", self.proposer)
            .and_value("state =", self.state.map(State::name))
    }
}

/// A page of grants.
pub async fn list(db: &Database, query: &ListGrants) -> Result<Page<Grant>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<GrantRow>(db.calls()).await?;
    let items = items.into_iter().map(Grant::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// A page of policies.
pub async fn list_policies(db: &Database, page: &PageRequest) -> Result<Page<Policy>, Error> {
    let listing = Listing::new(policies::SELECT, &HIGHEST_FIRST, page);
    Ok(listing.fetch::<PolicyRow>(db.calls()).await?.map(Policy::from))
}

/// What the caller may still give to a customer, of every kind and currency of which the caller or the policy speaks, and the policy.
pub async fn allowances(
    db: &Database,
    clock: &BusinessClock,
    caller: &str,
    customer: Uuid,
) -> Result<(Vec<Allowance>, Option<Policy>), Error> {
    let member = giver(db, caller).await?;
    if recipient::store::find(db.calls(), customer).await?.is_none() {
        return Err(Error::not_found(format_name("customers", customer)));
    }
    let now = clock.now();
    let day_start = store::day_start(db.calls(), &member, now).await?;
    let given = store::given(db.calls(), member.id, day_start, customer, now).await?;
    let policy = policies::in_force(db.calls(), now).await?;
    let of_member = member.authority_limits.iter().map(|limit| (limit.kind, limit.per_grant.currency));
    let of_policy = policy.iter().flat_map(|policy| &policy.limits).map(|limit| (limit.kind, limit.currency));
    let named: BTreeSet<(Kind, Currency)> = of_member.chain(of_policy).collect();
    let allowances = named.into_iter().map(|(kind, currency)| {
        let limit = policy.as_ref().and_then(|policy| policy.limit(kind, currency));
        let given = given.get(&(kind, currency)).copied().unwrap_or_default();
        Allowance { kind, currency, bounds: Bounds::new(member.authority(kind, currency), limit, given) }
    });
    Ok((allowances.collect(), policy))
}
