//! The judge is judged on tickets, surveys and those who serve: what it is there to find is planted, and it has to find it.

use jiff::Timestamp;
use seva_proto::tickets::v1::ticket::Kind;
use seva_tests::{
    Suite, SuiteOptions,
    agent::Agent,
    drained::drained_at,
    journal::Acknowledged,
    judge,
    reader::{self, Opened},
    shop::{SOURCE, ShopOrder, Shopper, push},
    team::{self, Recruit},
};
use seva_values::id::new_id;

use crate::planted::planted;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A customer whose parcel is late has an open ticket; another one has answered with a low score, which has a ticket too.
async fn stories(suite: &Suite) {
    let deliveries = team::department(suite, "deliveries", &["delivery"]).await;
    let care = team::department(suite, "care", &["complaint_service"]).await;
    Recruit::new("joan", &deliveries, &["en"], &["delivery"]).engage(suite).await;
    Recruit::new("mary", &care, &["en"], &["complaint-service"]).engage(suite).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let (mut late, mut came) = (ShopOrder::new(&Shopper::new("en")), ShopOrder::new(&Shopper::new("en")));
    let begin = at("2026-03-02T04:00:00Z");
    push(&shop, vec![late.placed(begin, Some(("2026-03-02", "Europe/London"))), came.placed(begin, None)]).await;
    drained_at(suite, begin).await;
    push(&shop, vec![came.delivered(begin)]).await;
    drained_at(suite, begin).await;
    for time in ["2026-03-03T00:00:00Z", "2026-03-04T04:01:00Z"] {
        suite.advance_to(at(time));
        drained_at(suite, at(time)).await;
    }
    let mails = reader::mails_about(suite, &came.shopper.email, "survey_invitation").await;
    let [invited] = &mails[..] else { panic!("one invitation: {mails:#?}") };
    let form = Opened::from(invited, "/survey/").await.only_form();
    Opened::submit(&form.with("q_csat", "1").with("action", "complete")).await;
    drained_at(suite, at("2026-03-04T04:01:00Z")).await;
}

/// A row of a table once more, with other values of some columns.
fn copied(table: &str, columns: &str, which: &str) -> String {
    format!(
        "insert into {table} select (jsonb_populate_record(t, jsonb_build_object({columns}))).* from {table} t where {which}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_every_fault_of_tickets_surveys_and_staff_that_is_planted() {
    let suite = Suite::start(SuiteOptions { clock: Some(at("2026-03-02T04:00:00Z")), ..SuiteOptions::default() }).await;
    stories(&suite).await;
    let customer: String =
        sqlx::query_scalar("select 'customers/' || customer_id from ticket where matter_kind = 'low_score'")
            .fetch_one(suite.database("tickets"))
            .await
            .unwrap();
    let ticket = Agent::new(&suite, "joan").create(&customer, Kind::Question, "Does it come in red?").await;
    drained_at(&suite, at("2026-03-04T04:01:00Z")).await;
    let request_id: String =
        sqlx::query_scalar("select request_id::text from seva.audit where resource = $1 and request_id is not null")
            .bind(&ticket.name)
            .fetch_one(suite.database("tickets"))
            .await
            .unwrap();
    let journal = [Acknowledged::Ticket { name: ticket.name, request_id: request_id.clone() }];
    assert_eq!(judge::broken(&suite, &journal).await.unwrap(), Vec::<String>::new());
    let plant = async |service: &str, sql: &str, id: &str, says: &str| {
        planted(&suite, &journal, service, sql, id, says).await;
    };

    // What changes no row that another rule counts comes first.
    plant("surveys", "update known_ticket set is_open = not is_open", "I4", "surveys: tickets are known").await;
    plant("surveys", "update recipient set sequence = 0", "I4", "surveys: customers are known").await;
    plant("surveys", "update loop_case set ticket_id = null", "I4", "a low score has its ticket").await;
    let unsent = "update invitation set sent_at = null where state = 'completed'";
    plant("surveys", unsent, "I4", "sent when its message is").await;
    for (table, says) in [
        ("loop_case", "a loop case's version"),
        ("response", "a response's version"),
        ("invitation", "an invitation's version"),
    ] {
        plant("surveys", &format!("update {table} set version = version + 1"), "I2", says).await;
    }
    plant("tickets", "update ticket set version = version + 1", "I2", "a ticket's version").await;
    let lost = format!("delete from seva.audit where request_id = '{request_id}'");
    plant("tickets", &lost, "I1", "tickets: what was acknowledged is there").await;

    plant("tickets", "update staff_member set capacity = 0", "TK30", "more tickets than places").await;
    let miscounted = "update staff_member set open_weight = open_weight + 1";
    plant("tickets", miscounted, "TK30", "counted as they are taken").await;
    let shown_late = "update ticket set next_due_at = coalesce(next_due_at, now()) + interval '1 minute'";
    plant("tickets", shown_late, "TK27", "what is due next").await;
    let later = "update clock set due_at = due_at + interval '1 minute' where kind = 'first_response'";
    plant("tickets", later, "TK20", "fold of its events").await;
    let given_up = "alter table ticket drop constraint ticket_has_owner_or_queue;
                    update ticket set assignee = null, return_due_at = null where matter_kind = 'low_score'";
    plant("tickets", given_up, "TK1", "has an assignee or waits").await;
    let over = "update ticket set state = 'closed', closure = 'verified', return_due_at = null
                where matter_kind = 'promised_day_missed'";
    plant("tickets", over, "TK20", "no clock that counts").await;
    let uncaused = format!("update ticket set cause_event_id = '{}' where matter_kind = 'low_score'", new_id());
    plant("tickets", &uncaused, "I4", "what opened a ticket by itself").await;
    let another =
        "'id', gen_random_uuid(), 'number', nextval('ticket_number'), 'assignee', null, 'return_due_at', null,
                   'cause_event_id', null";
    let twice = copied("ticket", another, "matter_kind = 'low_score'");
    plant("tickets", &format!("drop index ticket_matter_open; {twice}"), "TK7", "one ticket that is not over").await;
    let another =
        "'id', gen_random_uuid(), 'number', nextval('ticket_number'), 'assignee', null, 'return_due_at', null,
                   'matter_kind', null, 'matter_subject', null, 'matter_version', null";
    let twice = copied("ticket", another, "matter_kind = 'promised_day_missed'");
    let once = "alter table ticket drop constraint ticket_cause_once";
    plant("tickets", &format!("{once}; {twice}"), "TK7", "opens one ticket at most").await;

    plant("surveys", "delete from throttle_entry", "SU2", "has a place in the ledger").await;
    let another =
        "'id', gen_random_uuid(), 'subject', 'another', 'state', 'expired', 'due_at', null, 'response_id', null,
                   'revision', 0, 'decide_at', decide_at + interval '29 days'";
    plant("surveys", &copied("invitation", another, "state = 'completed'"), "SU2", "within the pause").await;
    let one_mailbox = "insert into throttle_entry (invitation_id, programme_id, customer_id, mailbox_id, asked_at)
                       select id, programme_id, gen_random_uuid(), '00000000-0000-0000-0000-000000000001',
                              '2026-03-02'::timestamptz + row_number() over () * interval '1 day'
                       from invitation";
    plant("surveys", one_mailbox, "SU2", "no mailbox was asked twice").await;
    let once = "alter table response drop constraint response_invitation_once";
    let twice = copied("response", "'id', gen_random_uuid()", "true");
    plant("surveys", &format!("{once}; {twice}"), "SU1", "has one response").await;
    plant("surveys", "delete from loop_case", "SU5", "has one loop case").await;

    // What is known of others' things.
    plant("tickets", "update recipient set sequence = 0", "I4", "tickets: customers are known").await;
    plant("staff", "update staff_member set version = version + 1", "I2", "a staff member's version").await;
    plant("staff", "update department set version = version + 1", "I2", "a department's version").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_what_one_service_knows_wrongly_of_anothers_things() {
    let suite = Suite::start(SuiteOptions { clock: Some(at("2026-03-02T04:00:00Z")), ..SuiteOptions::default() }).await;
    stories(&suite).await;
    let plant = async |service: &str, sql: &str, says: &str| planted(&suite, &[], service, sql, "I4", says).await;
    plant("customers", "update customer_ticket set sequence = sequence - 1", "customers: tickets are known").await;
    plant("customers", "delete from customer_invitation", "customers: invitations are known").await;
    plant("customers", "update customer_response set sequence = 9", "customers: responses are known").await;
    plant("tickets", "update staff_member set presence = 'away'", "tickets: those who serve are known").await;
    plant("tickets", "update department set ticket_kinds = '{repair}'", "tickets: departments are known").await;
}
