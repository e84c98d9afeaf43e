//! What must hold over all databases once nothing is left to do, whatever was killed before.
//!
//! The ids are those of the invariants: I1 nothing acknowledged is lost, I2 no commit is torn, I3 one request id has one effect, I4 no event
//! is lost, I5 none is applied twice, I6 a subject's events keep their order, I7 no message is handed over twice.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgPool;

use crate::{Installation, journal::Acknowledged, mail};

/// A rule as SQL: the rows it finds break it.
struct Rule {
    id: &'static str,
    says: &'static str,
    /// One text per broken case.
    finds: &'static str,
}

/// Rules of every service's outbox and feed.
const OF_FEEDS: [Rule; 5] = [
    Rule {
        id: "I4",
        says: "every event is in the feed exactly once",
        finds: "select coalesce(o.position, f.position) || ' ' || count(f.feed_no) || ' times'
                from seva.outbox o full join seva.feed f on f.position = o.position and f.day = o.day
                group by o.position, f.position having count(f.feed_no) <> 1 or count(o.position) <> 1",
    },
    Rule {
        id: "I4",
        says: "the feed is dense",
        finds: "select feed_no::text from (
                  select feed_no, lag(feed_no) over (order by feed_no) as before from seva.feed
                ) f where feed_no <> before + 1
                union all
                select 'head ' || head from seva.feed_state where head <> coalesce((select max(feed_no) from seva.feed), 0)",
    },
    Rule {
        id: "I6",
        says: "in the feed the events of a subject are in order, without a gap",
        finds: "select subject || ' ' || before || ' then ' || sequence from (
                  select o.subject, o.sequence,
                    coalesce(lag(o.sequence) over (partition by o.subject order by f.feed_no), 0) as before
                  from seva.feed f join seva.outbox o on o.position = f.position and o.day = f.day
                ) s where sequence <> before + 1",
    },
    Rule {
        id: "I3",
        says: "one request id has one effect",
        finds: "select method || ' ' || request_id || ' ' || count(distinct resource) from seva.audit
                where request_id is not null group by actor, method, request_id having count(distinct resource) > 1
                union all
                select method || ' ' || request_id || ' audited ' || count(*) || ' times' from seva.audit
                where request_id is not null group by actor, method, request_id, resource having count(*) > 1",
    },
    Rule {
        id: "I2",
        says: "what was remembered of a request was also audited",
        finds: "select i.method || ' ' || i.request_id from seva.idempotency i where not exists (
                  select from seva.audit a where a.request_id = i.request_id and a.method = i.method and a.actor = i.caller
                )",
    },
];

const OF_CUSTOMERS: [Rule; 4] = [
    Rule {
        id: "I2",
        says: "a customer's version is the number of its events",
        finds: "select c.id || ' version ' || c.version || ', events up to ' || coalesce(max(o.sequence), 0)
                from customer c left join seva.outbox o on o.subject = 'customers/' || c.id
                group by c.id, c.version having c.version <> coalesce(max(o.sequence), 0)",
    },
    Rule {
        id: "I2",
        says: "an order's version is the number of its events",
        finds: "select c.id || ' version ' || c.version || ', events up to ' || coalesce(max(o.sequence), 0)
                from customer_order c left join seva.outbox o on o.subject = 'orders/' || c.id
                group by c.id, c.version having c.version <> coalesce(max(o.sequence), 0)",
    },
    Rule {
        id: "I5",
        says: "an order counts once for its customer",
        finds: "select c.id || ' counts ' || c.order_count || ' of ' || count(o.id)
                from customer c left join customer_order o on o.customer_id = c.id
                group by c.id, c.order_count having c.order_count <> count(o.id)",
    },
    Rule {
        id: "I5",
        says: "an order takes each step of its source once",
        finds: "select source || ' ' || order_number from customer_order group by source, order_number having count(*) > 1",
    },
];

const OF_NOTIFICATIONS: [Rule; 4] = [
    Rule {
        id: "I5",
        says: "a customer is told once for a reason",
        finds: "select customer_id || ' ' || milestone || ' ' || subject from notification
                group by customer_id, milestone, subject, occasion having count(*) > 1
                union all
                select 'caused by ' || cause_event_id || ' ' || milestone from notification
                group by cause_event_id, milestone having count(*) > 1",
    },
    Rule {
        id: "I5",
        says: "decisions are numbered without a gap, up to the notification's version",
        finds: "select n.id || ' version ' || n.version || ', ' || count(d.number) || ' decisions' from notification n
                left join decision d on d.notification_id = n.id
                group by n.id, n.version
                having n.version <> count(d.number) or coalesce(max(d.number), 0) <> count(d.number)",
    },
    Rule {
        id: "I7",
        says: "a message that may go out once at most was handed over once at most",
        finds: "select n.id || ' handed over ' || n.handovers || ' times' from notification n join category c on c.key = n.category
                where c.duplicate_policy = 'at_most_once' and n.handovers > 1",
    },
    Rule {
        id: "I7",
        says: "a decision that it was sent stands once",
        finds: "select notification_id::text from decision where state = 'sent' group by notification_id having count(*) > 1",
    },
];

/// Everything that is broken, in words; nothing when all holds. To be asked when nothing is left to do.
///
/// # Errors
/// A database cannot be asked.
pub async fn broken(installation: &Installation, journal: &[Acknowledged]) -> Result<Vec<String>, sqlx::Error> {
    let mut broken = Vec::new();
    for service in installation.services() {
        let db = installation.database(service);
        apply(&OF_FEEDS, service, db, &mut broken).await?;
    }
    let customers = installation.database("customers");
    apply(&OF_CUSTOMERS, "customers", customers, &mut broken).await?;
    lost(customers, journal, &mut broken).await?;
    if installation.services().contains(&"notifications") {
        let notifications = installation.database("notifications");
        apply(&OF_NOTIFICATIONS, "notifications", notifications, &mut broken).await?;
        projections(installation, notifications, &mut broken).await?;
        mails(installation, notifications, &mut broken).await?;
    }
    Ok(broken)
}

async fn apply(rules: &[Rule], service: &str, db: &PgPool, broken: &mut Vec<String>) -> Result<(), sqlx::Error> {
    for Rule { id, says, finds } in rules {
        let found: Vec<String> = sqlx::query_scalar(*finds).fetch_all(db).await?;
        tell(id, service, says, found, broken);
    }
    Ok(())
}

fn tell(id: &str, service: &str, says: &str, found: Vec<String>, broken: &mut Vec<String>) {
    if !found.is_empty() {
        let some = &found[..found.len().min(5)];
        broken.push(format!("{id} {service}: {says}: broken {} times, such as {some:?}", found.len()));
    }
}

/// I1: what was acknowledged is there.
async fn lost(db: &PgPool, journal: &[Acknowledged], broken: &mut Vec<String>) -> Result<(), sqlx::Error> {
    let customers: BTreeSet<String> =
        sqlx::query_scalar("select 'customers/' || id from customer").fetch_all(db).await?.into_iter().collect();
    let events: Vec<(String, String)> = sqlx::query_as("select source, id from intake_event").fetch_all(db).await?;
    let events: BTreeSet<_> = events.into_iter().collect();
    let mut lost = Vec::new();
    let mut made: BTreeMap<&str, &str> = BTreeMap::new();
    let mut twice = Vec::new();
    for entry in journal {
        match entry {
            Acknowledged::Customer { name, request_id } => {
                if !customers.contains(name) {
                    lost.push(name.clone());
                }
                // A repeated request answers the same customer.
                if made.insert(request_id, name).is_some_and(|before| before != name) {
                    twice.push(request_id.clone());
                }
            }
            Acknowledged::Event { source, id } => {
                if !events.contains(&(source.clone(), id.clone())) {
                    lost.push(format!("{source} {id}"));
                }
            }
        }
    }
    tell("I1", "customers", "what was acknowledged is there", lost, broken);
    tell("I3", "customers", "a repeated request answers the same", twice, broken);
    Ok(())
}

/// I4, I5: what notifications know of customers is what customers say of them, no older and no newer.
async fn projections(
    installation: &Installation,
    notifications: &PgPool,
    broken: &mut Vec<String>,
) -> Result<(), sqlx::Error> {
    let customers = installation.database("customers");
    let said: Vec<(uuid::Uuid, i64)> = sqlx::query_as("select id, version from customer").fetch_all(customers).await?;
    let known: Vec<(uuid::Uuid, i64)> =
        sqlx::query_as("select customer_id, sequence from recipient").fetch_all(notifications).await?;
    let known: BTreeMap<_, _> = known.into_iter().collect();
    let differ = said.iter().filter(|(id, version)| known.get(id) != Some(version));
    let differ = differ.map(|(id, version)| format!("{id} is {version}, known as {:?}", known.get(id))).collect();
    tell("I4", "notifications", "customers are known as they are", differ, broken);

    let caused: Vec<uuid::Uuid> =
        sqlx::query_scalar("select distinct cause_event_id from notification").fetch_all(notifications).await?;
    let mut events = BTreeSet::new();
    for service in installation.services() {
        let emitted = sqlx::query_scalar::<_, uuid::Uuid>("select event_id from seva.outbox");
        events.extend(emitted.fetch_all(installation.database(service)).await?);
    }
    let uncaused = caused.iter().filter(|id| !events.contains(id)).map(ToString::to_string).collect();
    tell("I4", "notifications", "every notification was caused by an event", uncaused, broken);
    Ok(())
}

/// I7: there is one mail for each notification that was sent, and none for any other.
async fn mails(installation: &Installation, db: &PgPool, broken: &mut Vec<String>) -> Result<(), sqlx::Error> {
    let mails = mail::all_in(&installation.mail);
    if mails.is_empty() {
        // They went elsewhere, where the one who asked looks at them.
        return Ok(());
    }
    let sent: Vec<String> =
        sqlx::query_scalar("select id::text from notification where state = 'sent'").fetch_all(db).await?;
    let ambiguous: BTreeSet<String> =
        sqlx::query_scalar("select notification_id::text from decision where reason = 'ambiguous'")
            .fetch_all(db)
            .await?
            .into_iter()
            .collect();
    let sent: BTreeSet<_> = sent.into_iter().collect();
    let files: BTreeSet<_> = mails.iter().map(|mail| mail.id.clone()).collect();
    let missing = sent.difference(&files).cloned().collect();
    tell("I7", "notifications", "what was sent is a mail", missing, broken);
    // A crash between the hand-over and its record leaves a mail that is not known to have gone out.
    let unknown = files.difference(&sent).filter(|id| !ambiguous.contains(*id)).cloned().collect();
    tell("I7", "notifications", "what is a mail was sent", unknown, broken);
    let mut message_ids = BTreeSet::new();
    let repeated =
        mails.iter().filter(|mail| !message_ids.insert(&mail.message_id)).map(|mail| mail.id.clone()).collect();
    tell("I7", "notifications", "no Message-ID comes twice", repeated, broken);
    Ok(())
}

/// I7, by the word of the mail server: what it took, and how often, against what is recorded.
///
/// # Errors
/// The database cannot be asked.
pub async fn misdelivered(
    installation: &Installation,
    taken: &BTreeMap<String, u32>,
) -> Result<Vec<String>, sqlx::Error> {
    let rows: Vec<(String, String, String, i32)> = sqlx::query_as(
        "select n.id::text, n.state, c.duplicate_policy, n.handovers from notification n join category c on c.key = n.category",
    )
    .fetch_all(installation.database("notifications"))
    .await?;
    let recorded: BTreeMap<_, _> =
        rows.into_iter().map(|(id, state, policy, count)| (id, (state, policy, count))).collect();
    let mut broken = Vec::new();
    let unknown = taken.keys().filter(|id| !recorded.contains_key(*id)).cloned().collect();
    tell("I7", "the mail server", "it got nothing that is not recorded", unknown, &mut broken);
    let (mut missing, mut twice, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for (id, (state, policy, handovers)) in &recorded {
        let count = taken.get(id).copied().unwrap_or(0);
        if state == "sent" && count == 0 {
            missing.push(id.clone());
        }
        if policy == "at_most_once" && count > 1 {
            twice.push(format!("{id} {count} times"));
        }
        if i64::from(count) > i64::from(*handovers) {
            more.push(format!("{id} {count} times, recorded {handovers}"));
        }
    }
    tell("I7", "the mail server", "it got what is said to be sent", missing, &mut broken);
    tell("I7", "the mail server", "nothing came twice that may come once at most", twice, &mut broken);
    tell("I7", "the mail server", "every hand-over was recorded before it began", more, &mut broken);
    Ok(broken)
}
