//! What services know of each other's things, against what their owners say: no older, no newer, nothing missing and nothing invented.

use std::collections::{BTreeMap, BTreeSet};

use super::tell;
use crate::Installation;

/// A question to one service's database: texts by id.
struct Question {
    service: &'static str,
    /// Two columns of text: the id, and what is compared.
    asks: &'static str,
}

/// What an owner says, and what a reader knows of it.
struct Projection {
    says: &'static str,
    said: Question,
    known: Question,
}

const CUSTOMERS: &str = "select id::text, version::text from customer";
const RECIPIENTS: &str = "select customer_id::text, sequence::text from recipient";

const PROJECTIONS: &[Projection] = &[
    Projection {
        says: "customers are known as they are",
        said: Question { service: "customers", asks: CUSTOMERS },
        known: Question { service: "notifications", asks: RECIPIENTS },
    },
    Projection {
        says: "customers are known as they are",
        said: Question { service: "customers", asks: CUSTOMERS },
        known: Question { service: "tickets", asks: RECIPIENTS },
    },
    Projection {
        says: "customers are known as they are",
        said: Question {
            service: "customers",
            asks: "select c.id::text, concat_ws(' ', c.version, exists (
                     select from contact_point p where p.customer_id = c.id and p.kind = 'email')) from customer c",
        },
        known: Question {
            service: "surveys",
            asks: "select customer_id::text, concat_ws(' ', sequence, mailbox_id is not null) from recipient",
        },
    },
    Projection {
        says: "those who serve are known as they are",
        said: Question {
            service: "staff",
            // Tickets keeps skills as a set.
            asks: "select id::text, concat_ws(' ', version, state, presence, capacity, languages,
                     array(select skill from unnest(skills) as t (skill) order by skill)) from staff_member",
        },
        known: Question {
            service: "tickets",
            asks: "select id::text, concat_ws(' ', sequence, state, presence, capacity, languages, skills) from staff_member",
        },
    },
    Projection {
        says: "departments are known as they are",
        said: Question {
            service: "staff",
            asks: "select id::text, concat_ws(' ', version, key, calendar_version, ticket_kinds) from department_whole",
        },
        known: Question {
            service: "tickets",
            asks: "select id::text, concat_ws(' ', sequence, key, calendar_version,
                     array(select kind from unnest(ticket_kinds) as t (kind) order by kind)) from department",
        },
    },
    Projection {
        says: "tickets are known as they are",
        said: Question { service: "tickets", asks: "select id::text, version::text from ticket" },
        known: Question { service: "customers", asks: "select id::text, sequence::text from customer_ticket" },
    },
    Projection {
        says: "tickets are known as they are",
        said: Question {
            service: "tickets",
            asks: "select id::text, concat_ws(' ', version, state not in ('closed', 'canceled')) from ticket",
        },
        known: Question {
            service: "surveys",
            asks: "select ticket_id::text, concat_ws(' ', sequence, is_open) from known_ticket",
        },
    },
    Projection {
        says: "invitations are known as they are",
        said: Question { service: "surveys", asks: "select id::text, version::text from invitation" },
        known: Question { service: "customers", asks: "select id::text, sequence::text from customer_invitation" },
    },
    Projection {
        says: "responses are known as they are",
        said: Question { service: "surveys", asks: "select invitation_id::text, version::text from response" },
        known: Question {
            service: "customers",
            asks: "select invitation_id::text, sequence::text from customer_response",
        },
    },
    Projection {
        says: "a low score has its ticket, and its cases know it",
        said: Question {
            service: "tickets",
            asks: "select distinct on (matter_subject) matter_subject, id::text from ticket
                   where matter_kind = 'low_score' order by matter_subject, created_at, id",
        },
        known: Question {
            service: "surveys",
            asks: "select distinct 'responses/' || response_id, coalesce(ticket_id::text, 'none') from loop_case",
        },
    },
    Projection {
        says: "an invitation is sent when its message is",
        said: Question {
            service: "notifications",
            asks: "select subject, (state = 'sent')::text from notification where milestone = 'survey_invitation'",
        },
        known: Question {
            service: "surveys",
            asks: "select 'invitations/' || id, (sent_at is not null)::text from invitation where state not in ('held', 'suppressed')",
        },
    },
];

/// I4: everybody knows what the owners say, and whatever was caused by an event was caused by one that there is.
pub async fn check(installation: &Installation, broken: &mut Vec<String>) -> Result<(), sqlx::Error> {
    for Projection { says, said, known } in PROJECTIONS {
        let reader = known.service;
        let (said, known) = (answers(installation, said).await?, answers(installation, known).await?);
        let ids: BTreeSet<_> = said.keys().chain(known.keys()).collect();
        let differ = ids.into_iter().filter(|id| said.get(*id) != known.get(*id));
        let differ = differ.map(|id| format!("{id} is {:?}, known as {:?}", said.get(id), known.get(id))).collect();
        tell("I4", reader, says, differ, broken);
    }

    let mut events = BTreeSet::new();
    for service in installation.services() {
        let db = installation.database(service);
        events.extend(sqlx::query_scalar::<_, String>("select event_id::text from seva.outbox").fetch_all(db).await?);
    }
    for (service, table, says) in [
        ("notifications", "notification", "every notification was caused by an event"),
        ("tickets", "ticket", "what opened a ticket by itself is an event"),
    ] {
        let sql = format!("select distinct cause_event_id::text from {table} where cause_event_id is not null");
        let caused: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(installation.database(service)).await?;
        let uncaused = caused.into_iter().filter(|id| !events.contains(id)).collect();
        tell("I4", service, says, uncaused, broken);
    }
    Ok(())
}

async fn answers(
    installation: &Installation,
    Question { service, asks }: &Question,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(*asks).fetch_all(installation.database(service)).await?;
    Ok(rows.into_iter().collect())
}
