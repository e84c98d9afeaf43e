//! Scores from and to the contract.

use jiff::Timestamp;
use seva_proto::surveys::v1 as pb;
use seva_runtime::{Error, Violations};
use seva_values::parse_name;

use super::{
    model::{ScoreQuery, Scores, WeeklyScore, Weeks},
    statistics::Score,
};
use crate::programme;

/// Reads of which programme and which weeks.
///
/// # Errors
/// `FIELDS_INVALID`.
pub fn query(request: &pb::GetScoresRequest, now: Timestamp) -> Result<ScoreQuery, Error> {
    let mut violations = Violations::default();
    let programme = violations.take("name", parse_name(programme::COLLECTION, &request.name));
    let weeks = Weeks::parse(&request.first_week, &request.last_week, now);
    let weeks = weeks.map_err(|faults| {
        for (field, invalid) in faults {
            violations.add(field, invalid);
        }
    });
    violations.finish(programme.zip(weeks.ok()).map(|(programme, weeks)| ScoreQuery { programme, weeks }))
}

impl From<&Scores> for pb::GetScoresResponse {
    fn from(scores: &Scores) -> Self {
        let Scores { weeks, total } = scores;
        Self { weeks: weeks.iter().map(Into::into).collect(), total: Some(total.into()) }
    }
}

impl From<&WeeklyScore> for pb::WeeklyScore {
    fn from(score: &WeeklyScore) -> Self {
        let WeeklyScore { week, invited, completed, response_rate, csat, nps, not_asked } = score;
        Self {
            week: week.map(|monday| monday.to_string()).unwrap_or_default(),
            invited: *invited,
            completed: *completed,
            response_rate: *response_rate,
            csat: csat.as_ref().map(Into::into),
            nps: nps.as_ref().map(Into::into),
            not_asked: not_asked.iter().map(|(reason, count)| (reason.clone(), *count)).collect(),
        }
    }
}

impl From<&Score> for pb::Score {
    fn from(score: &Score) -> Self {
        let Score { value, low, high, answers, low_confidence } = *score;
        Self { value, low, high, answers, low_confidence }
    }
}
