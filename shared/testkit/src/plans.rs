//! How PostgreSQL carries a statement out.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::TestDatabase;

/// The plans of a statement whose parameters have these values, written in SQL: as it is made once for all values, and for these alone.
pub async fn plans(database: &TestDatabase, sql: &str, values: &[&str]) -> Vec<String> {
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    let mut plans = Vec::new();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let script = format!("set plan_cache_mode = {mode}; deallocate all; prepare listing as {sql}");
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut connection).await.unwrap();
        let explain = format!("explain execute listing{values}");
        let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        plans.push(lines.iter().map(|line| line.get::<String, _>(0)).collect::<Vec<_>>().join("\n"));
    }
    plans
}

/// Whether the rows of a plan come from an index in their order, or from several that are merged. What is done for each row of a page alone, below it, may sort its few.
pub fn is_read_in_order(plan: &str) -> bool {
    let of_the_page = plan.split("SubPlan").next().unwrap_or_default();
    !of_the_page.contains("Sort  (") && of_the_page.contains("Index") && !plan.contains("Seq Scan")
}

/// Expects that a statement whose parameters have these values reads its rows in their order, however it is planned.
pub async fn expect_in_order(database: &TestDatabase, sql: &str, values: &[&str]) {
    for plan in plans(database, sql, values).await {
        assert!(is_read_in_order(&plan), "{sql}\n{plan}");
    }
}
