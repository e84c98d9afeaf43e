//! What can happen to a ticket: pure functions of the ticket, the command and the time. Waiting stands in [`super::waiting`], the end in
//! [`super::ending`], merges in [`super::merging`], and which of these what a customer says is, in [`super::hearing`].
//!
//! Worked on: `open`, `pending_customer`, `pending_department`, `pending_external`, `scheduled`.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | create | new | its matter has no ticket that is not over (TK7) |
//! | new | assign | open | the assignee can take it, or a person goes over that with a reason (TK2) |
//! | worked on | assign | unchanged | the same |
//! | worked on | unassign; its assignee leaves, or says nothing (TK36) | new | |
//! | open | a public question of staff; of a rule, where a person has answered before | pending_customer | |
//! | pending_customer | 48 hours without an answer, twice | pending_customer, reminded (TK16) | |
//! | pending_customer | 48 hours more | open | (TK16) |
//! | open | wait for a department | pending_department | something was handed to it |
//! | open | wait for somebody outside | pending_external | who and until when is named, and the customer is told (TK12) |
//! | open | schedule | scheduled | the time lies ahead |
//! | pending, scheduled | what the customer says | open | |
//! | pending_department, pending_external, scheduled | go on: the hand-off is answered, the day has come | open | |
//! | worked on | resolve | resolved | the root problem is confirmed, a note says what was done (TK3), nothing is under way (TK11) |
//! | resolved | confirm | closed, verified | the customer said so |
//! | resolved | reject | new, for whoever resolved it first | the customer said so |
//! | new, worked on | the cause that it has with others is removed | resolved | as resolve (TK59) |
//! | resolved | attempts 48 hours apart, in the customer's hours and on two channels where there are two | closed, unverified | nobody has answered (TK5, [`super::verification`]) |
//! | closed | reopen, within the days of its policy | new | later a new ticket follows it (TK8) |
//! | new, worked on | cancel | canceled | nothing is under way (TK11) |
//! | new, worked on, resolved | merge | merged | nothing is under way (TK11), the target is not over (TK50) and of the same customer (TK52) |
//! | merged | unmerge | new; resolved, if it was | within 30 days, nothing was said to it since (TK54) |

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{Error, Violations, mask::replace};
use seva_values::format_name;
use uuid::Uuid;

use super::{COLLECTION, Change, NewTicket, Reply, StoryOf, Surroundings, TAKEN_BACK, Ticket, Update, Words};
use crate::{
    clock::{ClockEvent, Clocks, Step},
    custom_field::{Schema, Values},
    message::{Author, Visibility},
    policy::Targets,
    risk::Level,
    routing::WaitReason,
    ticket::state::{Act, State},
};

impl Ticket {
    /// A new ticket; its clocks start, and routing looks at it at once.
    pub fn open(id: Uuid, new: NewTicket, around: Surroundings, story: StoryOf, now: Timestamp) -> Change {
        let NewTicket { customer, kind, priority, title, stated_problem, tags, fields, matter, follow_up_of } = new;
        let Surroundings { number, language, tier, department, calendar, targets, policy_version } = around;
        let ticket = Self {
            id,
            version: 1,
            number,
            customer,
            kind,
            priority,
            state: State::New,
            title,
            stated_problem,
            root_problem: None,
            tags,
            fields,
            matter,
            department,
            assignee: None,
            over_limits: false,
            wait_reason: None,
            route_at: Some(now),
            language,
            tier,
            targets,
            wait_until: None,
            wait_party: None,
            merged_into: None,
            return_due_at: None,
            returned_from: None,
            return_count: 0,
            resolver: None,
            reopen_count: 0,
            resolution: 0,
            verification: Vec::new(),
            verification_attempts: 0,
            verification_due_at: None,
            call_from: None,
            answered: None,
            closure: None,
            unverified: None,
            cancel_reason: None,
            follow_up_of,
            link_generation: 0,
            cause: None,
            story,
            created_at: now,
            updated_at: now,
            resolved_at: None,
            closed_at: None,
            open_work: 0,
            risk: Level::Low,
            clocks: Clocks::start(&targets, policy_version, &calendar, now),
        };
        Change {
            ticket,
            act: Act::Created,
            message: None,
            passed: None,
            redacted: None,
            renews: None,
            changed: vec!["*"],
        }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Whether it waits for somebody to take it.
    pub fn is_in_queue(&self) -> bool {
        self.state == State::New
    }

    /// Whether somebody has it, and it takes a place of theirs.
    pub fn is_worked_on(&self) -> bool {
        self.state == State::Open || self.is_waiting()
    }

    /// Whether somebody has it, and something else has to happen first.
    pub fn is_waiting(&self) -> bool {
        matches!(
            self.state,
            State::PendingCustomer | State::PendingDepartment | State::PendingExternal | State::Scheduled
        )
    }

    /// Whether nothing can happen to it any more but a reopening, or that it is taken out of the ticket that carries it on.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Canceled | State::Merged)
    }

    /// Whether the customer can say something: about a resolution they say yes or no.
    pub fn accepts_messages_of_customer(&self) -> bool {
        !self.is_over() && self.state != State::Resolved
    }

    /// Somebody says something.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn reply(&self, reply: Reply, now: Timestamp) -> Result<Change, Error> {
        if self.is_over() {
            return Err(self.refusal("TK4", "nothing more is said about a ticket that is over; reopen it first"));
        }
        let (author, is_public, awaits) = (reply.author, reply.visibility == Visibility::Public, reply.awaits_customer);
        let mut next = self.next(now);
        let mut act = Act::Replied;
        match (author, is_public) {
            (Author::Staff, true) => {
                next.return_due_at = None;
                next.clocks.respond(&self.targets, self.is_worked_on(), now);
                if awaits {
                    next.wait_for_customer(now)?;
                    act = Act::Pending;
                }
            }
            // Of a rule: no answer of a person, so that it meets no clock; and while the customer waits for that, our time goes on.
            (Author::System, true) if awaits => {
                self.has_to_be_open()?;
                if !self.clocks.owe_an_answer() {
                    next.wait_for_customer(now)?;
                    act = Act::Pending;
                }
            }
            (Author::Customer, true) => {
                if !self.accepts_messages_of_customer() {
                    let why = "it is resolved: record what the customer says by confirming or rejecting it";
                    return Err(self.refusal("TK4", why));
                }
                if self.is_waiting() {
                    next.go_on_working(now);
                }
                next.clocks.customer_spoke(&self.targets, now);
            }
            // A note says that somebody is at work, too.
            (Author::Staff, false) => next.return_due_at = None,
            _ => {}
        }
        Ok(Change { message: Some(reply.at(now)), ..next.with(act, &["messages"]) })
    }

    /// A person gives it to somebody.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn assign(&self, member: Uuid, over_limits: bool, now: Timestamp) -> Result<Change, Error> {
        if !self.is_in_queue() && !self.is_worked_on() {
            return Err(self.refusal("TK4", "only a ticket that is worked on has an assignee to change"));
        }
        let mut next = self.next(now);
        next.take(member, over_limits, now);
        Ok(next.with(Act::Assigned, &["assignee"]))
    }

    /// A person puts it back into its department's queue.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn unassign(&self, now: Timestamp) -> Result<Change, Error> {
        if !self.is_worked_on() {
            return Err(self.refusal("TK4", "nobody works on it"));
        }
        Ok(self.clone().hand_back(now))
    }

    /// Routing gives it to somebody.
    pub fn assign_by_routing(&mut self, department: Uuid, member: Uuid, fell_back: bool, now: Timestamp) -> Change {
        let mut next = self.next(now);
        next.department = Some(department);
        next.take(member, false, now);
        tracing::debug!(ticket = %self.id, fell_back, "assigned");
        self.become_(next, Act::Assigned, &["assignee"])
    }

    /// Routing finds nobody; `None` when that was known, and why.
    pub fn wait(&mut self, department: Option<Uuid>, reason: WaitReason, now: Timestamp) -> Option<Change> {
        if (self.department, self.wait_reason) == (department, Some(reason)) {
            return None;
        }
        let mut next = self.next(now);
        (next.department, next.wait_reason) = (department, Some(reason));
        Some(self.become_(next, Act::Updated, &["wait_reason"]))
    }

    /// It goes back to the queue.
    pub fn hand_back(&mut self, now: Timestamp) -> Change {
        let mut next = self.next(now);
        if self.is_waiting() {
            next.go_on_working(now);
        }
        next.queue(now);
        self.become_(next, Act::Unassigned, &["assignee"])
    }

    /// Lets time pass: one change for each warning and each breach of a clock (TK22, TK29).
    pub fn pass_time(&mut self, now: Timestamp) -> Vec<Change> {
        let passed = self.clocks.pass(now);
        self.tell_passed(&passed, now)
    }

    /// One change for each of these events; the first writes what happened to all clocks.
    pub(super) fn tell_passed(&mut self, passed: &[ClockEvent], now: Timestamp) -> Vec<Change> {
        let mut next = self.clone();
        let mut changes = Vec::with_capacity(passed.len());
        for event in passed.iter().copied() {
            next.version += 1;
            next.updated_at = now;
            let act = if event.step == Step::Breached { Act::ClockBreached } else { Act::ClockWarned };
            changes.push(Change { passed: Some(event), ..next.clone().with(act, &["clocks"]) });
            next.clocks = next.clocks.written();
        }
        *self = next;
        changes
    }

    /// Something about it changes; with the kind and the priority the targets do. Of another kind it is another department's: it waits in that
    /// queue, or whoever has it keeps it until it goes there.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4), `FIELDS_INVALID` (TK13).
    pub fn update(&self, update: Update, targets: Targets, schema: &Schema, now: Timestamp) -> Result<Change, Error> {
        if self.is_over() {
            return Err(self.refusal("TK4", "it is not over"));
        }
        let Update { title, kind, priority, tags, fields } = update;
        let mut next = self.next(now);
        let mut changed = Vec::new();
        replace(&mut next.title, title, "title", &mut changed);
        replace(&mut next.tags, tags, "tags", &mut changed);
        replace(&mut next.fields, fields, "fields", &mut changed);
        replace(&mut next.priority, priority, "priority", &mut changed);
        if let Some((kind, department)) = kind.filter(|(kind, _)| *kind != self.kind) {
            (next.kind, next.department) = (kind, department);
            changed.push("kind");
            if self.is_in_queue() {
                next.queue(now);
            }
        }
        next.fields_fit(schema, self)?;
        if targets != self.targets {
            // What was taken over from a merged ticket is kept otherwise (TK51).
            next.targets = targets;
            next.clocks.retarget(&targets, now);
        }
        Ok(next.with(Act::Updated, &changed))
    }

    /// Whether its values fit its kind; what it had before may stay (TK13).
    ///
    /// # Errors
    /// `FIELDS_INVALID`.
    pub fn fields_fit(&self, schema: &Schema, before: &Self) -> Result<(), Error> {
        let kept = if before.kind == self.kind { before.fields.clone() } else { Values::default() };
        let mut violations = Violations::default();
        for (key, fault) in schema.faults(self.kind, &self.fields, &kept) {
            violations.add(format!("ticket.fields[{key}]"), fault);
        }
        violations.finish(Some(()))
    }

    /// The words of a message are taken back: of one of its own, and where its title or problem say the same (TK6). `None`: it says none of them.
    pub fn redact(&self, message: Option<Uuid>, words: &Words, now: Timestamp) -> Option<Change> {
        let mut next = self.next(now);
        let mut changed: Vec<&'static str> = message.map(|_| "messages").into_iter().collect();
        if words.title.as_ref() == Some(&self.title) {
            TAKEN_BACK.clone_into(&mut next.title);
            changed.push("title");
        }
        if words.text == self.stated_problem {
            TAKEN_BACK.clone_into(&mut next.stated_problem);
            changed.push("stated_problem");
        }
        if changed.is_empty() {
            return None;
        }
        Some(Change { redacted: message, ..next.with(Act::Redacted, &changed) })
    }

    /// Who takes part changed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn change_participants(&self, now: Timestamp) -> Result<Change, Error> {
        if self.is_over() {
            return Err(self.refusal("TK4", "it is not over"));
        }
        Ok(self.next(now).with(Act::Updated, &["participants"]))
    }

    /// A refusal that says what would have to be true.
    pub(super) fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    pub(super) fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    pub(super) fn with(self, act: Act, changed: &[&'static str]) -> Change {
        let changed = changed.to_vec();
        Change { ticket: self, act, message: None, passed: None, redacted: None, renews: None, changed }
    }

    /// Becomes what it is after a change, whose clocks are then as good as written.
    pub(super) fn become_(&mut self, next: Self, act: Act, changed: &[&'static str]) -> Change {
        let written = Self { clocks: next.clocks.clone().written(), ..next.clone() };
        *self = written;
        next.with(act, changed)
    }

    pub(super) fn take(&mut self, member: Uuid, over_limits: bool, now: Timestamp) {
        if self.state == State::New {
            self.state = State::Open;
        }
        self.assignee = Some(member);
        self.over_limits = over_limits;
        (self.wait_reason, self.route_at) = (None, None);
        self.clocks.taken(&self.targets, now);
        self.return_due_at = self.clocks.after(self.targets.return_after, now);
    }

    pub(super) fn queue(&mut self, now: Timestamp) {
        self.state = State::New;
        self.assignee = None;
        self.over_limits = false;
        self.return_due_at = None;
        (self.wait_reason, self.route_at) = (None, Some(now));
    }
}
