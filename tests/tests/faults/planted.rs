//! The judge is judged: what it is there to find is planted, and it has to find it.

use std::collections::BTreeMap;

use seva_proto::customers::v1::{CreateCustomerRequest, Customer, customer_service_client::CustomerServiceClient};
use seva_testkit::eventually;
use seva_tests::{
    Installation, Suite, SuiteOptions,
    drained::drained,
    installation,
    journal::Acknowledged,
    judge, mail,
    shop::{SOURCE, ShopOrder, Shopper, push},
};
use seva_values::id::new_id;
use sqlx::AssertSqlSafe;
use tonic::Status;

async fn create_customer(installation: &Installation) -> Acknowledged {
    created(installation).await.unwrap()
}

async fn created(installation: &Installation) -> Result<Acknowledged, Status> {
    let mut customers = CustomerServiceClient::new(installation.as_role("customers", "agent"));
    let customer = Customer {
        given_name: "Alice".to_owned(),
        languages: vec!["en".to_owned()],
        zone: "Europe/London".to_owned(),
        ..Default::default()
    };
    let request_id = new_id().to_string();
    let request = CreateCustomerRequest { customer: Some(customer), request_id: request_id.clone() };
    let name = customers.create_customer(request).await?.into_inner().customer.unwrap().name;
    Ok(Acknowledged::Customer { name, request_id })
}

/// Breaks something, and expects the judge to say so under this id and in these words.
pub async fn planted(suite: &Suite, journal: &[Acknowledged], service: &str, sql: &str, id: &str, says: &str) {
    let before = judge::broken(suite, journal).await.unwrap();
    let said = |broken: &[String]| broken.iter().any(|fault| fault.starts_with(id) && fault.contains(says));
    assert!(!said(&before), "{id} {says} is broken before it was planted: {before:#?}");
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(suite.database(service)).await.unwrap();
    assert!(done.rows_affected() > 0, "nothing was planted by {sql}");
    let after = judge::broken(suite, journal).await.unwrap();
    assert!(said(&after), "{id} {says} was planted and not found: {after:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_every_fault_that_is_planted() {
    let suite = Suite::start(SuiteOptions::default()).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let mut order = ShopOrder::new(&Shopper::new("en"));
    push(&shop, vec![order.placed(installation::now(), None)]).await;
    let mut journal = vec![create_customer(&suite).await];
    drained(&suite).await;
    push(&shop, vec![order.delivered(installation::now())]).await;
    drained(&suite).await;
    assert_eq!(judge::broken(&suite, &journal).await.unwrap(), Vec::<String>::new());

    let Acknowledged::Customer { name, request_id } = journal[0].clone() else { panic!("a customer was made") };
    let id = name.trim_start_matches("customers/");
    let plant = async |service: &str, sql: &str, id: &str, says: &str| {
        planted(&suite, &journal, service, sql, id, says).await;
    };
    plant("notifications", "update recipient set sequence = 0", "I4", "notifications: customers are known as they are")
        .await;
    let again = format!(
        "insert into seva.audit (at, actor, method, resource, request_id, changed)
         select at, actor, method, 'customers/another', request_id, changed from seva.audit where request_id = '{request_id}'"
    );
    plant("customers", &again, "I3", "one request id has one effect").await;
    let unaudited = format!("delete from seva.audit where request_id = '{request_id}'");
    plant("customers", &unaudited, "I2", "was also audited").await;
    let lost = format!("delete from timeline_entry where customer_id = '{id}'; delete from customer where id = '{id}'");
    plant("customers", &lost, "I1", "what was acknowledged is there").await;

    // Two events of the one order change places.
    let swapped = "with pair as (
            select min(f.feed_no) as one, max(f.feed_no) as other from seva.feed f
            join seva.outbox o on o.position = f.position where o.subject like 'orders/%'
        ), moved as (
            select f.feed_no, f.position, f.day from seva.feed f, pair where f.feed_no in (one, other)
        )
        update seva.feed f set position = m.position, day = m.day from moved m, pair
        where f.feed_no in (one, other) and m.feed_no = one + other - f.feed_no";
    plant("customers", swapped, "I6", "in order").await;
    plant("customers", "update customer_order set version = version + 1", "I2", "an order's version").await;
    plant("customers", "update customer set order_count = order_count + 1", "I5", "counts once").await;
    plant("customers", "delete from seva.feed where feed_no = 1", "I4", "exactly once").await;
    plant("customers", "delete from seva.feed where feed_no = 3", "I4", "dense").await;

    plant("notifications", "update notification set version = version + 5", "I5", "numbered without a gap").await;
    let twice =
        "insert into decision select notification_id, max(number) + 2, 'sent', 'handed_over', '', max(decided_at)
                 from decision group by notification_id";
    plant("notifications", twice, "I7", "stands once").await;
    let handed = "update notification set handovers = 2 where category = 'welcome'";
    plant("notifications", handed, "I7", "once at most").await;
    let unsent = "update notification set state = 'failed' where category = 'welcome'";
    plant("notifications", unsent, "I7", "what is a mail was sent").await;
    let uncaused = format!("update notification set cause_event_id = '{}' where category = 'welcome'", new_id());
    plant("notifications", &uncaused, "I4", "caused by an event").await;
    let again = "insert into notification select (jsonb_populate_record(n, jsonb_build_object(
                   'id', gen_random_uuid(), 'occasion', 'again'))).* from notification n where milestone = 'order_placed'";
    plant("notifications", again, "I5", "told once for a reason").await;

    let mut taken: BTreeMap<_, _> = mail::all_in(&suite.mail).into_iter().map(|mail| (mail.id, 3)).collect();
    taken.insert("unheard of".to_owned(), 1);
    let broken = judge::misdelivered(&suite, &taken).await.unwrap();
    let expected = ["not recorded", "once at most", "recorded before it began"];
    assert!(expected.iter().all(|says| broken.iter().any(|fault| fault.contains(says))), "{broken:#?}");
    let broken = judge::misdelivered(&suite, &BTreeMap::new()).await.unwrap();
    assert!(broken.iter().any(|fault| fault.contains("said to be sent")), "{broken:#?}");

    let mails = mail::to(&suite.mail, &order.shopper.email);
    std::fs::remove_file(suite.mail.join(format!("{}.eml", mails[0].id))).unwrap();
    let broken = judge::broken(&suite, &journal).await.unwrap();
    assert!(broken.iter().any(|fault| fault.contains("what was sent is a mail")), "{broken:#?}");
    journal.push(Acknowledged::Customer { name: "customers/another".to_owned(), request_id });
    let broken = judge::broken(&suite, &journal).await.unwrap();
    assert!(broken.iter().any(|fault| fault.contains("a repeated request answers the same")), "{broken:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_what_a_database_has_lost_that_does_not_wait_for_the_disk() {
    // Commits stay in memory until the next write of the log, which is put off; now and then something else writes it, and nothing is lost.
    let forgetful = [("synchronous_commit", "off"), ("wal_writer_delay", "10s"), ("wal_writer_flush_after", "1GB")];
    let postgres = forgetful.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut suite = Suite::start(SuiteOptions { durable: true, postgres, ..Default::default() }).await;
    let mut journal = Vec::new();
    for _ in 0..5 {
        journal.push(eventually("it takes writes again", || async { created(&suite).await.ok() }).await);
        for _ in 0..20 {
            journal.push(create_customer(&suite).await);
        }
        suite.kill_postgres().await;
        suite.restart_postgres().await;
        let broken = judge::broken(&suite, &journal).await.unwrap();
        if broken.iter().any(|fault| fault.starts_with("I1")) {
            return;
        }
    }
    panic!("nothing was lost in five kills, or the judge does not see it");
}
