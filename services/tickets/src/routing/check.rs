//! Whether a person may give a ticket to a member (TK2). The free place is held by the database besides (TK30).

use jiff::Timestamp;
use seva_store::{Database, Fault};
use seva_values::Language;
use uuid::Uuid;

use super::{
    board::spoken,
    model::{Question, Unavailable},
};
use crate::roster::{Presence, StaffMember, State, store};

/// Whether `member` may be given a ticket of `department`, and whether it is served in English for want of its language; an override goes
/// over every answer but [`Unavailable::DoesNotServe`].
///
/// # Errors
/// When the database cannot be asked; the inner one is the refusal.
pub async fn check_assignment(
    db: &Database,
    member: Uuid,
    department: Option<Uuid>,
    question: &Question<'_>,
    now: Timestamp,
) -> Result<Result<bool, Unavailable>, Fault> {
    let Some(member) = store::find(db.calls(), &[member]).await?.pop() else {
        return Ok(Err(Unavailable::DoesNotServe));
    };
    let department = department.or(member.department);
    let colleagues = match department {
        Some(department) if !member.speaks(question.language) => store::serving(db.calls(), &[department]).await?,
        _ => Vec::new(),
    };
    let somebody_speaks =
        member.speaks(question.language) || colleagues.iter().any(|one| one.speaks(question.language));
    let (language, fell_back) = spoken(question.language, somebody_speaks);
    Ok(check(&member, question, &language, now).map(|()| fell_back))
}

/// Whether a member may be given a ticket, to be served in `language`.
///
/// # Errors
/// The first thing that is missing.
pub fn check(
    member: &StaffMember,
    question: &Question<'_>,
    language: &Language,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let demands = [
        (member.state == State::Active, Unavailable::DoesNotServe),
        (member.handbook_current, Unavailable::HandbookNotSigned),
        (member.skills.contains(&question.kind.skill()), Unavailable::NoSkill),
        (member.speaks(language), Unavailable::NoLanguage),
        (member.on_shift(now), Unavailable::NotOnShift),
        (member.presence == Presence::Present, Unavailable::Away),
        (member.has_room_for(question.weight), Unavailable::NoFreePlace),
    ];
    demands.into_iter().find(|(met, _)| !met).map_or(Ok(()), |(_, missing)| Err(missing))
}
