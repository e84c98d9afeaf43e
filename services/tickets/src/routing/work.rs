//! Gives tickets to members, when a ticket or a member has something new.
//!
//! Two schedules: a ticket's `route_at` (it is new, or somebody who fits comes on shift) and a member's `offer_at` (a place became free, or
//! something about them changed). Either has the department's queue looked through, in one transaction that locks tickets, then members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use jiff::Timestamp;
use seva_runtime::{BusinessClock, Error};
use seva_store::{Database, Fault, due::DueWork};
use uuid::Uuid;

use super::{
    board::Board,
    model::{Decision, Question, WaitReason},
    store::{self, Group, Waiting},
};
use crate::{
    promise,
    roster::{self, StaffMember},
    ticket,
    workers::at_once_is_now,
};

/// Who assigns, as events say.
const ACTOR: &str = "worker:routing";

/// The assignment of what waits.
#[derive(Debug, Clone)]
pub struct Routing {
    db: Database,
    clock: BusinessClock,
}

/// What a look is about.
struct Look {
    due: Vec<Waiting>,
    /// The department of each kind for which tickets without one ask.
    by_kind: BTreeMap<String, Uuid>,
    departments: Vec<Uuid>,
}

impl Routing {
    /// Routes the tickets of this database.
    #[must_use]
    pub const fn new(db: Database, clock: BusinessClock) -> Self {
        Self { db, clock }
    }

    /// Puts tickets of members who do not serve back into the queue (TK32); answers how many there were.
    async fn hand_back(&self, now: Timestamp, limit: i64) -> Result<usize, Fault> {
        let left_behind: HashMap<Uuid, Uuid> =
            store::left_behind(self.db.workers(), limit).await?.into_iter().collect();
        if left_behind.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = left_behind.keys().copied().collect();
        let mut transaction = self.db.begin().await?;
        let mut changes = Vec::with_capacity(ids.len());
        for mut ticket in ticket::store::lock(&mut transaction, &ids).await? {
            // Who comes back meanwhile has handed back what they had all the same.
            if ticket.is_worked_on() && ticket.assignee == left_behind.get(&ticket.id).copied() {
                changes.extend(ticket.pass_time(now));
                changes.push(ticket.hand_back(now));
            }
        }
        ticket::store::save_all(&mut transaction, ACTOR, &changes).await?;
        self.db.commit(transaction).await?;
        Ok(ids.len())
    }

    /// Looks through the queues of departments in which something is due; answers how much was.
    async fn look(&self, now: Timestamp, limit: i64) -> Result<usize, Fault> {
        let due = store::due(self.db.workers(), now, limit).await?;
        let offered = store::offered(self.db.workers(), now).await?;
        if due.is_empty() && offered.is_empty() {
            return Ok(0);
        }
        let count = due.len() + offered.len();
        let kinds: BTreeSet<&str> =
            due.iter().filter(|one| one.department.is_none()).map(|one| one.kind.name()).collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let by_kind = roster::store::departments_of_kinds(self.db.workers(), &kinds).await?;
        let departments: BTreeSet<Uuid> =
            due.iter().filter_map(|one| one.department).chain(by_kind.values().copied()).chain(offered).collect();
        let look = Look { due, by_kind, departments: departments.into_iter().collect() };
        self.give_out(look, now, limit).await?;
        Ok(count)
    }

    /// Gives out what can be given out. Who could take what is found without locks; it is decided again behind them.
    async fn give_out(&self, look: Look, now: Timestamp, limit: i64) -> Result<(), Fault> {
        let Look { due, by_kind, departments } = look;
        let seen = sorted(roster::store::serving(self.db.workers(), &departments).await?);
        let (picked, is_complete) = self.pick(&Board::new(seen.clone(), now), &departments, limit).await?;
        let mut turns: Vec<Waiting> = due;
        let known: BTreeSet<Uuid> = turns.iter().map(|waiting| waiting.id).collect();
        turns.extend(picked.into_iter().filter(|waiting| !known.contains(&waiting.id)));
        // TK34
        turns.sort_by_key(|waiting| waiting.turn());

        let mut transaction = self.db.begin().await?;
        let ids: Vec<Uuid> = turns.iter().map(|waiting| waiting.id).collect();
        let tickets = ticket::store::lock(&mut transaction, &ids).await?;
        let mut tickets: HashMap<Uuid, _> = tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        let serving = sorted(roster::store::lock_serving(&mut transaction, &departments).await?);
        let is_as_seen = serving == seen;
        let mut board = Board::new(serving, now);
        let mut changes = Vec::with_capacity(turns.len());
        let mut waiting = Vec::new();
        for turn in &turns {
            let Some(ticket) = tickets.get_mut(&turn.id).filter(|ticket| ticket.is_in_queue()) else { continue };
            let department = ticket.department.or_else(|| by_kind.get(ticket.kind.name()).copied());
            let decision = match department {
                Some(department) => board.decide(department, &Question::of(ticket)),
                None => Decision::Wait { reason: WaitReason::NoDepartment, look_again_at: None },
            };
            match (department, decision) {
                (Some(department), Decision::Assign { member, language_fell_back }) => {
                    board.give(department, member, ticket.targets.weight);
                    // As every worker does: what time has brought about is told first.
                    changes.extend(ticket.pass_time(now));
                    changes.push(ticket.assign_by_routing(department, member, language_fell_back, now));
                }
                (department, Decision::Wait { reason, look_again_at }) => {
                    changes.extend(ticket.wait(department, reason, now));
                    waiting.push((turn.id, look_again_at));
                }
                (None, Decision::Assign { .. }) => {}
            }
        }
        ticket::store::save_all(&mut transaction, ACTOR, &changes).await?;
        store::look_again(&mut transaction, &waiting).await?;
        // Whoever changed between the two looks may be able to take what was not picked: the offer stands, and the next look finds it.
        if is_as_seen && is_complete {
            let offers: Vec<_> = departments.iter().flat_map(|department| board.next_offers(*department)).collect();
            store::offer_again(&mut transaction, &offers, now).await?;
        }
        self.db.commit(transaction).await
    }

    /// The tickets that can be given out, the most urgent and oldest first, at most `limit`; and whether that is all of them.
    async fn pick(&self, board: &Board, departments: &[Uuid], limit: i64) -> Result<(Vec<Waiting>, bool), Fault> {
        let places = |group: &Group| board.free_places(group.department, group.kind, &group.language, group.weight);
        let groups = store::groups(self.db.workers(), departments).await?;
        let groups: Vec<(Group, i64)> = groups
            .into_iter()
            .map(|group| {
                let count = places(&group);
                (group, count.min(limit))
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        if groups.is_empty() {
            return Ok((Vec::new(), true));
        }
        let mut picked = store::oldest(self.db.workers(), &groups).await?;
        picked.sort_by_key(|waiting| waiting.turn());
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_complete = picked.len() < most;
        picked.truncate(most);
        Ok((picked, is_complete))
    }
}

/// In the order of ids, to be compared.
fn sorted(mut members: Vec<StaffMember>) -> Vec<StaffMember> {
    members.sort_by_key(|member| member.id);
    members
}

#[async_trait]
impl DueWork for Routing {
    fn name(&self) -> &'static str {
        "routing"
    }

    async fn run_batch(&self, now: Timestamp, limit: i64) -> Result<usize, Error> {
        let handed_back = self.hand_back(now, limit).await?;
        // After what they had of tickets, what they had promised (TK41).
        let passed_on = promise::pass_on(&self.db, now, limit).await?;
        Ok(handed_back + passed_on + self.look(now, limit).await?)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(at_once_is_now(store::next_due(&self.db).await?, &self.clock))
    }
}
