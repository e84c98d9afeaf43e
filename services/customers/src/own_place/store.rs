//! All SQL of links to customers' own places.

use std::collections::HashMap;

use seva_runtime::Error;
use seva_store::{Database, Fault};
use uuid::Uuid;

/// Whose place it is.
#[derive(Debug)]
pub struct Owner {
    pub given_name: String,
    /// The first of the customer's languages.
    pub language: String,
    /// IANA.
    pub zone: String,
    /// Of the links that are good now.
    pub link_generation: i32,
}

/// The customer whom a link leads to.
pub async fn owner(db: &Database, id: Uuid) -> Result<Option<Owner>, Error> {
    let owner = sqlx::query_as!(
        Owner,
        r#"select given_name, languages[1] as "language!", zone, link_generation from customer where id = $1"#,
        id
    );
    Ok(owner.fetch_optional(db.calls()).await.map_err(Fault::from)?)
}

/// The present generation of the links of these customers, as far as they exist.
pub async fn link_generations(db: &Database, ids: &[Uuid]) -> Result<HashMap<Uuid, i32>, Error> {
    let rows = sqlx::query!("select id, link_generation from customer where id = any($1)", ids);
    let rows = rows.fetch_all(db.calls()).await.map_err(Fault::from)?;
    Ok(rows.into_iter().map(|row| (row.id, row.link_generation)).collect())
}
