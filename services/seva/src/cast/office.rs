//! The departments and people of a small company, in the four languages of its customers.

use anyhow::{Context, anyhow};
use seva_proto::{
    common::v1::{BusinessCalendar, Translation, Weekday, WeeklyInterval},
    staff::v1::{
        CreateDepartmentRequest, CreateStaffMemberRequest, Department, ListDepartmentsRequest, ListStaffMembersRequest,
        SetPresenceRequest, Shifts, StaffMember,
        department_service_client::DepartmentServiceClient,
        staff_member::{Presence, Role},
        staff_member_service_client::StaffMemberServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_values::Zone;

use super::{as_role, request_id};
use crate::{failure::Failure, instance::Instance};

/// Rows of one answer; the company is smaller.
const PAGE: i32 = 1000;

/// A department as the company has it: its key, what customers call it, and the kinds of tickets that come to it.
struct Desk {
    key: &'static str,
    titles: [(&'static str, &'static str); 4],
    kinds: &'static [&'static str],
}

const DESKS: [Desk; 3] = [
    Desk {
        key: "deliveries",
        titles: [("en", "Deliveries"), ("hi", "डिलीवरी"), ("bn", "ডেলিভারি"), ("ur", "ترسیل")],
        kinds: &["delivery", "return", "repair", "proactive"],
    },
    Desk {
        key: "billing",
        titles: [
            ("en", "Invoices and payments"),
            ("hi", "बिल और भुगतान"),
            ("bn", "বিল ও পেমেন্ট"),
            ("ur", "بل اور ادائیگی"),
        ],
        kinds: &["billing"],
    },
    Desk {
        key: "care",
        titles: [("en", "Customer care"), ("hi", "ग्राहक सेवा"), ("bn", "গ্রাহক সেবা"), ("ur", "خدمتِ صارفین")],
        kinds: &["question", "problem", "complaint_service", "complaint_staff", "idea_from_customer"],
    },
];

/// Those who serve at every desk, each in one language.
const PEOPLE: [(&str, &str, &str); 4] =
    [("en", "Joan", "Baker"), ("hi", "मीरा", "शर्मा"), ("bn", "শর্মিলা", "বসু"), ("ur", "صائمہ", "خان")];

/// When everybody is on shift, every day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// From eight to eight.
    ByDay,
    /// Always: for what is played in real time.
    AroundTheClock,
}

impl Shift {
    /// As a member's hours have them.
    const fn hours(self) -> (&'static str, &'static str) {
        match self {
            Self::ByDay => ("08:00", "20:00"),
            Self::AroundTheClock => ("00:00", "00:00"),
        }
    }
}

/// The company's departments and people.
#[derive(Debug, Clone)]
pub struct Office {
    members: Vec<StaffMember>,
}

impl Office {
    /// The office of an installation: made when it has none, with the desks open from nine to six but on Sundays. `capacity` is how many
    /// tickets one person has at once.
    ///
    /// # Errors
    /// The staff service refuses.
    pub async fn open(instance: &Instance, zone: &Zone, shift: Shift, capacity: i32) -> Result<Self, Failure> {
        let (begins, ends) = shift.hours();
        let mut departments = DepartmentServiceClient::new(as_role(instance, seva_staff::NAME, "manager")?);
        let mut members = StaffMemberServiceClient::new(as_role(instance, seva_staff::NAME, "manager")?);
        let listed =
            departments.list_departments(ListDepartmentsRequest { page_size: PAGE, page_token: String::new() });
        let known = listed.await.map_err(|status| anyhow!("departments cannot be listed: {status}"))?.into_inner();
        for desk in &DESKS {
            let department = match known.departments.iter().find(|known| known.key == desk.key) {
                Some(known) => known.name.clone(),
                None => open_desk(&mut departments, desk, zone).await?,
            };
            for (language, given_name, family_name) in PEOPLE {
                let member = StaffMember {
                    given_name: given_name.to_owned(),
                    family_name: family_name.to_owned(),
                    user: format!("{}-{language}", desk.key),
                    role: Role::Agent.into(),
                    department: department.clone(),
                    languages: vec![language.to_owned()],
                    skills: desk.kinds.iter().map(|kind| kind.replace('_', "-")).collect(),
                    shifts: Some(Shifts {
                        zone: zone.name().to_owned(),
                        intervals: hours(1..=7, begins, ends),
                        exceptions: Vec::new(),
                    }),
                    capacity,
                    ..StaffMember::default()
                };
                engage(&mut members, member).await?;
            }
        }
        let listed = members.list_staff_members(ListStaffMembersRequest { page_size: PAGE, ..Default::default() });
        let listed = listed.await.map_err(|status| anyhow!("people cannot be listed: {status}"))?.into_inner();
        Ok(Self { members: listed.staff_members })
    }

    /// How somebody is called.
    pub fn name_of(&self, member: &str) -> String {
        let known = self.members.iter().find(|known| known.name == member);
        known.map_or_else(|| member.to_owned(), |known| format!("{} {}", known.given_name, known.family_name))
    }
}

async fn open_desk(
    departments: &mut DepartmentServiceClient<Peer>,
    desk: &Desk,
    zone: &Zone,
) -> Result<String, Failure> {
    let titles = desk
        .titles
        .iter()
        .map(|(language, text)| Translation { language: (*language).to_owned(), text: (*text).to_owned() });
    let department = Department {
        key: desk.key.to_owned(),
        titles: titles.collect(),
        calendar: Some(BusinessCalendar {
            zone: zone.name().to_owned(),
            intervals: hours(1..=6, "09:00", "18:00"),
            exceptions: Vec::new(),
        }),
        ticket_kinds: desk.kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        email: format!("{}@seva-demo.example", desk.key),
        ..Department::default()
    };
    let request_id = request_id(&format!("department {}", desk.key));
    let request = CreateDepartmentRequest { department: Some(department), request_id };
    let made = departments.create_department(request).await;
    let made = made.map_err(|status| anyhow!("the department {} cannot be made: {status}", desk.key))?.into_inner();
    Ok(made.department.context("a department was answered without one")?.name)
}

/// Takes somebody on who is at work from then on; the same one again changes nothing.
async fn engage(members: &mut StaffMemberServiceClient<Peer>, member: StaffMember) -> Result<(), Failure> {
    let user = member.user.clone();
    let listed = members.list_staff_members(ListStaffMembersRequest { page_size: PAGE, ..Default::default() });
    let listed = listed.await.map_err(|status| anyhow!("people cannot be listed: {status}"))?.into_inner();
    let known = listed.staff_members.into_iter().find(|known| known.user == user);
    let member = match known {
        Some(known) => known,
        None => {
            let request_id = request_id(&format!("member {user}"));
            let request = CreateStaffMemberRequest { staff_member: Some(member), request_id };
            let made = members.create_staff_member(request).await;
            let made = made.map_err(|status| anyhow!("{user} cannot be taken on: {status}"))?.into_inner();
            made.staff_member.context("somebody was answered without a name")?
        }
    };
    if member.presence() != Presence::Present {
        let request = SetPresenceRequest {
            name: member.name,
            presence: Presence::Present.into(),
            request_id: request_id(&format!("present {user}")),
        };
        members.set_presence(request).await.map_err(|status| anyhow!("{user} cannot come to work: {status}"))?;
    }
    Ok(())
}

fn hours(days: std::ops::RangeInclusive<i32>, start: &str, end: &str) -> Vec<WeeklyInterval> {
    let days = days.filter_map(|day| Weekday::try_from(day).ok());
    days.map(|day| WeeklyInterval { weekday: day.into(), start: start.to_owned(), end: end.to_owned() }).collect()
}
