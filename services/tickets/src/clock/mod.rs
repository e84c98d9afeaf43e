//! How long something takes, counted in working time: folds of events on a department's calendar. What comes again has a clock for each round.
//!
//! | invariant | says |
//! |---|---|
//! | TK20 | a clock is the fold of its events: start, plus target and the working time of its pauses, is its due time, on the calendar that it began with |
//! | TK21 | only the resolutions and the cadence of news pause, and what is paused is not paused again |
//! | TK22 | a clock that is not met before its due time is breached, once, at the due time, whenever that is found |
//! | TK23 | a breach is never taken back: not by meeting, another target, reopening or cancellation |
//! | TK24 | every ticket has targets by kind, tier and priority, the same ones whatever the order of the policy's rows; they are those of the policy version that held when it was opened |
//! | TK25 | another target counts from the original start and keeps the pauses |
//! | TK26 | what is canceled is not met and what was met is not canceled; reopening resumes the total and leaves the first resolution met |
//! | TK27 | a ticket shows when the soonest due of its running clocks is due that is for us to meet, and nothing while none runs |
//! | TK28 | of what comes again one round runs at a time, and a customer who has said something waits from their first word on that has no answer |
//! | TK29 | of a clock that runs and is for us to meet is warned when half and when four fifths of its working time are over, once each, at those times |

pub mod breaches;
pub mod calendar;
pub mod clocks;
pub mod model;
pub mod store;

pub use breaches::Breaches;
pub use calendar::Calendar;
pub use clocks::{Clocks, TakenOver};
pub use model::{Clock, ClockEvent, Kind, Share, Shown, State, Step};
pub use store::ClockWrites;

#[cfg(test)]
mod tests;
