//! The steps of a problem record by themselves, and how its lists are read.

use proptest::prelude::*;
use seva_store::paging::{PageKey, PageRequest};
use seva_testkit::{TestDatabase, plans};
use seva_values::{Language, LocalizedText};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    model::{NewProblem, Outcome, Problem, State},
    queries::{ListProblems, listing},
};
use crate::{
    MIGRATOR, NAME,
    ticket::{Cause, model::RootProblem},
};

fn a_problem() -> Problem {
    let new = NewProblem { title: "The lid".to_owned(), product: "KETTLE-2".to_owned(), batch: String::new() };
    Problem::open(Uuid::from_u128(1), new, "2026-03-02T09:00:00Z".parse().unwrap())
}

fn cause() -> RootProblem {
    RootProblem { cause: Cause::Product, description: "The hinge is too long.".to_owned(), rule: None }
}

fn language(tag: &str) -> Language {
    Language::parse(tag).unwrap()
}

fn notes() -> LocalizedText {
    let mut notes = LocalizedText::new();
    notes.insert(language("en"), "A new lid is on its way.");
    notes.insert(language("de"), "Ein neuer Deckel ist unterwegs.");
    notes
}

#[test]
fn everybody_is_told_in_the_own_language_or_in_english() {
    let mut problem = a_problem();
    problem.know(cause()).unwrap();
    problem.fix(notes()).unwrap();
    for (tag, note) in
        [("de", "Ein neuer Deckel"), ("de-AT", "Ein neuer Deckel"), ("fr", "A new lid"), ("en", "A new lid")]
    {
        assert!(problem.note_for(&language(tag)).unwrap().starts_with(note), "{tag}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Attach(usize),
    Detach(Option<Outcome>),
    Know,
    Fix,
    Turn(bool),
    Close,
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4_usize).prop_map(Step::Attach),
        1 => prop_oneof![Just(None), Just(Some(Outcome::Resolved)), Just(Some(Outcome::Refused))].prop_map(Step::Detach),
        2 => Just(Step::Know),
        2 => Just(Step::Fix),
        3 => any::<bool>().prop_map(Step::Turn),
        1 => Just(Step::Close),
    ]
}

proptest! {
    /// TK58: it goes from step to step and never back, and is closed only when every ticket had its turn.
    #[test]
    fn no_order_of_steps_breaks_a_problem_record(steps in proptest::collection::vec(a_step(), 0..40)) {
        let mut problem = a_problem();
        for step in steps {
            let before = problem.clone();
            let waiting = before.total - before.resolved - before.refused;
            let done = match step {
                Step::Attach(tickets) => problem.attach(tickets).map(|at_once| assert_eq!(at_once.is_some(), before.state == State::Fixed)),
                // As the database does: only what is there is taken off.
                Step::Detach(None) if waiting == 0 => continue,
                Step::Detach(Some(Outcome::Refused)) if before.refused == 0 => continue,
                Step::Detach(outcome) => problem.detach(outcome),
                Step::Know => problem.know(cause()),
                Step::Fix => problem.fix(notes()),
                Step::Turn(_) if before.state != State::Fixed || waiting == 0 => continue,
                Step::Turn(is_resolved) => {
                    problem.count(i32::from(is_resolved), i32::from(!is_resolved));
                    Ok(())
                }
                Step::Close => problem.close(),
            };
            if let Err(error) = &done {
                prop_assert!(error.is_refused_by("TK58"));
                prop_assert_eq!(&problem, &before, "what was refused has changed nothing");
            }
            prop_assert!(problem.state as u8 >= before.state as u8);
            prop_assert!(problem.resolved >= before.resolved && problem.resolved + problem.refused <= problem.total);
            prop_assert!(problem.state == State::Open || problem.root_problem.is_some());
            prop_assert!(problem.state != State::Closed || problem.is_carried_out());
            prop_assert_eq!(matches!(problem.state, State::Fixed | State::Closed), problem.fixed_at.is_some());
        }
    }
}

#[tokio::test]
async fn every_list_of_problem_records_reads_an_index_in_order() {
    let database = TestDatabase::new(NAME, &MIGRATOR).await;
    let script = "insert into problem_record (id, version, title, state, product, batch, created_at, updated_at)
                  select gen_random_uuid(), 1, 't', 'open', '', '', at, at
                  from generate_series(1, 50000) as n, lateral (select '2026-01-01'::timestamptz + make_interval(secs => n / 3) as at) as t;
                  vacuum analyze problem_record";
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&database.owner).await.unwrap();
    }
    let page = || PageRequest::parse(&PageKey::new(b"test"), "problemRecords", "", 50, "").unwrap();
    for (state, values) in [(None, vec![]), (Some(State::Open), vec!["'open'"])] {
        let sql = listing(&ListProblems { state, page: page() }).sql();
        plans::expect_in_order(&database, &sql, &values).await;
    }
}
