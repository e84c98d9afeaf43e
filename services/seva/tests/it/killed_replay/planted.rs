//! The comparison is judged: every table is changed, row and column, and it has to name the table.

use std::{collections::BTreeMap, fs, path::Path};

use seva_testkit::tables::{
    AtRest, at_rest::Source, catalog::Table, compare, differing, likeness::Rows, payload::ENCODED,
};
use sqlx::AssertSqlSafe;

/// Orders that became another customer's, and events that say of one order what was said of another: only what ids refer to is wrong.
const WRONG_REFERENCES: [(&str, &str); 2] = [
    (
        "customer_order",
        "update customer_order o set customer_id = (select id from customer c where c.id <> o.customer_id limit 1)
         where id = (select id from customer_order order by id limit 1)",
    ),
    (
        "seva.outbox",
        "update seva.outbox o set payload = other.payload from seva.outbox other
         where o.type = 'seva.customers.order.placed.v1' and other.type = o.type and other.subject <> o.subject
           and o.position = (select min(position) from seva.outbox where type = 'seva.customers.order.placed.v1')
           and other.position = (select max(position) from seva.outbox where type = 'seva.customers.order.placed.v1')",
    ),
];

/// What became of a planted fault.
#[derive(Debug, PartialEq, Eq)]
enum Planted {
    Found,
    Unseen,
    /// The database refuses it by itself.
    Refused,
}

/// Plants in every table that has rows: one row is missing; one column of one row is another.
pub async fn every_changed_row_is_found(at_rest: &mut AtRest) {
    let (mut unseen, mut found, mut refused) = (Vec::new(), 0, 0);
    for source in at_rest.sources().await {
        let Source::Table(table) = &source else { continue };
        let before = at_rest.rows(&source).await;
        if before.is_empty() {
            continue;
        }
        let name = &table.name;
        let first = format!("(tableoid, ctid) = (select tableoid, ctid from {name} order by tableoid, ctid limit 1)");
        let mut faults = vec![(String::from("a row"), format!("delete from {name} where {first}"))];
        let types = types(at_rest, table).await;
        let messages = ENCODED.iter().filter(|encoded| encoded.table == table.name);
        let of_messages: Vec<_> = messages.flat_map(|encoded| [encoded.column, encoded.named_by]).collect();
        let changed = |column: &str| Some((column.to_owned(), another(column, &types[column])?));
        // Bytes that are not what is said of them end the comparison.
        for (column, value) in table.compared().filter(|column| !of_messages.contains(column)).filter_map(changed) {
            faults
                .push((format!("column {column}"), format!("update {name} set \"{column}\" = {value} where {first}")));
        }
        for (what, sql) in faults {
            match plant(at_rest, &source, &before, &sql).await {
                Planted::Found => found += 1,
                Planted::Refused => refused += 1,
                Planted::Unseen => unseen.push(format!("{} of {}", what, table.full_name())),
            }
        }
    }
    assert_eq!(unseen, [""; 0], "planted and not found");
    assert!(found > 200 && refused < found / 4, "{found} found, {refused} refused by the databases");
}

/// Plants what no row shows by itself, and mails that come twice.
pub async fn every_wrong_reference_is_found(one: &mut AtRest, other: &mut AtRest, mail: &Path) {
    for (table, sql) in WRONG_REFERENCES {
        begin(one, "customers").await;
        let done = sqlx::raw_sql(sql).execute(one.connection("customers")).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "nothing was planted in {table}");
        let comparison = compare(one, other).await;
        rollback(one, "customers").await;
        let named: Vec<_> = comparison.differing().map(|table| table.table.as_str()).collect();
        assert!(
            named.contains(&format!("customers.{table}").as_str()),
            "a wrong reference in {table} is not found: {named:?}"
        );
    }
    let first = fs::read_dir(mail).unwrap().next().unwrap().unwrap().path();
    let again = mail.join("01999999-9999-7999-8999-999999999999.eml");
    fs::copy(first, &again).unwrap();
    let comparison = compare(one, other).await;
    let named: Vec<_> = comparison.differing().map(|table| table.table.as_str()).collect();
    assert_eq!(named, ["mails"]);
    let faults = one.faults().await;
    assert!(faults.iter().any(|fault| fault.contains("comes twice")), "{faults:?}");
    fs::remove_file(again).unwrap();
}

async fn plant(at_rest: &mut AtRest, source: &Source, before: &[String], sql: &str) -> Planted {
    let Source::Table(table) = source else { unreachable!("mails are no table") };
    begin(at_rest, &table.database).await;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(at_rest.connection(&table.database)).await;
    let after = match &done {
        Ok(_) => Some(at_rest.rows(source).await),
        Err(_) => None,
    };
    rollback(at_rest, &table.database).await;
    let Some(after) = after else { return Planted::Refused };
    assert_eq!(done.unwrap().rows_affected(), 1, "nothing was planted by {sql}");
    let [mut before, mut after] = [before, &after].map(|rows| {
        let mut of_table = Rows::default();
        of_table.add(&source.name(), rows);
        of_table
    });
    if differing(&mut before, &mut after) == [source.name()] { Planted::Found } else { Planted::Unseen }
}

/// Triggers and references would keep faults out.
async fn begin(at_rest: &mut AtRest, database: &str) {
    let sql = "begin; set local session_replication_role = replica";
    sqlx::raw_sql(sql).execute(at_rest.connection(database)).await.unwrap();
}

async fn rollback(at_rest: &mut AtRest, database: &str) {
    sqlx::raw_sql("rollback").execute(at_rest.connection(database)).await.unwrap();
}

async fn types(at_rest: &mut AtRest, table: &Table) -> BTreeMap<String, String> {
    let sql = "select attname::text, format_type(atttypid, null) from pg_attribute where attrelid = $1::regclass and attnum > 0";
    let types = sqlx::query_as(sql).bind(&table.name).fetch_all(at_rest.connection(&table.database)).await.unwrap();
    types.into_iter().collect()
}

/// Another value than the column's own; `None` for ids, which are compared by what refers to them.
fn another(column: &str, of_type: &str) -> Option<String> {
    let value = match of_type {
        "uuid" => return None,
        "text" => format!("coalesce(\"{column}\", '') || 'x'"),
        "bigint" | "integer" | "smallint" => format!("coalesce(\"{column}\", 0) + 1"),
        "double precision" => format!("coalesce(\"{column}\", 0) / 2 + 0.01"),
        "boolean" => format!("not coalesce(\"{column}\", false)"),
        "timestamp with time zone" => format!("coalesce(\"{column}\", 'epoch') + interval '1 second'"),
        "date" => format!("coalesce(\"{column}\", '2000-01-01') + 1"),
        "bytea" => format!("coalesce(\"{column}\", '') || '\\x00'"),
        "jsonb" => "'{\"planted\": true}'".to_owned(),
        "tsvector" => format!("coalesce(\"{column}\", '') || 'x'::tsvector"),
        "bigint[]" => format!("array_append(coalesce(\"{column}\", '{{}}'), 1)"),
        "date[]" => format!("array_append(coalesce(\"{column}\", '{{}}'), '2000-01-01')"),
        "text[]" => format!("array_append(coalesce(\"{column}\", '{{}}'), 'x')"),
        other => panic!("it is not said what another value of {other} is ({column})"),
    };
    Some(value)
}
