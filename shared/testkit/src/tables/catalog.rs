//! The tables of a database as its catalog knows them, and their rows as text.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{
    left_out::left_out_of,
    payload::{ENCODED, Encoded},
    text::without_secrets,
};

/// Every table but PostgreSQL's own; of one in parts the whole. Views and sequences hold nothing of their own that is told to anybody.
const TABLES: &str = "
    select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    group by n.nspname, c.relname
    order by n.nspname, c.relname";

/// A table, and what of it is compared.
#[derive(Debug, Clone)]
pub struct Table {
    /// The database that it is in.
    pub database: String,
    /// Its schema and its own name, such as `seva.outbox`; of the schema `public` its name alone.
    pub name: String,
    /// All columns.
    pub columns: Vec<String>,
    /// Those that are not compared.
    pub left_out: BTreeSet<&'static str>,
    encoded: Option<Encoded>,
}

impl Table {
    /// With its database.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    /// The columns that are compared.
    pub fn compared(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str).filter(|column| !self.left_out.contains(column))
    }

    /// What is compared of each row, as JSON, in no order.
    pub async fn rows(&self, connection: &mut PgConnection) -> Vec<String> {
        let Self { name, left_out, encoded, .. } = self;
        // Of the catalog and of our own constants.
        let mut without: Vec<&str> = left_out.iter().copied().collect();
        let (mut bytes, mut named_by) = ("null::bytea", "null::text");
        if let Some(encoded) = encoded {
            without.push(encoded.column);
            (bytes, named_by) = (encoded.column, encoded.named_by);
        }
        let select = format!("select (to_jsonb(t) - $1::text[])::text, {bytes}, {named_by} from {name} t");
        let rows = sqlx::query(AssertSqlSafe(select)).bind(without).fetch_all(connection).await.unwrap();
        let whole = |row: sqlx::postgres::PgRow| {
            let said = without_secrets(row.get(0));
            match encoded {
                Some(encoded) => format!("{said} {}", encoded.read(row.get(2), row.get(1))),
                None => said,
            }
        };
        rows.into_iter().map(whole).collect()
    }
}

/// The tables of the database that `connection` leads to.
pub async fn tables(database: &str, connection: &mut PgConnection) -> Vec<Table> {
    let rows = sqlx::query(TABLES).fetch_all(connection).await.unwrap();
    let table = |row: sqlx::postgres::PgRow| {
        let (schema, own_name): (String, String) = (row.get(0), row.get(1));
        let name = if schema == "public" { own_name } else { format!("{schema}.{own_name}") };
        Table {
            database: database.to_owned(),
            columns: row.get(2),
            left_out: left_out_of(database, &name),
            encoded: ENCODED.into_iter().find(|encoded| encoded.table == name),
            name,
        }
    };
    rows.into_iter().map(table).collect()
}
