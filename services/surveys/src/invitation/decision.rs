//! Whether a customer is asked when the time has come: pure, over what is known at that moment.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use seva_values::format_name;
use sha2::Sha256;
use uuid::Uuid;

use super::{
    model::{Change, Invitation},
    state::SuppressReason,
};
use crate::{
    programme::Programme,
    recipient::Recipient,
    throttle::{Entry, Ledgers, Rules},
};

/// What decisions are made from, read under the locks of the customers' ledgers.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// By id.
    pub programmes: HashMap<Uuid, Programme>,
    /// The version that is asked, by survey.
    pub published: HashMap<Uuid, i32>,
    /// By customer.
    pub recipients: HashMap<Uuid, Recipient>,
    /// Customers who have an open ticket, or a low score that one is asked for.
    pub with_open_ticket: HashSet<Uuid>,
    /// Tickets about which customer and staff have heard of each other within [`Rules::pause_after_contact`], by customer.
    pub contacts: HashMap<Uuid, Vec<Uuid>>,
    /// What the customers were asked, and what was asked at their mailboxes.
    pub ledgers: Ledgers,
}

/// What was decided about an invitation.
#[derive(Debug, Clone)]
pub enum Decided {
    /// It is asked, or is not.
    Changed(Box<Change>),
    /// A programme of higher priority comes due for the customer: it is decided again when that one is.
    Waits {
        /// Which invitation.
        invitation: Uuid,
        /// Until when.
        until: Timestamp,
    },
}

/// What the present state of affairs allows an invitation, before anybody's pauses are looked at.
struct Allowed<'a> {
    programme: &'a Programme,
    recipient: &'a Recipient,
    number: i32,
}

/// A number from 0 up to 1 that is the same for a subject at every look, and that nobody without the salt can foretell.
#[must_use]
pub fn draw(salt: &[u8], subject: &str) -> f64 {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(subject.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let first = bytes.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    // 53 bits are what a double holds; with more, the largest would be rounded up to 1.
    #[expect(clippy::cast_precision_loss, reason = "both fit a double")]
    let share = (first >> 11) as f64 / (1_u64 << 53) as f64;
    share
}

/// Decides about every invitation that is due at `now`, of any customers.
///
/// `held` are all held ones of these customers that come due within [`Rules::hold`]. Of several of one customer the one of the highest
/// priority goes first (SU13). Whoever is asked takes a place in the ledgers, which tell in the end what was added.
#[must_use]
pub fn decide_all(held: Vec<Invitation>, known: &mut Known, rules: &Rules, now: Timestamp) -> Vec<Decided> {
    let mut ledgers = std::mem::take(&mut known.ledgers);
    let (mut due, coming): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|invitation| invitation.due_at.is_some_and(|due_at| due_at <= now));
    due.sort_by_key(|invitation| (Reverse(priority(invitation, known)), invitation.decide_at, invitation.id));
    let mut rivals: HashMap<Uuid, Vec<Invitation>> = HashMap::new();
    for rival in coming {
        rivals.entry(rival.customer).or_default().push(rival);
    }
    let decide = |invitation: Invitation| {
        let rivals = rivals.get(&invitation.customer).map_or(&[][..], Vec::as_slice);
        decide(&invitation, rivals, known, &mut ledgers, rules, now)
    };
    let decided = due.into_iter().filter_map(decide).collect();
    known.ledgers = ledgers;
    decided
}

fn priority(invitation: &Invitation, known: &Known) -> Option<i32> {
    known.programmes.get(&invitation.programme).map(|programme| programme.priority)
}

fn decide(
    invitation: &Invitation,
    rivals: &[Invitation],
    known: &Known,
    ledgers: &mut Ledgers,
    rules: &Rules,
    now: Timestamp,
) -> Option<Decided> {
    let allowed = match allowed(invitation, known, rules, now) {
        Ok(allowed) => allowed,
        Err(reason) => {
            let mut change = invitation.suppress(reason, now, &invitation.story)?;
            let recipient = known.recipients.get(&invitation.customer);
            change.after.language = recipient.map(|recipient| recipient.language.clone());
            return Some(Decided::Changed(Box::new(change)));
        }
    };
    // Whoever comes due has the better claim only when it would be asked, as far as can be seen now.
    let rival = rivals.iter().filter(|rival| priority(rival, known) > priority(invitation, known)).find_map(|rival| {
        let due_at = rival.due_at?;
        let Allowed { programme, recipient, .. } = self::allowed(rival, known, rules, now).ok()?;
        let ledger = ledgers.ledger(rival.customer, recipient.mailbox);
        (ledger.next_eligible(rules, programme.id, programme.pause_between, due_at) == due_at).then_some(due_at)
    });
    if let Some(until) = rival {
        return Some(Decided::Waits { invitation: invitation.id, until });
    }
    ask_or_throttle(invitation, &allowed, ledgers, rules, now).map(Box::new).map(Decided::Changed)
}

/// SU2: nobody is asked before the pauses are over; whoever is asked takes a place in the ledgers.
fn ask_or_throttle(
    invitation: &Invitation,
    allowed: &Allowed<'_>,
    ledgers: &mut Ledgers,
    rules: &Rules,
    now: Timestamp,
) -> Option<Change> {
    let Allowed { programme, recipient, number } = allowed;
    let ledger = ledgers.ledger(invitation.customer, recipient.mailbox);
    let next = ledger.next_eligible(rules, programme.id, programme.pause_between, now);
    if next > now {
        let mut change = invitation.suppress(SuppressReason::Throttled, now, &invitation.story)?;
        change.after.next_eligible_at = Some(next);
        change.after.language = Some(recipient.language.clone());
        return Some(change);
    }
    let expire_at = now.saturating_add(programme.lifetime).unwrap_or(Timestamp::MAX);
    let change = invitation.queue((programme.survey_id, *number), recipient.language.clone(), expire_at, now)?;
    ledgers.add(Entry {
        invitation: invitation.id,
        programme: programme.id,
        customer: invitation.customer,
        mailbox: recipient.mailbox,
        asked_at: now,
    });
    Some(change)
}

/// Whether an invitation may be asked but for pauses, and the first reason why not. The draw comes before all that is about the customer:
/// only so does the recorded probability hold for everybody who could have been asked.
fn allowed<'a>(
    invitation: &Invitation,
    known: &'a Known,
    rules: &Rules,
    now: Timestamp,
) -> Result<Allowed<'a>, SuppressReason> {
    let programme = known.programmes.get(&invitation.programme).filter(|programme| programme.active);
    let programme = programme.ok_or(SuppressReason::NotActive)?;
    let number = *known.published.get(&programme.survey_id).ok_or(SuppressReason::NotActive)?;
    if invitation.from_low_score {
        return Err(SuppressReason::FromLowScore);
    }
    if draw(&programme.salt, &invitation.subject) >= invitation.inclusion_probability {
        return Err(SuppressReason::SampledOut);
    }
    if now.duration_since(invitation.decide_at) > rules.ask_within {
        return Err(SuppressReason::CalledOff);
    }
    let recipient = known.recipients.get(&invitation.customer).ok_or(SuppressReason::UnknownCustomer)?;
    if !recipient.can_be_asked {
        return Err(SuppressReason::NoConsent);
    }
    if !recipient.has_email {
        return Err(SuppressReason::NoContactPoint);
    }
    if known.with_open_ticket.contains(&invitation.customer) {
        return Err(SuppressReason::OpenTicket);
    }
    let is_about = |ticket: &Uuid| invitation.subject == format_name("tickets", *ticket);
    let contacts = known.contacts.get(&invitation.customer);
    if contacts.is_some_and(|tickets| !tickets.iter().all(is_about)) {
        return Err(SuppressReason::RecentContact);
    }
    Ok(Allowed { programme, recipient, number })
}
