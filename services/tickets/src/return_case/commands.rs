//! Writes of returns: lock, decide, save. What happens meanwhile comes before or after, so nothing is tried again.

use jiff::Timestamp;
use prost::Message;
use seva_proto::tickets::v1::{
    AppealReturnResponse, CancelReturnResponse, CloseReturnResponse, DecideReturnResponse, OpenReturnResponse,
    RecordInTransitResponse, RecordInspectedResponse, RecordLabelSentResponse, RecordReceivedResponse,
    ReviewReturnResponse, SettleReturnResponse,
};
use seva_runtime::{BusinessClock, Error, Violations, Write};
use seva_store::{Database, Etag, Fault, due::Bell, fault::write_conflict, idempotency::once};
use seva_values::{Invalid, Money, new_id};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    kinds::{Condition, Outcome, Way},
    model::{Change, Decision, Item, NewReturn, ReturnCase},
    orders, store,
};
use crate::{
    compensation::{
        commands::giver,
        invoices,
        model::{Grant, NewGrant},
        store as grants,
    },
    merge::store as merges,
    ticket::store::locked::{self, Locked},
};

/// What returns' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    /// Rung when a return is settled in money: the grant is to be issued.
    issuing: Bell,
}

/// What comes back.
pub struct OpenReturn {
    pub ticket: Uuid,
    pub ticket_etag: Etag,
    pub order: Uuid,
    pub items: Vec<Item>,
    pub wish: Way,
    pub reason: String,
}

/// Which return, in which version.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    pub id: Uuid,
    pub etag: Etag,
}

/// What is decided; `accepted`: of a part, by item.
pub struct DecideReturn {
    pub which: Which,
    pub outcome: Outcome,
    pub accepted: Vec<(String, i64)>,
    pub reason: String,
    pub handbook_rule: String,
    pub is_exception: bool,
}

/// The customer does not agree.
pub struct AppealReturn {
    pub which: Which,
    pub reason: String,
}

/// The customer has a label.
pub struct RecordLabelSent {
    pub which: Which,
    pub tracking_number: String,
}

/// Somebody has looked at it.
pub struct RecordInspected {
    pub which: Which,
    pub condition: Condition,
    pub note: Option<String>,
}

/// What is given for it; in money: how much, and of which invoice.
pub struct SettleReturn {
    pub which: Which,
    pub way: Way,
    pub money: Option<(Money, Uuid)>,
}

/// A return that is locked, with its ticket.
struct Scene {
    transaction: Transaction<'static, Postgres>,
    of: Locked,
    /// The ticket that carries its ticket on, where the customer reads: that itself, unless it is merged (TK53).
    carrier: Uuid,
    case: ReturnCase,
}

impl Commands {
    /// On this database; rings `issuing` when there is something to issue.
    pub const fn new(db: Database, clock: BusinessClock, issuing: Bell) -> Self {
        Self { db, clock, issuing }
    }

    /// Records that a customer wants to give something back.
    pub async fn open(&self, write: &Write, command: OpenReturn) -> Result<OpenReturnResponse, Error> {
        let OpenReturn { ticket, ticket_etag, order, items, wish, reason } = command;
        once(&self.db, write, async {
            let mut transaction = self.db.begin().await?;
            let of = locked::lock_ticket(&mut transaction, ticket).await?;
            of.check(ticket_etag)?;
            let customer = of.customer;
            let order_number = orders::set_aside(&mut transaction, order, customer, &items).await?;
            let (items, reason) = (items.clone(), reason.clone());
            let new = NewReturn { ticket, customer, order, order_number, items, wish, reason };
            let change = ReturnCase::open(new_id(), new, self.clock.now());
            let response = OpenReturnResponse { return_case: Some((&change.case).into()) };
            store::insert(&mut transaction, &of.told(write), &change, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// The caller looks at it.
    pub async fn review(&self, write: &Write, which: Which) -> Result<ReviewReturnResponse, Error> {
        let answer = |case: &ReturnCase| ReviewReturnResponse { return_case: Some(case.into()) };
        once(&self.db, write, async {
            let reviewer = giver(&self.db, &write.actor).await?.id;
            self.changed(write, which, |case, now| case.review(reviewer, now), answer).await
        })
        .await
    }

    /// Somebody decides.
    pub async fn decide(&self, write: &Write, command: DecideReturn) -> Result<DecideReturnResponse, Error> {
        let answer = |case: &ReturnCase| DecideReturnResponse { return_case: Some(case.into()) };
        once(&self.db, write, async {
            let decider = giver(&self.db, &write.actor).await?.id;
            let decide = |case: &ReturnCase, now| {
                let accepted = accepted(case, &command)?;
                let decision = Decision {
                    outcome: command.outcome,
                    reason: command.reason.clone(),
                    handbook_rule: command.handbook_rule.clone(),
                    is_exception: command.is_exception,
                    decider,
                    at: now,
                };
                case.decide(decision, &accepted, now)
            };
            self.changed(write, command.which, decide, answer).await
        })
        .await
    }

    /// The customer does not agree; what was declined is set aside again (TK71).
    pub async fn appeal(&self, write: &Write, command: AppealReturn) -> Result<AppealReturnResponse, Error> {
        let AppealReturn { which, reason } = command;
        once(&self.db, write, async {
            let Scene { mut transaction, of, carrier, case } = self.locked(which).await?;
            let change = case.appeal(reason.clone(), self.clock.now())?;
            orders::set_aside(&mut transaction, case.order, case.customer, &case.items).await?;
            let response = AppealReturnResponse { return_case: Some((&change.case).into()) };
            store::update(&mut transaction, &of.told(write), &change, carrier, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await
    }

    /// The customer has a label.
    pub async fn label_sent(&self, write: &Write, command: RecordLabelSent) -> Result<RecordLabelSentResponse, Error> {
        let RecordLabelSent { which, tracking_number } = command;
        let answer = |case: &ReturnCase| RecordLabelSentResponse { return_case: Some(case.into()) };
        self.change(write, which, |case, now| case.label_sent(tracking_number.clone(), now), answer).await
    }

    /// It is on its way.
    pub async fn in_transit(&self, write: &Write, which: Which) -> Result<RecordInTransitResponse, Error> {
        let answer = |case: &ReturnCase| RecordInTransitResponse { return_case: Some(case.into()) };
        self.change(write, which, ReturnCase::in_transit, answer).await
    }

    /// It is here.
    pub async fn received(&self, write: &Write, which: Which) -> Result<RecordReceivedResponse, Error> {
        let answer = |case: &ReturnCase| RecordReceivedResponse { return_case: Some(case.into()) };
        self.change(write, which, ReturnCase::received, answer).await
    }

    /// Somebody has looked at it.
    pub async fn inspected(&self, write: &Write, command: RecordInspected) -> Result<RecordInspectedResponse, Error> {
        let RecordInspected { which, condition, note } = command;
        let answer = |case: &ReturnCase| RecordInspectedResponse { return_case: Some(case.into()) };
        self.change(write, which, |case, now| case.inspected(condition, note.clone(), now), answer).await
    }

    /// A way is chosen; in money, billing carries it out, for the ticket that carries this one on.
    pub async fn settle(&self, write: &Write, command: SettleReturn) -> Result<SettleReturnResponse, Error> {
        let SettleReturn { which, way, money } = command;
        let answer = once(&self.db, write, async {
            let member = giver(&self.db, &write.actor).await?;
            let Scene { mut transaction, of, carrier, case } = self.locked(which).await?;
            let now = self.clock.now();
            let owed = money.zip(way.money()).map(|((amount, invoice), kind)| {
                let new = NewGrant {
                    ticket: carrier,
                    customer: case.customer,
                    kind,
                    amount,
                    reason: case.reason.clone(),
                    invoice: Some(invoice),
                };
                Grant::owed(new_id(), new, Some(case.id), member.id, now)
            });
            let change = case.settle(way, owed.as_ref(), &member, now)?;
            let told = of.told(write);
            if let Some(grant) = &owed {
                self.owe(&mut transaction, &told, grant, &case).await?;
            }
            let response = SettleReturnResponse { return_case: Some((&change.case).into()) };
            store::update(&mut transaction, &told, &change, carrier, &response).await?;
            self.db.commit(transaction).await?;
            Ok(response)
        })
        .await?;
        self.issuing.ring();
        Ok(answer)
    }

    /// TK72
    async fn owe(
        &self,
        transaction: &mut PgConnection,
        write: &Write,
        grant: &Grant,
        case: &ReturnCase,
    ) -> Result<(), Fault> {
        if let Some(invoice) = grant.invoice {
            let order = Some(case.order_number.as_str());
            invoices::set_aside(transaction, invoice, case.customer, order, grant.amount).await?;
        }
        // The answer is the return's: it is remembered with it.
        let write = Write { request: None, ..write.clone() };
        grants::insert(transaction, &write, grant, &()).await
    }

    /// It is called off.
    pub async fn cancel(&self, write: &Write, which: Which) -> Result<CancelReturnResponse, Error> {
        let answer = |case: &ReturnCase| CancelReturnResponse { return_case: Some(case.into()) };
        self.change(write, which, ReturnCase::cancel, answer).await
    }

    /// It is over.
    pub async fn close(&self, write: &Write, which: Which) -> Result<CloseReturnResponse, Error> {
        let answer = |case: &ReturnCase| CloseReturnResponse { return_case: Some(case.into()) };
        self.change(write, which, ReturnCase::close, answer).await
    }

    async fn change<R: Message + Default>(
        &self,
        write: &Write,
        which: Which,
        decide: impl Fn(&ReturnCase, Timestamp) -> Result<Change, Error> + Send + Sync,
        answer: impl Fn(&ReturnCase) -> R + Send + Sync,
    ) -> Result<R, Error> {
        once(&self.db, write, self.changed(write, which, decide, answer)).await
    }

    /// Locks, decides and saves.
    async fn changed<R: Message + Default>(
        &self,
        write: &Write,
        which: Which,
        decide: impl Fn(&ReturnCase, Timestamp) -> Result<Change, Error> + Send + Sync,
        answer: impl Fn(&ReturnCase) -> R + Send + Sync,
    ) -> Result<R, Error> {
        let Scene { mut transaction, of, carrier, case } = self.locked(which).await?;
        let change = decide(&case, self.clock.now())?;
        let response = answer(&change.case);
        store::update(&mut transaction, &of.told(write), &change, carrier, &response).await?;
        self.db.commit(transaction).await?;
        Ok(response)
    }

    /// Begins with the ticket, the one that carries it on, and the return locked.
    async fn locked(&self, Which { id, etag }: Which) -> Result<Scene, Error> {
        let ticket = store::load(&self.db, id).await?.ticket;
        let mut transaction = self.db.begin().await?;
        let carrier = merges::carrier(&mut *transaction, ticket).await?;
        let of = locked::lock_tickets(&mut transaction, &[ticket, carrier]).await?.remove(&ticket);
        let of = of.ok_or_else(write_conflict)?;
        // Another merge came between.
        if merges::carrier(&mut *transaction, ticket).await? != carrier {
            return Err(write_conflict());
        }
        let case = store::lock(&mut transaction, id).await?;
        etag.check(case.version)?;
        Ok(Scene { transaction, of, carrier, case })
    }
}

/// How many of each item are taken back, in the order of the items.
///
/// # Errors
/// `FIELDS_INVALID` when a part names what does not come back, or is nothing, or all.
fn accepted(case: &ReturnCase, command: &DecideReturn) -> Result<Vec<i64>, Error> {
    match command.outcome {
        Outcome::Approved => return Ok(case.items.iter().map(|item| item.quantity).collect()),
        Outcome::Declined => return Ok(vec![0; case.items.len()]),
        Outcome::PartlyApproved => {}
    }
    let mut violations = Violations::default();
    for (at, (named, quantity)) in command.accepted.iter().enumerate() {
        if !case.items.iter().any(|item| item.item == *named && *quantity <= item.quantity) {
            let fault = Invalid::new("ITEM_NOT_RETURNED", "no more is taken back than comes back");
            violations.add(format!("accepted_items[{at}]"), fault);
        }
    }
    let of = |item: &Item| command.accepted.iter().find(|(named, _)| *named == item.item).map_or(0, |(_, of)| *of);
    let accepted: Vec<i64> = case.items.iter().map(of).collect();
    let (some, all) = (accepted.iter().sum::<i64>(), case.items.iter().map(|item| item.quantity).sum::<i64>());
    if violations.is_empty() && (some == 0 || some == all) {
        let fault = Invalid::new("NOT_A_PART", "some of it is taken back: all or nothing of it is another outcome");
        violations.add("accepted_items", fault);
    }
    violations.finish(Some(accepted))
}
