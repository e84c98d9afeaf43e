//! The one way to write a list: fixed fragments of SQL, bound values, an order from an allow-list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use seva_runtime::Error;
use seva_values::Invalid;
use sqlx::{Encode, FromRow, PgPool, Postgres, QueryBuilder, Type, postgres::PgRow};
use uuid::Uuid;

use super::{Page, PageRequest, token::Position};
use crate::Fault;

/// An order that a list allows; it needs an index over its column and the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// As callers say it, such as `create_time desc`.
    pub name: &'static str,
    /// The column, such as `created_at`.
    pub column: &'static str,
    /// From high to low.
    pub descending: bool,
}

impl Order {
    /// Finds what a caller asked for; empty is the first allowed one, white space does not matter.
    ///
    /// # Errors
    /// `ORDER_UNKNOWN`, naming what is allowed.
    pub fn parse(allowed: &'static [Order], asked: &str) -> Result<&'static Order, Invalid> {
        let asked = asked.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted = asked.strip_suffix(" asc").unwrap_or(&asked);
        allowed.iter().find(|order| wanted.is_empty() || order.name == wanted).ok_or_else(|| {
            let names: Vec<_> = allowed.iter().map(|order| order.name).collect();
            Invalid::new("ORDER_UNKNOWN", format!("has to be one of: {}", names.join(", ")))
        })
    }
}

/// The value by which a row is ordered, as it travels in a page token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SortKey {
    /// The list is ordered by id alone.
    #[serde(rename = "n")]
    None,
    /// A time.
    #[serde(rename = "t")]
    Time(Timestamp),
    /// A number.
    #[serde(rename = "i")]
    Number(i64),
    /// A text.
    #[serde(rename = "s")]
    Text(String),
}

/// A row that knows its place in a list.
pub trait Keyed {
    /// Its value in the column of this order, and its id.
    fn place(&self, order: &Order) -> (SortKey, Uuid);
}

/// A list under construction.
pub struct Listing<'a> {
    builder: QueryBuilder<Postgres>,
    order: &'static Order,
    page: &'a PageRequest,
}

impl<'a> Listing<'a> {
    /// Begins with `select .. from ..`, without conditions.
    pub fn new(select: &'static str, order: &'static Order, page: &'a PageRequest) -> Self {
        let mut builder = QueryBuilder::new(select);
        builder.push(" where true");
        Self { builder, order, page }
    }

    /// Adds a condition without a value, such as `closed_at is null`.
    #[must_use]
    pub fn and(mut self, condition: &'static str) -> Self {
        self.builder.push(" and ").push(condition);
        self
    }

    /// Adds a condition that ends before its value, such as `tier =`; nothing when there is no value.
    #[must_use]
    pub fn and_value<T>(mut self, condition: &'static str, value: Option<T>) -> Self
    where
        T: 'static + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        if let Some(value) = value {
            self.builder.push(" and ").push(condition).push(" ").push_bind(value);
        }
        self
    }

    /// Adds a condition around a value, such as `id in (select .. where value =` and `)`.
    #[must_use]
    pub fn and_around<T>(mut self, before: &'static str, value: T, after: &'static str) -> Self
    where
        T: 'static + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.builder.push(" and ").push(before).push(" ").push_bind(value).push(after);
        self
    }

    /// The SQL as it is sent; for tests that ask the planner.
    pub fn sql(mut self) -> String {
        self.finish();
        self.builder.sql().as_str().to_owned()
    }

    /// Fetches the page.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch<T>(mut self, pool: &PgPool) -> Result<Page<T>, Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Keyed + Send + Unpin,
    {
        self.finish();
        let found: Vec<T> = self.builder.build_query_as().fetch_all(pool).await.map_err(Fault::from)?;
        let order = self.order;
        Ok(self.page.cut(found, |row| {
            let (key, id) = row.place(order);
            Position { key, id }
        }))
    }

    fn finish(&mut self) {
        let Order { column, descending, .. } = *self.order;
        let (beyond, direction) = if descending { (" < (", " desc") } else { (" > (", "") };
        if let Some(Position { key, id }) = &self.page.after {
            self.builder.push(" and (").push(column).push(", id)").push(beyond);
            match key {
                SortKey::Time(time) => self.builder.push_bind(jiff_sqlx::Timestamp::from(*time)),
                SortKey::Number(number) => self.builder.push_bind(*number),
                SortKey::Text(text) => self.builder.push_bind(text.clone()),
                SortKey::None => self.builder.push_bind(*id),
            };
            self.builder.push(", ").push_bind(*id).push(")");
        }
        self.builder.push(" order by ").push(column).push(direction).push(", id").push(direction);
        // Written out: a plan that holds for every limit takes a tenth of the rows for it, and PostgreSQL would plan each page anew instead.
        self.builder.push(" limit ").push(self.page.limit());
    }
}
