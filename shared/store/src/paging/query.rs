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

/// A part of a statement with its values, which can be written several times.
type Fragment = Box<dyn Fn(&mut QueryBuilder<Postgres>) + Send>;

/// Conditions that all have to hold.
#[derive(Default)]
pub struct Conditions(Vec<Fragment>);

impl Conditions {
    /// Adds a condition without a value, such as `closed_at is null`.
    #[must_use]
    pub fn and(mut self, condition: &'static str) -> Self {
        self.0.push(Box::new(move |builder| {
            builder.push(condition);
        }));
        self
    }

    /// Adds a condition that ends before its value, such as `tier =`; nothing when there is no value.
    #[must_use]
    pub fn and_value<T>(self, condition: &'static str, value: Option<T>) -> Self
    where
        T: 'static + Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        match value {
            Some(value) => self.and_around(condition, value, ""),
            None => self,
        }
    }

    /// Adds a condition around a value, such as `id in (select .. where value =` and `)`.
    #[must_use]
    pub fn and_around<T>(mut self, before: &'static str, value: T, after: &'static str) -> Self
    where
        T: 'static + Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.0.push(fragment(before, value, after));
        self
    }

    /// The statement that counts what `from`, such as `from ticket`, has of them, `most` at most.
    pub fn counting(&self, from: &'static str, most: i64) -> QueryBuilder<Postgres> {
        let mut builder = QueryBuilder::new("select count(*) from (select ");
        builder.push(from).push(" where true");
        self.push_to(&mut builder);
        builder.push(" limit ").push(most).push(") as counted");
        builder
    }

    fn push_to(&self, builder: &mut QueryBuilder<Postgres>) {
        for condition in &self.0 {
            builder.push(" and ");
            condition(builder);
        }
    }
}

/// A list under construction.
pub struct Listing<'a> {
    select: &'static str,
    conditions: Conditions,
    /// Of these one has to hold: empty when there are none.
    alternatives: Vec<Fragment>,
    order: &'static Order,
    page: &'a PageRequest,
}

impl<'a> Listing<'a> {
    /// Begins with `select .. from ..`, without conditions.
    pub fn new(select: &'static str, order: &'static Order, page: &'a PageRequest) -> Self {
        Self { select, conditions: Conditions::default(), alternatives: Vec::new(), order, page }
    }

    /// Adds conditions.
    #[must_use]
    pub fn with(mut self, conditions: Conditions) -> Self {
        self.conditions.0.extend(conditions.0);
        self
    }

    /// Adds a condition: [`Conditions::and`].
    #[must_use]
    pub fn and(mut self, condition: &'static str) -> Self {
        self.conditions = self.conditions.and(condition);
        self
    }

    /// Adds a condition: [`Conditions::and_value`].
    #[must_use]
    pub fn and_value<T>(mut self, condition: &'static str, value: Option<T>) -> Self
    where
        T: 'static + Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.conditions = self.conditions.and_value(condition, value);
        self
    }

    /// Adds a condition: [`Conditions::and_around`].
    #[must_use]
    pub fn and_around<T>(mut self, before: &'static str, value: T, after: &'static str) -> Self
    where
        T: 'static + Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.conditions = self.conditions.and_around(before, value, after);
        self
    }

    /// Adds a condition that holds for one of several values, each with an index of its own order, such as `state =` with an index over state and
    /// the order: the page is merged from all of them, and nothing is sorted. Once for a list; nothing when there is no value.
    #[must_use]
    pub fn and_one_of<T>(mut self, condition: &'static str, values: impl IntoIterator<Item = T>) -> Self
    where
        T: 'static + Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.alternatives = values.into_iter().map(|value| fragment(condition, value, "")).collect();
        self
    }

    /// The SQL as it is sent; for tests that ask the planner.
    pub fn sql(self) -> String {
        self.statement().sql().as_str().to_owned()
    }

    /// Fetches the page.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch<T>(self, pool: &PgPool) -> Result<Page<T>, Error>
    where
        T: for<'r> FromRow<'r, PgRow> + Keyed + Send + Unpin,
    {
        let (order, page) = (self.order, self.page);
        let mut statement = self.statement();
        let found: Vec<T> = statement.build_query_as().fetch_all(pool).await.map_err(Fault::from)?;
        Ok(page.cut(found, |row| {
            let (key, id) = row.place(order);
            Position { key, id }
        }))
    }

    fn statement(&self) -> QueryBuilder<Postgres> {
        let mut builder = QueryBuilder::new("");
        match self.alternatives.as_slice() {
            [] => self.push_branch(&mut builder, None),
            [only] => self.push_branch(&mut builder, Some(only)),
            several => {
                builder.push("select * from (");
                for (at, alternative) in several.iter().enumerate() {
                    builder.push(if at == 0 { "(" } else { " union all (" });
                    self.push_branch(&mut builder, Some(alternative));
                    builder.push(")");
                }
                builder.push(") as one");
                self.push_order(&mut builder);
            }
        }
        builder
    }

    /// The statement under one of the alternatives.
    fn push_branch(&self, builder: &mut QueryBuilder<Postgres>, alternative: Option<&Fragment>) {
        builder.push(self.select).push(" where true");
        self.conditions.push_to(builder);
        if let Some(alternative) = alternative {
            builder.push(" and ");
            alternative(builder);
        }
        if let Some(Position { key, id }) = &self.page.after {
            let beyond = if self.order.descending { " < (" } else { " > (" };
            builder.push(" and (").push(self.order.column).push(", id)").push(beyond);
            match key {
                SortKey::Time(time) => builder.push_bind(jiff_sqlx::Timestamp::from(*time)),
                SortKey::Number(number) => builder.push_bind(*number),
                SortKey::Text(text) => builder.push_bind(text.clone()),
                SortKey::None => builder.push_bind(*id),
            };
            builder.push(", ").push_bind(*id).push(")");
        }
        self.push_order(builder);
    }

    fn push_order(&self, builder: &mut QueryBuilder<Postgres>) {
        let Order { column, descending, .. } = *self.order;
        let direction = if descending { " desc" } else { "" };
        builder.push(" order by ").push(column).push(direction).push(", id").push(direction);
        // Written out: a plan that holds for every limit takes a tenth of the rows for it, and PostgreSQL would plan each page anew instead.
        builder.push(" limit ").push(self.page.limit());
    }
}

fn fragment<T>(before: &'static str, value: T, after: &'static str) -> Fragment
where
    T: 'static + Clone + Send + for<'q> Encode<'q, Postgres> + Type<Postgres>,
{
    Box::new(move |builder| {
        builder.push(before).push(" ").push_bind(value.clone()).push(after);
    })
}
