//! Reads of customers.

use seva_runtime::Error;
use seva_store::{
    Database,
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::{Invalid, format_name};
use uuid::Uuid;

use super::{
    model::{Address, Customer, ExternalRef, Tier},
    store::{self, CustomerRow},
};

/// Orders that a list of customers allows; each has its index.
pub const ORDERS: &[Order] = &[
    Order { name: "create_time", column: "created_at", descending: false },
    Order { name: "create_time desc", column: "created_at", descending: true },
    Order { name: "update_time", column: "updated_at", descending: false },
    Order { name: "update_time desc", column: "updated_at", descending: true },
];

/// The shortest part of a name that is searched for: below it a trigram index finds nothing.
const MIN_QUERY_CHARS: usize = 3;

/// Which customers to list.
#[derive(Debug)]
pub struct ListCustomers {
    pub order: &'static Order,
    pub tier: Option<Tier>,
    pub provisional: Option<bool>,
    pub page: PageRequest,
}

/// What to search for.
#[derive(Debug)]
pub enum Sought {
    /// A whole contact point.
    Address(Address),
    /// Part of a name, in any case.
    NamePart(String),
}

impl Sought {
    /// Reads what a caller typed: a whole address if it is one, or else part of a name.
    pub fn parse(query: &str) -> Result<Self, Invalid> {
        let query = query.trim();
        if let Ok(email) = seva_values::Email::parse(query) {
            return Ok(Self::Address(Address::Email(email)));
        }
        if let Ok(phone) = seva_values::Phone::parse(query) {
            return Ok(Self::Address(Address::Phone(phone)));
        }
        if query.chars().count() < MIN_QUERY_CHARS {
            return Err(Invalid::new("QUERY_TOO_SHORT", "needs three characters of a name, or a whole contact point"));
        }
        Ok(Self::NamePart(query.to_owned()))
    }
}

impl Keyed for CustomerRow {
    fn place(&self, order: &Order) -> (SortKey, Uuid) {
        let time = if order.column == "updated_at" { self.updated_at } else { self.created_at };
        (SortKey::Time(time.to_jiff()), self.id)
    }
}

/// One customer.
pub async fn get(db: &Database, id: Uuid) -> Result<Customer, Error> {
    store::load(db, id).await
}

/// A page of customers.
pub async fn list(db: &Database, query: &ListCustomers) -> Result<Page<Customer>, Error> {
    page_of(listing(query).fetch::<CustomerRow>(db.calls()).await?)
}

/// The statement of a page of customers.
pub fn listing(query: &ListCustomers) -> Listing<'_> {
    Listing::new(store::SELECT, query.order, &query.page)
        .and_value("tier =", query.tier.map(Tier::name))
        .and_value("provisional =", query.provisional)
}

/// A page of customers that match, newest first.
pub async fn search(db: &Database, sought: &Sought, page: &PageRequest) -> Result<Page<Customer>, Error> {
    page_of(searching(sought, page).fetch::<CustomerRow>(db.calls()).await?)
}

/// The statement of a page of what was found.
pub fn searching<'p>(sought: &Sought, page: &'p PageRequest) -> Listing<'p> {
    let listing = Listing::new(store::SELECT, &ORDERS[1], page);
    match sought {
        Sought::Address(address) => listing
            .and_around("id in (select customer_id from contact_point where kind =", address.kind(), "")
            .and_around("value =", address.as_str().to_owned(), ")"),
        Sought::NamePart(part) => {
            let pattern = format!("%{}%", part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
            // Both sides are put into lower case by the database, so that they agree in every script.
            listing.and_around("lower(given_name || ' ' || family_name) like lower(", pattern, ")")
        }
    }
}

/// The customer whom another system knows by an id.
pub async fn resolve(db: &Database, known_as: &ExternalRef) -> Result<Customer, Error> {
    match store::find_by_external_ref(db, known_as).await? {
        Some(id) => store::load(db, id).await,
        None => Err(Error::not_found(format!("{}/{}", known_as.system, known_as.id))),
    }
}

fn page_of(rows: Page<CustomerRow>) -> Result<Page<Customer>, Error> {
    let Page { items, next_page_token } = rows;
    let items = items.into_iter().map(Customer::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// The resource name of a customer.
pub fn name(id: Uuid) -> String {
    format_name(super::convert::COLLECTION, id)
}
