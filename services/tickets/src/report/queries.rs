//! Reports, told row by row.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::Arc,
};

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{self as pb, report_row::Row},
};
use seva_runtime::Error;
use seva_store::{Database, Fault};
use seva_values::format_name;
use tokio::sync::Semaphore;
use tonic::Code;
use uuid::Uuid;

use super::{
    convert,
    model::{Query, Report},
    store,
    stream::{End, Out, Parcel},
};
use crate::{
    handoff, promise,
    roster::{self, model::DEPARTMENTS},
};

/// Days of volumes that are read at once.
const DAYS_AT_ONCE: i32 = 31;
/// Tickets that are read at once.
pub const TICKETS_AT_ONCE: i64 = 1_000;
/// Statements of reports that run at once: the other connections are for calls.
const STATEMENTS_AT_ONCE: usize = 2;

/// What a group of tickets has in common: kind, department, channel.
type Group = (String, Option<Uuid>, String);

/// Reads reports.
#[derive(Debug, Clone)]
pub struct Reports {
    db: Database,
    statements: Arc<Semaphore>,
}

impl Reports {
    /// Reads the reports of this database.
    pub fn new(db: Database) -> Self {
        Self { db, statements: Arc::new(Semaphore::new(STATEMENTS_AT_ONCE)) }
    }

    /// Whether a report can be of this department.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`
    pub async fn knows(&self, department: Option<Uuid>) -> Result<(), Error> {
        let Some(id) = department else { return Ok(()) };
        let known = roster::store::known_departments(self.db.calls(), &[id]).await?;
        if known.contains(&id) { Ok(()) } else { Err(Error::not_found(format_name(DEPARTMENTS, id))) }
    }

    /// Tells a report to its end.
    ///
    /// # Errors
    /// Why it is not told to its end.
    pub async fn tell<P: Parcel>(&self, query: &Query, out: &mut Out<P>) -> Result<(), End> {
        let db = &self.db;
        match query.report {
            Report::Volumes => self.volumes(query, out).await?,
            Report::Clocks => {
                let rows = self.ask(store::clocks(db, query)).await?;
                out.tell(rows.into_iter().map(convert::clock)).await?;
            }
            Report::Resolutions => {
                let rows = self.ask(store::resolutions(db, query)).await?;
                out.tell(rows.into_iter().map(convert::resolution)).await?;
            }
            Report::PromisesByDepartment => self.promises(query, false, out).await?,
            Report::PromisesByOwner => self.promises(query, true, out).await?,
            Report::DepartmentParity => self.parity(query, out).await?,
            Report::Causes => {
                let rows = self.ask(store::causes(db, query)).await?;
                out.tell(rows.into_iter().map(convert::cause_row)).await?;
            }
            Report::CauseCompensation => {
                let rows = self.ask(store::compensation(db, query)).await?;
                out.tell(rows.into_iter().map(convert::cause_compensation)).await?;
            }
            Report::AvoidableContacts => self.avoidable(query, out).await?,
            Report::WaitingByHour => self.waiting(query, out).await?,
            Report::Tickets => self.tickets(query, out).await?,
        }
        out.send().await
    }

    /// One statement. What takes too long today does tomorrow: whoever asks is told to ask for less, not to ask again.
    async fn ask<T>(&self, statement: impl Future<Output = Result<T, Fault>>) -> Result<T, Error> {
        let _permit = self.statements.acquire().await.map_err(Error::internal)?;
        statement.await.map_err(|fault| match fault {
            Fault::TooLong => Error::new(
                Code::ResourceExhausted,
                ErrorReason::ReportTooLarge,
                "a part of the report takes too long; ask for fewer days, or for one department",
            ),
            fault => fault.into(),
        })
    }

    /// What was open at the beginning is counted once; from then on it is what came and went (TK133).
    async fn volumes<P: Parcel>(&self, query: &Query, out: &mut Out<P>) -> Result<(), End> {
        let of = query.department;
        let before = self.ask(store::open_before(&self.db, query.period.from(), of)).await?;
        let mut open: BTreeMap<Group, i64> =
            before.into_iter().map(|row| ((row.kind, row.department, row.channel), row.tickets)).collect();
        for part in query.period.parts(DAYS_AT_ONCE) {
            let mut by_day: BTreeMap<i32, BTreeMap<Group, store::Volume>> = BTreeMap::new();
            for row in self.ask(store::volumes(&self.db, &part.borders(), of)).await? {
                let group = (row.kind.clone(), row.department, row.channel.clone());
                by_day.entry(row.day).or_default().insert(group, row);
            }
            for (day, date) in (1..).zip(part.days()) {
                let mut happened = by_day.remove(&day).unwrap_or_default();
                for group in open.keys() {
                    happened.entry(group.clone()).or_insert_with(|| nothing(day, group));
                }
                let mut rows = Vec::with_capacity(happened.len());
                for (group, volume) in happened {
                    let at_end = open.get(&group).copied().unwrap_or_default() + volume.change();
                    rows.push(convert::volume(date, &volume, at_end));
                    if at_end == 0 {
                        open.remove(&group)
                    } else {
                        open.insert(group, at_end)
                    };
                }
                out.tell(rows).await?;
            }
        }
        Ok(())
    }

    async fn promises<P: Parcel>(&self, query: &Query, by_owner: bool, out: &mut Out<P>) -> Result<(), End> {
        let (from, until) = (query.period.from(), query.period.until());
        let of = promise::RateQuery { from, until, by_owner, department: query.department, owner: None };
        let counts = self.ask(promise::rates(&self.db, &of)).await?;
        let rates = promise::convert::rates(&of, counts).rates;
        out.tell(rates.into_iter().map(|rate| Ok(Row::PromiseRate(rate)))).await
    }

    async fn parity<P: Parcel>(&self, query: &Query, out: &mut Out<P>) -> Result<(), End> {
        let (from, until, now) = (query.period.from(), query.period.until(), query.now);
        let of = handoff::ParityQuery { from, until, now };
        let rows = self.ask(handoff::parity(&self.db, &of)).await?;
        let is_asked = |department: Uuid| query.department.is_none_or(|asked| asked == department);
        let rows = rows.iter().filter(|row| is_asked(row.department)).map(pb::DepartmentParity::from);
        out.tell(rows.map(|row| Ok(Row::DepartmentParity(row))).collect::<Vec<_>>()).await
    }

    /// A day at a time.
    async fn avoidable<P: Parcel>(&self, query: &Query, out: &mut Out<P>) -> Result<(), End> {
        for part in query.period.parts(1) {
            let of = query.department;
            let contacts = self.ask(store::avoidable(&self.db, (part.from(), part.until()), of)).await?;
            out.tell(contacts.into_iter().map(convert::contact)).await?;
        }
        Ok(())
    }

    /// A day at a time, hours that have begun.
    async fn waiting<P: Parcel>(&self, query: &Query, out: &mut Out<P>) -> Result<(), End> {
        let of = query.department;
        let departments = self.ask(store::departments(&self.db, of)).await?;
        let members = self.ask(roster::store::serving(self.db.calls(), &departments)).await?;
        let departments: Vec<Option<Uuid>> = departments.into_iter().map(Some).chain([None]).collect();
        for part in query.period.parts(1) {
            let hours: Vec<_> = part.hours().take_while(|hour| hour.at <= query.now).collect();
            let at: Vec<Timestamp> = hours.iter().map(|hour| hour.at).collect();
            let rows = self.ask(store::waiting(&self.db, &at, of)).await?;
            let waiting: HashMap<_, _> = rows.iter().map(|row| ((row.hour, row.department), row)).collect();
            let mut told = Vec::new();
            for (place, hour) in (0..).zip(&hours) {
                for department in &departments {
                    let serves = |member: &&roster::StaffMember| {
                        member.department == *department && member.capacity > 0 && member.on_shift(hour.at)
                    };
                    let on_shift = members.iter().filter(serves).count();
                    let waiting = waiting.get(&(place, *department)).copied();
                    if waiting.is_some() || on_shift > 0 {
                        told.push(convert::waiting(*hour, *department, waiting, on_shift));
                    }
                }
            }
            out.tell(told).await?;
        }
        Ok(())
    }

    /// A page at a time, by when they were opened.
    async fn tickets<P: Parcel>(&self, query: &Query, out: &mut Out<P>) -> Result<(), End> {
        let (mut after, until) = ((query.period.from(), Uuid::nil()), query.period.until());
        loop {
            let page = store::tickets(&self.db, after, until, query.department, TICKETS_AT_ONCE);
            let tickets = self.ask(page).await?;
            let Some(last) = tickets.last() else { return Ok(()) };
            after = (last.created_at.to_jiff(), last.id);
            out.tell(tickets.into_iter().map(convert::ticket)).await?;
        }
    }
}

fn nothing(day: i32, (kind, department, channel): &Group) -> store::Volume {
    store::Volume {
        day,
        kind: kind.clone(),
        department: *department,
        channel: channel.clone(),
        opened: 0,
        resolved: 0,
        closed_verified: 0,
        closed_unverified: 0,
        canceled: 0,
        merged: 0,
        rejected: 0,
        reopened: 0,
        unmerged: 0,
    }
}

impl store::Volume {
    /// By how many more are open.
    const fn change(&self) -> i64 {
        let Self { opened, reopened, unmerged, closed_verified, closed_unverified, canceled, merged, .. } = self;
        *opened + *reopened + *unmerged - *closed_verified - *closed_unverified - *canceled - *merged
    }
}
