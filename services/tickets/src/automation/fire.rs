//! Carries a rule out on a locked ticket and records what came of it, in one transaction (TK124).

use jiff::Timestamp;
use seva_runtime::{Error, Write, call::Story};
use seva_store::Fault;
use seva_values::new_id;
use sqlx::{Connection, PgConnection};

use super::{
    firing::{Firing, Occasion, Outcome, held_back},
    model::Automation,
    store,
};
use crate::{
    action::{By, Refusal, Refused, decide},
    ticket::{self, Change, Ticket, store::save},
};

/// Carries rules out with what `tickets` does.
#[derive(Debug, Clone)]
pub struct Fire {
    pub tickets: ticket::Commands,
}

impl Fire {
    /// Looks at a rule for a ticket, which becomes what it is after it. Nothing when that was done before.
    ///
    /// # Errors
    /// A passing fault: the same is tried again.
    pub async fn at(
        &self,
        connection: &mut PgConnection,
        automation: &Automation,
        ticket: &mut Ticket,
        (occasion, story): (Occasion, Story),
        now: Timestamp,
    ) -> Result<(), Fault> {
        let holds = automation.rule.holds(ticket, now);
        // What happens is looked at once anyway, and most of it is not what the rule is about.
        if matches!(occasion, Occasion::Event(_)) && !holds {
            return Ok(());
        }
        let known = store::known_of(&mut *connection, automation.id, ticket.id, occasion).await?;
        if known.has_fired {
            return Ok(());
        }
        let (outcome, refusal, told) = if holds {
            match held_back(automation, &story, known.last_done, now) {
                Some(why) => (Outcome::Suppressed, Some(why), Vec::new()),
                None => self.act(connection, automation, ticket, story, now).await?,
            }
        } else {
            (Outcome::Unmet, None, Vec::new())
        };
        let (automation, rule_version, ticket) = (automation.id, automation.rule_version, ticket.id);
        let firing =
            Firing { id: new_id(), automation, rule_version, ticket, occasion, outcome, refusal, told, at: now };
        store::record(connection, &firing).await
    }

    async fn act(
        &self,
        connection: &mut PgConnection,
        automation: &Automation,
        ticket: &mut Ticket,
        story: Story,
        now: Timestamp,
    ) -> Result<(Outcome, Option<Refusal>, Vec<String>), Fault> {
        let decided = decide(&self.tickets, ticket, &automation.rule.actions, By::Rule, now).await;
        let saved = match decided {
            Ok(changes) => save_apart(connection, &write(automation, story), &changes).await?.map(|()| changes),
            Err(refused) => Err(refused),
        };
        match saved {
            Ok(changes) => {
                if let Some(last) = changes.last() {
                    *ticket = Ticket { clocks: last.ticket.clocks.clone().written(), ..last.ticket.clone() };
                }
                let own = changes.iter().filter(|change| change.passed.is_none());
                let told = own.map(|change| change.act.event_kind().to_owned()).collect();
                Ok((Outcome::Done, None, told))
            }
            Err(refused) => Ok((Outcome::Refused, Some(refused.kept()?), Vec::new())),
        }
    }
}

/// In the rule's own name, because of what it is about.
fn write(automation: &Automation, story: Story) -> Write {
    Write { actor: automation.actor(), on_behalf_of: None, method: automation.name(), request: None, story }
}

/// In a savepoint, which is rolled back when the database refuses it, such as the last free place.
async fn save_apart(
    connection: &mut PgConnection,
    write: &Write,
    changes: &[Change],
) -> Result<Result<(), Refused>, Fault> {
    let mut savepoint = connection.begin().await?;
    match ticket::store::save_for(&mut savepoint, write, changes, None).await {
        Ok(()) => Ok(Ok(savepoint.commit().await?)),
        Err(fault) if fault.is_permanent() => {
            savepoint.rollback().await?;
            let error: Error = save::refusal(fault);
            Ok(Err(Refused { action: 0, error }))
        }
        Err(fault) => Err(fault),
    }
}
