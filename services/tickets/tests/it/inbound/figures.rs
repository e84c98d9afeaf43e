//! A figure for information: it depends on the machine and on how the code was compiled, so nothing is asserted about it.

use std::time::Instant;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while; prints a figure"]
async fn ten_thousand_messages_in_batches_of_a_hundred() {
    let world = World::new().await;
    // One of three answers what came before; each sender sends ten.
    let messages: Vec<_> = (0..10_000)
        .map(|at| {
            let sender = format!("asha{}@example.com", at % 1_000);
            let message =
                mail(&format!("<{at}>"), &sender, "Where is it?", "It has not come, and I have waited for a week.");
            if at >= 1_000 && at % 3 == 0 { in_reply_to(&format!("<{}>", at - 1_000), message) } else { message }
        })
        .collect();
    let batches: Vec<_> = messages.chunks(100).map(<[_]>::to_vec).collect();
    let began = Instant::now();
    for batch in batches {
        let results = world.publish(batch).await;
        assert!(results.iter().all(|result| result.state() == State::Delivered), "{results:?}");
    }
    let took = began.elapsed();
    println!("messages in: 10000 in {took:.2?}, {:.0} a second", 10_000.0 / took.as_secs_f64());
    assert_eq!(world.count("select count(*) from message").await, 10_000);
}
