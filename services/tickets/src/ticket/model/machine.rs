//! What can happen to a ticket: pure functions of the ticket, the command and the time.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | create | new | its matter has no ticket that is not over (TK7) |
//! | new | assign | open | the assignee can take it, or a person goes over that with a reason (TK2) |
//! | open, pending | assign | unchanged | the same |
//! | open, pending | unassign | new | |
//! | open | a question of staff | pending_customer | it is public |
//! | pending | what the customer says | open | |
//! | open, pending | resolve | resolved | the root problem is confirmed, and a note says what was done (TK3) |
//! | resolved | confirm | closed, verified | the customer said so |
//! | resolved | reject | new, for whoever resolved it first | the customer said so |
//! | resolved | three attempts, 48 hours apart | closed, unverified | nobody has answered (TK5) |
//! | closed | reopen, within 30 days | new | later a new ticket follows it (TK8) |
//! | new, open, pending | cancel | canceled | |

use jiff::{SignedDuration, Timestamp};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;
use seva_values::format_name;
use uuid::Uuid;

use super::{COLLECTION, Change, NewTicket, Reply, RootProblem, StoryOf, Surroundings, Ticket};
use crate::{
    clock::Clocks,
    message::{Author, Medium, Message, Visibility},
    policy::Targets,
    routing::WaitReason,
    ticket::{
        kind::Priority,
        state::{Act, CancelReason, Closure, State},
    },
};

/// Between two attempts to have a resolution confirmed, and after the last.
pub const VERIFY_EVERY: SignedDuration = SignedDuration::from_hours(48);
/// Attempts to have a resolution confirmed.
pub const VERIFICATION_ATTEMPTS: i32 = 3;
/// How long a closed ticket can be opened again.
pub const REOPEN_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Ticket {
    /// A new ticket; its clocks start, and routing looks at it at once.
    pub fn open(id: Uuid, new: NewTicket, around: Surroundings, story: StoryOf, now: Timestamp) -> Change {
        let NewTicket { customer, kind, priority, title, stated_problem, matter, follow_up_of } = new;
        let Surroundings { number, language, department, calendar, targets, policy_version } = around;
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
            matter,
            department,
            assignee: None,
            over_limits: false,
            wait_reason: None,
            route_at: Some(now),
            language,
            resolver: None,
            reopen_count: 0,
            resolution: 0,
            verification_attempts: 0,
            verification_due_at: None,
            answered: None,
            closure: None,
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
            clocks: Clocks::start(&targets, policy_version, &calendar, now),
        };
        Change { ticket, act: Act::Created, message: None, breached: None, changed: &["*"] }
    }

    /// Its resource name.
    pub fn name(&self) -> String {
        format_name(COLLECTION, self.id)
    }

    /// Whether it waits for somebody to take it.
    pub fn is_in_queue(&self) -> bool {
        self.state == State::New
    }

    /// Whether it takes a place of its assignee.
    pub fn holds_place(&self) -> bool {
        matches!(self.state, State::Open | State::PendingCustomer)
    }

    /// Whether nothing can happen to it any more but a reopening.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Canceled)
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
                next.clocks.respond(now);
                if awaits {
                    if self.state != State::Open {
                        let why = "the customer is asked something by whoever has the ticket open";
                        return Err(self.refusal("TK4", why));
                    }
                    next.state = State::PendingCustomer;
                    next.clocks.pause(now);
                    act = Act::Pending;
                }
            }
            (Author::Customer, true) => {
                if !self.accepts_messages_of_customer() {
                    let why = "it is resolved: record what the customer says by confirming or rejecting it";
                    return Err(self.refusal("TK4", why));
                }
                if self.state == State::PendingCustomer {
                    next.state = State::Open;
                    next.clocks.resume(now);
                }
            }
            _ => {}
        }
        Ok(Change { message: Some(reply.at(now)), ..next.with(act, &["messages"]) })
    }

    /// A person gives it to somebody.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn assign(&self, member: Uuid, over_limits: bool, now: Timestamp) -> Result<Change, Error> {
        if !self.is_in_queue() && !self.holds_place() {
            return Err(self.refusal("TK4", "only a ticket that is worked on has an assignee to change"));
        }
        let mut next = self.next(now);
        next.take(member, over_limits);
        Ok(next.with(Act::Assigned, &["assignee"]))
    }

    /// A person puts it back into its department's queue.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn unassign(&self, now: Timestamp) -> Result<Change, Error> {
        if !self.holds_place() {
            return Err(self.refusal("TK4", "nobody works on it"));
        }
        Ok(self.clone().hand_back(now))
    }

    /// Routing gives it to somebody.
    pub fn assign_by_routing(&mut self, department: Uuid, member: Uuid, fell_back: bool, now: Timestamp) -> Change {
        let mut next = self.next(now);
        next.department = Some(department);
        next.take(member, false);
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
        if next.state == State::PendingCustomer {
            next.clocks.resume(now);
        }
        next.queue(now);
        self.become_(next, Act::Unassigned, &["assignee"])
    }

    /// Says which of its clocks were due and not met.
    pub fn breach_clocks(&mut self, now: Timestamp) -> Vec<Change> {
        let mut next = self.clone();
        let breached = next.clocks.breach_due(now);
        let mut changes = Vec::with_capacity(breached.len());
        for kind in breached {
            next.version += 1;
            next.updated_at = now;
            let change = next.clone().with(Act::ClockBreached, &["clocks"]);
            changes.push(Change { breached: Some(kind), ..change });
            // The first writes what happened to all of them.
            next.clocks = next.clocks.written();
        }
        *self = next;
        changes
    }

    /// Somebody says that it is solved; the note is for the customer.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK3).
    pub fn resolve(
        &self,
        root_problem: RootProblem,
        note: String,
        author: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Change, Error> {
        if !self.holds_place() {
            return Err(self.refusal("TK3", "it is open or waits for the customer: somebody has to have it first"));
        }
        self.has_no_open_work()?;
        let mut next = self.next(now);
        next.clocks.respond(now);
        if self.state == State::PendingCustomer {
            next.clocks.resume(now);
        }
        next.clocks.resolve(now);
        next.state = State::Resolved;
        next.root_problem = Some(root_problem);
        next.resolver = self.assignee;
        next.resolution += 1;
        next.verification_attempts = 1;
        next.verification_due_at = Some(now + VERIFY_EVERY);
        next.resolved_at = Some(now);
        let note = Reply {
            visibility: Visibility::Public,
            author: Author::Staff,
            author_id: author,
            medium: Medium::Text,
            text: note,
            awaits_customer: false,
        };
        Ok(Change { message: Some(note.at(now)), ..next.with(Act::Resolved, &["state", "root_problem"]) })
    }

    /// The customer says that it is solved.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn confirm(&self, by_link: bool, record: Option<Message>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_resolved()?;
        let mut next = self.next(now);
        next.answered = if by_link { Some((self.resolution, true)) } else { self.answered };
        next.close(Closure::Verified, now);
        Ok(Change { message: record, ..next.with(Act::Closed, &["state", "closure"]) })
    }

    /// The customer says that it is not solved. It goes to whoever resolved it, if they can take it, and counts on.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn reject(&self, by_link: bool, record: Option<Message>, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_resolved()?;
        let mut next = self.next(now);
        next.answered = if by_link { Some((self.resolution, false)) } else { self.answered };
        next.open_again(now);
        Ok(Change { message: record, ..next.with(Act::Rejected, &["state", "reopen_count"]) })
    }

    /// The time to answer is over: the customer is asked again, or no more (TK5). `None` while there is time.
    pub fn verify(&mut self, now: Timestamp) -> Option<Change> {
        self.verification_due_at.filter(|due| *due <= now)?;
        let mut next = self.next(now);
        if self.verification_attempts < VERIFICATION_ATTEMPTS {
            next.verification_attempts += 1;
            next.verification_due_at = Some(now + VERIFY_EVERY);
            return Some(self.become_(next, Act::VerificationRequested, &["verification_attempts"]));
        }
        next.close(Closure::Unverified, now);
        Some(self.become_(next, Act::Closed, &["state", "closure"]))
    }

    /// Whether it can still be opened again (TK8).
    pub fn can_reopen(&self, now: Timestamp) -> bool {
        self.closed_at.is_some_and(|closed_at| closed_at + REOPEN_WITHIN > now)
    }

    /// It is opened again after it was closed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK8).
    pub fn reopen(&self, record: Message, now: Timestamp) -> Result<Change, Error> {
        self.has_to_be_closed()?;
        if !self.can_reopen(now) {
            return Err(self.refusal("TK8", "it was closed more than 30 days ago: a new ticket follows it"));
        }
        let mut next = self.next(now);
        (next.closure, next.closed_at) = (None, None);
        next.open_again(now);
        Ok(Change { message: Some(record), ..next.with(Act::Reopened, &["state", "reopen_count"]) })
    }

    /// Refuses unless it is closed.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK8).
    pub fn has_to_be_closed(&self) -> Result<(), Error> {
        match self.state {
            State::Closed => Ok(()),
            _ => Err(self.refusal("TK8", "only a closed ticket is opened again")),
        }
    }

    /// It is called off.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn cancel(&self, reason: CancelReason, now: Timestamp) -> Result<Change, Error> {
        if !self.is_in_queue() && !self.holds_place() {
            return Err(self.refusal("TK4", "it is not resolved, closed or canceled"));
        }
        self.has_no_open_work()?;
        let mut next = self.next(now);
        next.state = State::Canceled;
        next.cancel_reason = Some(reason);
        (next.route_at, next.wait_reason) = (None, None);
        next.clocks.cancel(now);
        Ok(next.with(Act::Canceled, &["state", "cancel_reason"]))
    }

    /// Its title or priority change; with the priority the targets do.
    ///
    /// # Errors
    /// `STATE_FORBIDS` (TK4).
    pub fn update(
        &self,
        title: Option<String>,
        priority: Option<(Priority, Targets)>,
        now: Timestamp,
    ) -> Result<Change, Error> {
        if self.is_over() {
            return Err(self.refusal("TK4", "it is not over"));
        }
        let mut next = self.next(now);
        if let Some(title) = title {
            next.title = title;
        }
        if let Some((priority, targets)) = priority {
            next.priority = priority;
            next.clocks.retarget(&targets, now);
        }
        Ok(next.with(Act::Updated, &["title", "priority"]))
    }

    /// TK11
    fn has_no_open_work(&self) -> Result<(), Error> {
        match self.open_work {
            0 => Ok(()),
            _ => Err(self.refusal("TK11", "its promises, hand-offs, returns and grants are over")),
        }
    }

    fn has_to_be_resolved(&self) -> Result<(), Error> {
        match self.state {
            State::Resolved => Ok(()),
            _ => Err(self.refusal("TK4", "it is resolved: only then is there something to confirm or to reject")),
        }
    }

    /// A refusal that says what would have to be true.
    fn refusal(&self, invariant: &'static str, has_to_be_true: &'static str) -> Error {
        Error::precondition(ErrorReason::StateForbids, invariant, self.name(), has_to_be_true)
            .with_metadata("state", self.state.name())
    }

    fn next(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    fn with(self, act: Act, changed: &'static [&'static str]) -> Change {
        Change { ticket: self, act, message: None, breached: None, changed }
    }

    /// Becomes what it is after a change, whose clocks are then as good as written.
    fn become_(&mut self, next: Self, act: Act, changed: &'static [&'static str]) -> Change {
        let written = Self { clocks: next.clocks.clone().written(), ..next.clone() };
        *self = written;
        next.with(act, changed)
    }

    fn take(&mut self, member: Uuid, over_limits: bool) {
        if self.state == State::New {
            self.state = State::Open;
        }
        self.assignee = Some(member);
        self.over_limits = over_limits;
        (self.wait_reason, self.route_at) = (None, None);
    }

    fn queue(&mut self, now: Timestamp) {
        self.state = State::New;
        self.assignee = None;
        self.over_limits = false;
        (self.wait_reason, self.route_at) = (None, Some(now));
    }

    fn open_again(&mut self, now: Timestamp) {
        self.reopen_count += 1;
        self.verification_attempts = 0;
        self.verification_due_at = None;
        self.resolved_at = None;
        self.clocks.reopen(now);
        self.queue(now);
    }

    fn close(&mut self, closure: Closure, now: Timestamp) {
        self.state = State::Closed;
        self.closure = Some(closure);
        self.verification_due_at = None;
        self.closed_at = Some(now);
        self.clocks.close(now);
    }
}
