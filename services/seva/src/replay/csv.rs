//! The table of orders: one line an order, times of the shop's wall clock without a zone.

use std::{collections::HashSet, fmt, io};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};
use seva_values::Zone;

use super::SHOP_ZONE;

#[cfg(test)]
mod tests;

/// The columns that are read, in the order in which [`super::generator`] writes them; a file may have them in any.
pub const COLUMNS: [&str; 8] = [
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
];

/// Lines with faults that are told whole; the rest is counted.
const TOLD_LINES: usize = 20;

/// What the table says of an order in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Taken.
    Created,
    /// Accepted.
    Approved,
    /// Accepted, with an invoice.
    Invoiced,
    /// Being packed.
    Processing,
    /// With the carrier.
    Shipped,
    /// Arrived.
    Delivered,
    /// Called off.
    Canceled,
    /// Cannot be supplied.
    Unavailable,
}

impl Status {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "created" => Self::Created,
            "approved" => Self::Approved,
            "invoiced" => Self::Invoiced,
            "processing" => Self::Processing,
            "shipped" => Self::Shipped,
            "delivered" => Self::Delivered,
            "canceled" => Self::Canceled,
            "unavailable" => Self::Unavailable,
            _ => return None,
        })
    }
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its number at the shop.
    pub order_id: String,
    /// The customer's id of this order at the shop.
    pub customer_id: String,
    /// What became of it.
    pub status: Status,
    /// When it was taken.
    pub purchased_at: Timestamp,
    /// When it was accepted, if that is known.
    pub approved_at: Option<Timestamp>,
    /// When the carrier got it, if that is known.
    pub handed_to_carrier_at: Option<Timestamp>,
    /// When it arrived, if that is known.
    pub delivered_at: Option<Timestamp>,
    /// The day that was promised, in the shop's zone.
    pub promised_day: Option<Date>,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a table, or not in UTF-8, or cut off.
    #[error("the table cannot be read: {0}")]
    Unreadable(#[from] ::csv::Error),
    /// It lacks columns.
    #[error("line 1: the table lacks the columns {}", .0.join(", "))]
    ColumnsMissing(Vec<&'static str>),
    /// Lines with faults.
    #[error("{0}")]
    Malformed(Malformed),
    /// There is no order in it.
    #[error("the table holds no order")]
    Empty,
    /// This machine does not know the shop's zone.
    #[error("this machine's time zone database lacks {SHOP_ZONE}; install it (package tzdata)")]
    ZoneUnknown,
}

/// The faults of a table's first lines with any, and how many further lines have some.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// In order of lines.
    pub faults: Vec<Fault>,
    /// Further lines with faults.
    pub further_lines: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the table has lines that cannot be read:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
        match self.further_lines {
            0 => Ok(()),
            1 => write!(f, "\n  and one further line"),
            further => write!(f, "\n  and {further} further lines"),
        }
    }
}

/// What is wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct Fault {
    /// Counted from 1, which is the heading.
    pub line: u64,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What can be wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Too few or too many cells.
    #[error("{found} cells where the heading has {expected}")]
    CellCount {
        /// In this line.
        found: usize,
        /// In the heading.
        expected: usize,
    },
    /// A cell that has to be filled.
    #[error("{0} is empty")]
    Missing(&'static str),
    /// Not a time.
    #[error("{column} is {text:?}, which is no time such as 10/2/2017 9:05")]
    TimeMalformed {
        /// Where.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// Not a status.
    #[error("order_status is {0:?}, which is not known")]
    StatusUnknown(String),
    /// The same order again.
    #[error("order_id {0} stands in an earlier line")]
    Repeated(String),
}

/// Reads a table whole.
///
/// # Errors
/// [`Error`]; of malformed lines all faults of the first twenty.
pub fn read(table: impl io::Read) -> Result<Vec<Order>, Error> {
    let zone = Zone::parse(SHOP_ZONE).map_err(|_| Error::ZoneUnknown)?;
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).trim(::csv::Trim::All).from_reader(table);
    let heading = reader.headers()?.clone();
    let places = COLUMNS.map(|column| heading.iter().position(|name| name == column));
    let missing: Vec<_> =
        COLUMNS.iter().zip(places).filter(|(_, place)| place.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Err(Error::ColumnsMissing(missing));
    }
    let places = places.map(Option::unwrap_or_default);

    let (mut orders, mut seen) = (Vec::new(), HashSet::new());
    let mut malformed = Malformed { faults: Vec::new(), further_lines: 0 };
    let mut faulty_lines = 0;
    for record in reader.records() {
        let record = record?;
        let mut line = Line { zone: &zone, faults: Vec::new() };
        if record.len() == heading.len() {
            let cells = places.map(|place| record.get(place).unwrap_or_default());
            if let Some(order) = line.read(cells) {
                if seen.insert(order.order_id.clone()) {
                    orders.push(order);
                } else {
                    line.faults.push(FaultKind::Repeated(order.order_id));
                }
            }
        } else {
            line.faults.push(FaultKind::CellCount { found: record.len(), expected: heading.len() });
        }
        if !line.faults.is_empty() {
            faulty_lines += 1;
            if faulty_lines > TOLD_LINES {
                malformed.further_lines += 1;
                continue;
            }
            let number = record.position().map_or(0, ::csv::Position::line);
            malformed.faults.extend(line.faults.into_iter().map(|kind| Fault { line: number, kind }));
        }
    }
    match (malformed.faults.is_empty(), orders.is_empty()) {
        (false, _) => Err(Error::Malformed(malformed)),
        (true, true) => Err(Error::Empty),
        (true, false) => Ok(orders),
    }
}

/// A line being read, with the faults found so far.
struct Line<'z> {
    zone: &'z Zone,
    faults: Vec<FaultKind>,
}

impl Line<'_> {
    /// The order; `None` when the line has a fault. Every cell is looked at, so that all faults are told.
    fn read(&mut self, cells: [&str; COLUMNS.len()]) -> Option<Order> {
        let [order_id, customer_id, status, purchased, approved, carrier, delivered, estimated] = cells;
        self.require(0, order_id);
        self.require(1, customer_id);
        self.require(2, status);
        self.require(3, purchased);
        let known_status = Status::parse(status);
        if known_status.is_none() && !status.is_empty() {
            self.faults.push(FaultKind::StatusUnknown(status.to_owned()));
        }
        let purchased_at = self.instant(3, purchased);
        let approved_at = self.instant(4, approved);
        let handed_to_carrier_at = self.instant(5, carrier);
        let delivered_at = self.instant(6, delivered);
        let promised_day = self.wall(7, estimated).map(DateTime::date);
        if !self.faults.is_empty() {
            return None;
        }
        Some(Order {
            order_id: order_id.to_owned(),
            customer_id: customer_id.to_owned(),
            status: known_status?,
            purchased_at: purchased_at?,
            approved_at,
            handed_to_carrier_at,
            delivered_at,
            promised_day,
        })
    }

    fn require(&mut self, column: usize, cell: &str) {
        if cell.is_empty() {
            self.faults.push(FaultKind::Missing(COLUMNS[column]));
        }
    }

    /// What the wall clock showed; empty cells are real.
    fn wall(&mut self, column: usize, cell: &str) -> Option<DateTime> {
        if cell.is_empty() {
            return None;
        }
        let wall = parse_wall(cell);
        if wall.is_none() {
            self.faults.push(FaultKind::TimeMalformed { column: COLUMNS[column], text: cell.to_owned() });
        }
        wall
    }

    /// The instant at which the shop's wall clock showed it: after the gap when the clocks jumped over it, the earlier of two when they
    /// were set back.
    fn instant(&mut self, column: usize, cell: &str) -> Option<Timestamp> {
        let wall = self.wall(column, cell)?;
        self.zone.time_zone().to_timestamp(wall).ok()
    }
}

/// Reads `M/D/YYYY H:MM`.
fn parse_wall(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once(' ')?;
    let mut date = date.split('/');
    let (month, day, year) = (number(date.next()?, 1, 2)?, number(date.next()?, 1, 2)?, number(date.next()?, 4, 4)?);
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute) = (number(hour, 1, 2)?, number(minute, 2, 2)?);
    if date.next().is_some() {
        return None;
    }
    let small = |number: i16| i8::try_from(number).ok();
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, 0, 0).ok()
}

/// A number of `least` to `most` digits, and nothing else.
fn number(text: &str, least: usize, most: usize) -> Option<i16> {
    let digits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
