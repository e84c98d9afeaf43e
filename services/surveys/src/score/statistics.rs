//! A share of satisfied and a net share of promoters, each with the interval in which the truth lies 95 times of 100. Pure.

/// The quantile of the normal distribution that leaves 2.5 % on each side.
const Z: f64 = 1.959_964;

/// Fewer answers than this are not told: they say little, and they could be traced to the few who gave them (SU6).
pub const FEWEST_TOLD: i64 = 5;
/// Fewer answers than this are told with a word of caution.
const FEWEST_SURE: i64 = 30;

/// A score and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The score, in percent or from -100 to 100.
    pub value: f64,
    /// Lower bound of the 95 % interval.
    pub low: f64,
    /// Upper bound of the 95 % interval.
    pub high: f64,
    /// Valid answers.
    pub answers: i64,
    /// There are fewer than 30.
    pub low_confidence: bool,
}

/// Answers to a question about satisfaction; only valid ones count (SU7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Satisfaction {
    /// All of them.
    pub answers: i64,
    /// 4 or 5 of 5.
    pub satisfied: i64,
}

/// Answers to a question about recommending; only valid ones count (SU7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recommendation {
    /// All of them.
    pub answers: i64,
    /// 9 or 10.
    pub promoters: i64,
    /// 0 to 6.
    pub detractors: i64,
}

impl Satisfaction {
    /// CSAT: the percentage of satisfied, with Wilson's interval; `None` below five answers (SU6).
    pub fn score(self) -> Option<Score> {
        let Self { answers, satisfied } = self;
        if answers < FEWEST_TOLD {
            return None;
        }
        let (low, high) = wilson(satisfied as f64, answers as f64);
        Some(Score {
            value: percent(satisfied as f64 / answers as f64),
            low: percent(low),
            high: percent(high),
            answers,
            low_confidence: answers < FEWEST_SURE,
        })
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self { answers: self.answers + other.answers, satisfied: self.satisfied + other.satisfied }
    }
}

impl Recommendation {
    /// NPS: percentage of promoters less that of detractors, with the adjusted interval of Wald; `None` below five answers (SU6).
    pub fn score(self) -> Option<Score> {
        let Self { answers, promoters, detractors } = self;
        if answers < FEWEST_TOLD {
            return None;
        }
        let (low, high) = adjusted_wald(promoters as f64, detractors as f64, answers as f64);
        Some(Score {
            value: percent((promoters - detractors) as f64 / answers as f64),
            low: percent(low),
            high: percent(high),
            answers,
            low_confidence: answers < FEWEST_SURE,
        })
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            promoters: self.promoters + other.promoters,
            detractors: self.detractors + other.detractors,
        }
    }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

/// Wilson's score interval of `successes` of `n`: unlike the textbook's it is never empty at all or nothing, and never leaves 0 to 1.
pub fn wilson(successes: f64, n: f64) -> (f64, f64) {
    let (share, z2) = (successes / n, Z * Z);
    let scale = 1.0 + z2 / n;
    let centre = (share + z2 / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// The interval of a difference of two shares of the same answers, after three answers more, of which a quarter each promote and detract:
/// the plain one says that five promoters of five are certain to be all there are.
pub fn adjusted_wald(promoters: f64, detractors: f64, n: f64) -> (f64, f64) {
    let n = n + 3.0;
    let (promoters, detractors) = ((promoters + 0.75) / n, (detractors + 0.75) / n);
    let net = promoters - detractors;
    let half = Z * ((promoters + detractors - net * net) / n).sqrt();
    ((net - half).max(-1.0), (net + half).min(1.0))
}
