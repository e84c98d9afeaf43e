//! A report of a day reads what belongs to that day, at a hundred thousand tickets.

use seva_testkit::{TestDatabase, plans::plans};
use sqlx::AssertSqlSafe;

use crate::{MIGRATOR, NAME};

/// Tickets of a hundred days, one of fifty of which still waits, with their stays, clocks and a message each.
async fn a_busy_year() -> TestDatabase {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = r#"
        alter table ticket disable trigger user;
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, closure, root_cause, language,
                            correlation_id, causation_id, hops, created_at, updated_at, resolved_at, closed_at, state_since, tier, targets)
        select lpad(to_hex(n), 32, '0')::uuid, 2, n, lpad(to_hex(n % 5000), 32, '0')::uuid, 'question', 'normal',
               case n % 50 when 0 then 'new' else 'closed' end, 'Where is it?', '', lpad(to_hex(n % 10), 32, '0')::uuid,
               case when n % 50 > 0 then 'verified' end, case when n % 50 > 0 then 'carrier' end, 'hi', 'c', 'c', 0, at, at, case when n % 50 > 0 then at + interval '1 day' end,
               case when n % 50 > 0 then at + interval '2 days' end, case when n % 50 > 0 then at + interval '2 days' end, 'standard', '{}'
        from generate_series(1, 100000) as n,
             lateral (select timestamptz '2026-01-01' + make_interval(secs => n * 86.4) as at) as t;
        insert into ticket_stay (ticket_id, state, since, until, next_state, next_closure)
        select id, s.state, since, until, next_state, case when next_state = 'closed' then closure end
        from ticket, lateral (values
            ('new', created_at, created_at + interval '1 hour', 'open'),
            ('open', created_at + interval '1 hour', resolved_at, 'resolved'),
            ('resolved', resolved_at, closed_at, 'closed')
        ) as s (state, since, until, next_state)
        where ticket.state = 'closed' order by until;
        insert into clock (ticket_id, kind, round, state, started_at, target_us, paused_us, stopped_at, due_at, met_at, policy_version,
                           calendar_version, events, changed_at)
        select id, 'first_response', 1, 'met', created_at, 1, 0, created_at, created_at, created_at, 1, 0, 2, created_at from ticket;
        insert into message (ticket_id, id, visibility, author, medium, text, created_at)
        select id, id, 'public', 'customer', 'text', 'Well?', created_at + interval '2 hours' from ticket order by created_at;
        vacuum analyze ticket;
        vacuum analyze ticket_stay;
        vacuum analyze clock;
        vacuum analyze message"#;
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    database
}

#[tokio::test]
async fn a_report_of_a_day_reads_no_table_from_end_to_end() {
    let database = a_busy_year().await;
    let (from, until) = ("'2026-02-10T00:00:00Z'", "'2026-02-11T00:00:00Z'");
    let days = format!("array[{from}, {until}]::timestamptz[]");
    let statements: [(&str, &str, Vec<&str>); 9] = [
        ("open_before", include_str!("../sql/open_before.sql"), vec![from, "null"]),
        ("volumes", include_str!("../sql/volumes.sql"), vec![&days, "null"]),
        ("clocks", include_str!("../sql/clocks.sql"), vec![from, until, "null", until]),
        ("resolutions", include_str!("../sql/resolutions.sql"), vec![from, until, "null"]),
        ("causes", include_str!("../sql/causes.sql"), vec![from, until, "null"]),
        ("compensation", include_str!("../sql/compensation.sql"), vec![from, until, "null"]),
        ("avoidable", include_str!("../sql/avoidable.sql"), vec![from, until, "null"]),
        ("waiting", include_str!("../sql/waiting.sql"), vec![&days, "null"]),
        ("tickets", include_str!("../sql/tickets.sql"), vec![from, until, "gen_random_uuid()", "null", "1000"]),
    ];
    for (name, sql, values) in &statements {
        for plan in plans(&database, sql, values).await {
            assert!(!plan.contains("Seq Scan"), "{name}\n{plan}");
        }
    }
    // The page of tickets is read in its order.
    let (_, sql, values) = &statements[8];
    for plan in plans(&database, sql, values).await {
        assert!(plan.contains("ticket_created_at") && !plan.contains("Sort  ("), "{plan}");
    }
    // The check sees what it is for.
    sqlx::query("drop index ticket_stay_until").execute(&database.owner).await.unwrap();
    let (_, sql, values) = &statements[4];
    assert!(plans(&database, sql, values).await.iter().all(|plan| plan.contains("Seq Scan on ticket_stay")));
}
