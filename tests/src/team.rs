//! Departments and those who serve in them, made as managers make them.

use seva_proto::{
    common::v1::{BusinessCalendar, Translation, Weekday, WeeklyInterval},
    staff::v1::{
        CreateDepartmentRequest, CreateStaffMemberRequest, Department, Shifts, StaffMember,
        department_service_client::DepartmentServiceClient,
        staff_member::{Presence, Role},
        staff_member_service_client::StaffMemberServiceClient,
    },
};
use seva_values::id::new_id;

use crate::Installation;

/// Somebody to be taken on.
#[derive(Debug, Clone)]
pub struct Recruit {
    /// The subject of their tokens.
    pub user: &'static str,
    /// `departments/{id}`.
    pub department: String,
    /// In which they serve.
    pub languages: Vec<&'static str>,
    /// Kinds of tickets, with `-`.
    pub skills: Vec<&'static str>,
    /// Weekdays on which they are on shift.
    pub days: Vec<Weekday>,
    /// From when to when; midnight to midnight is all day.
    pub hours: (&'static str, &'static str),
    /// IANA, of their hours.
    pub zone: &'static str,
    /// Whether they are there.
    pub presence: Presence,
    /// Tickets that they have at once.
    pub capacity: i32,
}

/// The days of a week.
pub const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

impl Recruit {
    /// Somebody who is there around the clock, with room for many tickets.
    pub fn new(user: &'static str, department: &str, languages: &[&'static str], skills: &[&'static str]) -> Self {
        Self {
            user,
            department: department.to_owned(),
            languages: languages.to_vec(),
            skills: skills.to_vec(),
            days: WEEK.to_vec(),
            hours: ("00:00", "00:00"),
            zone: "Asia/Karachi",
            presence: Presence::Present,
            capacity: 1000,
        }
    }

    /// Takes them on; answers their name, `staffMembers/{id}`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn engage(self, installation: &Installation) -> String {
        let Self { user, department, languages, skills, days, hours, zone, presence, capacity } = self;
        let texts = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let staff_member = StaffMember {
            given_name: user.to_owned(),
            family_name: "of the test".to_owned(),
            user: user.to_owned(),
            role: Role::Agent.into(),
            department,
            languages: texts(languages),
            skills: texts(skills),
            shifts: Some(Shifts { zone: zone.to_owned(), intervals: intervals(&days, hours), exceptions: Vec::new() }),
            presence: presence.into(),
            capacity,
            ..StaffMember::default()
        };
        let mut members = StaffMemberServiceClient::new(installation.as_role("staff", "manager"));
        let request = CreateStaffMemberRequest { staff_member: Some(staff_member), request_id: new_id().to_string() };
        let made = members.create_staff_member(request).await.expect("managers may take people on").into_inner();
        let made = made.staff_member.expect("whoever was taken on is answered");
        assert_eq!(made.presence(), presence, "{made:?}");
        made.name
    }
}

/// Opens a department that takes these kinds of tickets, with hours around the clock; answers its name, `departments/{id}`.
///
/// # Panics
/// When it is refused.
pub async fn department(installation: &Installation, key: &str, ticket_kinds: &[&str]) -> String {
    let titles = ["en", "hi", "bn", "ur"];
    let titles = titles.map(|language| Translation { language: language.to_owned(), text: key.to_owned() });
    let department = Department {
        key: key.to_owned(),
        titles: titles.to_vec(),
        calendar: Some(BusinessCalendar {
            zone: "Asia/Karachi".to_owned(),
            intervals: intervals(&WEEK, ("00:00", "00:00")),
            exceptions: Vec::new(),
        }),
        ticket_kinds: ticket_kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        email: format!("{key}@company.example"),
        ..Department::default()
    };
    let mut departments = DepartmentServiceClient::new(installation.as_role("staff", "manager"));
    let request = CreateDepartmentRequest { department: Some(department), request_id: new_id().to_string() };
    let made = departments.create_department(request).await.expect("managers may open departments").into_inner();
    made.department.expect("what was opened is answered").name
}

fn intervals(days: &[Weekday], (start, end): (&str, &str)) -> Vec<WeeklyInterval> {
    let interval =
        |day: &Weekday| WeeklyInterval { weekday: (*day).into(), start: start.to_owned(), end: end.to_owned() };
    days.iter().map(interval).collect()
}
