//! The summary as a table of text.

use std::fmt;

use super::{Summary, collect::Counts};

/// Where the numbers end.
const WIDTH: usize = 64;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Business time {}", self.business_time)?;
        line(f, "Customers", self.customers)?;
        section(f, "Orders by final state", &self.orders)?;
        section(f, "Promised days", &self.promised_dates)?;
        line(f, "  arrived after the promised day", self.arrived_after_promised_day)?;
        line(f, "  arrived after its start", self.arrived_after_its_start)?;
        line(f, "  broken, and the customer told before the day had passed", self.told_before_promised_day_had_passed)?;
        line(f, "Customers told", self.messages_sent())?;
        for (milestone, languages) in &self.told {
            let by_language: Vec<_> = languages.iter().map(|(language, count)| format!("{language} {count}")).collect();
            let name = format!("  {milestone} ({})", by_language.join(", "));
            line(f, &name, languages.values().sum())?;
        }
        section(f, "Messages not sent", &self.not_sent)?;
        line(f, "Messages that still wait", self.undelivered)?;
        section(f, "Tickets opened", &self.tickets_opened)?;
        line(f, "  assigned to somebody at some time", self.tickets_assigned)?;
        section(f, "Tickets by final state", &self.tickets)?;
        section(f, "Tickets that still wait for somebody", &self.tickets_waiting)?;
        section(f, "Surveys", &self.surveys)?;
        line(f, "  invited in all", self.surveys_invited)?;
        section(f, "Dead letters", &self.dead_letters)?;
        section(f, "Events", &self.events)
    }
}

fn section(f: &mut fmt::Formatter<'_>, name: &str, counts: &Counts) -> fmt::Result {
    line(f, name, counts.values().sum())?;
    counts.iter().try_for_each(|(name, count)| line(f, &format!("  {name}"), *count))
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, count: u64) -> fmt::Result {
    writeln!(f, "{name:<WIDTH$}{count:>8}")
}
