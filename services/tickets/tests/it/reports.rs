//! Reports: small worlds whose numbers were counted by hand, the same rows as CSV, and what is refused.

use std::{collections::BTreeMap, time::Duration};

use seva_proto::{
    common::v1::{ErrorReason, Weekday, WeeklyInterval},
    staff::v1::staff_member::Presence,
    tickets::v1::{
        ApologizeForPromiseRequest, AvoidableContactRow, BreakPromiseRequest, CancelTicketRequest,
        CauseCompensationRow, CauseRow, ClockRow, ExportReportRequest, GetDepartmentParityRequest,
        GetPromiseRateRequest, MakePromiseRequest, MergeTicketRequest, OfferHandoffRequest, OpeningChannel,
        PromiseRate, ReadReportRequest, RejectTicketRequest, ReopenTicketRequest, ReplyToTicketRequest, Report,
        ReportQuery, ResolutionRow, ResolveTicketRequest, RootProblem, Ticket, TicketRow, UnmergeTicketRequest,
        VolumeRow, WaitingRow,
        avoidable_contact_row::Reason,
        clock::Kind as ClockKind,
        get_promise_rate_request::GroupBy,
        handoff_service_client::HandoffServiceClient,
        merge_service_client::MergeServiceClient,
        message::{Author, Visibility},
        promise_service_client::PromiseServiceClient,
        report_row::Row,
        report_service_client::ReportServiceClient,
        root_problem::Cause,
        ticket::{CancelReason, Closure, Kind, State},
    },
};
use seva_runtime::client::Peer;
use seva_store::event::proto_timestamp;
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use sqlx::AssertSqlSafe;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::{
    imports::{import, old, staffed},
    world::{World, a_ticket, id_of, is_refused},
};

const KOLKATA: &str = "Asia/Kolkata";

fn id() -> String {
    new_id().to_string()
}

fn of(report: Report, start: &str, end: &str) -> ReportQuery {
    ReportQuery {
        report: report.into(),
        start_date: start.to_owned(),
        end_date: end.to_owned(),
        zone: KOLKATA.to_owned(),
        department: String::new(),
    }
}

fn reports(world: &World, role: &str) -> ReportServiceClient<Peer> {
    ReportServiceClient::new(world.server.as_role(role))
}

async fn read(world: &World, query: ReportQuery) -> Result<Vec<Row>, Status> {
    let request = ReadReportRequest { query: Some(query) };
    let mut answers = reports(world, "lead").read_report(request).await?.into_inner();
    let mut rows = Vec::new();
    while let Some(answer) = answers.message().await? {
        assert!(answer.rows.len() <= 500);
        rows.extend(answer.rows.into_iter().map(|row| row.row.unwrap()));
    }
    Ok(rows)
}

/// The rows of one kind: all that a report has.
macro_rules! rows {
    ($world:expr, $query:expr, $kind:ident) => {{
        let rows = read($world, $query).await.unwrap();
        rows.into_iter()
            .map(|row| match row {
                Row::$kind(row) => row,
                other => panic!("of another report: {other:?}"),
            })
            .collect::<Vec<_>>()
    }};
}

/// The lines of an export, the header first.
async fn export(world: &World, query: ReportQuery) -> Vec<Vec<String>> {
    let request = ExportReportRequest { query: Some(query) };
    let mut answers = reports(world, "manager").export_report(request).await.unwrap().into_inner();
    let mut file = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(answer.csv.len() <= 64 * 1024 && answer.csv.ends_with(b"\r\n"), "whole lines, of bounded size");
        file.extend(answer.csv);
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_slice());
    reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Whoever was silent has lost it meanwhile, and gets it again.
async fn resolved(world: &World, name: &str, cause: Cause, rule: &str) {
    let request = || ResolveTicketRequest {
        name: name.to_owned(),
        root_problem: Some(RootProblem {
            cause: cause.into(),
            description: "It was so.".to_owned(),
            handbook_rule: rule.to_owned(),
        }),
        note: "It is done.".to_owned(),
        request_id: id(),
        ..ResolveTicketRequest::default()
    };
    eventually("it is resolved", || async { world.tickets().resolve_ticket(request()).await.ok() }).await;
}

/// Dulal promises something within two hours.
async fn promised(world: &World, ticket: &str) -> String {
    let due = world.now() + jiff::SignedDuration::from_hours(2);
    let request = || MakePromiseRequest {
        ticket: ticket.to_owned(),
        text: "Within two hours.".to_owned(),
        due_time: Some(proto_timestamp(due)),
        request_id: id(),
        ..MakePromiseRequest::default()
    };
    let client = || PromiseServiceClient::new(world.as_user("dulal"));
    let made = eventually("it is promised", || async { client().make_promise(request()).await.ok() }).await;
    made.into_inner().promise.unwrap().name
}

async fn rejected(world: &World, name: &str) {
    let request = RejectTicketRequest {
        name: name.to_owned(),
        caller: "Asha".to_owned(),
        text: "It is not.".to_owned(),
        request_id: id(),
        ..RejectTicketRequest::default()
    };
    world.tickets().reject_ticket(request).await.unwrap();
}

async fn reopened(world: &World, name: &str) {
    let request = ReopenTicketRequest {
        name: name.to_owned(),
        text: "It is back.".to_owned(),
        request_id: id(),
        ..ReopenTicketRequest::default()
    };
    world.tickets().reopen_ticket(request).await.unwrap();
}

async fn says(world: &World, name: &str, author: Author) {
    let request = ReplyToTicketRequest {
        name: name.to_owned(),
        visibility: Visibility::Public.into(),
        author: author.into(),
        text: "Well?".to_owned(),
        request_id: id(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets().reply_to_ticket(request).await.unwrap();
}

/// Of support, where Dulal serves:
///
/// | | on Monday, the 2nd of March | on Tuesday | on Wednesday | later |
/// |---|---|---|---|---|
/// | one | opened 14:30, resolved 15:30 (carrier), confirmed 16:30 | opened again 16:30, resolved 17:30 (carrier) | | |
/// | two | opened 14:30, resolved 20:30 (our rule), rejected 21:30, resolved 22:30 (our rule) | | | nobody answers: closed after three attempts |
/// | three | opened 14:30, canceled | | | |
/// | four | | opened 16:30 | merged into five 16:30 | taken out again |
/// | five | | opened 16:30 | | |
struct Story {
    world: World,
    support: String,
    one: String,
    two: String,
    four: String,
    five: String,
}

impl Story {
    async fn new() -> Self {
        let world = World::new().await;
        let support = world.department("support", &["question"]).await;
        world.member("dulal", &support, &["en"], 50).await;
        let customer = world.customer("en").await;
        let mut opened = Vec::new();
        for _ in 0..3 {
            opened.push(world.create(a_ticket(customer)).await.unwrap().name);
        }
        let [one, two, three] = opened.try_into().unwrap();
        world.assigned(&one).await;
        world.assigned(&two).await;
        let request = CancelTicketRequest {
            name: three,
            reason: CancelReason::ByCustomer.into(),
            request_id: id(),
            ..CancelTicketRequest::default()
        };
        world.tickets().cancel_ticket(request).await.unwrap();
        world.pass(1);
        resolved(&world, &one, Cause::Carrier, "").await;
        world.pass(1);
        world.confirm(&one).await.unwrap();
        world.pass(4);
        let rule = "handbookRules/returns-after-30-days";
        resolved(&world, &two, Cause::Policy, rule).await;
        world.pass(1);
        rejected(&world, &two).await;
        world.assigned(&two).await;
        world.pass(1);
        resolved(&world, &two, Cause::Policy, rule).await;
        // Tuesday, 16:30.
        world.pass(18);
        reopened(&world, &one).await;
        world.assigned(&one).await;
        let four = world.create(a_ticket(customer)).await.unwrap().name;
        let five = world.create(a_ticket(customer)).await.unwrap().name;
        world.assigned(&four).await;
        world.assigned(&five).await;
        world.pass(1);
        resolved(&world, &one, Cause::Carrier, "").await;
        // Wednesday, 16:30.
        world.pass(23);
        let request = MergeTicketRequest {
            name: four.clone(),
            target: five.clone(),
            request_id: id(),
            ..MergeTicketRequest::default()
        };
        MergeServiceClient::new(world.server.as_role("agent")).merge_ticket(request).await.unwrap();
        Self { world, support, one, two, four, five }
    }

    /// Three attempts, 48 hours apart: then both are closed that wait for their customers.
    async fn nobody_answers(&self) {
        for ticket in [&self.one, &self.two] {
            let mut asked = self.world.get(ticket).await;
            while asked.state() == State::Resolved {
                let before = asked.verification_attempts;
                self.world.pass(48);
                let goes_on =
                    |ticket: &Ticket| ticket.verification_attempts > before || ticket.state() != State::Resolved;
                asked = self.world.until("it goes on", ticket, goes_on).await;
            }
            assert_eq!(asked.closure(), Closure::Unverified);
        }
    }
}

fn a_volume(date: &str, support: &str) -> VolumeRow {
    VolumeRow {
        date: date.to_owned(),
        kind: Kind::Question.into(),
        department: support.to_owned(),
        channel: OpeningChannel::Staff.into(),
        ..VolumeRow::default()
    }
}

/// TK133, TK130
#[tokio::test(flavor = "multi_thread")]
async fn volumes_say_what_happened_on_each_day_and_what_was_open_at_its_end() {
    let story = Story::new().await;
    let (world, support) = (&story.world, story.support.as_str());
    let volumes = rows!(world, of(Report::Volumes, "2026-03-01", "2026-03-05"), Volume);
    let expected = vec![
        VolumeRow {
            opened: 3,
            resolved: 3,
            closed_verified: 1,
            canceled: 1,
            rejected: 1,
            open_at_end: 1,
            ..a_volume("2026-03-02", support)
        },
        VolumeRow { opened: 2, resolved: 1, reopened: 1, open_at_end: 4, ..a_volume("2026-03-03", support) },
        VolumeRow { merged: 1, open_at_end: 3, ..a_volume("2026-03-04", support) },
    ];
    assert_eq!(volumes, expected);
    // What was open before is counted too, and no day that has not begun.
    let later = rows!(world, of(Report::Volumes, "2026-03-04", "2026-04-01"), Volume);
    assert_eq!(later, expected[2..]);
    // A zone moves the borders: at 20:30 in Kolkata the next day begins in Tokyo.
    let tokyo = ReportQuery { zone: "Asia/Tokyo".to_owned(), ..of(Report::Volumes, "2026-03-02", "2026-03-04") };
    let tokyo: Vec<_> = rows!(world, tokyo, Volume).iter().map(|row| (row.resolved, row.rejected)).collect();
    assert_eq!(tokyo, [(1, 0), (3, 1)]);
    // Of a department, which has nothing else.
    let other = world.department("shipping", &["delivery"]).await;
    let query = of(Report::Volumes, "2026-03-01", "2026-03-05");
    let of_support = rows!(world, ReportQuery { department: support.to_owned(), ..query.clone() }, Volume);
    assert_eq!(of_support, expected);
    assert!(rows!(world, ReportQuery { department: other, ..query }, Volume).is_empty());

    let unmerge =
        UnmergeTicketRequest { name: story.four.clone(), request_id: id(), ..UnmergeTicketRequest::default() };
    world.pass(24);
    MergeServiceClient::new(world.server.as_role("agent")).unmerge_ticket(unmerge).await.unwrap();
    story.nobody_answers().await;
    let volumes = rows!(world, of(Report::Volumes, "2026-03-01", "2026-04-01"), Volume);
    let sum = |of: fn(&VolumeRow) -> i64| volumes.iter().map(of).sum::<i64>();
    assert_eq!((sum(|row| row.unmerged), sum(|row| row.closed_unverified)), (1, 2));
    let mut open = 0;
    for row in &volumes {
        open += row.opened + row.reopened + row.unmerged;
        open -= row.closed_verified + row.closed_unverified + row.canceled + row.merged;
        assert_eq!(row.open_at_end, open, "{row:?}");
    }
    // They are the same tickets that the rows of tickets show.
    let tickets = rows!(world, of(Report::Tickets, "2026-03-01", "2026-04-01"), Ticket);
    assert_eq!(i64::try_from(tickets.len()).unwrap(), sum(|row| row.opened));
    let is_open = |row: &&TicketRow| !matches!(row.state(), State::Closed | State::Canceled | State::Merged);
    assert_eq!(i64::try_from(tickets.iter().filter(is_open).count()).unwrap(), open);
    let resolutions: i64 = tickets.iter().map(|row| i64::from(row.resolutions)).sum();
    assert_eq!(resolutions, sum(|row| row.resolved));
    let again: i64 = tickets.iter().map(|row| i64::from(row.reopen_count)).sum();
    assert_eq!(again, sum(|row| row.rejected + row.reopened));
    // TK130: each stay begins when the one before it ended.
    let gaps = world
        .count(
            "select count(*) from (
                 select s.since, coalesce(lag(s.until) over (partition by s.ticket_id order by s.until, s.since), t.created_at) as before
                 from ticket_stay s join ticket t on t.id = s.ticket_id
             ) as stay where since <> before",
        )
        .await;
    assert_eq!(gaps, 0);
    let kept = sqlx::query("delete from ticket_stay").execute(&world.database.owner).await;
    assert!(kept.unwrap_err().to_string().contains("never changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_say_what_was_in_time_and_how_long_it_took() {
    let story = Story::new().await;
    let clocks = rows!(&story.world, of(Report::Clocks, "2026-03-02", "2026-03-03"), Clock);
    let clocks: BTreeMap<ClockKind, ClockRow> = clocks.into_iter().map(|row| (row.kind(), row)).collect();
    // The first answers came after one and after six hours; four are allowed. The third was called off.
    let first = &clocks[&ClockKind::FirstResponse];
    assert_eq!((first.counted, first.met_in_time, first.met_late, first.overdue, first.under_way), (2, 1, 1, 0, 0));
    assert_eq!((first.percent_in_time, first.measured), (Some(50.0), 2));
    assert_eq!((first.p50_minutes, first.p90_minutes), (Some(60.0), Some(360.0)));
    // Sixteen hours are allowed.
    let resolution = &clocks[&ClockKind::ResolutionFirst];
    assert_eq!((resolution.counted, resolution.met_in_time, resolution.percent_in_time), (2, 2, Some(100.0)));
    assert_eq!((resolution.p50_minutes, resolution.p90_minutes), (Some(60.0), Some(360.0)));
    // Neither is over: both wait for their customers.
    let total = &clocks[&ClockKind::ResolutionTotal];
    assert_eq!((total.counted, total.under_way, total.percent_in_time, total.p50_minutes), (2, 2, None, None));
    // Of those of Tuesday nothing was answered for a day, then one was merged into the other: it was late before that.
    let clocks = rows!(&story.world, of(Report::Clocks, "2026-03-03", "2026-03-04"), Clock);
    let first = clocks.iter().find(|row| row.kind() == ClockKind::FirstResponse).unwrap();
    assert_eq!((first.counted, first.overdue, first.percent_in_time, first.measured), (2, 2, Some(0.0), 0));
    assert!(clocks.iter().all(|row| row.department == story.support && row.kind() != ClockKind::Verification));
}

/// What became of the clocks of one kind: all, those met in time, met late, overdue, and neither.
fn counted(clocks: &[ClockRow], kind: ClockKind) -> Option<[i64; 5]> {
    let row = clocks.iter().find(|row| row.kind() == kind)?;
    Some([row.counted, row.met_in_time, row.met_late, row.overdue, row.under_way])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_was_broken_stays_in_the_reports_after_the_apology() {
    let world = World::new().await;
    let support = world.department("support", &["question"]).await;
    world.member("dulal", &support, &["en"], 50).await;
    let ticket = world.create(a_ticket(world.customer("en").await)).await.unwrap().name;
    world.assigned(&ticket).await;
    let promise = promised(&world, &ticket).await;
    world.pass(3);
    eventually("it is broken", || async {
        (world.count("select count(*) from promise where broken_at is not null").await == 1).then_some(())
    })
    .await;
    says(&world, &ticket, Author::Customer).await;
    world.pass_minutes(10);
    let sorry = ApologizeForPromiseRequest {
        name: promise,
        text: "We are sorry.".to_owned(),
        request_id: id(),
        ..ApologizeForPromiseRequest::default()
    };
    PromiseServiceClient::new(world.server.as_role("lead")).apologize_for_promise(sorry).await.unwrap();
    // After the apology nothing is waited for any more.
    world.pass_minutes(10);
    says(&world, &ticket, Author::Customer).await;

    let clocks = rows!(&world, of(Report::Clocks, "2026-03-02", "2026-03-03"), Clock);
    assert_eq!(counted(&clocks, ClockKind::Promise), Some([1, 0, 0, 1, 0]));
    let contacts = rows!(&world, of(Report::AvoidableContacts, "2026-03-02", "2026-03-03"), AvoidableContact);
    let told: Vec<_> = contacts.iter().map(|row| (row.reason(), row.ticket.as_str())).collect();
    assert_eq!(told, [(Reason::PromiseBroken, ticket.as_str())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_late_before_it_was_called_off_counts_and_nothing_else_that_was() {
    let world = World::new().await;
    world.department("support", &["question"]).await;
    let customer = world.customer("en").await;
    let cancel = async |name: &str| {
        let request = CancelTicketRequest {
            name: name.to_owned(),
            reason: CancelReason::ByCustomer.into(),
            request_id: id(),
            ..CancelTicketRequest::default()
        };
        world.tickets().cancel_ticket(request).await.unwrap();
    };
    // Four hours are allowed: one is not answered in six, which its customer complains about, and the other is called off before.
    let late = world.create(a_ticket(customer)).await.unwrap().name;
    world.pass(5);
    let other = world.create(a_ticket(customer)).await.unwrap().name;
    world.pass(1);
    says(&world, &late, Author::Customer).await;
    world.pass(1);
    cancel(&late).await;
    cancel(&other).await;

    let clocks = rows!(&world, of(Report::Clocks, "2026-03-02", "2026-03-03"), Clock);
    assert_eq!(counted(&clocks, ClockKind::FirstResponse), Some([1, 0, 0, 1, 0]));
    assert_eq!(clocks.len(), 1, "no other clock was late: {clocks:?}");
    let contacts = rows!(&world, of(Report::AvoidableContacts, "2026-03-02", "2026-03-03"), AvoidableContact);
    let told: Vec<_> = contacts.iter().map(|row| (row.reason(), row.ticket.as_str())).collect();
    assert_eq!(told, [(Reason::AnswerOverdue, late.as_str())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn resolutions_say_what_customers_said_to_them() {
    let story = Story::new().await;
    let query = of(Report::Resolutions, "2026-03-02", "2026-03-03");
    let expected = ResolutionRow {
        department: story.support.clone(),
        kind: Kind::Question.into(),
        resolutions: 3,
        verified: 1,
        rejected: 1,
        waiting: 1,
        verified_rate: Some(0.5),
        tickets: 2,
        reopened_once: 2,
        ..ResolutionRow::default()
    };
    assert_eq!(rows!(&story.world, query.clone(), Resolution), std::slice::from_ref(&expected));
    story.nobody_answers().await;
    let later = ResolutionRow { waiting: 0, unverified: 1, verified_rate: Some(1.0 / 3.0), ..expected };
    assert_eq!(rows!(&story.world, query, Resolution), [later]);
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_name_our_own_rules_and_what_was_given_in_each_currency() {
    let story = Story::new().await;
    let rule = "handbookRules/returns-after-30-days";
    let causes = rows!(&story.world, of(Report::Causes, "2026-03-02", "2026-03-05"), Cause);
    let row = |cause: Cause, rule: &str| CauseRow {
        cause: cause.into(),
        handbook_rule: rule.to_owned(),
        department: story.support.clone(),
        tickets: 1,
        reopened: 1,
        reopen_rate: 1.0,
    };
    assert_eq!(causes, [row(Cause::Carrier, ""), row(Cause::Policy, rule)]);
    // Two grants in rupees, of which one was taken back, one in dollars, and one that is not settled.
    let grant = |currency: &str, amount: i64, state: &str, reverses: Option<Uuid>| {
        let key = if state == "settled" { format!("'{}'", id()) } else { "null".to_owned() };
        let settled = if state == "settled" { "now()" } else { "null" };
        let id = new_id();
        let reverses = reverses.map_or_else(|| "null".to_owned(), |id| format!("'{id}'"));
        let sql = format!(
            "insert into compensation_grant (id, version, ticket_id, customer_id, kind, amount, currency, reason, state, exceeded_limits, proposer,
                                             giver, reverses, external_key, created_at, updated_at, settled_at)
             values ('{id}', 1, '{}', '{}', 'credit', {amount}, '{currency}', 'It was late.', '{state}', '{{}}', '{}', '{}', {reverses}, {key}, now(),
                     now(), {settled})",
            id_of(&story.two),
            new_id(),
            new_id(),
            new_id(),
        );
        (id, sql)
    };
    let (first, sql) = grant("INR", 50_000, "settled", None);
    let grants = [
        sql,
        grant("INR", 20_000, "settled", None).1,
        grant("INR", 50_000, "settled", Some(first)).1,
        grant("USD", 1_000, "settled", None).1,
        grant("USD", 9_000, "rejected", None).1,
    ];
    for sql in grants {
        sqlx::query(AssertSqlSafe(sql)).execute(&story.world.database.owner).await.unwrap();
    }
    let given = rows!(&story.world, of(Report::CauseCompensation, "2026-03-02", "2026-03-05"), CauseCompensation);
    let row = |currency: &str, grants, given_minor_units, taken_back_minor_units| CauseCompensationRow {
        cause: Cause::Policy.into(),
        handbook_rule: rule.to_owned(),
        currency: currency.to_owned(),
        grants,
        given_minor_units,
        taken_back_minor_units,
    };
    assert_eq!(given, [row("INR", 2, 70_000, 50_000), row("USD", 1, 1_000, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_something_of_ours_has_caused_have_a_reason_and_its_time() {
    let story = Story::new().await;
    let world = &story.world;
    // Thursday, 16:30: the fifth has had no answer since Tuesday, and Asha asks.
    world.pass(24);
    says(world, &story.five, Author::Customer).await;
    world.pass_minutes(10);
    // She is answered, promised something that is broken, and asks again.
    says(world, &story.five, Author::Staff).await;
    promised(world, &story.five).await;
    world.pass(3);
    eventually("it is broken", || async {
        (world.count("select count(*) from promise where broken_at is not null").await == 1).then_some(())
    })
    .await;
    says(world, &story.five, Author::Customer).await;
    // A day is missed, and before anybody has done something about it the customer asks.
    let customer = world.customer("en").await;
    world.day_is_missed(customer, &format_name("orders", new_id()), "2026-03-04").await;
    world.ticket_of(customer).await;
    world.pass(1);
    let asked = world.create(a_ticket(customer)).await.unwrap().name;

    let contacts = rows!(world, of(Report::AvoidableContacts, "2026-03-01", "2026-04-01"), AvoidableContact);
    let told: Vec<_> = contacts.iter().map(|row| (row.reason(), row.ticket.clone())).collect();
    let expected = [
        (Reason::NotSolved, story.two.clone()),
        (Reason::CameBack, story.one.clone()),
        (Reason::AnswerOverdue, story.five.clone()),
        (Reason::PromiseBroken, story.five.clone()),
        (Reason::KnownToUs, asked),
    ];
    assert_eq!(told, expected);
    let since = |row: &AvoidableContactRow| row.time.unwrap().seconds - row.cause_time.unwrap().seconds;
    let since: Vec<i64> = contacts.iter().map(since).collect();
    // Resolved an hour before, closed a day before, due for 44 hours, promised for an hour before, known for an hour.
    assert_eq!(since, [3_600, 24 * 3_600, 44 * 3_600, 3_600, 3_600]);
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_and_departments_are_reported_as_their_own_services_do() {
    let story = Story::new().await;
    let world = &story.world;
    let shipping = world.department("shipping", &["delivery"]).await;
    let mut promises = PromiseServiceClient::new(world.as_user("dulal"));
    let promise = promised(world, &story.five).await;
    let broken = BreakPromiseRequest {
        name: promise,
        reason: "The van broke down.".to_owned(),
        request_id: id(),
        ..BreakPromiseRequest::default()
    };
    promises.break_promise(broken).await.unwrap();
    let handoffs = || HandoffServiceClient::new(world.as_user("dulal"));
    let request = || OfferHandoffRequest {
        ticket: story.five.clone(),
        department: shipping.clone(),
        reason: "It is stuck.".to_owned(),
        wanted: "Find it.".to_owned(),
        request_id: id(),
        ..OfferHandoffRequest::default()
    };
    eventually("it is offered", || async { handoffs().offer_handoff(request()).await.ok() }).await;

    let start: jiff::Timestamp = "2026-03-03T18:30:00Z".parse().unwrap();
    let end = start + jiff::SignedDuration::from_hours(24);
    let (start_time, end_time) = (Some(proto_timestamp(start)), Some(proto_timestamp(end)));
    for (report, group_by) in
        [(Report::PromisesByDepartment, GroupBy::Department), (Report::PromisesByOwner, GroupBy::Owner)]
    {
        let request = GetPromiseRateRequest {
            start_time,
            end_time,
            group_by: group_by.into(),
            ..GetPromiseRateRequest::default()
        };
        let rates = promises.get_promise_rate(request).await.unwrap().into_inner().rates;
        assert_eq!(rates.iter().map(|rate: &PromiseRate| rate.broken).sum::<i64>(), 1);
        assert_eq!(rows!(world, of(report, "2026-03-04", "2026-03-05"), PromiseRate), rates);
    }
    let request = GetDepartmentParityRequest { start_time, end_time };
    let departments = handoffs().get_department_parity(request).await.unwrap().into_inner().departments;
    assert_eq!(departments.len(), 1);
    let query = of(Report::DepartmentParity, "2026-03-04", "2026-03-05");
    assert_eq!(rows!(world, query.clone(), DepartmentParity), departments);
    // What lies within a row stands in columns of its own.
    let lines = export(world, query).await;
    let column = |name: &str| lines[0].iter().position(|column| column == name).unwrap();
    assert_eq!((&*lines[1][column("department")], &*lines[1][column("ack_counted")]), (&*shipping, "0"));
    assert_eq!(lines[1][column("ack_median_minutes")], "", "nothing was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hour_says_what_waited_and_who_was_on_shift() {
    let world = World::new().await;
    let support = world.department("support", &["question"]).await;
    // On Mondays from 14 to 17, and not at her desk: what comes waits.
    let shift = WeeklyInterval { weekday: Weekday::Monday.into(), start: "14:00".to_owned(), end: "17:00".to_owned() };
    let radha = world.member_with("radha", &support, &["en"], 5, vec![shift]).await;
    world.presence(&radha, Presence::Away).await;
    eventually("she is known to be away", || async {
        (world.count("select count(*) from staff_member where presence = 'away'").await == 1).then_some(())
    })
    .await;
    let customer = world.customer("en").await;
    world.create(a_ticket(customer)).await.unwrap();
    world.pass_minutes(40);
    let second = world.create(a_ticket(customer)).await.unwrap().name;
    world.pass_minutes(60);
    let request = CancelTicketRequest {
        name: second,
        reason: CancelReason::ByCustomer.into(),
        request_id: id(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(request).await.unwrap();
    world.pass_minutes(80);
    // It is 17:30 now.
    let rows = rows!(&world, of(Report::WaitingByHour, "2026-03-02", "2026-03-03"), Waiting);
    let told: Vec<_> = rows
        .iter()
        .map(|row: &WaitingRow| (row.hour, row.waiting, row.longest_wait_minutes, row.on_shift, row.waiting_per_member))
        .collect();
    let expected = [
        (14, 0, None, 1, Some(0.0)),
        (15, 1, Some(30.0), 1, Some(1.0)),
        (16, 2, Some(90.0), 1, Some(2.0)),
        (17, 1, Some(150.0), 0, None),
    ];
    assert_eq!(told, expected);
    assert!(rows.iter().all(|row| row.department == support && row.date == "2026-03-02"));
}

#[tokio::test(flavor = "multi_thread")]
async fn days_begin_and_end_where_the_zone_says_when_clocks_change_too() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    // In Berlin the 29th of March has 23 hours, from 23:00 to 22:00 in UTC.
    for at in ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"] {
        assert!(world.clock.advance_to(at.parse().unwrap()));
        world.create(a_ticket(customer)).await.unwrap();
    }
    let query = ReportQuery { zone: "Europe/Berlin".to_owned(), ..of(Report::Volumes, "2026-03-28", "2026-03-31") };
    let opened: Vec<_> = rows!(&world, query.clone(), Volume).iter().map(|row| (row.opened, row.open_at_end)).collect();
    assert_eq!(opened, [(1, 1), (2, 3), (1, 4)]);
    let tickets =
        |start: &str, end: &str| ReportQuery { zone: "Europe/Berlin".to_owned(), ..of(Report::Tickets, start, end) };
    assert_eq!(rows!(&world, tickets("2026-03-29", "2026-03-30"), Ticket).len(), 2);
    // Two o'clock does not come.
    world.pass(24);
    let hours = ReportQuery { report: Report::WaitingByHour.into(), ..tickets("2026-03-29", "2026-03-30") };
    let hours: Vec<_> = rows!(&world, hours, Waiting).iter().map(|row| row.hour).collect();
    assert_eq!(hours, (0..24).filter(|hour| *hour != 2).collect::<Vec<i32>>());
}

/// TK132, TK134
#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_same_rows_with_a_header() {
    let story = Story::new().await;
    story.world.assigned(&story.five).await;
    let query = of(Report::Tickets, "2026-03-01", "2026-04-01");
    // Whoever says nothing loses their ticket between the two.
    let (rows, lines) = eventually("nothing happens between the two", || async {
        let rows = rows!(&story.world, query.clone(), Ticket);
        let lines = export(&story.world, query.clone()).await;
        (rows!(&story.world, query.clone(), Ticket) == rows).then_some((rows, lines))
    })
    .await;
    let (header, lines) = lines.split_first().unwrap();
    assert_eq!(header[..5], ["ticket", "number", "customer", "kind", "priority"]);
    assert_eq!(lines.len(), rows.len());
    for (line, row) in lines.iter().zip(&rows) {
        let cell = |name: &str| line[header.iter().position(|column| column == name).unwrap()].as_str();
        assert_eq!((cell("ticket"), cell("number"), cell("kind")), (&*row.ticket, &*row.number, "question"));
        let state = row.state().as_str_name().trim_start_matches("STATE_").to_lowercase();
        assert_eq!(cell("state"), state);
        assert_eq!(cell("reopen_count"), row.reopen_count.to_string());
        let created: jiff::Timestamp = cell("create_time").parse().unwrap();
        assert_eq!(created.as_second(), row.create_time.unwrap().seconds);
        assert_eq!(cell("close_time").is_empty(), row.close_time.is_none());
        assert_eq!(cell("channel"), "staff");
    }
    // A report without rows has its header all the same.
    let empty = export(&story.world, of(Report::Volumes, "2020-01-01", "2020-01-02")).await;
    assert_eq!((empty.len(), empty[0][0].as_str()), (1, "date"));
}

/// TK130
#[tokio::test(flavor = "multi_thread")]
async fn an_imported_history_is_reported_at_its_own_times() {
    let world = World::new().await;
    let (customer, member) = staffed(&world).await;
    // Opened on the 21st of January at 14:30, resolved 50 hours later and confirmed within the hour.
    let ticket = old(&world, customer, &member, "1");
    import(&world, vec![ticket]).await.unwrap();
    let volumes = rows!(&world, of(Report::Volumes, "2026-01-01", "2026-03-03"), Volume);
    let row = |date: &str| VolumeRow {
        channel: OpeningChannel::Import.into(),
        department: volumes[0].department.clone(),
        ..a_volume(date, "")
    };
    let expected = [
        VolumeRow { opened: 1, open_at_end: 1, ..row("2026-01-21") },
        VolumeRow { open_at_end: 1, ..row("2026-01-22") },
        VolumeRow { resolved: 1, closed_verified: 1, ..row("2026-01-23") },
    ];
    assert_eq!(volumes, expected);
}

/// TK131
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_query_is_told_at_once() {
    let world = World::new().await;
    let wrong = ReportQuery {
        report: 99,
        start_date: "2026-02-30".to_owned(),
        end_date: "tomorrow".to_owned(),
        zone: "Mars/Olympus".to_owned(),
        department: "tickets/1".to_owned(),
    };
    let status = is_refused(read(&world, wrong).await, ErrorReason::FieldsInvalid);
    let details = status.get_error_details();
    let fields: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect();
    let expected = ["query.report", "query.start_date", "query.end_date", "query.zone", "query.department"];
    assert_eq!(fields, expected);
    for (start, end) in [("2026-03-01", "2026-03-01"), ("2026-03-02", "2026-03-01"), ("2025-01-01", "2026-02-06")] {
        is_refused(read(&world, of(Report::Volumes, start, end)).await, ErrorReason::FieldsInvalid);
    }
    assert!(read(&world, of(Report::Volumes, "2025-01-01", "2026-02-05")).await.unwrap().is_empty(), "400 days");
    let missing = reports(&world, "lead").read_report(ReadReportRequest::default()).await;
    is_refused(missing.map(|_| ()), ErrorReason::FieldsInvalid);
    let unknown = ReportQuery {
        department: format_name("departments", new_id()),
        ..of(Report::Tickets, "2026-03-01", "2026-03-02")
    };
    is_refused(read(&world, unknown).await, ErrorReason::ResourceNotFound);
    for role in ["agent", "ops", "hr", "integration"] {
        let request = ReadReportRequest { query: Some(of(Report::Tickets, "2026-03-01", "2026-03-02")) };
        let refused = reports(&world, role).read_report(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
}

/// TK134: whoever asks for too much is told so, and not to ask again.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_takes_the_database_too_long_says_so() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    // Without a ticket nothing is looked for.
    world.create(a_ticket(customer)).await.unwrap();
    let slow = "alter table ticket_stay rename to real_stay;
                create view public.ticket_stay as select * from real_stay where (select pg_sleep(10)::text is not null);
                grant select on public.ticket_stay to public";
    sqlx::raw_sql(slow).execute(&world.database.owner).await.unwrap();
    let query = of(Report::Resolutions, "2026-03-01", "2026-03-02");
    let status = is_refused(read(&world, query).await, ErrorReason::ReportTooLarge);
    assert_eq!(status.code(), Code::ResourceExhausted);
}

/// So many tickets in a hundred days, with their stays and clocks.
async fn many_tickets(world: &World, count: u32) {
    let script = format!(
        r#"
        alter table ticket disable trigger user;
        insert into department (id, sequence, key, calendar_version, ticket_kinds)
        select lpad(to_hex(n), 32, '0')::uuid, 1, 'd' || n, 1, '{{}}' from generate_series(0, 9) as n;
        insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, assignee, closure,
                            language, reopen_count, resolution, root_cause, correlation_id, causation_id, hops, created_at, updated_at,
                            resolved_at, closed_at, state_since, tier, targets)
        select lpad(to_hex(n), 32, '0')::uuid, 2, n, lpad(to_hex(n % 5000), 32, '0')::uuid,
               (array['question', 'problem', 'delivery', 'billing'])[1 + n % 4], (array['low', 'normal', 'high'])[1 + n % 3],
               case n % 50 when 0 then 'new' else 'closed' end, 'Where is it?', '', lpad(to_hex(n % 10), 32, '0')::uuid,
               case when n % 50 > 0 then lpad(to_hex(n % 100), 32, '0')::uuid end,
               case when n % 50 > 0 then (array['verified', 'unverified'])[1 + n % 2] end, 'hi', case when n % 20 = 7 then 1 else 0 end,
               case when n % 50 > 0 then 1 else 0 end, case when n % 50 > 0 then (array['carrier', 'product', 'payment'])[1 + n % 3] end, 'c', 'c', 0,
               at, at + interval '2 days', case when n % 50 > 0 then at + interval '1 day' end,
               case when n % 50 > 0 then at + interval '2 days' end, case when n % 50 > 0 then at + interval '2 days' end, 'standard', '{{}}'
        from generate_series(1, {count}) as n,
             lateral (select timestamptz '2025-11-01' + make_interval(secs => n * 8640000.0 / {count}) as at) as t;
        insert into ticket_stay (ticket_id, state, since, until, next_state, next_closure)
        select id, s.state, since, until, next_state, case when next_state = 'closed' then closure end
        from ticket, lateral (values
            ('new', created_at, created_at + interval '1 hour', 'open'),
            ('open', created_at + interval '1 hour', resolved_at, 'resolved'),
            ('resolved', resolved_at, closed_at, 'closed')
        ) as s (state, since, until, next_state)
        where ticket.state = 'closed';
        insert into clock (ticket_id, kind, round, state, started_at, target_us, paused_us, stopped_at, due_at, breached_at, met_at, taken_us,
                           policy_version, calendar_version, events, changed_at)
        select id, c.kind, 1, 'met', created_at, 3600000000, 0, created_at + interval '1 hour', created_at + interval '1 hour',
               case when number % 10 = 3 then created_at + interval '1 hour' end,
               created_at + case when number % 10 = 3 then interval '3 hours' else interval '1 hour' end, number * 1000, 1, 0, 2,
               created_at
        from ticket, unnest(array['first_response', 'resolution_first', 'resolution_total']) as c (kind);
        insert into message (ticket_id, id, visibility, author, medium, text, created_at)
        select id, id, 'public', 'customer', 'text', 'Well?', created_at + interval '2 hours' from ticket order by created_at;
        alter table ticket enable trigger user;
        vacuum analyze ticket;
        vacuum analyze ticket_stay;
        vacuum analyze clock;
        vacuum analyze message"#
    );
    for statement in script.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&world.database.owner).await.unwrap();
    }
}

/// TK134
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_cut_short_says_so_and_one_that_nobody_takes_ends() {
    let world = World::new().await;
    many_tickets(&world, 20_000).await;
    let query = of(Report::Tickets, "2025-11-01", "2026-03-02");
    let all = rows!(&world, query.clone(), Ticket);
    assert_eq!(all.len(), 20_000);
    let mut sorted = all.clone();
    sorted.sort_by_key(|row| row.create_time.map(|at| (at.seconds, at.nanos)));
    sorted.dedup_by(|one, other| one.ticket == other.ticket);
    assert_eq!(sorted.len(), all.len(), "each once, in their order, across pages");
    // The caller's credential ends while the caller reads nothing.
    let caller = world.person_for("lila", "lead", Duration::from_secs(2));
    let request = ReadReportRequest { query: Some(query.clone()) };
    let mut answers = ReportServiceClient::new(caller).read_report(request).await.unwrap().into_inner();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let cut = loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it looks whole"),
            Err(status) => break status,
        }
    };
    let reason = cut.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!(reason.as_deref(), Some(seva_runtime::error::reason_name(ErrorReason::ReportCutShort)), "{cut}");
    // Whoever leaves takes no connection with them: more leave than there are, and the next one is served.
    for _ in 0..20 {
        let request = ReadReportRequest { query: Some(query.clone()) };
        drop(reports(&world, "lead").read_report(request).await.unwrap());
    }
    assert_eq!(rows!(&world, query, Ticket).len(), 20_000);
}

/// A figure: rows a second of the export of tickets, and how long each report takes, over 100,000 tickets of 100 days.
///
/// `cargo test -p seva-tickets --test it -- --ignored --nocapture figure_of_reports`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure"]
async fn figure_of_reports() {
    let world = World::new().await;
    many_tickets(&world, 100_000).await;
    let all = [
        Report::Volumes,
        Report::Clocks,
        Report::Resolutions,
        Report::PromisesByDepartment,
        Report::DepartmentParity,
        Report::Causes,
        Report::CauseCompensation,
        Report::AvoidableContacts,
        Report::WaitingByHour,
        Report::Tickets,
    ];
    for report in all {
        for (what, start, end) in [("100 days", "2025-11-01", "2026-02-09"), ("a day", "2026-01-05", "2026-01-06")] {
            let began = std::time::Instant::now();
            let rows = read(&world, of(report, start, end)).await.unwrap().len();
            println!("{:32} {what:9} {rows:7} rows in {:?}", report.as_str_name(), began.elapsed());
        }
    }
    let request = ExportReportRequest { query: Some(of(Report::Tickets, "2025-11-01", "2026-02-09")) };
    let began = std::time::Instant::now();
    let mut answers = reports(&world, "lead").export_report(request).await.unwrap().into_inner();
    let mut bytes = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        bytes += answer.csv.len();
    }
    let took = began.elapsed();
    println!("export: {bytes} bytes in {took:.2?}, {:.0} rows a second", 100_000.0 / took.as_secs_f64());
}
