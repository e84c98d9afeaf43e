//! What of a ticket is a line of its customer's timeline.

use seva_proto::tickets::v1::{TicketEvent, message::Visibility};

use super::consumer::is_line;

#[test]
fn a_line_is_what_the_customer_did_or_can_see_and_nothing_else() {
    let said = |visibility: Visibility| TicketEvent { message_visibility: visibility.into(), ..TicketEvent::default() };
    let (public, internal) = (said(Visibility::Public), said(Visibility::Internal));
    for act in ["created", "resolved", "rejected", "reopened", "closed", "canceled"] {
        assert!(is_line(act, &TicketEvent::default()), "{act}");
    }
    for act in ["replied", "pending"] {
        assert!(is_line(act, &public), "{act}");
        assert!(!is_line(act, &internal) && !is_line(act, &TicketEvent::default()), "{act}");
    }
    for act in [
        "assigned",
        "unassigned",
        "updated",
        "verification_requested",
        "verification_undelivered",
        "clock_breached",
        "merged",
    ] {
        assert!(!is_line(act, &public), "{act}");
    }
}
