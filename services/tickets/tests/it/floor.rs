//! The floor: who serves, as the staff service tells it, and tickets that wait for them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use prost::Message;
use seva_proto::{
    common::v1::{BusinessCalendar, Weekday, WeeklyInterval},
    staff::v1::{self as staff, DepartmentEvent, Shifts, StaffMemberEvent, staff_member as message},
    tickets::v1::{self as pb, UpdateTicketRequest, ticket_service_server::TicketService},
};
use seva_runtime::{
    BusinessClock,
    auth::{Principal, PrincipalKind},
    call::Method,
    clock::machine_now,
};
use seva_store::{
    Event, Fault,
    consumer::Handler,
    due::{BATCH, Bell, DueWork},
    service::Foundation,
};
use seva_testkit::{TestDatabase, eventually, foundation};
use seva_tickets::{
    MIGRATOR, NAME,
    clock::{Breaches, Calendar, Clocks},
    policy::{Policies, Targets},
    roster::{self, Roster},
    routing::Routing,
    ticket::{Commands, Kind, Priority, TicketRpc},
};
use seva_values::new_id;
use sqlx::Row;
use tonic::{Request, Status};
use uuid::Uuid;

/// Business time at which every floor begins: a Monday noon in Kolkata.
pub const NOON: &str = "2026-03-02T06:30:00Z";

pub struct Floor {
    pub database: TestDatabase,
    pub foundation: Foundation,
    pub routing: Routing,
    pub breaches: Breaches,
    pub roster: Roster,
    sequences: Mutex<HashMap<String, i64>>,
}

/// A ticket as the queue sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub state: String,
    pub assignee: Option<Uuid>,
    pub wait_reason: Option<String>,
    pub route_at: Option<Timestamp>,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Every day of the week within these hours.
pub fn daily(start: &str, end: &str) -> Vec<WeeklyInterval> {
    (1..=7)
        .map(|day| WeeklyInterval {
            weekday: Weekday::try_from(day).unwrap().into(),
            start: start.to_owned(),
            end: end.to_owned(),
        })
        .collect()
}

pub fn shifts(start: &str, end: &str) -> Option<Shifts> {
    Some(Shifts { zone: "Asia/Kolkata".to_owned(), intervals: daily(start, end), exceptions: Vec::new() })
}

/// Somebody of a department who can take deliveries in English, one at a time, all day long.
pub fn somebody(department: Uuid) -> StaffMemberEvent {
    let id = new_id();
    StaffMemberEvent {
        staff_member: format!("staffMembers/{id}"),
        user: format!("user:{id}"),
        role: message::Role::Agent.into(),
        department: format!("departments/{department}"),
        languages: vec!["en".to_owned()],
        skills: vec!["delivery".to_owned()],
        shifts: shifts("00:00", "00:00"),
        presence: message::Presence::Present.into(),
        capacity: 1,
        state: message::State::Active.into(),
        handbook_current: true,
        ..StaffMemberEvent::default()
    }
}

pub fn id_of(member: &StaffMemberEvent) -> Uuid {
    member.staff_member.split_once('/').unwrap().1.parse().unwrap()
}

/// An event as a feed tells it.
pub fn event(source: &str, kind: &str, subject: &str, sequence: i64, payload: &impl Message) -> Arc<Event> {
    Arc::new(Event {
        event_id: new_id(),
        kind: kind.to_owned(),
        source: source.to_owned(),
        subject: subject.to_owned(),
        sequence,
        occurred_at: at(NOON),
        recorded_at: machine_now(),
        actor: "user:hr".to_owned(),
        correlation_id: "a story".to_owned(),
        causation_id: "a request".to_owned(),
        hops: 0,
        schema_version: 1,
        traceparent: None,
        payload: payload.encode_to_vec().into(),
        feed_no: sequence,
    })
}

impl Floor {
    pub async fn new() -> Self {
        let database = TestDatabase::new(NAME, &MIGRATOR).await;
        let foundation = foundation(database.db.clone(), BusinessClock::manual(at(NOON)));
        Self {
            routing: Routing::new(database.db.clone(), foundation.clock.clone()),
            breaches: Breaches::new(database.db.clone()),
            roster: Roster::new(foundation.clock.clone(), Bell::default()),
            database,
            foundation,
            sequences: Mutex::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.foundation.clock.now()
    }

    pub fn pass(&self, minutes: i64) {
        assert!(self.foundation.clock.advance_to(self.now() + SignedDuration::from_mins(minutes)));
    }

    fn next_sequence(&self, subject: &str) -> i64 {
        let mut sequences = self.sequences.lock().unwrap();
        let sequence = sequences.entry(subject.to_owned()).or_default();
        *sequence += 1;
        *sequence
    }

    /// A handler hears events, in a transaction as a consumer has it.
    pub async fn hear(&self, handler: &impl Handler, events: &[Arc<Event>]) -> Result<(), Fault> {
        let mut transaction = self.database.db.begin().await?;
        handler.apply(&mut transaction, events).await?;
        self.database.db.commit(transaction).await
    }

    /// A department that works from nine to six every day, and takes these kinds.
    pub async fn department(&self, kinds: &[&str]) -> Uuid {
        let id = new_id();
        self.department_says(a_department(id, 1, kinds)).await;
        id
    }

    pub async fn department_says(&self, department: staff::Department) {
        let (subject, sequence) = (department.name.clone(), self.next_sequence(&department.name));
        let payload = DepartmentEvent { department: Some(department), changed_fields: Vec::new() };
        let event = event("//staff", "seva.staff.department.updated.v1", &subject, sequence, &payload);
        self.hear(&self.roster, &[event]).await.unwrap();
    }

    /// The staff service tells of a member.
    pub async fn member_says(&self, member: &StaffMemberEvent) {
        self.members_say(std::slice::from_ref(member), "updated").await;
    }

    pub async fn presence_says(&self, member: &StaffMemberEvent) {
        self.members_say(std::slice::from_ref(member), "presence_changed").await;
    }

    pub async fn members_say(&self, members: &[StaffMemberEvent], act: &str) {
        let kind = format!("seva.staff.staff_member.{act}.v1");
        let events: Vec<_> = members
            .iter()
            .map(|member| {
                let sequence = self.next_sequence(&member.staff_member);
                event("//staff", &kind, &member.staff_member, sequence, member)
            })
            .collect();
        self.hear(&self.roster, &events).await.unwrap();
    }

    /// Somebody serves.
    pub async fn joins(&self, member: StaffMemberEvent) -> StaffMemberEvent {
        self.member_says(&member).await;
        member
    }

    /// A delivery in English.
    pub async fn delivery(&self) -> Uuid {
        self.ticket(Kind::Delivery, Priority::Normal, "en").await
    }

    pub async fn ticket(&self, kind: Kind, priority: Priority, language: &str) -> Uuid {
        self.tickets(1, kind, priority, language).await[0]
    }

    /// As many tickets as are asked for, opened now; each a microsecond younger than the one before.
    pub async fn tickets(&self, count: i64, kind: Kind, priority: Priority, language: &str) -> Vec<Uuid> {
        let department = roster::store::department_of_kind(&self.database.owner, kind).await.unwrap();
        let (department, calendar) =
            department.map_or((None, Calendar::always()), |(department, calendar)| (Some(department), calendar));
        let hours = SignedDuration::from_hours;
        let targets = Targets {
            first_response: hours(1),
            next_response: hours(1),
            update_cadence: hours(24),
            resolution_first: hours(4),
            resolution_total: hours(24),
            handoff_ack: hours(1),
            handoff_done: hours(4),
            pauses_while_external: false,
            pauses_while_scheduled: true,
            reopen_days: 30,
            return_after: SignedDuration::ZERO,
            weight: 1,
        };
        let clocks = Clocks::start(&targets, 1, &calendar, self.now());
        let ids: Vec<Uuid> = (0..count).map(|_| new_id()).collect();
        sqlx::query(
            "with inserted as (
                 insert into ticket (
                     id, version, number, customer_id, kind, priority, state, title, stated_problem, department, route_at, language,
                     correlation_id, causation_id, hops, created_at, updated_at, tier, targets
                 )
                 select id, 1, nextval('ticket_number'), id, $2, $3, 'new', 'a parcel', '', $4, $6, $5,
                        'a story', 'a request', 0, $6 + number * interval '1 microsecond', $6, 'standard', $8
                 from unnest($1::uuid[]) with ordinality as t (id, number)
                 returning id
             )
             select save_clocks(array_agg(id), array_agg($7::jsonb)) from inserted",
        )
        .bind(&ids)
        .bind(kind.name())
        .bind(priority.name())
        .bind(department)
        .bind(language)
        .bind(jiff_sqlx::Timestamp::from(self.now()))
        .bind(clocks.writes())
        .bind(sqlx::types::Json(targets))
        .execute(&self.database.owner)
        .await
        .unwrap();
        ids
    }

    /// Somebody changes a ticket; the database decides.
    pub async fn change(
        &self,
        ticket: Uuid,
        state: &str,
        assignee: Option<Uuid>,
        over_limits: bool,
    ) -> Result<(), Fault> {
        let statement = sqlx::query(
            "update ticket
             set version = version + 1, state = $2, assignee = $3, over_limits = $4, wait_reason = null, route_at = null, return_due_at = null,
                 root_cause = 'carrier', verification_due_at = case $2 when 'resolved' then created_at end
             where id = $1",
        );
        let statement = statement.bind(ticket).bind(state).bind(assignee).bind(over_limits);
        statement.execute(self.database.db.calls()).await?;
        Ok(())
    }

    /// Somebody resolves it: it holds no place any more.
    pub async fn resolves(&self, ticket: Uuid) {
        let assignee = self.seen(ticket).await.assignee;
        self.change(ticket, "resolved", assignee, false).await.unwrap();
    }

    /// A person changes its title.
    pub async fn rename(&self, ticket: Uuid, title: &str) -> Result<(), Status> {
        self.update(ticket, "title", pb::Ticket { title: title.to_owned(), ..pb::Ticket::default() }).await
    }

    /// A person changes a field of it.
    pub async fn update(&self, ticket: Uuid, path: &str, changed: pb::Ticket) -> Result<(), Status> {
        let Foundation { db, clock, .. } = &self.foundation;
        let commands = Commands::new(db.clone(), clock.clone(), Policies::new(db.clone()), Bell::default());
        let mut request = Request::new(UpdateTicketRequest {
            ticket: Some(pb::Ticket { name: format!("tickets/{ticket}"), ..changed }),
            update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
            request_id: new_id().to_string(),
        });
        request.extensions_mut().insert(Principal {
            subject: "user:lead".to_owned(),
            kind: PrincipalKind::User,
            roles: Arc::default(),
            scopes: Arc::default(),
            sources: Vec::new(),
            customer: None,
            on_behalf_of: None,
            expires_at: None,
        });
        request.extensions_mut().insert(Method("/seva.tickets.v1.TicketService/UpdateTicket".to_owned()));
        TicketRpc::new(&self.foundation, commands).update_ticket(request).await?;
        Ok(())
    }

    /// Waits until a statement waits for a ticket that somebody else is writing.
    pub async fn somebody_waits_for_a_ticket(&self) {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%ticket%'";
        eventually("somebody waits for a ticket", async || (self.count(waiting).await > 0).then_some(())).await;
    }

    /// Routes until nothing is due; answers how much was.
    pub async fn route(&self) -> usize {
        let mut count = 0;
        loop {
            let done = self.routing.run_batch(self.now(), BATCH).await.unwrap();
            count += done;
            if done == 0 {
                return count;
            }
        }
    }

    /// Breaches what is due now.
    pub async fn breach(&self) {
        while self.breaches.run_batch(self.now(), BATCH).await.unwrap() > 0 {}
    }

    pub async fn seen(&self, ticket: Uuid) -> Seen {
        let sql = "select state, assignee, wait_reason, route_at from ticket where id = $1";
        let row = sqlx::query(sql).bind(ticket).fetch_one(&self.database.owner).await.unwrap();
        Seen {
            state: row.get(0),
            assignee: row.get(1),
            wait_reason: row.get(2),
            route_at: row.get::<Option<jiff_sqlx::Timestamp>, _>(3).map(jiff_sqlx::Timestamp::to_jiff),
        }
    }

    pub async fn assignee(&self, ticket: Uuid) -> Option<Uuid> {
        self.seen(ticket).await.assignee
    }

    /// Why a ticket waits, and until when.
    pub async fn waits(&self, ticket: Uuid) -> (String, Option<Timestamp>) {
        let seen = self.seen(ticket).await;
        assert_eq!((seen.state.as_str(), seen.assignee), ("new", None));
        (seen.wait_reason.unwrap_or_default(), seen.route_at)
    }

    pub async fn open_weight(&self, member: &StaffMemberEvent) -> i32 {
        let sql = "select open_weight from staff_member where id = $1";
        sqlx::query_scalar(sql).bind(id_of(member)).fetch_one(&self.database.owner).await.unwrap()
    }

    /// Types of a ticket's events, without what is the same for all, with their sequences.
    pub async fn told(&self, ticket: Uuid) -> Vec<String> {
        let sql = "select type from seva.outbox where subject = $1 order by sequence";
        let kinds: Vec<String> =
            sqlx::query_scalar(sql).bind(format!("tickets/{ticket}")).fetch_all(&self.database.owner).await.unwrap();
        let short = |kind: &String| kind.trim_start_matches("seva.tickets.ticket.").trim_end_matches(".v1").to_owned();
        kinds.iter().map(short).collect()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.owner).await.unwrap()
    }

    /// TK30: what is counted is what is there, nobody has more than they can, and nobody who has left has any.
    pub async fn places_are_right(&self) {
        let wrong = "select count(*) from staff_member m
            where m.open_weight <> (
                select count(*) from ticket t where t.assignee = m.id and is_worked_on(t.state)
            )";
        assert_eq!(self.count(wrong).await, 0, "places are counted with their tickets");
        let over = "select count(*) from staff_member where open_weight > capacity";
        assert_eq!(self.count(over).await, 0, "nobody has more than they can");
    }

    /// Events count their tickets' changes without a gap.
    pub async fn events_have_no_gap(&self) {
        let gaps = "select count(*) from (
                select sequence, row_number() over (partition by subject order by position) as number, min(sequence) over (partition by subject) as first
                from seva.outbox
            ) as t where sequence <> first + number - 1";
        assert_eq!(self.count(gaps).await, 0);
    }

    /// How many tickets each member has.
    pub async fn held(&self) -> BTreeMap<Uuid, i64> {
        let sql = "select assignee, count(*) from ticket where state in ('open', 'pending_customer') group by assignee";
        let rows = sqlx::query(sql).fetch_all(&self.database.owner).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// What the staff service tells of a department.
pub fn a_department(id: Uuid, calendar_version: i64, kinds: &[&str]) -> staff::Department {
    staff::Department {
        name: format!("departments/{id}"),
        key: "shipping".to_owned(),
        calendar: Some(BusinessCalendar {
            zone: "Asia/Kolkata".to_owned(),
            intervals: daily("09:00", "18:00"),
            exceptions: Vec::new(),
        }),
        calendar_version,
        ticket_kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        ..staff::Department::default()
    }
}
