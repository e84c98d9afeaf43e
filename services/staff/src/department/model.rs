//! What a department is and how it changes: pure functions of the department, the change and the time.

use jiff::Timestamp;
use seva_runtime::mask::replace;
use seva_values::{BusinessCalendar, Email, LocalizedText, Phone, WebLink};
use uuid::Uuid;

/// Kinds of tickets of one department at most.
pub const MAX_TICKET_KINDS: usize = 50;

/// A part of the company that serves customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Department {
    pub id: Uuid,
    pub version: i64,
    pub key: String,
    /// What customers call it; never empty.
    pub titles: LocalizedText,
    pub calendar: BusinessCalendar,
    pub calendar_version: i64,
    /// In alphabetical order.
    pub ticket_kinds: Vec<String>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub web_page: Option<WebLink>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a new department is made of.
#[derive(Debug, Clone)]
pub struct NewDepartment {
    pub key: String,
    pub titles: LocalizedText,
    pub calendar: BusinessCalendar,
    pub ticket_kinds: Vec<String>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub web_page: Option<WebLink>,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub titles: Option<LocalizedText>,
    pub calendar: Option<BusinessCalendar>,
    pub ticket_kinds: Option<Vec<String>>,
    /// `Some(None)`: none from now on; as for the two that follow.
    pub email: Option<Option<Email>>,
    pub phone: Option<Option<Phone>>,
    pub web_page: Option<Option<WebLink>>,
}

impl Department {
    /// A new one.
    pub fn create(id: Uuid, new: NewDepartment, now: Timestamp) -> Self {
        let NewDepartment { key, titles, calendar, ticket_kinds, email, phone, web_page } = new;
        Self {
            id,
            version: 1,
            key,
            titles,
            calendar,
            calendar_version: 1,
            ticket_kinds,
            email,
            phone,
            web_page,
            created_at: now,
            updated_at: now,
        }
    }

    /// The department after a change, and the names of the fields that it touched. A calendar that differs is a new version (ST5).
    pub fn update(&self, change: Change, now: Timestamp) -> (Self, Vec<&'static str>) {
        let Change { titles, calendar, ticket_kinds, email, phone, web_page } = change;
        let mut next = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        let mut changed = Vec::new();
        replace(&mut next.titles, titles, "titles", &mut changed);
        replace(&mut next.calendar, calendar, "calendar", &mut changed);
        if next.calendar != self.calendar {
            next.calendar_version += 1;
        }
        replace(&mut next.ticket_kinds, ticket_kinds, "ticket_kinds", &mut changed);
        replace(&mut next.email, email, "email", &mut changed);
        replace(&mut next.phone, phone, "phone", &mut changed);
        replace(&mut next.web_page, web_page, "web_page", &mut changed);
        (next, changed)
    }
}
