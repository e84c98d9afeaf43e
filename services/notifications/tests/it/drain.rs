//! How fast what is due at once is handed over: figures, not a verdict on the machine.

use std::{sync::Arc, time::Instant};

use seva_notifications::provider::Null;

use crate::town::{PLACED, Post, Town, an_order, new_order};
use seva_runtime::call::Story;
use seva_store::{NewEvent, event};

const MESSAGES: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_due_messages_are_each_handed_over_once() {
    let null = Arc::<Null>::default();
    let town = Town::with_provider(Arc::<Post>::default(), null.clone()).await;
    let somebody = town.somebody(&["hi"]).await;
    let began = Instant::now();
    for _ in 0..MESSAGES / 500 {
        let events: Vec<NewEvent> = (0..500)
            .map(|_| {
                let order = new_order();
                let event = an_order(somebody, &order);
                NewEvent::new(PLACED, order, 1, town.clock.now(), Story::begun_by("bench"), &event)
            })
            .collect();
        let mut transaction = town.customers.db.begin().await.unwrap();
        event::append(&mut transaction, "key:shop", &events).await.unwrap();
        town.customers.db.commit(transaction).await.unwrap();
    }
    town.settled().await;
    let decided = began.elapsed();

    let began = Instant::now();
    let claimed = town.dispatch_all().await;
    let handed_over = began.elapsed();

    let rate = |seconds: f64| f64::from(u32::try_from(MESSAGES).unwrap()) / seconds;
    println!("decided {:.0}/s, handed over {:.0}/s", rate(decided.as_secs_f64()), rate(handed_over.as_secs_f64()));
    assert_eq!(claimed, MESSAGES);
    assert_eq!(null.count(), u64::try_from(MESSAGES).unwrap());
    assert_eq!(town.count("select count(*) from notification where state = 'sent'").await, 10_000);
    assert_eq!(town.count("select count(*) from notification where due_at is not null").await, 0);
}
