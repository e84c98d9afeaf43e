//! Those who serve at an instant, and who of them takes what. Pure.

use std::collections::HashMap;

use jiff::Timestamp;
use seva_values::Language;
use uuid::Uuid;

use super::model::{Decision, Question, WaitReason};
use crate::{
    recipient::model::ENGLISH,
    roster::{Presence, StaffMember, State},
    ticket::Kind,
};

/// Everybody who serves, by department, as they stand at one instant. What was given since then counts.
#[derive(Debug, Clone)]
pub struct Board {
    departments: HashMap<Uuid, Vec<Seat>>,
    /// Grows with what is given here, above every number that the database has given.
    assignments: i64,
}

#[derive(Debug, Clone)]
struct Seat {
    member: StaffMember,
    /// The earliest instant from now on that lies in a shift.
    next_shift: Option<Timestamp>,
    on_shift: bool,
}

impl Seat {
    fn is_there(&self) -> bool {
        self.on_shift && self.member.presence == Presence::Present
    }
}

impl Board {
    /// The board of an instant. Those who have left, and those of no department, are not on it.
    #[must_use]
    pub fn new(members: Vec<StaffMember>, now: Timestamp) -> Self {
        let assignments = members.iter().map(|member| member.last_assignment).max().unwrap_or(0);
        let mut departments: HashMap<Uuid, Vec<Seat>> = HashMap::new();
        for member in members.into_iter().filter(|member| member.state == State::Active) {
            let Some(department) = member.department else { continue };
            // Asked once for each member: calendars and zones take longer than everything else here.
            let next_shift = member.shifts.next(now);
            let on_shift = next_shift == Some(now);
            departments.entry(department).or_default().push(Seat { member, next_shift, on_shift });
        }
        Self { departments, assignments }
    }

    /// Who of the department takes it.
    ///
    /// Of those who can, whoever leads where it was opened again twice, then the one who resolved it before, and last the one who had it and said
    /// nothing (TK36); else who has the least to do for their capacity, then who has waited longest for an assignment, then the lower id.
    #[must_use]
    pub fn decide(&self, department: Uuid, question: &Question<'_>) -> Decision {
        let wait = |reason, look_again_at| Decision::Wait { reason, look_again_at };
        let seats = self.seats(department);
        let (language, language_fell_back) = self.spoken(department, question.language);
        let skill = question.kind.skill();
        let skilled: Vec<&Seat> =
            seats.iter().filter(|seat| seat.member.handbook_current && seat.member.skills.contains(&skill)).collect();
        if skilled.is_empty() {
            return wait(WaitReason::NoSkill, None);
        }
        let fitting: Vec<&Seat> = skilled.into_iter().filter(|seat| seat.member.speaks(&language)).collect();
        if fitting.is_empty() {
            return wait(WaitReason::NoLanguage, None);
        }
        let (there, elsewhere): (Vec<&Seat>, Vec<&Seat>) = fitting.into_iter().partition(|seat| seat.is_there());
        let chosen =
            there.iter().map(|seat| &seat.member).filter(|member| member.has_room_for(question.weight)).min_by(
                |one, other| {
                    let is_other = |member: &StaffMember| question.preferred != Some(member.id);
                    let is_avoided = |member: &StaffMember| question.avoided == Some(member.id);
                    let is_junior = |member: &StaffMember| question.senior && !member.role.leads();
                    // Shares of capacities are compared without dividing; both have a capacity, because they have a free place.
                    let (load, other_load) = (
                        i64::from(one.open_weight) * i64::from(other.capacity),
                        i64::from(other.open_weight) * i64::from(one.capacity),
                    );
                    (is_avoided(one), is_junior(one), is_other(one), load, one.last_assignment, one.id).cmp(&(
                        is_avoided(other),
                        is_junior(other),
                        is_other(other),
                        other_load,
                        other.last_assignment,
                        other.id,
                    ))
                },
            );
        if let Some(member) = chosen {
            return Decision::Assign { member: member.id, language_fell_back };
        }
        // Who is on shift and away, or full, is heard of when that changes; who comes on shift is not.
        let look_again_at = elsewhere.iter().filter(|seat| !seat.on_shift).filter_map(|seat| seat.next_shift).min();
        wait(if there.is_empty() { WaitReason::NobodyOnShift } else { WaitReason::NoFreePlace }, look_again_at)
    }

    /// A member is given a ticket.
    pub fn give(&mut self, department: Uuid, member: Uuid, weight: i32) {
        self.assignments += 1;
        let seats = self.departments.entry(department).or_default();
        if let Some(seat) = seats.iter_mut().find(|seat| seat.member.id == member) {
            seat.member.open_weight += weight;
            seat.member.last_assignment = self.assignments;
        }
    }

    /// How many tickets of this kind, language and weight could be given now, if there were no others.
    #[must_use]
    pub fn free_places(&self, department: Uuid, kind: Kind, language: &Language, weight: i32) -> i64 {
        let (language, _) = self.spoken(department, language);
        let skill = kind.skill();
        let free = self.seats(department).iter().filter(|seat| {
            let member = &seat.member;
            seat.is_there()
                && member.handbook_current
                && member.has_room_for(weight)
                && member.skills.contains(&skill)
                && member.speaks(&language)
        });
        free.map(|seat| i64::from((seat.member.capacity - seat.member.open_weight) / weight)).sum()
    }

    /// When the queue has to be looked through for each member again: when they come on shift, unless they are.
    pub fn next_offers(&self, department: Uuid) -> impl Iterator<Item = (Uuid, Option<Timestamp>)> {
        let offer = |seat: &Seat| (seat.member.id, if seat.on_shift { None } else { seat.next_shift });
        self.seats(department).iter().map(offer)
    }

    fn seats(&self, department: Uuid) -> &[Seat] {
        self.departments.get(&department).map_or(&[], Vec::as_slice)
    }

    /// The language in which the department serves a customer of this one, and whether it is another (TK33).
    fn spoken(&self, department: Uuid, language: &Language) -> (Language, bool) {
        let somebody_speaks = self.seats(department).iter().any(|seat| seat.member.speaks(language));
        spoken(language, somebody_speaks)
    }
}

/// The language in which a customer is served, and whether it is another than theirs (TK33).
pub(super) fn spoken(language: &Language, somebody_speaks: bool) -> (Language, bool) {
    match Language::parse(ENGLISH) {
        Ok(english) if !somebody_speaks => (english, true),
        _ => (language.clone(), false),
    }
}
