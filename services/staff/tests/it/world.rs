//! A service on a fresh database, with a clock that is moved by hand, and calls as a server hands them to it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use prost::Message;
use seva_proto::{
    common::v1::{BusinessCalendar, DatedException, ErrorReason, Money, Translation, Weekday, WeeklyInterval},
    staff::v1::{
        AuthorityLimit, CreateDepartmentRequest, CreateStaffMemberRequest, Department, Shifts, StaffMember,
        authority_limit::Kind, department_service_server::DepartmentService, staff_member::Role,
        staff_member_service_server::StaffMemberService,
    },
};
use seva_runtime::{
    BusinessClock,
    auth::{Principal, PrincipalKind},
    call::Method,
    error::reason_name,
    tasks::Tasks,
};
use seva_staff::{MIGRATOR, NAME, department::DepartmentRpc, staff_member::StaffMemberRpc};
use seva_store::{paging::PageKey, service::Foundation};
use seva_testkit::TestDatabase;
use seva_values::new_id;
use sqlx::Row;
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

/// Business time at which every world begins: a Monday, 14:30 in Kolkata.
pub const START: &str = "2026-03-02T09:00:00Z";

pub struct World {
    pub database: TestDatabase,
    pub foundation: Foundation,
    pub departments: DepartmentRpc,
    pub members: StaffMemberRpc,
}

/// An event as the outbox holds it.
#[derive(Debug, PartialEq)]
pub struct Emitted {
    pub kind: String,
    pub subject: String,
    pub sequence: i64,
    pub payload: Vec<u8>,
}

impl World {
    pub async fn new() -> Self {
        let database = TestDatabase::new(NAME, &MIGRATOR).await;
        let foundation = Foundation {
            db: database.db.clone(),
            clock: BusinessClock::manual(START.parse().unwrap()),
            page_key: PageKey::new(b"of the tests"),
            tasks: Tasks::new(),
        };
        Self {
            departments: DepartmentRpc::new(&foundation),
            members: StaffMemberRpc::new(&foundation),
            database,
            foundation,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.foundation.clock.now()
    }

    /// Lets business time pass.
    pub fn pass(&self, seconds: i64) {
        assert!(self.foundation.clock.advance_to(self.now() + jiff::SignedDuration::from_secs(seconds)));
    }

    pub async fn open(&self, department: Department) -> Result<Department, Status> {
        self.open_as(department, new_id()).await
    }

    pub async fn open_as(&self, department: Department, request_id: Uuid) -> Result<Department, Status> {
        let request = CreateDepartmentRequest { department: Some(department), request_id: request_id.to_string() };
        let answer = self.departments.create_department(call("CreateDepartment", request)).await?;
        Ok(answer.into_inner().department.unwrap())
    }

    pub async fn hire(&self, staff_member: StaffMember) -> Result<StaffMember, Status> {
        self.hire_as(staff_member, new_id()).await
    }

    pub async fn hire_as(&self, staff_member: StaffMember, request_id: Uuid) -> Result<StaffMember, Status> {
        let request = CreateStaffMemberRequest { staff_member: Some(staff_member), request_id: request_id.to_string() };
        let answer = self.members.create_staff_member(call("CreateStaffMember", request)).await?;
        Ok(answer.into_inner().staff_member.unwrap())
    }

    /// Everything that was emitted, in order.
    pub async fn emitted(&self) -> Vec<Emitted> {
        let rows = sqlx::query("select type, subject, sequence, payload from seva.outbox order by position")
            .fetch_all(&self.database.owner)
            .await
            .unwrap();
        let emitted = rows.iter().map(|row| Emitted {
            kind: row.get("type"),
            subject: row.get("subject"),
            sequence: row.get("sequence"),
            payload: row.get("payload"),
        });
        emitted.collect()
    }

    /// The only value of a query on the whole database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.owner).await.unwrap()
    }
}

impl Emitted {
    pub fn read<M: Message + Default>(&self) -> M {
        M::decode(self.payload.as_slice()).unwrap()
    }
}

/// A call of somebody who leads a department.
pub fn call<M>(method: &str, message: M) -> Request<M> {
    call_by("user:ravi", &["staff.write"], method, message)
}

pub fn call_by<M>(subject: &str, scopes: &[&str], method: &str, message: M) -> Request<M> {
    let caller = Principal {
        subject: subject.to_owned(),
        kind: PrincipalKind::User,
        roles: Arc::new(BTreeSet::from(["manager".to_owned()])),
        scopes: Arc::new(scopes.iter().map(|&scope| scope.to_owned()).collect()),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    };
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Method(format!("/seva.staff.v1.Test/{method}")));
    request
}

/// Monday to Friday, nine to five, in Kolkata.
pub fn weekdays() -> Vec<WeeklyInterval> {
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday]
        .map(|day| WeeklyInterval { weekday: day.into(), start: "09:00".to_owned(), end: "17:00".to_owned() })
        .to_vec()
}

pub fn a_department(key: &str, kinds: &[&str]) -> Department {
    Department {
        key: key.to_owned(),
        titles: vec![Translation { language: "en".to_owned(), text: format!("The {key} department") }],
        calendar: Some(BusinessCalendar {
            zone: "Asia/Kolkata".to_owned(),
            intervals: weekdays(),
            exceptions: Vec::new(),
        }),
        ticket_kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        email: format!("{key}@company.example"),
        phone: "+911140000000".to_owned(),
        web_page: "https://company.example/help".to_owned(),
        ..Department::default()
    }
}

pub fn somebody(user: &str, department: &str) -> StaffMember {
    StaffMember {
        given_name: "राधा".to_owned(),
        family_name: "मिश्रा".to_owned(),
        user: user.to_owned(),
        role: Role::Agent.into(),
        department: department.to_owned(),
        languages: vec!["hi".to_owned(), "en".to_owned()],
        skills: vec!["delivery".to_owned()],
        shifts: Some(Shifts { zone: "Asia/Kolkata".to_owned(), intervals: weekdays(), exceptions: vec![on_leave()] }),
        capacity: 5,
        authority_limits: vec![limit(Kind::Refund, 50_000, "INR"), limit(Kind::Coupon, 500, "INR")],
        ..StaffMember::default()
    }
}

/// The Wednesday after the beginning, on which nobody works.
pub fn on_leave() -> DatedException {
    DatedException { date: "2026-03-04".to_owned(), hours: Vec::new() }
}

pub fn limit(kind: Kind, minor_units: i64, currency: &str) -> AuthorityLimit {
    AuthorityLimit { kind: kind.into(), per_grant: Some(Money { minor_units, currency: currency.to_owned() }) }
}

/// Whether a refusal has this reason.
pub fn is_refused<T: std::fmt::Debug>(answer: Result<T, Status>, reason: ErrorReason) -> Status {
    let status = answer.expect_err("it is refused");
    let told = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!(told.as_deref(), Some(reason_name(reason)), "{status}");
    status
}

/// The fields that a refusal names, with their reasons, in order of their names.
pub fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let refused = details.bad_request().map(|refused| refused.field_violations.clone()).unwrap_or_default();
    let mut violations: Vec<_> = refused
        .into_iter()
        .map(|violation| {
            let reason = violation.description.split(':').next().unwrap_or_default().to_owned();
            (violation.field, reason)
        })
        .collect();
    violations.sort();
    violations
}
