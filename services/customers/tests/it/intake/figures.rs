//! A figure for information: it depends on the machine and on how the code was compiled, so nothing is asserted about it.

use std::time::Instant;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_events_in_batches_of_a_hundred() {
    let shop = Shop::new().await;
    // Sixteen orders are under way at any time, ten events each.
    let mut events = Vec::with_capacity(20_000);
    for group in 0..125 {
        for sequence in 1..=10 {
            for number in 0..16 {
                let (order, customer) = (format!("A-{group}-{number}"), format!("{}", group * 16 + number));
                events.push(match sequence {
                    1 => placed_for(&order, &customer, sequence, TIME, kolkata("2026-03-09")),
                    2 => confirmed(&order, &customer, sequence, TIME),
                    6 => delayed(&order, &customer, sequence, TIME, "2026-03-11"),
                    10 => delivered(&order, &customer, sequence, TIME),
                    _ => in_transit(&order, &customer, sequence, TIME, "Pune"),
                });
            }
        }
    }
    let batches: Vec<_> = events.chunks(100).map(<[_]>::to_vec).collect();
    let began = Instant::now();
    for batch in batches {
        let results = shop.publish(batch).await;
        assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    }
    let took = began.elapsed();
    println!("intake: 20000 events in {took:.2?}, {:.0} a second", 20_000.0 / took.as_secs_f64());
    assert_eq!(shop.world.count("select count(*) from customer_order where state = 'delivered'").await, 2000);
}
