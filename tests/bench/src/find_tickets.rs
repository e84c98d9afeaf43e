//! Finding tickets among ten thousand and among a million: the first page of a queue, a word, and the counts of an agent's views, each over gRPC
//! by all callers, and each as a ratio of the two.

use std::time::Duration;

use seva_proto::common::v1::Translation;
use seva_proto::tickets::v1::{
    CountViewsRequest, CreateViewRequest, ListTicketsRequest, SearchTicketsRequest, TicketFilter, View,
    search_service_client::SearchServiceClient,
    ticket::{Priority, State},
    ticket_service_client::TicketServiceClient,
    view::Sharing,
    view_service_client::ViewServiceClient,
};
use seva_runtime::client::Peer;
use seva_store::Database;
use seva_testkit::TestServer;
use seva_values::new_id;
use sqlx::{Connection, PgConnection};

use crate::{
    create_ticket::alone,
    load::{median, rate},
    report::{Bar, Report},
    surroundings::Surroundings,
};

/// A million may take so much longer than ten thousand.
const BAR: f64 = 1.3;
/// Views that an agent looks at.
const VIEWS: u128 = 20;
/// Departments.
const DEPARTMENTS: u128 = 10;

/// A database with so many tickets, five thousand of which are not over, and the service on it.
struct Shelf {
    db: Database,
    server: TestServer,
    views: Vec<String>,
}

/// Measures both sides in turn, three times.
pub async fn measure(
    report: &mut Report,
    surroundings: &Surroundings,
    span: Duration,
    many: i64,
) -> anyhow::Result<()> {
    let few = Shelf::filled(surroundings, "tickets_few", 10_000).await?;
    let many = Shelf::filled(surroundings, "tickets_many", many).await?;
    for question in [Question::Queue, Question::Word, Question::Counts] {
        let (mut rates, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let of_few = question.asked(&few, span).await?;
            let of_many = question.asked(&many, span).await?;
            rates.push(of_many);
            ratios.push(of_few / of_many);
        }
        report.note(format!("{} among the many, 8 callers", question.name()), median(rates), "calls/s");
        let name = format!("{}: time among the many / among 10,000", question.name());
        report.against(name, median(ratios), "ratio", Bar::AtMost(BAR));
    }
    for Shelf { db, server, .. } in [few, many] {
        server.tasks.stop(Duration::from_secs(5)).await;
        db.close().await;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Question {
    Queue,
    Word,
    Counts,
}

impl Question {
    const fn name(self) -> &'static str {
        match self {
            Self::Queue => "first page of a queue",
            Self::Word => "a search for a rare word",
            Self::Counts => "the counts of 20 views",
        }
    }

    /// Calls a second.
    async fn asked(self, shelf: &Shelf, span: Duration) -> anyhow::Result<f64> {
        let peer = |_| shelf.server.as_role("agent");
        match self {
            Self::Queue => rate(span, peer, queue).await,
            Self::Word => rate(span, peer, word).await,
            Self::Counts => {
                let views = shelf.views.clone();
                rate(span, peer, move |peer| counts(peer, views.clone())).await
            }
        }
    }
}

async fn queue(peer: Peer) -> anyhow::Result<Peer> {
    let filter = filter(1);
    let request = ListTicketsRequest { filter: Some(filter), page_size: 50, ..ListTicketsRequest::default() };
    let page = TicketServiceClient::new(peer.clone()).list_tickets(request).await?.into_inner();
    anyhow::ensure!(page.tickets.len() == 50, "a page of {}", page.tickets.len());
    Ok(peer)
}

async fn word(peer: Peer) -> anyhow::Result<Peer> {
    let request = SearchTicketsRequest { query: "needle".to_owned(), ..SearchTicketsRequest::default() };
    let page = SearchServiceClient::new(peer.clone()).search_tickets(request).await?.into_inner();
    anyhow::ensure!(page.results.len() == 10, "{} results", page.results.len());
    Ok(peer)
}

async fn counts(peer: Peer, names: Vec<String>) -> anyhow::Result<Peer> {
    let counted = ViewServiceClient::new(peer.clone()).count_views(CountViewsRequest { names }).await?.into_inner();
    anyhow::ensure!(counted.counts.iter().any(|count| count.tickets > 0), "nothing is counted");
    Ok(peer)
}

/// What is not over of a department, and of some of them only what is urgent.
fn filter(number: u128) -> TicketFilter {
    let department = uuid::Uuid::from_u128(1 + number % DEPARTMENTS);
    let urgent = (number.is_multiple_of(2)).then_some(Priority::Urgent.into());
    TicketFilter {
        department: format!("departments/{department}"),
        states: vec![State::New.into(), State::Open.into()],
        priorities: urgent.into_iter().collect(),
        ..TicketFilter::default()
    }
}

impl Shelf {
    async fn filled(surroundings: &Surroundings, name: &'static str, tickets: i64) -> anyhow::Result<Self> {
        let db = surroundings.database(name, &seva_tickets::MIGRATOR).await?;
        let mut owner = PgConnection::connect(&surroundings.tcp_url(name)).await?;
        for statement in ["set session_replication_role = replica", "drop index ticket_document_words"] {
            sqlx::query(statement).execute(&mut owner).await?;
        }
        // Ids begin with the time, as ours do. Ten tickets have the word.
        sqlx::query(
            "insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, department, assignee, closure,
                                 language, correlation_id, causation_id, hops, created_at, updated_at, tier, targets, next_due_at)
             select (lpad(to_hex(1700000000000 + n * 1000), 12, '0') || '7' || lpad(to_hex(n * 7919 % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid,
                    1, n, lpad(to_hex(n % ($1 / 10)), 32, '0')::uuid, (array['delivery', 'question', 'billing', 'return'])[1 + n % 4],
                    (array['low', 'normal', 'high', 'urgent'])[1 + n / 10 % 4], state,
                    (array['Where is it', 'पता गलत है', 'ঠিকানা ভুল', 'رقم کی واپسی'])[1 + n % 4] || ' A-' || n,
                    'It was promised for Monday, w' || n % 5000 || case when n % ($1 / 10) = 7 then ' and a needle' else '' end,
                    lpad(to_hex(1 + n % 10), 32, '0')::uuid, case when state <> 'new' then lpad(to_hex(1000 + n % 200), 32, '0')::uuid end,
                    case when state = 'closed' then 'verified' end, 'hi', 'c', 'c', 0, at, at, 'standard', '{}',
                    case when state <> 'closed' then at + interval '1 day' end
             from generate_series(1, $1) as n, lateral (select timestamptz '2026-01-01' + make_interval(secs => n * 20) as at) as t,
                  lateral (select case when n <= $1 - 5000 then 'closed' when n % 3 = 0 then 'new' else 'open' end as state) as s",
        )
        .bind(tickets)
        .execute(&mut owner)
        .await?;
        for statement in [
            "insert into ticket_count_change select department, state, assignee, kind, priority, count(*) from ticket group by 1, 2, 3, 4, 5",
            "select fold_ticket_counts(2147483647)",
            "select index_tickets(array(select id from ticket))",
            "create index ticket_document_words on ticket_document using gin (words) with (gin_pending_list_limit = 256)",
            "vacuum analyze",
        ] {
            sqlx::query(statement).execute(&mut owner).await?;
        }
        owner.close().await?;
        let server = alone(&db).await;
        let mut manager = ViewServiceClient::new(server.as_role("manager"));
        let mut views = Vec::new();
        for number in 0..VIEWS {
            let view = View {
                titles: vec![Translation { language: "en".to_owned(), text: format!("Queue {number}") }],
                sharing: Sharing::Everybody.into(),
                filter: Some(filter(number)),
                ..View::default()
            };
            let request = CreateViewRequest { view: Some(view), request_id: new_id().to_string() };
            views.push(manager.create_view(request).await?.into_inner().view.unwrap_or_default().name);
        }
        Ok(Self { db, server, views })
    }
}
