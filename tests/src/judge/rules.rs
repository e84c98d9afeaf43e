//! What holds inside one service's database: rules as SQL.

/// A rule as SQL: the rows it finds break it.
pub struct Rule {
    /// Of the invariant.
    pub id: &'static str,
    /// What holds, in words.
    pub says: &'static str,
    /// One text per broken case.
    pub finds: &'static str,
}

/// I2 of an aggregate: who, its table, and the collection of its names.
macro_rules! counts_its_events {
    ($who:literal, $table:literal, $collection:literal) => {
        Rule {
            id: "I2",
            says: concat!($who, "'s version is the number of its events"),
            finds: concat!(
                "select a.id || ' version ' || a.version || ', events up to ' || coalesce(max(o.sequence), 0) from ",
                $table,
                " a left join seva.outbox o on o.subject = '",
                $collection,
                "/' || a.id group by a.id, a.version having a.version <> coalesce(max(o.sequence), 0)"
            ),
        }
    };
}

/// Rules of every service's outbox and feed.
pub const OF_FEEDS: &[Rule] = &[
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

/// Rules of customers and orders.
pub const OF_CUSTOMERS: &[Rule] = &[
    counts_its_events!("a customer", "customer", "customers"),
    counts_its_events!("an order", "customer_order", "orders"),
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

/// Rules of messages.
pub const OF_NOTIFICATIONS: &[Rule] = &[
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

/// Rules of tickets, their clocks, and who has them.
pub const OF_TICKETS: &[Rule] = &[
    counts_its_events!("a ticket", "ticket", "tickets"),
    counts_its_events!("an assessment of risk", "risk_assessment", "riskAssessments"),
    counts_its_events!("an escalation", "escalation", "escalations"),
    Rule {
        id: "TK110",
        says: "a ticket at high risk has an escalation that is open",
        finds: "select t.id || ' is ' || t.risk_level from ticket t
                where t.risk_level in ('high', 'critical')
                  and not exists (select from escalation e where e.ticket_id = t.id and e.state <> 'closed')",
    },
    Rule {
        id: "TK110",
        says: "a ticket shows its risk as it was assessed last",
        finds: "select t.id || ' shows ' || t.risk_level from ticket t left join risk_assessment r on r.id = t.id
                where t.risk_level <> coalesce(r.level, 'low')",
    },
    Rule {
        id: "TK117",
        says: "the score is the sum of its reasons",
        finds: "select id || ' is ' || score from risk_assessment r
                where score <> (select coalesce(sum((reason ->> 'weight')::int), 0) from jsonb_array_elements(reasons) as reason)",
    },
    Rule {
        id: "TK1",
        says: "a ticket that is not over has an assignee or waits in the queue for a reason",
        finds: "select id || ' is ' || state from ticket
                where is_worked_on(state) and assignee is null
                   or state = 'new' and (assignee is not null or wait_reason is null)",
    },
    Rule {
        id: "TK7",
        says: "a matter has one ticket that is not over",
        finds: "select matter_kind || ' of ' || matter_subject || ' has ' || count(*) from ticket
                where matter_kind is not null and (state in ('new', 'resolved') or is_worked_on(state))
                group by matter_kind, matter_subject, matter_version having count(*) > 1",
    },
    Rule {
        id: "TK7",
        says: "an event opens one ticket at most",
        finds: "select cause_source || ' ' || cause_event_id || ' opened ' || count(*) from ticket
                where cause_event_id is not null group by cause_source, cause_event_id having count(*) > 1",
    },
    Rule {
        id: "TK20",
        says: "a clock is the fold of its events",
        finds: "with last as (
                  select distinct on (ticket_id, clock, round) * from clock_event order by ticket_id, clock, round, number desc
                ), moved as (
                  select distinct on (ticket_id, clock, round) * from clock_event
                  where step not in ('retargeted', 'warned_50', 'warned_80', 'breached')
                  order by ticket_id, clock, round, number desc
                ), counted as (
                  select ticket_id, clock, round, count(*) as events,
                    max(at) filter (where step = 'met') as met_at, max(at) filter (where step = 'breached') as breached_at,
                    max(at) filter (where step not in ('warned_50', 'warned_80', 'breached')) as changed_at,
                    case when count(*) filter (where step = 'warned_80') > 0 then 80
                         when count(*) filter (where step = 'warned_50') > 0 then 50 else 0 end as warned
                  from clock_event group by ticket_id, clock, round
                )
                select c.ticket_id || ' ' || c.kind || ' ' || c.round from clock c
                left join last l on (l.ticket_id, l.clock, l.round) = (c.ticket_id, c.kind, c.round)
                left join moved m on (m.ticket_id, m.clock, m.round) = (c.ticket_id, c.kind, c.round)
                left join counted n on (n.ticket_id, n.clock, n.round) = (c.ticket_id, c.kind, c.round)
                where (c.events, c.due_at, c.target_us, c.changed_at)
                      is distinct from (l.number, l.due_at, l.target_us, n.changed_at)
                   or n.events is distinct from c.events
                   or c.breached_at is distinct from n.breached_at
                   or c.warned is distinct from n.warned
                   or c.met_at is distinct from case when c.state = 'met' then n.met_at end
                   or c.state is distinct from case m.step
                        when 'started' then 'running' when 'resumed' then 'running' else m.step end",
    },
    Rule {
        id: "TK20",
        says: "a ticket that is over has no clock that counts",
        finds: "select c.ticket_id || ' ' || c.kind || ' is ' || c.state from clock c join ticket t on t.id = c.ticket_id
                where t.state in ('closed', 'canceled', 'merged') and c.state not in ('met', 'canceled')",
    },
    Rule {
        id: "TK27",
        says: "a ticket shows what is due next",
        finds: "select t.id || ' shows ' || coalesce(t.next_due_at::text, 'nothing') from ticket t
                left join clock c on c.ticket_id = t.id and c.state = 'running' and c.kind <> 'verification'
                group by t.id, t.next_due_at having t.next_due_at is distinct from min(c.due_at)",
    },
    Rule {
        id: "TK30",
        says: "places are counted as they are taken",
        finds: "select m.id || ' has ' || coalesce(sum(t.weight), 0) || ', counted ' || m.open_weight from staff_member m
                left join ticket t on t.assignee = m.id and is_worked_on(t.state)
                group by m.id, m.open_weight having m.open_weight <> coalesce(sum(t.weight), 0)",
    },
    Rule {
        id: "TK30",
        says: "nobody has more tickets than places unless a person went over it",
        finds: "select m.id || ' has ' || sum(t.weight) || ' of ' || m.capacity from staff_member m
                join ticket t on t.assignee = m.id and is_worked_on(t.state) and not t.over_limits
                group by m.id, m.capacity having sum(t.weight) > m.capacity",
    },
];

/// Rules of surveys, answers and what became of low ones.
pub const OF_SURVEYS: &[Rule] = &[
    counts_its_events!("an invitation", "invitation", "invitations"),
    counts_its_events!("a response", "response", "responses"),
    counts_its_events!("a loop case", "loop_case", "loopCases"),
    Rule {
        id: "SU1",
        says: "an invitation has one response, and knows it",
        finds: "select i.id || ' has ' || count(r.id) || ', knows ' || coalesce(i.response_id::text, 'none') from invitation i
                left join response r on r.invitation_id = i.id group by i.id
                having count(r.id) > 1 or i.response_id is distinct from min(r.id::text)::uuid or i.revision <> coalesce(max(r.revision), 0)",
    },
    Rule {
        id: "SU2",
        says: "nobody was asked twice within the pause",
        finds: "select customer_id || ' at ' || before || ' and ' || asked_at from (
                  select i.customer_id, i.decide_at as asked_at,
                    lag(i.decide_at) over (partition by i.customer_id order by i.decide_at) as before
                  from invitation i where i.state in ('queued', 'sent', 'started', 'completed', 'expired')
                ) a where asked_at - before < interval '30 days'",
    },
    Rule {
        id: "SU2",
        says: "no mailbox was asked twice within the pause",
        finds: "select mailbox_id || ' at ' || before || ' and ' || asked_at from (
                  select mailbox_id, asked_at, lag(asked_at) over (partition by mailbox_id order by asked_at) as before
                  from throttle_entry where mailbox_id is not null
                ) a where asked_at - before < interval '30 days'",
    },
    Rule {
        id: "SU2",
        says: "whoever was asked has a place in the ledger, and nobody else",
        finds: "select coalesce(i.id, e.invitation_id)::text from invitation i
                full join throttle_entry e on e.invitation_id = i.id
                where (i.state in ('queued', 'sent', 'started', 'completed', 'expired')) is distinct from (e.invitation_id is not null)",
    },
    Rule {
        id: "SU5",
        says: "a low score of complete answers has one loop case",
        finds: "select r.id || ' ' || a.question_id || ' has ' || count(c.id) from response r
                join answer a on a.response_id = r.id
                join programme p on p.id = r.programme_id
                left join loop_case c on c.response_id = r.id and c.question_id = a.question_id
                where p.follow_low_scores and r.state = 'completed'
                  and (a.kind = 'csat' and a.score <= 2 or a.kind = 'nps' and a.score <= 6)
                group by r.id, a.question_id having count(c.id) <> 1",
    },
];

/// Rules of those who serve.
pub const OF_STAFF: &[Rule] = &[
    counts_its_events!("a staff member", "staff_member", "staffMembers"),
    counts_its_events!("a department", "department", "departments"),
];

/// The rules of a service beside those of its feed.
pub fn of(service: &str) -> &'static [Rule] {
    match service {
        "customers" => OF_CUSTOMERS,
        "notifications" => OF_NOTIFICATIONS,
        "tickets" => OF_TICKETS,
        "surveys" => OF_SURVEYS,
        "staff" => OF_STAFF,
        _ => &[],
    }
}
