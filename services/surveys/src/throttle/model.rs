//! The pauses, as pure arithmetic over what a customer was asked before.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// A year, as the yearly maximum counts it.
const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// How rarely anybody is asked, whatever the programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Between any two surveys of one customer.
    pub pause_between_any: SignedDuration,
    /// Surveys within any 365 days.
    pub yearly_maximum: usize,
    /// A programme of higher priority that comes due for the same customer so soon is waited for.
    pub hold: SignedDuration,
    /// After contact about something else.
    pub pause_after_contact: SignedDuration,
    /// What could not be decided for so long is not asked any more: nobody wants to be asked about what is long past.
    pub ask_within: SignedDuration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            pause_between_any: SignedDuration::from_hours(30 * 24),
            yearly_maximum: 12,
            hold: SignedDuration::from_hours(1),
            pause_after_contact: SignedDuration::from_hours(24),
            ask_within: SignedDuration::from_hours(7 * 24),
        }
    }
}

/// An invitation that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which one.
    pub invitation: Uuid,
    /// Whose.
    pub programme: Uuid,
    /// Who was asked.
    pub customer: Uuid,
    /// Where; `None`: not known.
    pub mailbox: Option<Uuid>,
    /// When it was accepted for sending, in business time.
    pub asked_at: Timestamp,
}

/// What several customers were asked, and what was asked at their mailboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledgers {
    entries: Vec<Entry>,
    /// How many of them were known before; the others were added.
    known: usize,
}

/// What one customer was asked, and whoever shares the mailbox.
#[derive(Debug, Clone, Copy)]
pub struct Ledger<'a> {
    entries: &'a [Entry],
    customer: Uuid,
    mailbox: Option<Uuid>,
}

impl Ledgers {
    /// Of these entries, in any order.
    #[must_use]
    pub fn of(entries: Vec<Entry>) -> Self {
        Self { known: entries.len(), entries }
    }

    /// Adds what was accepted for sending.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// What was added, to be written.
    #[must_use]
    pub fn added(&self) -> &[Entry] {
        &self.entries[self.known..]
    }

    /// What counts against asking this customer at this mailbox.
    #[must_use]
    pub fn ledger(&self, customer: Uuid, mailbox: Option<Uuid>) -> Ledger<'_> {
        Ledger { entries: &self.entries, customer, mailbox }
    }
}

impl Ledger<'_> {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| {
            entry.customer == self.customer || (entry.mailbox.is_some() && entry.mailbox == self.mailbox)
        })
    }

    /// The earliest instant, `at` or later, at which this programme may ask the customer, when nobody does until then (SU2).
    #[must_use]
    pub fn next_eligible(
        &self,
        rules: &Rules,
        programme: Uuid,
        pause_between: SignedDuration,
        at: Timestamp,
    ) -> Timestamp {
        let by_any = self.entries().map(|entry| after(entry.asked_at, rules.pause_between_any)).max();
        let of_programme = self.entries().filter(|entry| entry.programme == programme);
        let by_programme = of_programme.map(|entry| after(entry.asked_at, pause_between)).max();
        [Some(at), by_any, by_programme, self.year_allows(rules)].into_iter().flatten().max().unwrap_or(at)
    }

    /// When the year has room again; `None`: it has room at any time.
    fn year_allows(&self, rules: &Rules) -> Option<Timestamp> {
        let mut asked: Vec<Timestamp> = self.entries().map(|entry| entry.asked_at).collect();
        asked.sort_unstable_by(|one, other| other.cmp(one));
        match rules.yearly_maximum.checked_sub(1) {
            // Once the oldest of so many has left, there is room for one.
            Some(oldest) => asked.get(oldest).map(|oldest| after(*oldest, YEAR)),
            None => Some(Timestamp::MAX),
        }
    }
}

/// A time later by a span, or the end of time.
fn after(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}
