//! Feeds that are heard again from their beginning change nothing.

use seva_proto::{
    notifications::v1::{DecisionReason, notification::State as MailState},
    surveys::v1::invitation::State,
    tickets::v1::{Matter, TicketEvent, ticket::Closure, ticket::State as TicketState},
};
use seva_values::{format_name, new_id};

use crate::world::{World, a_closed_ticket};

/// All that was made of what was heard.
async fn everything(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for table in [
        "recipient",
        "known_ticket",
        "invitation",
        "throttle_entry",
        "response",
        "answer",
        "loop_case",
        "seva.outbox",
        "seva.dead_letter",
    ] {
        let sql = format!("select '{table} ' || t::text from {table} t order by 1");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&world.office.database.owner).await.unwrap();
        all.extend(rows);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_again_changes_nothing() {
    let world = World::new().await;
    // One who is asked, answers low, and is followed to their word.
    let low = world.asked().await;
    world.is_sent(&low).await;
    world.answers(&low, 1).await;
    let case = world.loop_cases().await.remove(0);
    let ticket = TicketEvent {
        ticket: format_name("tickets", new_id()),
        matter: Some(Matter { kind: "low_score".to_owned(), subject: case.response.clone(), version: String::new() }),
        state: TicketState::New.into(),
        closure: Closure::Unspecified.into(),
        ..a_closed_ticket(low.customer.trim_start_matches("customers/").parse().unwrap())
    };
    let closed = TicketEvent { state: TicketState::Closed.into(), closure: Closure::Verified.into(), ..ticket.clone() };
    for (kind, event) in [
        ("seva.tickets.ticket.created.v1", &ticket),
        ("seva.tickets.ticket.assigned.v1", &ticket),
        ("seva.tickets.ticket.resolved.v1", &ticket),
        ("seva.tickets.ticket.closed.v1", &closed),
    ] {
        world.ticket_says(kind, event).await;
    }
    // One who cannot be reached, one who is called off and asked after all, one who says nothing.
    let unreachable = world.asked().await;
    world.mail_is(&unreachable, MailState::Failed, DecisionReason::BadAddress).await;
    let again = a_closed_ticket(world.customer("ur").await);
    let open = TicketEvent { state: TicketState::New.into(), closure: Closure::Unspecified.into(), ..again.clone() };
    for (kind, event) in [
        ("seva.tickets.ticket.closed.v1", &again),
        ("seva.tickets.ticket.reopened.v1", &open),
        ("seva.tickets.ticket.closed.v1", &again),
    ] {
        world.ticket_says(kind, event).await;
    }
    let held = world.delivered(world.customer("en").await).await;
    world.pass(1).await;
    let before = everything(&world).await;
    assert!(before.len() > 40, "{before:?}");

    world.hears_everything_again().await;

    assert_eq!(everything(&world).await, before);
    // And it goes on as if nothing had been.
    world.pass(48).await;
    assert_eq!(world.about(&held).await.state(), State::Queued);
    world.pass(15 * 24).await;
    let ended = everything(&world).await;
    world.hears_everything_again().await;
    assert_eq!(everything(&world).await, ended);
}
