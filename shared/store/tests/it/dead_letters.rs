//! Poison: what cannot be applied waits with all that follows of its subject, and the rest goes on.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use seva_proto::{
    common::v1::ErrorReason,
    events::v1::{
        DeadLetter, GetDeadLetterRequest, ListDeadLettersRequest, RetryDeadLetterRequest, SkipDeadLetterRequest,
        dead_letter::State, dead_letter_service_server::DeadLetterService,
    },
};
use seva_runtime::{
    Error,
    auth::{Principal, PrincipalKind},
    call::Method,
};
use seva_store::{
    Database, Etag, Event, Fault,
    consumer::{Consumer, rebase},
    dead_letter::{DeadLetterRpc, counts},
    paging::PageKey,
};
use seva_testkit::{TestDatabase, eventually};
use seva_values::id::new_id;
use tokio_util::sync::DropGuard;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::toy::{
    Process,
    account::{self, Deposited, deposit, subject, unrepeated},
    accounts, beside,
    ledger::{CONSUMER, Ledger, SOURCE, applied, caught_up, consumer, consuming, doubled},
    ledgers,
};

/// More than the ledger's table believes.
const POISON: i64 = 1_000_000;

/// Accounts, a ledger that reads them, and its dead letters as operators see them.
struct Suite {
    source: TestDatabase,
    target: TestDatabase,
    process: Process,
    consumer: Consumer,
    rpc: DeadLetterRpc,
}

impl Suite {
    async fn new(ledger: Ledger) -> Self {
        let (source, target) = (accounts().await, ledgers().await);
        let process = Process::start(&source.db);
        let consumer = consumer(&target.db, &process.feed, ledger);
        let rpc = DeadLetterRpc::new(target.db.clone(), PageKey::new(b"test"), vec![consumer.clone()]);
        Self { source, target, process, consumer, rpc }
    }

    fn consuming(&self) -> DropGuard {
        consuming(&self.consumer)
    }

    async fn open(&self) -> Uuid {
        account::open(&self.source.db).await
    }

    async fn deposit(&self, id: Uuid, amount: i64) {
        deposit(&self.source.db, &unrepeated(), id, amount, Etag::default()).await.unwrap();
    }

    async fn caught_up(&self) {
        caught_up(&self.target.db, &self.source.db).await;
    }

    /// Sequences of one account that were applied, in order.
    async fn applied(&self, id: Uuid) -> Vec<i64> {
        let subject = subject(id);
        applied(&self.target.owner).await.into_iter().filter(|(of, _)| *of == subject).map(|(_, n)| n).collect()
    }

    async fn letters(&self) -> Vec<DeadLetter> {
        let request = Request::new(ListDeadLettersRequest::default());
        self.rpc.list_dead_letters(request).await.unwrap().into_inner().dead_letters
    }

    /// Sequence, state and attempts of the letters of one account, in order.
    async fn letters_of(&self, id: Uuid) -> Vec<(i64, State, i32)> {
        let mut letters: Vec<_> = self
            .letters()
            .await
            .into_iter()
            .filter(|letter| letter.event.as_ref().unwrap().subject == subject(id))
            .map(|letter| (letter.event.as_ref().unwrap().sequence, letter.state(), letter.attempts))
            .collect();
        letters.sort_by_key(|letter| letter.0);
        letters
    }

    async fn letter(&self, state: State) -> DeadLetter {
        self.letters().await.into_iter().find(|letter| letter.state() == state).unwrap()
    }

    async fn retry(&self, name: &str) -> Result<i32, Status> {
        let request = RetryDeadLetterRequest { name: name.to_owned(), request_id: new_id().to_string() };
        let answer = self.rpc.retry_dead_letter(called("RetryDeadLetter", request)).await;
        answer.map(|answer| answer.into_inner().applied)
    }

    async fn skip(&self, name: &str) -> Result<i32, Status> {
        let request = SkipDeadLetterRequest {
            name: name.to_owned(),
            reason: "entered by mistake".to_owned(),
            request_id: new_id().to_string(),
        };
        let answer = self.rpc.skip_dead_letter(called("SkipDeadLetter", request)).await;
        answer.map(|answer| answer.into_inner().applied)
    }

    /// Removes the cause of a poisoned deposit.
    async fn believe_everything(&self) {
        sqlx::query("alter table entry drop constraint entry_amount_believable")
            .execute(&self.target.owner)
            .await
            .unwrap();
    }

    /// No letter is left, no event was applied twice, and each account's events were applied in order.
    async fn assert_whole(&self, ids: &[Uuid]) {
        assert_eq!(counts(&self.target.db).await.unwrap(), []);
        assert_eq!(doubled(&self.target.owner).await, 0);
        for id in ids {
            let (_, version) = account::load(&self.source.db, *id).await.unwrap();
            assert_eq!(self.applied(*id).await, (1..=version).collect::<Vec<_>>());
        }
    }
}

/// A request as the server's layers hand it on.
fn called<M>(method: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Principal {
        subject: "user:operator".to_owned(),
        kind: PrincipalKind::User,
        roles: Arc::default(),
        scopes: Arc::default(),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    });
    request.extensions_mut().insert(Method(format!("/seva.events.v1.DeadLetterService/{method}")));
    request
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_applied_holds_up_its_subject_and_nobody_else() {
    let suite = Suite::new(Ledger::new()).await;
    let (sick, well) = (suite.open().await, suite.open().await);
    suite.deposit(sick, 1).await;
    suite.deposit(sick, POISON).await;
    suite.deposit(well, 1).await;
    suite.deposit(sick, 2).await;
    // What comes before reads all of it in one batch, what comes after meets the dead letter in the table.
    let _consuming = suite.consuming();
    suite.caught_up().await;
    suite.deposit(well, 2).await;
    suite.deposit(sick, 3).await;
    suite.caught_up().await;

    assert_eq!(suite.applied(well).await, [1, 2, 3]);
    assert_eq!(suite.applied(sick).await, [1, 2]);
    let waiting = [(3, State::Dead, 1), (4, State::Parked, 0), (5, State::Parked, 0)];
    assert_eq!(suite.letters_of(sick).await, waiting);
    let dead = suite.letter(State::Dead).await;
    let request = GetDeadLetterRequest { name: dead.name.clone() };
    let shown = suite.rpc.get_dead_letter(called("GetDeadLetter", request)).await.unwrap().into_inner();
    assert_eq!(shown.dead_letter.as_ref(), Some(&dead));
    assert!(dead.error.contains("entry_amount_believable"), "{}", dead.error);
    assert_eq!((dead.consumer.as_str(), dead.source.as_str()), (CONSUMER, SOURCE));
    let mut told = counts(&suite.target.db).await.unwrap();
    told.sort();
    let key = |state: &str, count| (CONSUMER.to_owned(), SOURCE.to_owned(), state.to_owned(), count);
    assert_eq!(told, [key("dead", 1), key("parked", 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_fails_again_and_is_counted_until_the_cause_is_removed_and_then_all_drains_in_order() {
    let suite = Suite::new(Ledger::new()).await;
    let sick = suite.open().await;
    let _consuming = suite.consuming();
    for amount in [POISON, 1, POISON, 2, 3] {
        suite.deposit(sick, amount).await;
    }
    suite.caught_up().await;
    let dead = suite.letter(State::Dead).await;
    let parked = suite.letter(State::Parked).await;

    let failed = suite.retry(&dead.name).await.unwrap_err();
    let out_of_turn = suite.retry(&parked.name).await.unwrap_err();
    let unknown = suite.retry(&format!("deadLetters/{}", new_id())).await.unwrap_err();

    assert_eq!((failed.code(), reason(&failed).as_str()), (Code::FailedPrecondition, "DEAD_LETTER_FAILED_AGAIN"));
    assert_eq!((out_of_turn.code(), reason(&out_of_turn).as_str()), (Code::FailedPrecondition, "DEAD_LETTER_PARKED"));
    assert_eq!(unknown.code(), Code::NotFound);
    assert_eq!(suite.letters_of(sick).await[0], (2, State::Dead, 2));
    assert_eq!(suite.letters_of(sick).await.len(), 5);
    suite.believe_everything().await;
    assert_eq!(suite.retry(&dead.name).await.unwrap(), 5);
    suite.deposit(sick, 4).await;
    suite.caught_up().await;
    suite.assert_whole(&[sick]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skip_gives_one_event_up_with_an_audit_row_and_drains_to_the_next_that_fails() {
    let suite = Suite::new(Ledger::new()).await;
    let sick = suite.open().await;
    let _consuming = suite.consuming();
    for amount in [POISON, 1, POISON, 2] {
        suite.deposit(sick, amount).await;
    }
    suite.caught_up().await;
    let first = suite.letter(State::Dead).await;

    assert_eq!(suite.skip(&first.name).await.unwrap(), 1);

    assert_eq!(suite.applied(sick).await, [1, 3]);
    assert_eq!(suite.letters_of(sick).await, [(4, State::Dead, 1), (5, State::Parked, 0)]);
    type AuditRow = (String, String, String, Vec<String>, Option<String>);
    let audit: Vec<AuditRow> =
        sqlx::query_as("select actor, method, resource, changed, reason from seva.audit order by id")
            .fetch_all(&suite.target.owner)
            .await
            .unwrap();
    let method = "/seva.events.v1.DeadLetterService/SkipDeadLetter".to_owned();
    let reason = Some("entered by mistake".to_owned());
    assert_eq!(audit, [("user:operator".to_owned(), method, first.name.clone(), vec!["skipped".to_owned()], reason)]);
    assert_eq!(suite.skip(&first.name).await.unwrap_err().code(), Code::NotFound);
    let second = suite.letter(State::Dead).await;
    assert_eq!(suite.skip(&second.name).await.unwrap(), 1);
    assert_eq!(suite.applied(sick).await, [1, 3, 5]);
    assert!(suite.letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_retry_twice_gets_the_same_answer_and_a_skip_says_why() {
    let suite = Suite::new(Ledger::new()).await;
    let sick = suite.open().await;
    let _consuming = suite.consuming();
    suite.deposit(sick, POISON).await;
    suite.caught_up().await;
    suite.believe_everything().await;
    let name = suite.letter(State::Dead).await.name;
    let request = RetryDeadLetterRequest { name: name.clone(), request_id: new_id().to_string() };

    let first = suite.rpc.retry_dead_letter(called("RetryDeadLetter", request.clone())).await.unwrap().into_inner();
    let again = suite.rpc.retry_dead_letter(called("RetryDeadLetter", request)).await.unwrap().into_inner();
    let wordless = SkipDeadLetterRequest { name, reason: " ".to_owned(), request_id: new_id().to_string() };
    let wordless = suite.rpc.skip_dead_letter(called("SkipDeadLetter", wordless)).await.unwrap_err();

    assert_eq!((first.applied, again.applied), (1, 1));
    assert_eq!(wordless.code(), Code::InvalidArgument);
    suite.assert_whole(&[sick]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_leaves_a_dead_letter_with_what_it_said() {
    let suite = Suite::new(Ledger::with_trouble(|event| {
        assert!(event.payload::<Deposited>().unwrap().amount != 13, "thirteen is not for me");
        Ok(())
    }))
    .await;
    let (sick, well) = (suite.open().await, suite.open().await);
    let _consuming = suite.consuming();
    suite.deposit(sick, 13).await;
    suite.deposit(well, 1).await;
    suite.deposit(sick, 1).await;
    suite.caught_up().await;

    assert_eq!(suite.letters_of(sick).await, [(2, State::Dead, 1), (3, State::Parked, 0)]);
    assert!(suite.letter(State::Dead).await.error.contains("thirteen is not for me"));
    assert_eq!(suite.applied(well).await, [1, 2]);
}

fn passing() -> Fault {
    Error::unavailable(ErrorReason::ServiceUnavailable, "not just now", Duration::from_millis(1)).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passing_fault_is_tried_again_and_nothing_is_lost() {
    let tries: Mutex<HashMap<Uuid, u32>> = Mutex::default();
    let suite = Suite::new(Ledger::with_trouble(move |event| {
        let mut tries = tries.lock().unwrap();
        let tries = tries.entry(event.event_id).or_default();
        *tries += 1;
        // Every fifth fails a few times: some as a batch, some also alone.
        if event.sequence % 5 == 0 && *tries <= 2 { Err(passing()) } else { Ok(()) }
    }))
    .await;
    let ids = [suite.open().await, suite.open().await];
    let _consuming = suite.consuming();
    for _ in 0..15 {
        for id in ids {
            suite.deposit(id, 1).await;
        }
    }
    suite.caught_up().await;

    suite.assert_whole(&ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_fails_alone_ten_times_is_dead_although_another_process_waits_for_the_lease() {
    let tries = Arc::new(AtomicI64::new(0));
    let counted = tries.clone();
    let suite = Suite::new(Ledger::with_trouble(move |event| {
        if event.payload::<Deposited>().unwrap().amount == 13 {
            counted.fetch_add(1, Ordering::Relaxed);
            return Err(passing());
        }
        Ok(())
    }))
    .await;
    let (sick, well) = (suite.open().await, suite.open().await);
    suite.deposit(sick, 13).await;
    suite.deposit(well, 1).await;
    let _one = suite.consuming();
    let _other = suite.consuming();

    // The pauses between tries grow: this takes half a minute, twice the time of a lease.
    eventually("the event has failed often", || async { (tries.load(Ordering::Relaxed) >= 9).then_some(()) }).await;
    eventually("the event is dead", || async { (!suite.letters().await.is_empty()).then_some(()) }).await;
    suite.caught_up().await;

    assert_eq!(suite.letters_of(sick).await, [(2, State::Dead, 10)]);
    assert_eq!(suite.applied(well).await, [1, 2]);
    // Three times as a batch, ten times alone.
    assert_eq!(tries.load(Ordering::Relaxed), 13);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_while_the_consumer_runs_never_reorder_anything() {
    let sick_now = Arc::new(AtomicBool::new(true));
    let asked = sick_now.clone();
    let suite = Arc::new(
        Suite::new(Ledger::with_trouble(move |event: &Event| {
            if event.sequence % 7 == 0 && asked.load(Ordering::Relaxed) {
                return Err(Error::invalid(ErrorReason::EventDataMalformed, "poison").into());
            }
            Ok(())
        }))
        .await,
    );
    let ids = [suite.open().await, suite.open().await, suite.open().await];
    let _consuming = suite.consuming();
    // Ill and well by turns, while somebody retries without pause.
    let turning = sick_now.clone();
    let _turning = beside(move |stopping| async move {
        while !stopping.is_cancelled() {
            turning.fetch_xor(true, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    });
    let retrier = suite.clone();
    let retrying = beside(move |stopping| async move {
        while !stopping.is_cancelled() {
            for letter in retrier.letters().await {
                // May be refused for every reason there is; what counts is what was applied.
                let _ = retrier.retry(&letter.name).await;
            }
        }
    });

    for _ in 0..100 {
        for id in ids {
            suite.deposit(id, 1).await;
        }
    }
    suite.caught_up().await;
    drop(retrying);
    drop(_turning);
    sick_now.store(false, Ordering::Relaxed);
    eventually("all letters are resolved", || async {
        sick_now.store(false, Ordering::Relaxed);
        for letter in suite.letters().await {
            let _ = suite.retry(&letter.name).await;
        }
        suite.letters().await.is_empty().then_some(())
    })
    .await;

    suite.assert_whole(&ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebase_with_dead_letters_parks_nothing_that_came_before_them() {
    let suite = Suite::new(Ledger::new()).await;
    let sick = suite.open().await;
    let _consuming = suite.consuming();
    for amount in [1, 2, POISON, 3] {
        suite.deposit(sick, amount).await;
    }
    suite.caught_up().await;
    let before: BTreeMap<i64, State> = suite.letters_of(sick).await.iter().map(|l| (l.0, l.1)).collect();
    assert_eq!(before.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([4, 5]));

    rebase(&suite.target.db, CONSUMER, SOURCE, 0).await.unwrap();
    suite.caught_up().await;

    let after: BTreeMap<i64, State> = suite.letters_of(sick).await.iter().map(|l| (l.0, l.1)).collect();
    assert_eq!(after, before);
    assert_eq!(suite.applied(sick).await, [1, 2, 3, 1, 2, 3]);
    suite.believe_everything().await;
    let dead = suite.letter(State::Dead).await.name;
    assert_eq!(suite.retry(&dead).await.unwrap(), 2);
    assert_eq!(suite.applied(sick).await, [1, 2, 3, 1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_in_pages_by_consumer_and_state() {
    let suite = Suite::new(Ledger::new()).await;
    let ids = [suite.open().await, suite.open().await, suite.open().await];
    let _consuming = suite.consuming();
    for id in ids {
        suite.deposit(id, POISON).await;
        suite.deposit(id, 1).await;
    }
    suite.caught_up().await;

    let mut request = ListDeadLettersRequest {
        page_size: 2,
        consumer: CONSUMER.to_owned(),
        state: State::Parked.into(),
        ..Default::default()
    };
    let mut names = BTreeSet::new();
    loop {
        let page = suite.rpc.list_dead_letters(Request::new(request.clone())).await.unwrap().into_inner();
        for letter in &page.dead_letters {
            assert_eq!(letter.state(), State::Parked);
            assert!(names.insert(letter.name.clone()), "listed twice");
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }

    assert_eq!(names.len(), 3);
    request.consumer = "somebody".to_owned();
    let refused = suite.rpc.list_dead_letters(Request::new(request)).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    assert!(suite.process.feed.head() >= 9);
    let db: &Database = &suite.target.db;
    assert_eq!(counts(db).await.unwrap().len(), 2);
}
