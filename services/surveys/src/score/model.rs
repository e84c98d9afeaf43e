//! Counts of a programme by week: which weeks, what they add up to, and what is hidden. Pure.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, Zoned, civil, tz::TimeZone};
use seva_values::Invalid;
use uuid::Uuid;

use super::statistics::{FEWEST_TOLD, Recommendation, Satisfaction, Score};

/// Weeks of one answer at most: two years.
const MOST_WEEKS: i32 = 104;
/// Weeks before the last one, for those who do not say.
const USUAL_WEEKS_BEFORE: i64 = 12;

/// Whole weeks, by their Mondays in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weeks {
    /// The first one's Monday.
    pub first: civil::Date,
    /// The last one's Monday.
    pub last: civil::Date,
}

/// Of which programme and which weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreQuery {
    pub programme: Uuid,
    pub weeks: Weeks,
}

/// What is counted of a week, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Invitations that were sent.
    pub invited: i64,
    /// Of these: complete responses.
    pub completed: i64,
    pub satisfaction: Satisfaction,
    pub recommendation: Recommendation,
    /// What was not asked, by reason.
    pub not_asked: BTreeMap<String, i64>,
}

/// The counts of one week, and which of its scores are told.
#[derive(Debug, Clone, PartialEq)]
pub struct WeeklyScore {
    /// The week's Monday; `None`: the total.
    pub week: Option<civil::Date>,
    pub invited: i64,
    pub completed: i64,
    /// completed / invited; `None` when nobody was invited.
    pub response_rate: Option<f64>,
    pub csat: Option<Score>,
    pub nps: Option<Score>,
    pub not_asked: BTreeMap<String, i64>,
}

/// The scores of a programme.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Oldest first; weeks in which nobody was invited are left out.
    pub weeks: Vec<WeeklyScore>,
    /// All of the weeks, those left out included.
    pub total: WeeklyScore,
}

impl Weeks {
    /// Reads the Mondays of the first and the last week; empty ones are the usual.
    ///
    /// # Errors
    /// By field: `DATE_MALFORMED`, `NOT_A_MONDAY`, `WEEKS_OUT_OF_ORDER`, `WEEKS_TOO_MANY`.
    pub fn parse(first: &str, last: &str, now: Timestamp) -> Result<Self, Vec<(&'static str, Invalid)>> {
        let present = || Ok(monday_of(now));
        let given_last = if last.is_empty() { present() } else { monday(last) };
        let usual_first = |last: &civil::Date| {
            last.checked_sub(USUAL_WEEKS_BEFORE.weeks()).map_err(|_| Invalid::new("DATE_MALFORMED", "is out of range"))
        };
        let given_first = match (first, &given_last) {
            ("", Ok(last)) => usual_first(last).map(Some),
            ("", Err(_)) => Ok(None),
            (first, _) => monday(first).map(Some),
        };
        match (given_first, given_last) {
            (Ok(Some(first)), Ok(last)) => Self { first, last }.bounded(),
            (first, last) => {
                let fault = |field, fault: Option<Invalid>| fault.map(|invalid| (field, invalid));
                Err([fault("first_week", first.err()), fault("last_week", last.err())].into_iter().flatten().collect())
            }
        }
    }

    fn bounded(self) -> Result<Self, Vec<(&'static str, Invalid)>> {
        if self.last < self.first {
            return Err(vec![("first_week", Invalid::new("WEEKS_OUT_OF_ORDER", "comes after the last week"))]);
        }
        if (self.last - self.first).get_days() / 7 >= MOST_WEEKS {
            let too_many = format!("has to be at most {MOST_WEEKS} weeks with the last one");
            return Err(vec![("first_week", Invalid::new("WEEKS_TOO_MANY", too_many))]);
        }
        Ok(self)
    }

    /// From the first one's midnight to that after the last one's Sunday, in UTC.
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        let midnight = |date: civil::Date| date.to_zoned(TimeZone::UTC).map(|at| at.timestamp());
        let after = self.last.checked_add(1.weeks()).and_then(midnight);
        (midnight(self.first).unwrap_or(Timestamp::MIN), after.unwrap_or(Timestamp::MAX))
    }
}

fn monday(text: &str) -> Result<civil::Date, Invalid> {
    // As it is answered, so that one week has one name.
    let date = text.parse().ok().filter(|date: &civil::Date| date.to_string() == text);
    let date = date.ok_or_else(|| Invalid::new("DATE_MALFORMED", "has to be a date such as 2026-03-02"))?;
    if date.weekday() != civil::Weekday::Monday {
        return Err(Invalid::new("NOT_A_MONDAY", "has to be a week's Monday"));
    }
    Ok(date)
}

/// The Monday of a moment's week, in UTC.
fn monday_of(at: Timestamp) -> civil::Date {
    let date = Zoned::new(at, TimeZone::UTC).date();
    let days = date.weekday().to_monday_zero_offset();
    date.checked_sub(i64::from(days).days()).unwrap_or(date)
}

impl Scores {
    /// Adds weeks up, and scores what may be told.
    pub fn of(mut weeks: BTreeMap<civil::Date, Counts>) -> Self {
        let total = weeks.values().cloned().fold(Counts::default(), Counts::and);
        weeks.retain(|_, counts| counts.invited > 0);
        let csat_told = told(&weeks.values().map(|counts| counts.satisfaction.answers).collect::<Vec<_>>());
        let nps_told = told(&weeks.values().map(|counts| counts.recommendation.answers).collect::<Vec<_>>());
        let weeks = weeks.into_iter().zip(csat_told.into_iter().zip(nps_told));
        let weeks = weeks.map(|((week, counts), (csat, nps))| counts.scored(Some(week), csat, nps)).collect();
        Self { weeks, total: total.scored(None, true, true) }
    }
}

impl Counts {
    fn and(mut self, other: Self) -> Self {
        let Self { invited, completed, satisfaction, recommendation, not_asked } = other;
        self.invited += invited;
        self.completed += completed;
        self.satisfaction = self.satisfaction.and(satisfaction);
        self.recommendation = self.recommendation.and(recommendation);
        for (reason, count) in not_asked {
            *self.not_asked.entry(reason).or_default() += count;
        }
        self
    }

    fn scored(self, week: Option<civil::Date>, csat_told: bool, nps_told: bool) -> WeeklyScore {
        let Self { invited, completed, satisfaction, recommendation, not_asked } = self;
        WeeklyScore {
            week,
            invited,
            completed,
            response_rate: (invited > 0).then(|| completed as f64 / invited as f64),
            csat: satisfaction.score().filter(|_| csat_told),
            nps: recommendation.score().filter(|_| nps_told),
            not_asked,
        }
    }
}

/// Which weeks' scores are told, by their numbers of answers (SU6).
///
/// Not those with too few answers; and when all of these together are still too few, the total less the others would tell them: then the
/// smallest of the others is hidden too.
fn told(answers: &[i64]) -> Vec<bool> {
    let mut told: Vec<bool> = answers.iter().map(|&answers| answers >= FEWEST_TOLD).collect();
    let hidden: i64 = answers.iter().filter(|&&answers| answers < FEWEST_TOLD).sum();
    if (1..FEWEST_TOLD).contains(&hidden)
        && let Some(smallest) = (0..answers.len()).filter(|&at| told[at]).min_by_key(|&at| answers[at])
    {
        told[smallest] = false;
    }
    told
}
