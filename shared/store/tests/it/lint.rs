//! What no service's SQL may say, read from the tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The database's clocks: business time comes from the injected clock and is bound.
const CLOCKS: &[&str] = &[
    "now()",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "localtime",
];
/// Reads and writes of the shared tables; their functions (`select seva.emit(..)`) are for everybody.
const SHARED_TABLES: &[&str] = &["insert into seva.", "update seva.", "delete from seva.", "from seva.", "join seva."];

/// What is wrong with a piece of SQL.
fn offences(sql: &str) -> Vec<&'static str> {
    let sql = sql.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let clocks = CLOCKS.iter().filter(|clock| {
        sql.match_indices(**clock).any(|(at, found)| {
            let is_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !is_word(sql[..at].chars().next_back()) && !is_word(sql[at + found.len()..].chars().next())
        })
    });
    clocks.chain(SHARED_TABLES.iter().filter(|table| sql.contains(**table))).copied().collect()
}

fn without_sql_comments(sql: &str) -> String {
    sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Whether a text of a program is SQL.
fn is_sql(text: &str) -> bool {
    let text = text.to_lowercase();
    let first = text.split_whitespace().next().unwrap_or_default();
    ["select", "insert", "update", "delete", "with", "and", "or", "where", "order"].contains(&first)
        || ["select ", "insert into ", "delete from ", " where "].iter().any(|word| text.contains(word))
}

/// The string literals of a Rust source, comments left out.
fn literals(source: &str) -> Vec<String> {
    let characters: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        match rest {
            ['/', '/', ..] => at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['\'', '"', '\'', ..] | ['\'', '\\', '"', ..] => at += 3,
            ['r', '#' | '"', ..] if at == 0 || !(characters[at - 1].is_alphanumeric() || characters[at - 1] == '_') => {
                let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
                if rest.get(1 + hashes) != Some(&'"') {
                    at += 1;
                    continue;
                }
                let body: String = rest[2 + hashes..].iter().collect();
                let end = format!("\"{}", "#".repeat(hashes));
                let text = body.split(&end).next().unwrap_or_default().to_owned();
                at += 2 + hashes + text.chars().count() + end.len();
                found.push(text);
            }
            ['"', ..] => {
                let mut text = String::new();
                at += 1;
                while at < characters.len() && characters[at] != '"' {
                    if characters[at] == '\\' {
                        at += 1;
                        // An escape parts words, like the space it mostly stands for.
                        text.push(' ');
                    } else {
                        text.push(characters[at]);
                    }
                    at += 1;
                }
                at += 1;
                found.push(text);
            }
            _ => at += 1,
        }
    }
    found
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// What is wrong in the tree of services.
fn faults_of_services(services: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for service in fs::read_dir(services).unwrap() {
        let service = service.unwrap().path();
        let (mut programs, mut migrations) = (Vec::new(), Vec::new());
        files(&service.join("src"), "rs", &mut programs);
        files(&service.join("src"), "sql", &mut migrations);
        files(&service.join("migrations"), "sql", &mut migrations);
        for path in programs {
            let source = fs::read_to_string(&path).unwrap();
            for text in literals(&source).iter().filter(|text| is_sql(text)) {
                faults
                    .extend(offences(&without_sql_comments(text)).iter().map(|it| format!("{}: {it}", path.display())));
            }
        }
        for path in migrations {
            let sql = without_sql_comments(&fs::read_to_string(&path).unwrap());
            faults.extend(offences(&sql).iter().map(|it| format!("{}: {it}", path.display())));
        }
    }
    faults
}

#[test]
fn services_take_no_time_from_the_database_and_leave_the_shared_tables_to_the_store() {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");

    assert_eq!(faults_of_services(&services), Vec::<String>::new());
}

#[test]
fn the_lint_sees_what_it_is_for_and_nothing_else() {
    let source = r##"
        // "select now()" in a comment
        fn a() { query("update t set at = now() where id = $1"); let now = clock.now(); }
        fn b() { query(r#"select * from "t" where due_at < CLOCK_TIMESTAMP()"#); let c = '"'; }
        fn c() { query("select seva.emit($1) from t"); query("insert
            into seva.outbox values (1)"); }
        fn d() { query("select create_now() , current_dates from seva_things where at < $1"); }
        fn e() { builder.push(" and at <= localtimestamp"); }
    "##;

    let found: Vec<&str> = literals(source)
        .iter()
        .filter(|text| is_sql(text))
        .flat_map(|text| offences(&without_sql_comments(text)))
        .collect();

    assert_eq!(found, ["now()", "clock_timestamp", "insert into seva.", "localtimestamp"]);
    assert_eq!(
        offences(&without_sql_comments("create table t (at timestamptz default now()); -- current_date")),
        ["now()"]
    );
    assert_eq!(offences("select seva.remember($1, $2) from changed"), Vec::<&str>::new());
}
