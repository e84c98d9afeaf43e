//! Takes tickets of other systems: those of one request in one transaction.

use std::collections::HashSet;

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{ImportResult, ImportTicketsResponse},
};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database,
    idempotency::{once, remember},
};
use seva_values::{Invalid, format_name, new_id};
use uuid::Uuid;

use super::{
    convert::{self, ImportTickets},
    model::{Imported, ImportedTicket, Step, replay},
    store::{self, Before, Facts},
};
use crate::{
    policy::{Matched, Policies, Policy},
    roster::{self, model::STAFF_MEMBERS},
    ticket::{self, model::Surroundings, store::save},
};

/// What imports need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    policies: Policies,
    tickets: ticket::Commands,
}

impl Commands {
    /// On this database.
    pub const fn new(db: Database, clock: BusinessClock, policies: Policies, tickets: ticket::Commands) -> Self {
        Self { db, clock, policies, tickets }
    }

    /// Takes tickets; each has its own result.
    pub async fn import(&self, write: &Write, command: ImportTickets) -> Result<ImportTicketsResponse, Error> {
        let ImportTickets { tickets, policy_version } = command;
        let answer = once(&self.db, write, async {
            let newest = self.policies.newest().await?;
            let policy = match policy_version {
                None => newest,
                Some(version) if version > newest.version() => return Err(no_such_version(version)),
                Some(version) => self.policies.of_version(version).await?,
            };
            let facts = self.facts(&tickets).await?;
            let replayed = tickets.iter().map(|ticket| {
                let ticket = ticket.as_ref().map_err(convert::refused)?;
                // What is here already need not lead to where it led then.
                if let Some(before) = facts.before.get(&ticket.identity()) {
                    return Err(again(ticket, before));
                }
                let imported =
                    self.replayed(write, ticket, &facts, &policy).map_err(|error| convert::refused(&error))?;
                Ok((ticket, imported))
            });
            let replayed: Vec<Result<(&ImportedTicket, Imported), ImportResult>> = replayed.collect();
            self.save(write, replayed).await
        })
        .await?;
        self.tickets.ring_routing();
        Ok(answer)
    }

    /// All that has to be known of these tickets, in a few questions.
    async fn facts(&self, tickets: &[Result<ImportedTicket, Error>]) -> Result<Facts, Error> {
        let read: Vec<&ImportedTicket> = tickets.iter().filter_map(|ticket| ticket.as_ref().ok()).collect();
        let members: HashSet<Uuid> = read.iter().flat_map(|ticket| members(ticket)).collect();
        store::facts(&self.db, &read, &members.into_iter().collect::<Vec<_>>()).await
    }

    fn replayed(
        &self,
        write: &Write,
        ticket: &ImportedTicket,
        facts: &Facts,
        policy: &Policy,
    ) -> Result<Imported, Error> {
        let customer = ticket.new.customer;
        let known = facts.recipients.get(&customer);
        let known = known.ok_or_else(|| Error::not_found(format_name("customers", customer)))?;
        if let Some(unknown) = members(ticket).find(|member| !facts.members.contains_key(member)) {
            let name = format_name(STAFF_MEMBERS, unknown);
            let fault = Invalid::new("STAFF_MEMBER_UNKNOWN", format!("{name} is not known"));
            return Err(Error::invalid_field("history", fault));
        }
        let (department, calendar) = facts.department(ticket.new.kind);
        let (kind, priority) = (ticket.new.kind, ticket.new.priority);
        let around = Surroundings {
            number: 0,
            language: known.language.clone(),
            tier: known.tier,
            department,
            calendar,
            targets: policy.targets(&Matched { kind, department, tier: known.tier, priority }),
            policy_version: policy.version(),
        };
        let imported =
            replay(new_id(), ticket, around, (policy, &facts.schema), write.story.clone().into(), self.clock.now())?;
        let last = &imported.last().ticket;
        // TK2
        let serves = |member: &Uuid| facts.members.get(member) == Some(&roster::State::Active);
        if last.is_worked_on() && !last.assignee.as_ref().is_some_and(serves) {
            return Err(save::unavailable(crate::routing::Unavailable::DoesNotServe));
        }
        Ok(imported)
    }

    /// Saves what is new. The identities are taken first, in one order: of two that bring the same ticket at once one waits, and finds it here.
    async fn save(
        &self,
        write: &Write,
        replayed: Vec<Result<(&ImportedTicket, Imported), ImportResult>>,
    ) -> Result<ImportTicketsResponse, Error> {
        let mut transaction = self.db.begin().await?;
        let fresh = replayed.iter().filter_map(|one| one.as_ref().ok());
        let taken = store::take(&mut transaction, fresh).await?;
        let mut results = Vec::with_capacity(replayed.len());
        let mut imported = Vec::with_capacity(replayed.len());
        for one in replayed {
            results.push(match one {
                Err(refused) => refused,
                Ok((ticket, new)) => {
                    let id = new.opened.ticket.id;
                    match taken.get(&ticket.identity()).filter(|before| before.ticket != id) {
                        Some(before) => again(ticket, before),
                        None => {
                            imported.push(new);
                            convert::imported(id)
                        }
                    }
                }
            });
        }
        let response = ImportTicketsResponse { results };
        store::insert(&mut transaction, write, imported, self.clock.now()).await.map_err(save::refusal)?;
        remember(&mut transaction, write, &response).await?;
        self.db.commit(transaction).await?;
        Ok(response)
    }
}

/// Members that a history names.
fn members(ticket: &ImportedTicket) -> impl Iterator<Item = Uuid> {
    ticket.history.iter().filter_map(|(_, step)| match step {
        Step::Assigned(member) => *member,
        Step::Said(reply) => reply.author_id,
        _ => None,
    })
}

fn no_such_version(version: i32) -> Error {
    let fault = Invalid::new("POLICY_VERSION_UNKNOWN", format!("there is no version {version}"));
    Error::invalid_field("policy_version", fault)
}

/// TK127
fn again(ticket: &ImportedTicket, before: &Before) -> ImportResult {
    if before.hash == ticket.hash {
        return convert::duplicate(before.ticket);
    }
    let name = format_name(ticket::model::COLLECTION, before.ticket);
    let error =
        Error::invalid(ErrorReason::ImportIdReused, "another ticket came with this source and external id before");
    convert::refused(&error.with_metadata("ticket", name))
}
