//! Messages of those who mean no good.

use seva_proto::tickets::v1::{InboundMessage, MessageThread, message_result::Outcome};

use super::{mail, why};
use crate::world::World;

const MALLORY: &str = "mallory@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_and_turned_text_reach_nobody() {
    let world = World::new().await;
    let text = "Click\0 here\u{7}\u{1b}[31m\u{202e}moc.live\u{202c}\r\nSecond line";
    let ticket = world.delivers(mail("<1>", MALLORY, "Hello\r\nBcc: all@example.com\0\u{202e}", text)).await;
    assert_eq!(world.get(&ticket).await.title, "Hello Bcc: all@example.com");
    assert_eq!(world.texts(&ticket).await, ["Click here[31mmoc.live\nSecond line"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_words_are_cut_on_the_ticket_and_kept_whole_beside_it() {
    let world = World::new().await;
    let result = world.push(mail("<1>", MALLORY, &"s".repeat(1_000_000), &"य".repeat(100_000))).await;
    let ticket = world.get(&result.ticket).await;
    assert_eq!(ticket.title.chars().count(), 200);
    let said = world.texts(&ticket.name).await;
    assert_eq!((said[0].chars().count(), said[0].ends_with("[…]")), (20_000, true));
    let kept = world.kept(&result.inbound_message).await;
    assert_eq!((kept.subject.chars().count(), kept.text.chars().count()), (500, 100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_others_in_a_subject_lead_nowhere_and_tell_nothing() {
    let world = World::new().await;
    let theirs = world.delivers(mail("<1>", "asha@example.com", "Where is it?", "It has not come.")).await;
    let before = world.looked_at(&theirs).await;
    let missing = "[#ZZZZZZZZ0]";
    let subject = format!("Re: [#{}] [#[#{}]] {missing} [#'; drop table ticket; --]", before.number, before.number);
    let own = world.push(mail("<2>", MALLORY, &subject, "Let me in.")).await;
    assert_ne!(own.ticket, theirs);
    assert_eq!(world.get(&theirs).await, before);
    // What is answered is the same whether or not there is such a ticket.
    let guess = world.push(mail("<3>", MALLORY, missing, "Let me in.")).await;
    assert_eq!((guess.state(), guess.reason()), (own.state(), own.reason()));
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_references_are_passed_over_and_malformed_ones_too() {
    let world = World::new().await;
    let mut in_reply_to: Vec<String> = (0..5_000).map(|at| format!("<{at}@example.com>")).collect();
    in_reply_to.extend(["\r\nBcc: all@example.com".to_owned(), String::new(), "x".repeat(10_000)]);
    let thread = MessageThread { in_reply_to, thread_id: String::new() };
    let result = world.push(InboundMessage { thread: Some(thread), ..mail("<1>", MALLORY, "", "Hello.") }).await;
    let kept = world.kept(&result.inbound_message).await;
    assert_eq!(kept.thread.unwrap().in_reply_to.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_kept_is_refused_and_kept_nowhere() {
    let world = World::new().await;
    for id in ["", " ", "a\0b", "a\nb", &"x".repeat(501)] {
        let result = world.publish(vec![mail(id, MALLORY, "", "Hello.")]).await.remove(0);
        assert_eq!(result.outcome(), Outcome::Rejected, "{id:?}");
        assert_eq!(why(&result), "FIELDS_INVALID");
    }
    assert_eq!(world.count("select count(*) from inbound_message").await, 0);
}
