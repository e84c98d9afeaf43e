//! When to try again: a ladder in business time, with a jitter that is the same for the same attempt of the same message.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Pauses after the first, second .. failed hand-over of a mail, in minutes.
const MAIL_LADDER_MINUTES: [i64; 7] = [1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60];
/// Pauses after recipients could not be asked for, in seconds; the last one goes on.
const UNASKED_SECONDS: [i64; 4] = [5, 15, 60, 300];
/// How far a pause is moved, to either side, in thousandths of it.
const JITTER_PER_MILLE: i64 = 200;

/// When the next hand-over is tried after `handovers` failed ones; `None` when all are used up.
#[must_use]
pub fn after_fault(id: Uuid, handovers: i32, now: Timestamp) -> Option<Timestamp> {
    let step = usize::try_from(handovers).unwrap_or(0).saturating_sub(1);
    let minutes = *MAIL_LADDER_MINUTES.get(step)?;
    Some(now + jittered(id, handovers, SignedDuration::from_mins(minutes)))
}

/// When recipients are asked for again after `attempts` claims.
#[must_use]
pub fn after_unasked(id: Uuid, attempts: i32, now: Timestamp) -> Timestamp {
    let step = usize::try_from(attempts).unwrap_or(1).saturating_sub(1).min(UNASKED_SECONDS.len() - 1);
    now + jittered(id, attempts, SignedDuration::from_secs(UNASKED_SECONDS[step]))
}

/// The pause moved by up to a fifth. Mails that failed together do not come back together, and a test knows when.
fn jittered(id: Uuid, attempt: i32, pause: SignedDuration) -> SignedDuration {
    // The random bits of an id of version 7 are at its end; the multiplier mixes in the attempt.
    let low = u64::try_from(id.as_u128() & u128::from(u64::MAX)).unwrap_or_default();
    let mixed = (low ^ u64::from(attempt.unsigned_abs())).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let span = u64::try_from(2 * JITTER_PER_MILLE + 1).unwrap_or(1);
    let offset = i64::try_from(mixed % span).unwrap_or_default() - JITTER_PER_MILLE;
    let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    SignedDuration::from_millis(millis + millis / 1000 * offset)
}
